"""The loop guard: a model that repeats itself gets the earlier observation again, then is asked to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentkit.events import ActionStarted
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.messages import JSON, Action, Observation
from agentkit.prompt import Prompts
from agentkit.toolbox import Toolbox

__all__ = ["Guard"]


class Guard:
    """Remembers the actions of one run.

    The same tool with the same input is not run again: the model reads the earlier observation with a note, and from
    the third time on a nudge to answer. What was read before something was changed (a tool that is not read_only ran)
    counts as new, and tools marked `repeatable` are left alone, as are those in `exempt`.
    """

    __slots__ = ("_exempt", "_prompts", "_seen", "_toolbox")

    def __init__(self, toolbox: Toolbox, prompts: Prompts, exempt: frozenset[str] = frozenset()) -> None:
        self._toolbox = toolbox
        self._exempt = exempt
        self._prompts = prompts
        self._seen: dict[tuple[str, str], tuple[Observation, int]] = {}

    def knows(self, action: Action) -> bool:
        return _key(action) in self._seen

    def around(self, perform: Perform) -> Perform:
        def guarded(effect: Effect[Any]) -> Flow[Any]:
            if isinstance(effect, Act) and effect.action.tool not in self._exempt:
                return self._act(effect, perform)
            return perform(effect)

        return guarded

    def _act(self, effect: Act, perform: Perform) -> Flow[Observation]:
        key = _key(effect.action)
        if key in self._seen:
            yield ActionStarted(effect.action, effect.step)
            return self._again(key)
        observation: Observation = yield from perform(effect)
        self._remember(key, effect.action, observation)
        return observation

    def _again(self, key: tuple[str, str]) -> Observation:
        first, times = self._seen[key]
        self._seen[key] = first, times + 1
        if first.final:
            return first
        if times == 1:
            text = self._prompts.say("observations", "repeated", text=first.text)
        else:
            text = self._prompts.say("observations", "nudge", text=first.text, times=times + 1)
        return Observation(text, "repeated", first.value)

    def _remember(self, key: tuple[str, str], action: Action, observation: Observation) -> None:
        tool = self._toolbox.find(action.tool)
        if tool is not None and tool.marks.repeatable:
            return
        if tool is not None and not tool.marks.read_only and not observation.failed:
            self._seen.clear()
        self._seen[key] = observation, 1


def _key(action: Action) -> tuple[str, str]:
    given: Mapping[str, JSON] | str = action.input
    if isinstance(given, str):
        return action.tool, " ".join(given.split())
    return action.tool, repr(sorted(given.items()))
