"""Which model is meant: a name, a LangChain chat model, or an object that speaks our protocol."""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from agentkit.errors import AgentkitError, AuthError, ConfigError
from agentkit.models.base import Model, Params

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["is_chat_model", "load"]

NO_PARAMS = Params()
BEDROCK = ("bedrock", "bedrock_converse")
KEY_UNCHECKED = ("anthropic", "mistralai")  # their classes do without a key until the first call
BEDROCK_ID = re.compile(
    r"(arn:aws|(([a-z]{2,6}|us-gov)\.)?(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer|xai)\.)"
)


def load(model: str | BaseChatModel | Model, *, params: Params = NO_PARAMS, **provider_options: object) -> Model:
    """Make a model.

    Args:
        model: "provider:name" ("bedrock:us.amazon.nova-lite-v1:0", "openai:gpt-5-mini", "ollama:llama3.2": any provider
            of LangChain's `init_chat_model`); "local", "local:base" (without the adapter), or
            "local:/path/to/weights.gguf"; a LangChain `BaseChatModel`;
            or an object with our protocol, which is given back as it is.
        params: inference parameters for every call; those of a request win over them.
        provider_options: what the provider's LangChain class takes; for Bedrock see `agentkit.models.bedrock`.

    Raises:
        ConfigError: an unknown provider, option or parameter, or a package that is not installed.
        AuthError: a region, credentials or an API key are missing.
    """
    if isinstance(model, str):
        return _named(model.strip(), params, provider_options)
    if is_chat_model(model):
        if provider_options:
            raise ConfigError(f"Set {', '.join(sorted(provider_options))} on the chat model itself.")
        from agentkit.models.langchain import LangChainModel

        if any(cls.__name__ == "ChatBedrockConverse" for cls in type(model).__mro__):
            from agentkit.models.bedrock import watch

            watch(cast("Any", model))
        return LangChainModel(model, params=params)
    if _is_runnable(model):  # which has the names of our protocol's methods, but another idea of them
        raise ConfigError("Give the chat model itself, not a Runnable made of it; parameters go into params=.")
    if isinstance(model, Model):  # pyright: ignore[reportGeneralTypeIssues]  # chat models fit it too: they were first
        if params != NO_PARAMS or provider_options:
            raise ConfigError(f"Set parameters and options on {type(model).__name__} itself, or in the request.")
        return model
    raise ConfigError(
        f"A model is a name like 'bedrock:us.amazon.nova-lite-v1:0', a LangChain chat model, or an object with name, "
        f"stream and astream, not {type(model).__name__}."
    )


def is_chat_model(model: object) -> TypeGuard[BaseChatModel]:
    """Without importing LangChain: an object of its classes exists only where that has been done."""
    chat_models = sys.modules.get("langchain_core.language_models.chat_models")
    return chat_models is not None and isinstance(model, chat_models.BaseChatModel)


def _is_runnable(model: object) -> bool:
    runnables = sys.modules.get("langchain_core.runnables.base")
    return runnables is not None and isinstance(model, runnables.Runnable)


def _named(name: str, params: Params, options: dict[str, object]) -> Model:
    provider, _, rest = name.partition(":")
    provider = provider.replace("-", "_").lower()
    if provider == "local":
        from agentkit.models.local import LocalModel

        weights: dict[str, Any] = {}
        if rest:
            weights = {"trained": False} if rest == "base" else {"weights": Path(rest)}
        return LocalModel(params, **weights, **cast("dict[str, Any]", options))
    if BEDROCK_ID.match(name):
        raise ConfigError(f"{name!r} names no provider. Did you mean 'bedrock:{name}'?")
    if provider in BEDROCK and not rest:
        raise ConfigError(f"{name!r} names no model: write for example 'bedrock:us.amazon.nova-lite-v1:0'.")
    from agentkit.models.langchain import LangChainModel

    if provider in BEDROCK:
        from agentkit.models.bedrock import bedrock_chat

        return LangChainModel(
            bedrock_chat(rest, **cast("dict[str, Any]", options)), name=f"bedrock:{rest}", params=params
        )
    return LangChainModel(_initialized(name, options), name=name, params=params)


def _initialized(name: str, options: dict[str, object]) -> BaseChatModel:
    """LangChain's `init_chat_model`, with the SDK's own retries off and usage in streams, where it has the options."""
    chat = _init(name, options)
    wanted = {"max_retries": 0, "stream_usage": True}
    fields = type(chat).model_fields
    missing = {key: value for key, value in wanted.items() if key in fields and key not in options}
    if name.partition(":")[0] in KEY_UNCHECKED and not any(
        getattr(chat, field) for field in fields if field.endswith("_api_key")
    ):
        raise _no_key(name)
    return _init(name, {**options, **missing}) if missing else chat


def _init(name: str, options: dict[str, object]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        provider, _, model = name.partition(":")
        named: dict[str, Any] = {"model": model, "model_provider": provider} if model else {"model": name}
        return cast("BaseChatModel", init_chat_model(**named, **cast("dict[str, Any]", options)))
    except AgentkitError:
        raise
    except ImportError as error:
        package = re.search(r"pip install ([\w-]+)", str(error))
        command = f"pip install {package[1]}" if package else str(error)
        raise ConfigError(f"{name} needs a package that is not installed: {command}") from error
    except Exception as error:  # each provider's class raises its own
        raise _explained(error, name) from error


def _explained(error: Exception, name: str) -> AgentkitError:
    text = " ".join(str(error).split())
    if found := re.search(r"Supported model providers are: (.*)", text):
        provider, names = name.partition(":")[0], ["local", *found[1].split(", ")]
        near = difflib.get_close_matches(provider, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return ConfigError(f"{provider!r} is no provider.{hint} There are: {', '.join(names)}.")
    if text.startswith("Unable to infer model provider"):
        return ConfigError(f"{name!r} names no provider: write 'provider:model', for example 'openai:{name}'.")
    if re.search(r"(?i)api[ _-]?key|credential|access token", text):
        return _no_key(name)
    return ConfigError(f"{name} cannot be set up: {type(error).__name__}: {text}")


def _no_key(name: str) -> AuthError:
    from agentkit.models.credentials import variables

    keys = " or ".join(variables(name.partition(":")[0])) or "the provider's key"
    return AuthError(f"No credentials for {name}: set {keys}, or pass api_key=")
