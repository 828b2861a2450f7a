"""What the journal has of a run that is carried on, found by what names each effect for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from agentkit.errors import ConfigError, JournalError
from agentkit.flow import Act, Ask
from agentkit.journal.records import Recorded

__all__ = ["Past", "Unmasked", "call_of"]

Unmasked: TypeAlias = "Callable[[Ask | Act], str]"


def call_of(effect: Ask | Act) -> int:
    """Which effect of its step this is. Of model calls: twice the sample, and one more for the last call of a run."""
    return effect.call if isinstance(effect, Act) else 2 * effect.sample + effect.last


class Past:
    """The effects of a run. Those of the loop itself come in one order; those of a program may come side by side.

    Args:
        allow_drift: the agent may be another by now, so that the model would be asked something else than it was.
    """

    def __init__(self, run_id: str, effects: Iterable[Recorded] = (), *, allow_drift: bool = False) -> None:
        self._run_id = run_id
        self._loop: list[Recorded] = []
        self._calls: dict[int, dict[int, Recorded]] = {}
        self._used = 0
        self._made: set[tuple[int, int]] = set()
        self.allow_drift = allow_drift
        self.next_effect = 0
        for each in sorted(effects, key=lambda each: each.effect):
            if each.kind == "act" and each.call:
                self._calls.setdefault(each.step, {})[each.call] = each
            else:
                self._loop.append(each)
            self.next_effect = each.effect + 1

    def find(self, effect: Ask | Act, mark: str, unmasked: Unmasked) -> Recorded | None:
        """What the journal has of an effect, if it has it.

        Args:
            mark: its digest.
            unmasked: the digest that it would have if nothing were masked: what is a secret in this process (a variable
                of the environment) may have been a word like any other then.

        Raises:
            ConfigError, JournalError: something else is wanted than was then.
        """
        if isinstance(effect, Act) and effect.call:
            return self.call(effect, mark, unmasked)
        if self._used == len(self._loop):
            return None
        known = self._loop[self._used]
        same = known.digest in (mark, "") or (self.allow_drift and isinstance(effect, Ask))
        same = same or known.digest == unmasked(effect)
        if not same or (known.kind, known.step, known.call) != (_kind(effect), effect.step, call_of(effect)):
            raise self._another_way(f"at step {effect.step} it wants something else")
        self._used += 1
        return known

    def call(self, act: Act, mark: str, unmasked: Unmasked) -> Recorded | None:
        """What the journal has of an action that a program takes, if it has it.

        Raises:
            JournalError: another action was taken then.
        """
        known = self._calls.get(act.step, {}).get(act.call)
        if known is not None and known.digest != mark and known.digest != unmasked(act):
            raise self.another_program(act.step)
        self._made.add((act.step, act.call))
        return known

    def program(self, step: int) -> Recorded | None:
        """The program of a step."""
        return next((each for each in self._loop if each.kind == "act" and each.step == step), None)

    def calls(self, program: Act) -> Iterable[Recorded]:
        """The actions that a program took."""
        return self._calls.get(program.step, {}).values()

    def check_calls(self, step: int) -> None:
        """A program that ran again must have made each call that it had made.

        Raises:
            JournalError: it has not.
        """
        if any((step, call) not in self._made for call in self._calls.get(step, ())):
            raise self.another_program(step)

    def check_end(self) -> None:
        """A run that ends must have used up what the journal has.

        Raises:
            ConfigError: it has not.
        """
        if self._used < len(self._loop):
            raise self._another_way(f"it ends after {self._used} effects")

    def goes_on(self) -> ConfigError:
        """What to raise when a run that has ended wants more."""
        return self._another_way("it has ended, and goes on")

    def _another_way(self, how: str) -> ConfigError:
        return ConfigError(
            f"Run {self._run_id!r} cannot be resumed: {how}, unlike the journal. Something that decides its way "
            "was changed (limits, tools, agentkit itself)."
        )

    def another_program(self, step: int) -> JournalError:
        """What to raise when a program that runs again takes an action that it had not taken."""
        return JournalError(
            f"Run {self._run_id!r} cannot be resumed: the program of step {step} does not call its tools as it did, "
            "now that it is run again. Time or chance decides its way. No action was taken twice."
        )


def _kind(effect: Ask | Act) -> str:
    return "act" if isinstance(effect, Act) else "ask"
