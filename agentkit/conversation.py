"""The messages that are sent to the model, rendered from steps and trimmed without tearing them apart."""

from __future__ import annotations

from collections.abc import Sequence

from agentkit.messages import Finish, Message, Step, Turn
from agentkit.prompt import Prompts

__all__ = ["Conversation", "estimate_tokens", "trimmed"]


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is: 4 bytes each, the usual rule of thumb, and never 0."""
    return len(text.encode("utf-8", "replace")) // 4 + 1


class Conversation:
    """Opening messages, then one pair (what the model wrote, what it observed) for each step.

    `context_tokens` bounds what is sent: the oldest pairs are left out first, with a note; the opening always stays.
    """

    __slots__ = ("_limit", "_messages", "_opening", "_prompts", "_sizes")

    def __init__(self, opening: Sequence[Message], prompts: Prompts, context_tokens: int | None = None) -> None:
        self._opening = len(opening)
        self._messages = list(opening)
        self._prompts = prompts
        self._limit = context_tokens
        self._sizes = [] if context_tokens is None else [_size(opening)]

    def add(self, step: Step) -> None:
        pair = rendered(step, self._prompts)
        self._messages += pair
        if self._limit is not None:
            self._sizes.append(_size(pair))

    def messages(self, nudge: str = "") -> tuple[Message, ...]:
        """What to send; `nudge` is added to the last message, which is the user's."""
        kept = self._messages if self._limit is None else self._within(self._limit)
        if not nudge:
            return tuple(kept)
        return (*kept[:-1], Message("user", f"{kept[-1].text}\n\n{nudge}"))

    def _within(self, limit: int) -> list[Message]:
        left = limit - self._sizes[0]
        pairs = 0
        for size in reversed(self._sizes[1:]):
            left -= size
            # The newest pair always goes along: without it the model would take the step again.
            if left < 0 and pairs:
                break
            pairs += 1
        dropped = len(self._messages) - self._opening - 2 * pairs
        if not dropped:
            return self._messages
        note = self._prompts.say("observations", "earlier steps left out", count=dropped)
        head = self._messages[: self._opening]
        head[-1] = Message("user", f"{head[-1].text}\n\n{note}")
        return head + self._messages[self._opening + dropped :]


def rendered(step: Step, prompts: Prompts) -> list[Message]:
    """A step as messages: what the model wrote (without what it imagined) and what it observed."""
    text = step.reply.text.removesuffix(step.decision.dropped).rstrip()
    said = [Message("assistant", text or "(nothing)")]
    if step.observation is not None:
        said.append(Message("user", prompts.say("observations", "observation", text=step.observation.text)))
    return said


def trimmed(history: Sequence[Turn], prompts: Prompts, limit: int) -> list[Message]:
    """Earlier turns as messages, newest first within `limit` estimated tokens.

    What does not fit goes in this order, oldest first: a turn's steps, each an action with its observation; then the
    turn as a whole. Questions and answers thus outlive the steps between them.
    """
    left = limit
    turns: list[list[Message]] = []
    for turn in reversed(history):
        frame = [Message("user", turn.question), _answer(turn, prompts)]
        left -= _size(frame)
        if left < 0:
            break
        between: list[Message] = []
        for step in reversed(turn.steps):
            if isinstance(step.decision, Finish):
                continue
            pair = rendered(step, prompts)
            if left < _size(pair):
                left = 0
                break
            left -= _size(pair)
            between[:0] = pair
        turns.insert(0, [frame[0], *between, frame[1]])
    return [message for turn in turns for message in turn]


def _answer(turn: Turn, prompts: Prompts) -> Message:
    if turn.steps and isinstance(turn.steps[-1].decision, Finish):
        return rendered(turn.steps[-1], prompts)[0]
    return Message("assistant", f"Final Answer: {turn.answer or ''}".rstrip())


def _size(messages: Sequence[Message]) -> int:
    return sum(estimate_tokens(message.text) for message in messages)
