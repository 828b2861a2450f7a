"""Strategies: what the model is told, and how its text is read. The loop is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, TypeAlias, cast

from agentkit import parse
from agentkit.errors import ConfigError
from agentkit.interpreter import Interpreter, new_session, program_tool
from agentkit.messages import JSON, Action, Decision, Finish, Malformed, Reply, Step
from agentkit.models.base import ReplyFormat
from agentkit.programs import PROGRAM
from agentkit.prompt import PromptChoice, Prompts
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["Code", "Pal", "Plan", "React", "Strategy", "StrategyLike", "strategy"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A strategy made ready for one agent.

    Attributes:
        read: a reply as a decision, given the steps so far.
        reader: a fresh incremental reader for one reply.
        tools_text: the tools as the prompt tells of them; None where the prompt has none.
        last_call: which text of the file "last_call" asks for an answer at a limit.
        samples: how many times the question is run, for a vote.
        max_steps: the strategy's own bound on the steps of one sample.
        session: where the programs of a run that act through tools live; None for a strategy without such programs.
        options: what makes the same strategy again, by its name; None for a strategy that only its class can make.
    """

    name: str
    prompts: Prompts
    toolbox: Toolbox
    format: ReplyFormat
    read: Callable[[Reply, Sequence[Step]], Decision]
    reader: Callable[[ReplyFormat], parse.TextReader]
    examples: str
    tools_text: str | None = None
    stop: tuple[str, ...] = ()
    last_call: Literal["react", "code"] = "react"
    samples: int = 1
    max_steps: int | None = None
    session: Callable[[], Interpreter] | None = None
    options: Mapping[str, JSON] | None = None


class Strategy(Protocol):
    """A way to solve a question."""

    def plan(self, toolbox: Toolbox, prompt: PromptChoice, interpreter: Callable[[], Interpreter]) -> Plan:
        """Make ready for an agent with these tools.

        Raises:
            ConfigError: the prompt or the tools do not fit.
        """
        ...


StrategyLike: TypeAlias = "Literal['react', 'pal', 'code'] | Strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class React:
    """Thought, Action, Observation, until a Final Answer (Yao et al. 2022, arXiv:2210.03629)."""

    def plan(self, toolbox: Toolbox, prompt: PromptChoice, interpreter: Callable[[], Interpreter]) -> Plan:
        prompts = Prompts.choose("react", prompt)
        index = parse.ToolIndex.of(toolbox)

        def read(reply: Reply, steps: Sequence[Step]) -> Decision:
            decision = parse.decide(reply.text, index, truncated=reply.end == "length")
            return _implicit(decision, reply.text, steps)

        return Plan(
            name="react",
            prompts=prompts,
            toolbox=toolbox,
            format=ReplyFormat("react", toolbox.schemas()),
            read=read,
            reader=lambda _: parse.Reader(index),
            examples=_examples(prompts, _react_example),
            tools_text=_tool_lines(toolbox, prompts),
            stop=("\nObservation:",),
            options={},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pal:
    """The model writes a program; its value is the answer (Gao et al. 2022, arXiv:2211.10435).

    Attributes:
        samples: run this many programs and take the majority of their values; set a temperature above 0.
        explain: let the model put the value into words.
        entry: where a program's result is: "auto", "solution", "var:NAME", "last" or "stdout".
        repairs: how many times a program that failed may be written again.
    """

    samples: int = 1
    explain: bool = False
    entry: str = "auto"
    repairs: int = 3

    def __post_init__(self) -> None:
        if self.samples < 1 or self.repairs < 0:
            raise ConfigError("samples must be at least 1, and repairs at least 0.")
        if self.samples > 1 and self.explain:
            raise ConfigError("samples and explain do not go together: the vote is over values, not words.")

    def plan(self, toolbox: Toolbox, prompt: PromptChoice, interpreter: Callable[[], Interpreter]) -> Plan:
        if toolbox:
            raise ConfigError("strategy 'pal' takes no tools: its program is its only action. Use strategy 'react'.")
        prompts = Prompts.choose("pal-math", prompt)
        python = program_tool(interpreter, prompts, entry=self.entry, then="explain" if self.explain else "end")
        return Plan(
            name="pal",
            prompts=prompts,
            toolbox=Toolbox([python]),
            format=ReplyFormat("code"),
            read=self._read,
            reader=lambda wanted: _code_reader(wanted, self.entry),
            examples=_examples(prompts, _pal_example),
            last_call="code",
            samples=self.samples,
            max_steps=1 + self.repairs + self.explain,
            options=asdict(self),
        )

    def _read(self, reply: Reply, steps: Sequence[Step]) -> Decision:
        if _succeeded(steps):
            return parse.answer(reply.text)
        found = parse.code(reply.text, entry=self.entry, truncated=reply.end == "length")
        if isinstance(found, Malformed):
            return found
        return Action("python", {"code": found.source}, found.thought, found.dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The model acts by writing programs that call the tools, one block a turn (CodeAct, arXiv:2402.01030)."""

    def plan(self, toolbox: Toolbox, prompt: PromptChoice, interpreter: Callable[[], Interpreter]) -> Plan:
        prompts = Prompts.choose("code", prompt)
        if odd := [name for name in toolbox if not name.isidentifier() or name in (PROGRAM, "final_answer", "gather")]:
            raise ConfigError(f"strategy 'code' calls tools as functions, and cannot call one {odd[0]!r}: rename it.")
        return Plan(
            name="code",
            prompts=prompts,
            toolbox=toolbox,
            format=ReplyFormat("code", toolbox.schemas()),
            read=_read_code,
            reader=lambda wanted: _code_reader(wanted, "any"),
            examples=_examples(prompts, _code_example),
            tools_text=_function_lines(toolbox, prompts),
            last_call="code",
            session=lambda: new_session(interpreter()),
            options={},
        )


def _read_code(reply: Reply, steps: Sequence[Step]) -> Decision:
    found = parse.code(reply.text, entry="any", truncated=reply.end == "length")
    if not isinstance(found, Malformed):
        return Action(PROGRAM, {"code": found.source}, found.thought, found.dropped)
    decision = parse.decide(reply.text, ())
    return decision if isinstance(decision, Finish) else found


def _code_reader(wanted: ReplyFormat, entry: str) -> parse.TextReader:
    return parse.CodeReader(entry=entry) if wanted.kind == "code" else parse.PlainReader()


def _succeeded(steps: Sequence[Step]) -> bool:
    return bool(steps) and steps[-1].observation is not None and not steps[-1].observation.failed


_NAMED: Mapping[str, Callable[..., Strategy]] = {"react": React, "pal": Pal, "code": Code}


def strategy(choice: StrategyLike | str, options: Mapping[str, JSON] | None = None) -> Strategy:
    """A strategy by name (with its options), or as it is.

    Raises:
        ConfigError: no strategy has this name.
    """
    if not isinstance(choice, str):
        return choice
    if choice not in _NAMED:
        raise ConfigError(f"Unknown strategy {choice!r}. There are: {', '.join(_NAMED)}.")
    return _NAMED[choice](**(options or {}))


def _implicit(decision: Decision, text: str, steps: Sequence[Step]) -> Decision:
    """A text without any marker is an error the first time and the answer the second time in a row."""
    if not isinstance(decision, Malformed) or decision.kind != "no_marker" or not text.strip():
        return decision
    before = steps[-1].decision if steps else None
    return (
        parse.as_implicit(decision, text) if isinstance(before, Malformed) and before.kind == "no_marker" else decision
    )


def _tool_lines(toolbox: Toolbox, prompts: Prompts) -> str:
    lines = [_tool_line(tool, prompts) for tool in toolbox.values()]
    return "\n".join(lines) or prompts.say("tools", "no tools")


def _tool_line(tool: AnyTool, prompts: Prompts) -> str:
    line = prompts.say(
        "tools", "tool", name=tool.name, description=tool.description, signature=tool.arguments.signature
    )
    properties = cast("Mapping[str, Mapping[str, JSON]]", tool.arguments.schema.get("properties", {}))
    told = [
        prompts.say("tools", "argument", name=name, description=about["description"])
        for name, about in properties.items()
        if about.get("description")
    ]
    return "\n".join((line, *filter(None, told)))


def _examples(prompts: Prompts, written: Callable[[Mapping[str, JSON]], str]) -> str:
    try:
        return "\n\n".join(written(example) for example in prompts.main.examples)
    except (KeyError, TypeError) as error:
        fault = f"lacks {error}" if isinstance(error, KeyError) else f"is not as it should be ({error})"
        raise ConfigError(f"{prompts.main.where}: one of its examples {fault}.") from None


def _react_example(example: Mapping[str, JSON]) -> str:
    lines = [f"Question: {example['question']}"]
    for step in cast("Sequence[Mapping[str, JSON]]", example.get("steps", ())):
        action = Action(
            str(step["action"]), cast("Mapping[str, JSON] | str", step["input"]), str(step.get("thought", ""))
        )
        lines += [parse.render(action), f"Observation: {step['observation']}"]
    lines.append(parse.render(Finish(str(example["answer"]), str(example.get("thought", "")))))
    return "\n".join(lines)


def _pal_example(example: Mapping[str, JSON]) -> str:
    return f"Question: {example['question']}\n```python\n{example['program']}\n```"


def _code_example(example: Mapping[str, JSON]) -> str:
    lines = [f"Question: {example['question']}"]
    for turn in cast("Sequence[Mapping[str, JSON]]", example["turns"]):
        lines.append(f"{turn['thought']}\n```python\n{turn['program']}\n```")
    return "\n".join(lines)


def _function_lines(toolbox: Toolbox, prompts: Prompts) -> str:
    def line(tool: AnyTool) -> str:
        signature = tool.arguments.signature
        return prompts.say("tools", "function", name=tool.name, description=tool.description, parameters=signature)

    return "\n".join(line(tool) for tool in toolbox.values()) or prompts.say("tools", "no tools")
