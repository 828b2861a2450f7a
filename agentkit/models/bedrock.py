"""Amazon Bedrock through LangChain's `ChatBedrockConverse`, set up the way an agent needs it."""

from __future__ import annotations

import difflib
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from agentkit.errors import AgentkitError, AuthError, ConfigError
from agentkit.models.connection import opened
from agentkit.models.errors import map_error

if TYPE_CHECKING:
    from botocore.config import Config
    from langchain_aws import ChatBedrockConverse

__all__ = ["bedrock_chat", "watch"]

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 120.0  # between two chunks; a reasoning model can be silent for longer than botocore's 60 seconds
CREDENTIALS = ("credentials_profile_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def bedrock_chat(
    model_id: str,
    *,
    read_timeout: float = READ_TIMEOUT,
    connect_timeout: float = CONNECT_TIMEOUT,
    config: Config | None = None,
    **options: object,
) -> ChatBedrockConverse:
    """A chat model for a Bedrock model ID, inference profile or ARN.

    botocore's own retries are off, so that attempts do not multiply with agentkit's; every model is streamed (one that
    cannot be is found out with the first call); a stream's connection can be ended while another thread reads from it.

    Args:
        read_timeout: seconds without a byte after which a call counts as timed out.
        connect_timeout: seconds for the connection.
        config: a botocore Config to merge in.
        options: `region_name`, `credentials_profile_name`, `endpoint_url` and any other of `ChatBedrockConverse`.

    Raises:
        AuthError: no region, no credentials, or no such profile.
        ConfigError: an unknown option, or an ARN that does not say whose model it is.
    """
    from botocore.config import Config
    from langchain_aws import ChatBedrockConverse

    _check_options(options, ChatBedrockConverse)
    name = f"bedrock:{model_id}"
    merged = Config(connect_timeout=connect_timeout, read_timeout=read_timeout, max_pool_connections=64)
    merged = merged.merge(config) if config is not None else merged
    merged = merged.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))
    if model_id.startswith("arn:") and "provider" not in options:
        options["provider"] = _provider_of(model_id)
    given: dict[str, Any] = {"disable_streaming": False, **options, "config": merged, "model": model_id}
    try:
        if "client" not in given and not {"api_key", "bedrock_api_key"} & given.keys():
            given |= _clients(name, given, merged)
        chat = ChatBedrockConverse(**given)
    except (AuthError, ConfigError):
        raise
    except Exception as error:  # pydantic's, botocore's, or LangChain's ValueError around botocore's
        raise _explained(error, name) from error
    watch(chat)
    return chat


def watch(chat: ChatBedrockConverse) -> None:
    """See to it that the chat model's streams can be ended from outside (`agentkit.models.connection`)."""
    events = chat.client.meta.events
    events.register("after-call.bedrock-runtime.ConverseStream", _opened, unique_id="agentkit-opened")


def _check_options(options: dict[str, object], chat: type[ChatBedrockConverse]) -> None:
    """LangChain would put unknown options into the request with a warning."""
    known = {name for key, field in chat.model_fields.items() for name in (key, field.alias) if name}
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(f"Bedrock has no option {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))


def _provider_of(arn: str) -> str:
    """Whose model an ARN names: needed for the parameters' names."""
    found = re.search(r"(?:foundation-model|inference-profile)/(?:[a-z-]+\.)?([a-z0-9]+)\.", arn)
    if found is None:
        raise ConfigError(
            f"{arn} does not say whose model it is: pass provider=, for example provider='anthropic' (and "
            "base_model='anthropic.claude-…' to tell which one)."
        )
    return found[1]


def _clients(name: str, options: dict[str, Any], config: Config) -> dict[str, object]:
    """Both of Bedrock's clients from one session, after a look whether they have what they need."""
    from boto3 import Session

    profile, key, secret, token = (_secret(options.get(option)) for option in CREDENTIALS)
    region = cast("str | None", options.get("region_name")) or os.environ.get("AWS_REGION")
    session = Session(key, secret, token, region_name=region, profile_name=profile)
    if not session.region_name:
        raise AuthError(
            f"No AWS region is set for {name}: set AWS_REGION, for example to us-east-1, or pass region_name="
        )
    if not os.environ.get("AWS_BEARER_TOKEN_BEDROCK") and session.get_credentials() is None:
        from botocore.exceptions import NoCredentialsError

        raise map_error(NoCredentialsError(), name)
    common = {"endpoint_url": options.get("endpoint_url") or options.get("base_url"), "config": config}
    client = cast("Any", session).client  # Any: boto3's stubs know only services whose own stubs are installed
    return {
        "client": client("bedrock-runtime", **common),
        "bedrock_client": client("bedrock", **common),
        "region_name": session.region_name,
    }


def _secret(value: object) -> str | None:
    reveal = getattr(value, "get_secret_value", None)
    return cast("str | None", reveal() if callable(reveal) else value)


def _explained(error: Exception, name: str) -> AgentkitError:
    kinds = {type(each).__name__ for each in (error, error.__cause__)}
    if "ProfileNotFound" in kinds:
        return AuthError(f"{error.__cause__ or error}: name another profile, or make it with `aws configure`.")
    if "ValidationError" in kinds:  # pydantic's
        return ConfigError(f"{name} cannot be set up: {' '.join(str(error).split())}")
    return map_error(error, name)


class _Raw(Protocol):
    def shutdown(self) -> None: ...


class _Response(Protocol):
    raw: _Raw


def _opened(http_response: _Response, **_: object) -> None:
    raw = http_response.raw

    def end() -> None:
        # ValueError, RuntimeError: the response is at its end already, and its connection is not ours any more.
        with suppress(AttributeError, ValueError, RuntimeError, OSError):
            raw.shutdown()

    opened(end)
