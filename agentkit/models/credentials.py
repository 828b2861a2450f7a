"""Which providers' credentials are in sight, in the environment and in AWS's files. No network, no provider's SDK."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Found", "available", "variables"]


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials in sight.

    Attributes:
        provider: as in "provider:model".
        what: where they are, for people.
        model_hint: a small model of this provider to begin with; "" where that depends on the account.
        missing: what else has to be set before they are of use, or "".
    """

    provider: str
    what: str
    model_hint: str
    missing: str = ""


# Anthropic's and Google's variables first, then by name; one model each that is cheap and good enough to try an agent.
KEYS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "anthropic": (("ANTHROPIC_API_KEY",), "anthropic:claude-haiku-4-5"),
    "openai": (("OPENAI_API_KEY",), "openai:gpt-5-mini"),
    "google_genai": (("GOOGLE_API_KEY", "GEMINI_API_KEY"), "google_genai:gemini-2.5-flash"),
    "azure_openai": (("AZURE_OPENAI_API_KEY",), ""),
    "cohere": (("COHERE_API_KEY", "CO_API_KEY"), "cohere:command-r-plus"),
    "deepseek": (("DEEPSEEK_API_KEY",), "deepseek:deepseek-chat"),
    "fireworks": (("FIREWORKS_API_KEY",), ""),
    "groq": (("GROQ_API_KEY",), "groq:llama-3.3-70b-versatile"),
    "mistralai": (("MISTRAL_API_KEY",), "mistralai:mistral-small-latest"),
    "openrouter": (("OPENROUTER_API_KEY",), ""),
    "perplexity": (("PPLX_API_KEY", "PERPLEXITY_API_KEY"), "perplexity:sonar"),
    "together": (("TOGETHER_API_KEY",), ""),
    "xai": (("XAI_API_KEY",), "xai:grok-4"),
}
PROFILE_KEYS = {
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
}
GEOGRAPHIES = {"us-gov-": "us-gov", "us-": "us", "eu-": "eu", "ap-": "apac", "ca-": "ca"}


def variables(provider: str) -> tuple[str, ...]:
    """The environment variables that hold a provider's key."""
    return KEYS[provider.replace("-", "_")][0] if provider.replace("-", "_") in KEYS else ()


def available(environment: Mapping[str, str] | None = None) -> list[Found]:
    """All that is in sight, AWS first. An EC2 instance's role cannot be seen without asking the network.

    Args:
        environment: by default the process's own.
    """
    env = os.environ if environment is None else environment
    found = [aws] if (aws := _aws(env)) else []
    for provider, (names, hint) in KEYS.items():
        if name := next((name for name in names if env.get(name)), None):
            found.append(Found(provider, f"{name} in the environment", hint))
    return found


def _aws(env: Mapping[str, str]) -> Found | None:
    profile = env.get("AWS_PROFILE") or env.get("AWS_DEFAULT_PROFILE") or "default"
    config = _ini(env, "AWS_CONFIG_FILE", "config")
    section = f"profile {profile}" if profile != "default" and not config.has_section(profile) else profile
    what = _aws_keys(env) or _aws_profile(env, profile, config, section)
    if what is None:
        return None
    region: str = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or ""
    if not region and config.has_option(section, "region"):
        region = config.get(section, "region")
    geography = next((geo for start, geo in GEOGRAPHIES.items() if region.startswith(start)), "us")
    missing = "" if region else "set AWS_REGION, for example to us-east-1"
    return Found("bedrock", what, f"bedrock:{geography}.amazon.nova-lite-v1:0", missing)


def _aws_keys(env: Mapping[str, str]) -> str | None:
    if env.get("AWS_BEARER_TOKEN_BEDROCK"):
        return "AWS_BEARER_TOKEN_BEDROCK in the environment"
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        return "AWS_ACCESS_KEY_ID in the environment"
    if env.get("AWS_WEB_IDENTITY_TOKEN_FILE") and env.get("AWS_ROLE_ARN"):
        return "a web identity (AWS_ROLE_ARN in the environment)"
    if env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return "the container's role"
    return None


def _aws_profile(
    env: Mapping[str, str], profile: str, config: configparser.RawConfigParser, section: str
) -> str | None:
    shared = _ini(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    options = {
        *(shared.options(profile) if shared.has_section(profile) else ()),
        *(config.options(section) if config.has_section(section) else ()),
    }
    return f"the AWS profile {profile!r}" if options & PROFILE_KEYS else None


def _ini(env: Mapping[str, str], variable: str, name: str) -> configparser.RawConfigParser:
    """One of AWS's files; a file that cannot be read counts as empty."""
    home = Path(env.get("HOME") or env.get("USERPROFILE") or "~").expanduser()
    parser = configparser.RawConfigParser(default_section="\0", strict=False)  # "default" is a profile like any other
    try:
        parser.read(Path(env.get(variable) or home / ".aws" / name).expanduser(), encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return parser
