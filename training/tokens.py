"""Text to tokens, as the runtime does it: the tokenizer is read from the same GGUF."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from agentkit.messages import Message
from agentkit.models.base import ReplyFormat
from agentkit.models.grammar import held_to

__all__ = ["Sample", "conversation", "encode", "sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A conversation in tokens.

    Attributes:
        prefix: the system message, which others have too.
        body: the rest.
        trained: the places in `body` whose token the model has to write itself.
    """

    prefix: tuple[int, ...]
    body: tuple[int, ...]
    trained: tuple[int, ...]


@cache
def _tokenizer(path: Path) -> object:
    from gguf import GGUFReader
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

    reader = GGUFReader(path)

    def told(key: str) -> list[object]:
        field = reader.get_field(f"tokenizer.ggml.{key}")
        assert field is not None, key
        return cast("list[object]", field.contents())

    words, kinds = cast("list[str]", told("tokens")), cast("list[int]", told("token_type"))
    merges = [tuple(cast("str", pair).split(" ", 1)) for pair in told("merges")]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    # llama.cpp's "smollm": every digit stands alone, the rest is split as GPT-2 does.
    digits = pre_tokenizers.Split(Regex(r"\p{N}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    control = [word for word, kind in zip(words, kinds, strict=True) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in control])
    return tokenizer


def encode(weights: Path, text: str) -> list[int]:
    """The tokens of a text in which the chat template's markers are markers."""
    from tokenizers import Tokenizer

    ids = cast("Tokenizer", _tokenizer(weights)).encode(text, add_special_tokens=False).ids
    return cast("list[int]", ids)


def conversation(record: Mapping[str, Any]) -> tuple[list[Message], Collection[int]]:  # Any: JSON
    """A line of traces, or one that `run-agent export --format sft` wrote: its messages, and which of the replies (from
    1) are not to be learned."""
    told = record["messages"]
    if "faulty" in record:
        return [Message(role, text) for role, text in told], range(1, record["faulty"] + 1)
    weights = [each["weight"] for each in told if each["role"] == "assistant"]
    skipped = [number for number, weight in enumerate(weights, 1) if not weight]
    return [Message(each["role"], each["content"]) for each in told], skipped


def sample(weights: Path, messages: list[Message], skipped: Collection[int] = ()) -> Sample:
    """A conversation up to the last thing that the model wrote; the replies `skipped` (from 1) are not trained.

    The words that every reply begins with are written for the model (see `held_to`), and not trained either.
    """
    while messages[-1].role != "assistant":
        messages = messages[:-1]
    prefix = tuple(encode(weights, f"<|im_start|>system\n{messages[0].text}<|im_end|>\n"))
    body: list[int] = []
    trained: list[int] = []
    replies = 0
    for message in messages[1:]:
        turn = f"{message.text}<|im_end|>\n"
        opening = next(
            (o for kind in ("react", "code") if turn.startswith(o := held_to(ReplyFormat(kind)).opening)), ""
        )
        start = f"<|im_start|>{message.role}\n"
        whole = encode(weights, start + turn)
        if message.role == "assistant":
            replies += 1
            given = len(encode(weights, start + opening))
            if replies not in skipped:
                # All that follows the opening, up to the end marker; the line break behind it is the template's.
                trained += range(len(body) + given, len(body) + len(whole) - 1)
        body += whole
    return Sample(prefix, tuple(body), tuple(trained))
