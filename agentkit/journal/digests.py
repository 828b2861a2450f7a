"""Hashes of what a run wants: the same run wants the same again. (The messages themselves would make the journal grow
with the square of the steps.)"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from agentkit.codec import json_bytes
from agentkit.flow import Ask
from agentkit.messages import Message

__all__ = ["Digests", "digest"]


def digest(tool: str, given: str, step: int, call: int) -> str:
    """The digest of an action, 32 hexadecimal digits.

    Args:
        tool: its name, as JSON.
        given: its input, likewise.
    """
    return hashlib.blake2b(f"[{tool},{given},{step},{call}]\n".encode(), digest_size=16).hexdigest()


class Digests:
    """The digests of one run's model calls. Each one's conversation goes on from the one before, and only what is new
    in it is hashed."""

    def __init__(self) -> None:
        self._said: tuple[tuple[Message, ...], hashlib.blake2b] = ((), hashlib.blake2b(digest_size=16))

    def of(self, effect: Ask, masked: Callable[[str], str] | None = None) -> str:
        """The digest of a model call, 32 hexadecimal digits.

        Args:
            masked: takes secrets out of a JSON text: a run that is resumed does not know them.
        """
        total = self._conversation(effect.messages, masked).copy()
        total.update(json_bytes((effect.step, effect.format.kind, effect.stop, effect.last, effect.sample)))
        return total.hexdigest()

    def _conversation(self, messages: tuple[Message, ...], masked: Callable[[str], str] | None) -> hashlib.blake2b:
        said, hashed = self._said
        if masked is not None or messages[: len(said)] != said:
            said, hashed = (), hashlib.blake2b(digest_size=16)
        hashed = hashed.copy()
        for message in messages[len(said) :]:
            hashed.update(_line((message.role, message.text), masked))
        if masked is None:  # a mask may know more secrets the next time
            self._said = messages, hashed
        return hashed


def _line(what: object, masked: Callable[[str], str] | None) -> bytes:
    text = json_bytes(what)
    if masked is not None:
        text = masked(text.decode("utf-8")).encode("utf-8")
    return text + b"\n"
