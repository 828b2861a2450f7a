"""Reading LangChain's messages: text, tokens and why the text ended, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from agentkit.messages import ReplyEnd, Tokens
from agentkit.models.base import Chunk

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from langchain_core.messages.ai import UsageMetadata

__all__ = ["Reader"]

REASONS = ("stopReason", "stop_reason", "finish_reason", "done_reason")
ENDS: Mapping[str, ReplyEnd] = {
    "stop_sequence": "stop",
    "max_tokens": "length",
    "length": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "filtered",
    "content_filtered": "filtered",
    "guardrail_intervened": "filtered",
    "refusal": "filtered",
    "safety": "filtered",
    "recitation": "filtered",
    "blocklist": "filtered",
    "prohibited_content": "filtered",
}
"""In the words of Bedrock, Anthropic, OpenAI, Mistral and Google. All others ("end_turn", and OpenAI's "stop", which
also stands for a stop sequence) are an end like any other."""


class Reader:
    """Turns the messages of one call into chunks.

    Reasoning becomes text between `<think>` and `</think>`. Providers spread usage over several messages; it is summed.

    Args:
        stops: texts at which to end here, for models that do not take stop texts: `stopped` is then True.
    """

    __slots__ = ("_held", "_reason", "_stops", "_thinking", "_tokens", "begun", "stopped")

    def __init__(self, stops: tuple[str, ...] = ()) -> None:
        self._stops = stops
        self._held: str = ""
        self._thinking = False
        self._tokens: Tokens | None = None
        self._reason = ""
        self.begun = False
        self.stopped = False

    def feed(self, message: AIMessage) -> Iterator[Chunk]:
        """The chunk for one message of a stream, or for a whole reply; none when it has no text."""
        if message.usage_metadata:
            self._tokens = _sum(self._tokens, message.usage_metadata)
        metadata = cast("Mapping[str, object]", message.response_metadata)
        self._reason = next((str(metadata[key]) for key in REASONS if metadata.get(key)), self._reason)
        if text := self._cut("".join(self._written(message))):
            self.begun = True
            yield Chunk(text)

    def end(self) -> Iterator[Chunk]:
        """What is left at the end of the call: held text, tokens, and why it ended."""
        rest = "" if self.stopped else self._held
        close = "</think>\n" if self._thinking else ""
        end = "stop" if self.stopped else ENDS.get(self._reason.lower(), "end")
        yield Chunk(rest + close, self._tokens, end)

    def _written(self, message: AIMessage) -> Iterator[str]:
        for text, is_reasoning in _texts(message):
            if not text:
                continue
            if is_reasoning != self._thinking:
                yield "<think>" if is_reasoning else "</think>\n"
                self._thinking = is_reasoning
            yield text

    def _cut(self, text: str) -> str:
        """As much as may be handed on: up to the first stop text, less what may turn out to begin one."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        text = self._held + text
        if ends := [position for stop in self._stops if (position := text.find(stop)) >= 0]:
            self.stopped = True
            return text[: min(ends)]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that begins `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)


def _texts(message: AIMessage) -> Iterator[tuple[str, bool]]:
    """The texts of a message, each with whether it is reasoning."""
    if isinstance(message.content, str) and not message.additional_kwargs:
        yield message.content, False
        return
    for block in message.content_blocks:
        if block["type"] == "text":
            yield block["text"], False
        elif block["type"] == "reasoning":
            yield block.get("reasoning", ""), True


def _sum(before: Tokens | None, usage: UsageMetadata) -> Tokens:
    base = before or Tokens()
    cached = usage.get("input_token_details", {}).get("cache_read", 0) or 0
    return Tokens(base.input + usage["input_tokens"], base.output + usage["output_tokens"], base.cached + cached)
