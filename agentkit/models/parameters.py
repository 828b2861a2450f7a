"""Our inference parameters in the words of each provider.

A LangChain chat model keeps its parameters in fields, under the provider's names. So a request's parameters are set on
a copy of the chat model, which shares the original's clients. That works for every provider; only Bedrock, which hands
some parameters to the model under names of the model's family, needs to know more.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import fields, replace
from typing import TYPE_CHECKING, cast

from agentkit.errors import ConfigError
from agentkit.messages import JSON
from agentkit.models.base import Params

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["DROPPABLE", "merged", "own_stops", "shaped", "without"]

DROPPABLE = frozenset({"stop", "temperature", "top_p", "top_k", "seed"})
"""What a request may be repeated without when the model refuses it. `max_tokens` is not: it limits what is spent."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "p"),
    "top_k": ("top_k", "k"),
    "max_tokens": ("max_tokens", "max_output_tokens", "num_predict", "max_new_tokens", "max_completion_tokens"),
    "seed": ("seed", "random_seed"),
}

# Without fields of their own, but the provider takes them: LangChain puts `model_kwargs` into the request as they are.
IN_MODEL_KWARGS: Mapping[str, frozenset[str]] = {"ChatGroq": frozenset({"top_p", "seed"})}

STOP_FIELDS: Mapping[str, tuple[str, ...]] = {"stop": ("stop_sequences", "stop")}

BEDROCK_FAMILIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "anthropic": {"top_k": ("top_k",)},
    "amazon.nova": {"top_k": ("inferenceConfig", "topK")},
    "mistral": {"top_k": ("top_k",)},
    "cohere": {"top_k": ("k",), "seed": ("seed",)},
}
"""Paths inside additionalModelRequestFields, from "Inference request parameters and response fields for foundation
models" in the Amazon Bedrock user guide; the families that are not here have no such parameter."""


def merged(own: Params, asked: Params) -> Params:
    """The request's parameters, and the model's own where the request leaves them open; stop texts of both."""
    open_ones = {f.name: getattr(own, f.name) for f in fields(own) if getattr(asked, f.name) is None}
    return replace(asked, **open_ones, stop=tuple(dict.fromkeys((*asked.stop, *own.stop))))


def without(params: Params, refused: Set[str]) -> Params:
    """The parameters, less those the model is known to refuse."""
    dropped = {name: () if name == "stop" else None for name in refused & DROPPABLE}
    return replace(params, **dropped)  # type: ignore[arg-type]  # the names are those of Params' fields


def shaped(chat: BaseChatModel, params: Params, refused: Set[str], name: str) -> BaseChatModel:
    """The chat model with these parameters set, and without its own that are refused.

    `params.stop` is left to the call: LangChain takes stop texts there.

    Raises:
        ConfigError: the provider has no such parameter.
    """
    known = type(chat).model_fields
    update: dict[str, object] = {}
    extra: dict[str, JSON] = {}
    for key, names in FIELDS.items():
        value = getattr(params, key)
        field = next((field for field in names if field in known), None)
        if value is None:
            continue
        if field is not None:
            update[field] = value
        elif path := _family(chat).get(key):
            extra = _nested(extra, path, value)
        elif key in IN_MODEL_KWARGS.get(type(chat).__name__, ()):
            before = update.get("model_kwargs", getattr(chat, "model_kwargs", {}))
            update["model_kwargs"] = {**cast("dict[str, object]", before), key: value}
        else:
            raise ConfigError(f"{name} has no parameter {key!r}: leave it out, or use another model.")
    for field in (field for key in refused for field in (*FIELDS.get(key, ()), *STOP_FIELDS.get(key, ()))):
        if field in known and getattr(chat, field) is not None:
            update[field] = None
    if extra:
        own = cast("dict[str, JSON]", getattr(chat, "additional_model_request_fields", None) or {})
        update["additional_model_request_fields"] = _joined(own, extra)
    return chat.model_copy(update=update) if update else chat


def own_stops(chat: BaseChatModel) -> tuple[str, ...]:
    """Stop texts that the user set on the chat model itself: a call's own would replace them."""
    value: object = getattr(chat, "stop_sequences", None) or getattr(chat, "stop", None)
    if isinstance(value, str):
        return (value,)
    return tuple(cast("list[str]", value)) if isinstance(value, (list, tuple)) else ()


def _family(chat: BaseChatModel) -> Mapping[str, tuple[str, ...]]:
    """Where this Bedrock model keeps the parameters that Converse does not know; nothing for other providers."""
    if "additional_model_request_fields" not in type(chat).model_fields:
        return {}
    model = str(getattr(chat, "base_model_id", None) or getattr(chat, "model_id", ""))
    named = f"{getattr(chat, 'provider', '')} {model}".lower()
    for family, where in BEDROCK_FAMILIES.items():
        if family in named:
            return where
    return {}


def _nested(tree: dict[str, JSON], path: tuple[str, ...], value: JSON) -> dict[str, JSON]:
    head, *rest = path
    if not rest:
        return {**tree, head: value}
    return {**tree, head: _nested(cast("dict[str, JSON]", tree.get(head, {})), tuple(rest), value)}


def _joined(own: Mapping[str, JSON], extra: Mapping[str, JSON]) -> dict[str, JSON]:
    """Both trees in one; `extra` wins."""
    both = {key: own[key] for key in own.keys() & extra.keys()}
    deep = {
        key: _joined(value, cast("Mapping[str, JSON]", extra[key]))
        for key, value in both.items()
        if isinstance(value, Mapping) and isinstance(extra[key], Mapping)
    }
    return {**own, **extra, **deep}
