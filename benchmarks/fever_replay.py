"""The ReAct paper's own FEVER run, replayed through the real loop: 500 trajectories that text-davinci-002 wrote.

    python -m benchmarks.fever_replay [CORPUS]

The model says what it said then, the tools return what they returned then; only agentkit reads and decides. Under the
original notebook's reading rules the answers must match the gold label as often as the paper's run did; under
agentkit's rules at least as often.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentkit import Action, Agent, Finish, Limits, Malformed, React, Reply, Run, Step, tool
from agentkit.interpreter import Interpreter
from agentkit.messages import Decision
from agentkit.prompt import PromptChoice
from agentkit.strategies import Plan
from agentkit.testing import Say, ScriptedModel
from agentkit.toolbox import AnyTool, Toolbox

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpora" / "react_fever.jsonl.gz"


def trajectories(path: Path = CORPUS) -> Iterator[dict[str, Any]]:  # Any: JSON as it was recorded
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@dataclass(frozen=True, slots=True)
class AsInThePaper:
    """Reads as the notebook did: the text is split at "Action i: ", and an action must end in "]"."""

    def plan(self, toolbox: Toolbox, prompt: PromptChoice, interpreter: Callable[[], Interpreter]) -> Plan:
        return replace(React().plan(toolbox, prompt, interpreter), read=_read_strictly)


def _read_strictly(reply: Reply, steps: Sequence[Step]) -> Decision:
    turn = 1 + sum(not _asked_again(step) for step in steps)
    thought, found, action = reply.text.strip().partition(f"Action {turn}: ")
    if not found:
        return Malformed("missing_action", "The original asked a second time here.", thought)
    for verb in ("Search", "Lookup", "Finish"):
        head = f"{verb[0].lower()}{verb[1:]}["
        said = action[:1].lower() + action[1:]
        if said.startswith(head) and said.endswith("]"):
            argument = action[len(head) : -1]
            return Finish(argument, thought) if verb == "Finish" else Action(verb, {"entity": argument}, thought)
    return Malformed("unknown_tool", f"Invalid action: {action}", thought)


def _asked_again(step: Step) -> bool:
    return isinstance(step.decision, Malformed) and step.decision.kind == "missing_action"


def replay(trajectory: dict[str, Any], *, strict: bool) -> Run:
    """One trajectory through the loop; the script may end before the model's texts do, never after."""
    steps = trajectory["steps"]
    replies: list[Say] = []
    for step in steps:
        replies.append(Say(step["raw"]))
        if step["badcall_raw"] and not _has_action(step["raw"]):
            # The notebook asked again with "Action i:" appended, and this was the rest of the line.
            replies.append(Say(f"Action {step['n']}: {step['action'].strip()}"))
        elif strict and step["badcall_raw"]:
            replies.append(Say(f"Action {step['n']}: {step['action']}"))
    seen = iter([step["observation"] for step in steps if _runs(step["action"])])
    tools = [_scripted(verb, seen) for verb in ("Search", "Lookup")]
    limits = Limits(max_steps=len(replies), last_call=False)
    strategy = AsInThePaper() if strict else React()
    return Agent(ScriptedModel(replies), tools, strategy=strategy, limits=limits, journal=None).run(trajectory["claim"])


def _has_action(raw: str) -> bool:
    return "Action" in raw and "[" in raw.rpartition("Action")[2]


def _runs(action: str) -> bool:
    return action.strip().lower().startswith(("search[", "lookup["))


def _scripted(verb: str, seen: Iterator[str]) -> AnyTool:
    @tool(name=verb, read_only=True, repeatable=True)
    def recorded(entity: str) -> str:
        """What it returned then."""
        return next(seen, "")

    return recorded


def exact_match(run: Run, trajectory: dict[str, Any]) -> bool:
    """EM as FEVER counts it; a run that reached its limit has no answer."""
    if run.stop_reason != "answer" or run.answer is None:
        return False
    return run.answer.strip().lower() == str(trajectory["final"]["gt_answer"]).lower()


def score(path: Path = CORPUS, *, strict: bool) -> tuple[int, int]:
    """How many of how many answers match."""
    pairs = [(replay(trajectory, strict=strict), trajectory) for trajectory in trajectories(path)]
    return sum(exact_match(run, trajectory) for run, trajectory in pairs), len(pairs)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    if not path.exists():
        sys.exit(f"No corpus at {path}; give its path.")
    recorded = sum(trajectory["final"]["em"] for trajectory in trajectories(path))
    for name, strict in (("the original's reading rules", True), ("agentkit's reading rules", False)):
        matches, total = score(path, strict=strict)
        print(f"{name:32} EM {matches} of {total}")
    print(f"{'recorded by the paper':32} EM {recorded} of {total}")


if __name__ == "__main__":
    main()
