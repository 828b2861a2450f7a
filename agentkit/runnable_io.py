"""What goes into an agent that runs as a LangChain Runnable, and what comes out: texts, messages, states of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.prompt_values import PromptValue

from agentkit.errors import ConfigError
from agentkit.messages import Run, Turn

if TYPE_CHECKING:
    from langchain_core.messages import MessageLikeRepresentation

__all__ = ["AgentInput", "Asked", "message", "read"]

AgentInput: TypeAlias = str | Mapping[str, object] | Sequence[BaseMessage] | BaseMessage | PromptValue
_Messages: TypeAlias = "Iterable[MessageLikeRepresentation]"

# The key of the question -> the key of the answer.
_KEYS = {"question": "answer", "input": "output"}
_HISTORY = ("history", "chat_history")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the conversation before it; `answered` makes the output, in the shape of the input."""

    question: str
    history: Run | tuple[Turn, ...]
    answered: Callable[[Run, str | None], object]


def read(given: AgentInput) -> Asked:
    """The question in an input.

    - a text -> a text
    - `{"question": text}` or `{"input": text}`, with a "history" if there is one (an agentkit `Run`, its turns, or
      messages) -> `{"answer": text}` or `{"output": text}`
    - `{"messages": [...]}`, as LangGraph's MessagesState -> `{"messages": [AIMessage]}`
    - messages, or what a prompt template makes -> an AIMessage

    Raises:
        ConfigError: there is no question in it.
    """
    match given:
        case str():
            return Asked(given, (), _text)
        case PromptValue():
            return _from_messages(given.to_messages())
        case BaseMessage():
            return _from_messages([given])
        case Mapping() if "messages" in given:
            return replace(_from_messages(_as_messages(_items(given["messages"]))), answered=_state)
        case Mapping():
            return _from_names(given)
        case Sequence():
            return _from_messages(_as_messages(_items(given)))
        case _:
            raise _not_understood(given)


def message(run: Run, name: str | None) -> AIMessage:
    """A run's answer as a message, with what it used."""
    usage = run.usage
    return AIMessage(
        run.answer or "",
        name=name,
        usage_metadata={
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.tokens,
            "input_token_details": {"cache_read": usage.cached_tokens},
        },
        response_metadata={
            "run_id": run.run_id,
            "stop_reason": run.stop_reason,
            "answer_is_implicit": run.answer_is_implicit,
            "model_calls": usage.model_calls,
            "tool_calls": usage.tool_calls,
            "cost_usd": usage.cost_usd,
        },
    )


def _text(run: Run, _: str | None) -> object:
    return run.answer or ""


def _state(run: Run, name: str | None) -> object:
    return {"messages": [message(run, name)]}


def _from_names(given: Mapping[str, object]) -> Asked:
    name = next((name for name in _KEYS if name in given), None)
    question = given[name] if name is not None else None
    if name is None or not isinstance(question, str):
        raise _not_understood(given)
    key = _KEYS[name]
    history = next((given[name] for name in _HISTORY if given.get(name)), ())

    def answered(run: Run, _: str | None) -> object:
        return {key: run.answer or ""}

    return Asked(question, _history(history), answered)


def _history(given: object) -> Run | tuple[Turn, ...]:
    if isinstance(given, Run):
        return given
    items = _items(given)
    if all(isinstance(item, Turn) for item in items):
        return cast("tuple[Turn, ...]", tuple(items))
    return tuple(_turns(_as_messages(items)))


def _items(given: object) -> Sequence[object]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return cast("Sequence[object]", given)
    raise _not_understood(given)


def _as_messages(items: Sequence[object]) -> list[BaseMessage]:
    try:
        return convert_to_messages(cast("_Messages", items))
    except (ValueError, NotImplementedError) as error:
        raise ConfigError(f"Not messages: {str(error).splitlines()[0]}") from None


def _from_messages(messages: Sequence[BaseMessage]) -> Asked:
    """The last turn is the question: all that a human said since the last answer.

    What others said after it (other agents of a graph, their tools) goes along, under their names; system messages
    stand in front of it.
    """
    last = max((at for at, item in enumerate(messages) if isinstance(item, HumanMessage)), default=None)
    if last is None:
        raise ConfigError("There is no question: none of the messages is a human's.")
    *history, turn = _turns(messages[: last + 1])
    if not turn.question:
        raise ConfigError("The last human message has no text; agents read text only.")
    system = [item.text for item in messages if isinstance(item, SystemMessage)]
    others = [
        f"{item.name or ('assistant' if isinstance(item, AIMessage) else item.type)}: {item.text}"
        for item in messages[last + 1 :]
        if isinstance(item, (AIMessage, ToolMessage)) and item.text
    ]
    return Asked("\n\n".join([*system, turn.question, *others]), tuple(history), message)


def _turns(messages: Iterable[BaseMessage]) -> list[Turn]:
    """Questions with their answers. What tools said in between is in the answers, as far as it mattered."""
    turns: list[Turn] = []
    for item in messages:
        match item:
            case HumanMessage() if turns and turns[-1].answer is None:
                turns[-1] = replace(turns[-1], question=_joined(turns[-1].question, item.text))
            case HumanMessage():
                turns.append(Turn(item.text, (), None))
            case AIMessage() if turns and item.text:  # a greeting before the first question says nothing
                turns[-1] = replace(turns[-1], answer=_joined(turns[-1].answer or "", item.text))
            case _:
                pass
    return turns


def _joined(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _not_understood(given: object) -> ConfigError:
    found = repr(given)
    if isinstance(given, Mapping):
        found = f"a dict with {', '.join(map(repr, cast('Mapping[str, object]', given))) or 'nothing'}"
    return ConfigError(
        'An agent takes a text, messages, {"messages": […]} or {"question": "…", "history": […]}, '
        f"not {found if len(found) <= 80 else found[:77] + '...'}."
    )
