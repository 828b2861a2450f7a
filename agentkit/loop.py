"""The loop, written once: ask, read, act, observe, until an answer or a limit.

Step:  messages --Ask--> model --Reply--> read --Decision--> Act --> Observation --> messages
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentkit import parse
from agentkit.conversation import Conversation
from agentkit.errors import LimitReached, ModelError, NeedsPerson
from agentkit.events import Answered, FormatFault, LimitHit, Observed, StepEnded, ThoughtTold
from agentkit.flow import Act, Ask, Flow
from agentkit.messages import JSON, Action, Decision, Finish, Malformed, Observation, Reply, Run, Step, StopReason, Turn
from agentkit.models.base import ReplyFormat
from agentkit.prompt import Prompts

__all__ = ["Task", "loop"]


@dataclass(slots=True, eq=False)
class Task:
    """What the loop needs to know.

    Attributes:
        conversation: system message, history and question.
        read: turns a reply into a decision, given the steps so far.
        value: the answer (text, and data where a tool gave it) as the value that the caller asked for; raises
            ValueError with the fault in words.
        first: the number of the first step.
    """

    question: str
    conversation: Conversation
    read: Callable[[Reply, Sequence[Step]], Decision]
    format: ReplyFormat
    stop: tuple[str, ...]
    prompts: Prompts
    max_steps: int | None
    last_call: bool
    last_call_text: str
    value: Callable[[str, JSON], object]
    history: tuple[Turn, ...] = ()
    sample: int = 0
    first: int = 1


def loop(task: Task) -> Flow[Run]:
    """Run one question to its answer."""
    talk = task.conversation
    steps: list[Step] = []
    try:
        while task.max_steps is None or len(steps) < task.max_steps:
            number = task.first + len(steps)
            reply: Reply = yield Ask(talk.messages(), number, task.format, task.stop, sample=task.sample)
            decision, value = _checked(task.read(reply, steps), task)
            if decision.thought:
                yield ThoughtTold(decision.thought)
            observation = yield from _consequence(decision, number, task)
            step = Step(number, reply, decision, observation)
            steps.append(step)
            yield StepEnded(step)
            if isinstance(decision, Finish):
                yield Answered(decision.answer, decision.implicit)
                return _ended(task, steps, decision.answer, implicit=decision.implicit, value=value)
            if observation is not None and observation.final:
                yield Answered(observation.text)
                return _ended(task, steps, observation.text, value=task.value(observation.text, observation.value))
            talk.add(step)
        raise LimitReached("max_steps", f"{task.max_steps} steps")
    except LimitReached as limit:
        return (yield from _at_limit(task, steps, limit))
    except (ModelError, NeedsPerson) as error:
        error.run = _ended(task, steps, None, error.stop_reason)
        raise


def _checked(decision: Decision, task: Task) -> tuple[Decision, object]:
    """An answer and its value, or the fault that goes back to the model."""
    if not isinstance(decision, Finish):
        return decision, None
    try:
        return decision, task.value(decision.answer, None)
    except ValueError as fault:
        return Malformed("bad_answer", str(fault), decision.thought, decision.dropped), None


def _consequence(decision: Decision, number: int, task: Task) -> Flow[Observation | None]:
    match decision:
        case Action():
            observation: Observation = yield Act(decision, number)
            observation = _fitting(observation, task)
        case Malformed(kind, reason):
            yield FormatFault(decision, number)
            observation = Observation(task.prompts.say("format_errors", kind, reason=reason), "format_error")
        case Finish():
            return None
    yield Observed(observation, number)
    return observation


def _fitting(observation: Observation, task: Task) -> Observation:
    """A tool's result that is to be the answer must have the asked-for form."""
    if observation.final:
        try:
            task.value(observation.text, observation.value)
        except ValueError as fault:
            return Observation(task.prompts.say("format_errors", "bad_answer", reason=fault), "format_error")
    return observation


def _at_limit(task: Task, steps: list[Step], limit: LimitReached) -> Flow[Run]:
    """One last call that must answer; whatever it gives, the run ends with an answer and says so."""
    yield LimitHit(limit.limit, str(limit))
    answer = None
    if task.last_call:
        try:
            answer = yield from _last_call(task, steps, limit)
        except (ModelError, LimitReached):
            answer = None
    answer = answer or _fallback(task, steps, limit)
    yield Answered(answer, implicit=True)
    return _ended(task, steps, answer, limit.limit, implicit=True)


def _last_call(task: Task, steps: list[Step], limit: LimitReached) -> Flow[str | None]:
    nudge = task.prompts.say("last_call", task.last_call_text, limit=limit)
    number = task.first + len(steps)
    messages = task.conversation.messages(nudge)
    reply = yield from Ask(
        messages, number, ReplyFormat("answer", task.format.tools), task.stop, last=True, sample=task.sample
    )
    decision = task.read(reply, steps)
    match decision:
        case Finish(answer):
            text = answer
        case Malformed(kind="no_marker" | "no_code"):
            found = parse.answer(reply.text)
            text = found.answer if isinstance(found, Finish) else ""
        case _:
            return None  # it acted again: nothing that could be shown as an answer
    step = Step(number, reply, Finish(text, decision.thought, implicit=True))
    steps.append(step)
    yield StepEnded(step)
    return text


def _fallback(task: Task, steps: list[Step], limit: LimitReached) -> str:
    seen = [step.observation.text for step in steps if step.observation is not None and not step.observation.failed]
    known = task.prompts.say("last_call", "known", text=seen[-1]) if seen else ""
    return task.prompts.say("last_call", "fallback", limit=limit, known=known)


def _ended(
    task: Task,
    steps: list[Step],
    answer: str | None,
    stop_reason: StopReason = "answer",
    *,
    implicit: bool = False,
    value: object = None,
) -> Run:
    return Run(
        task.question, tuple(steps), answer, stop_reason, answer_is_implicit=implicit, history=task.history, value=value
    )
