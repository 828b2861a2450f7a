"""LangChain's tools in an agent: what the model is told, what it may send, what comes back."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, InjectedToolCallId, StructuredTool, ToolException
from langchain_core.tools import Tool as SimpleTool
from langchain_core.tools import tool as langchain_tool
from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic.v1 import BaseModel as OldModel
from pydantic.v1 import Field as OldField

from agentkit.act import Acting, act
from agentkit.errors import BadArguments, ConfigError
from agentkit.events import Observed
from agentkit.flow import Act, Flow
from agentkit.langchain_tools import from_langchain
from agentkit.limits import Limits, Meter
from agentkit.messages import JSON, Action, Observation
from agentkit.operations import adrive, drive
from agentkit.prompt import Prompts
from agentkit.toolbox import AnyTool, Toolbox


def running(tool: AnyTool, given: JSON) -> Flow[None]:
    now = datetime.now().astimezone()
    acting = Acting(Toolbox([tool]), Prompts.choose("react"), Meter(Limits()), None, "run", now)
    assert isinstance(given, (str, dict))
    observation = yield from act(Act(Action(tool.name, given), step=2), acting)
    yield Observed(observation, 2)


def observe(tool: AnyTool, given: JSON) -> Observation:
    """What a sync run sees."""
    *_, last = drive(running(tool, given))
    assert isinstance(last, Observed)
    return last.observation


def aobserve(tool: AnyTool, given: JSON) -> Observation:
    """What an async run sees."""

    async def main() -> Observation:
        *_, last = [event async for event in adrive(running(tool, given))]
        assert isinstance(last, Observed)
        return last.observation

    return asyncio.run(main())


either = pytest.mark.parametrize("see", [observe, aobserve])
See = Callable[[AnyTool, JSON], Observation]


class Stay(BaseModel):
    """Where and when to sleep."""

    city: str = Field(description="where", min_length=2)
    day: date
    nights: int = Field(1, ge=1)
    kind: Literal["hotel", "hostel"] = "hotel"

    @field_validator("city")
    @classmethod
    def known(cls, city: str) -> str:
        if city == "Atlantis":
            raise ValueError("it has sunk")
        if city == "Nowhere":
            raise KeyError(city)
        return city.title()


@langchain_tool(args_schema=Stay)
def rooms(city: str, day: date, nights: int, kind: str) -> str:
    """Find a room.

    Prices are per night.
    """
    return f"{city} {day:%d.%m.} {nights} {kind}"


@either
def test_a_pydantic_schema(see: See) -> None:
    tool = from_langchain(rooms, read_only=True)
    assert tool.name == "rooms" and tool.description.startswith("Find a room.")
    assert tool.marks.read_only and not tool.marks.return_direct
    assert tool.arguments.required == ("city", "day")
    assert tool.arguments.signature == (
        """{"city": string, "day": date, "nights": integer = 1, "kind": 'hotel' | 'hostel' = 'hotel'}"""
    )
    assert "title" not in str(tool.schema["parameters"])
    assert see(tool, {"city": "oslo", "day": "2026-12-01", "nights": "2"}).text == "Oslo 01.12. 2 hotel"
    assert tool(city="oslo", day="2026-12-01") == "Oslo 01.12. 1 hotel"


def test_every_fault_is_told_at_once() -> None:
    seen = observe(from_langchain(rooms), {"town": "Oslo", "day": "soon", "nights": 0})
    assert seen.kind == "bad_arguments"
    for part in ("there is no argument 'town'", "'city' is missing", "day: Input should be", "nights: Input should be"):
        assert part in seen.text
    assert 'Expected {"city": string' in seen.text


@pytest.mark.parametrize(("city", "text"), [("Atlantis", "city: it has sunk"), ("Nowhere", "KeyError: 'Nowhere'")])
def test_whatever_a_validator_raises_is_told_to_the_model(city: str, text: str) -> None:
    seen = observe(from_langchain(rooms), {"city": city, "day": "2026-12-01"})
    assert seen.kind == "bad_arguments" and text in seen.text


class OldStay(OldModel):
    city: str = OldField(description="where")
    nights: int = 1


@either
def test_a_schema_of_pydantic_1(see: See) -> None:
    def find(city: str, nights: int) -> str:
        return f"{city} {nights}"

    tool = from_langchain(StructuredTool.from_function(find, description="Find.", args_schema=OldStay))
    assert tool.arguments.signature == '{"city": string, "nights": integer = 1}'
    assert see(tool, {"city": "Oslo", "nights": "3"}).text == "Oslo 3"
    assert see(tool, "Oslo").text == "Oslo 1"
    assert "'city' is missing" in see(tool, {"nights": 3}).text


SCHEMA: dict[str, JSON] = {
    "type": "object",
    "title": "search",
    "properties": {
        "query": {"type": "string", "title": "Query"},
        "limit": {"type": "integer", "minimum": 1, "default": 5},
        "place": {"$ref": "#/definitions/Place"},
    },
    "required": ["query"],
    "definitions": {"Place": {"type": "string", "enum": ["web", "news"]}},
}


@either
def test_a_json_schema_as_mcp_servers_give_it(see: See) -> None:
    def search(**arguments: JSON) -> JSON:
        return arguments

    tool = from_langchain(StructuredTool(name="search", description="Search.", args_schema=SCHEMA, func=search))
    assert tool.arguments.signature == """{"query": string, "limit": integer = 5, "place": 'web' | 'news' (optional)}"""
    assert tool.text_argument == "query"
    assert see(tool, "cats").value == {"query": "cats"}
    assert see(tool, {"query": 7, "limit": "3", "place": "news"}).value == {"query": "7", "limit": 3, "place": "news"}
    seen = see(tool, {"limit": 0, "place": "moon", "sort": "date"})
    assert seen.kind == "bad_arguments"
    for part in ("'query' is missing", "limit: Input should be greater", "place: Input", "no argument 'sort'"):
        assert part in seen.text
    assert SCHEMA["properties"]["query"]["title"] == "Query"  # type: ignore[call-overload,index]  # not changed


@either
def test_a_tool_without_arguments(see: See) -> None:
    @langchain_tool
    def clock() -> str:
        """What time it is."""
        return "noon"

    nothing = StructuredTool(name="clock", description="", args_schema={"type": "object"}, func=lambda: "noon")
    for item in (clock, nothing):
        tool = from_langchain(item)
        assert tool.accepts_nothing and tool.arguments.signature == "{}"
        assert see(tool, {}).text == see(tool, "").text == "noon"
        assert see(tool, {"zone": "UTC"}).kind == "bad_arguments"


@either
def test_a_tool_of_one_text(see: See) -> None:
    tool = from_langchain(SimpleTool("shout", str.upper, "Say it louder."))
    assert tool.arguments.signature == '{"tool_input": string}'
    assert see(tool, "hey").text == "HEY"


class Finder(BaseTool):
    name: str = "finder"
    description: str = "Finds."

    def _run(self, what: str, config: RunnableConfig, run_manager: object = None) -> str:
        return f"{what} {sorted(config)[0]}"


@either
def test_a_subclass_that_takes_the_config(see: See) -> None:
    tool = from_langchain(Finder())
    assert tool.arguments.signature == '{"what": string}'
    assert "RunnableConfig" not in tool.arguments.signature
    assert see(tool, "keys").text == "keys callbacks"


@langchain_tool
def send(text: str, sender: Annotated[str, InjectedToolArg], call: Annotated[str, InjectedToolCallId]) -> str:
    """Send a message."""
    return f"{sender}: {text} ({call})"


@either
def test_what_the_model_must_not_give(see: See) -> None:
    tool = from_langchain(send, injected={"sender": "ada"})
    assert tool.arguments.signature == '{"text": string}' and tool.text_argument == "text"
    assert see(tool, "hello").text == "ada: hello (run:2:0)"
    for name in ("sender", "call"):
        seen = see(tool, {"text": "hello", name: "mallory"})
        assert seen.kind == "bad_arguments" and f"there is no argument {name!r}" in seen.text


def test_what_nobody_gives_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="may not fill in 'sender'; give it: from_langchain"):
        from_langchain(send)
    with pytest.raises(ConfigError, match="'sender'"):
        Toolbox([send])


def test_a_schema_that_makes_no_sense_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="Tool 't': the properties of its JSON Schema"):
        from_langchain(StructuredTool(name="t", description="", args_schema={"properties": 3}, func=print))


@either
def test_hidden_arguments_with_a_default_need_nobody(see: See) -> None:
    @langchain_tool
    def greet(name: str, loud: Annotated[bool, InjectedToolArg] = True) -> str:
        """Greet."""
        return name.upper() if loud else name

    assert see(from_langchain(greet), "ada").text == "ADA"


@either
def test_content_and_artifact(see: See) -> None:
    @langchain_tool(response_format="content_and_artifact")
    def table(rows: int) -> tuple[str, object]:
        """Make a table."""
        return f"{rows} rows", {"rows": rows} if rows else b"\xff"

    tool = from_langchain(table)
    seen = see(tool, {"rows": 3})
    assert (seen.text, seen.value, seen.kind) == ("3 rows", {"rows": 3}, "ok")
    seen = see(tool, {"rows": 0})
    assert (seen.text, seen.value) == ("0 rows", None)


@either
def test_content_blocks_become_text(see: See) -> None:
    def search() -> tuple[list[dict[str, str]], None]:
        return [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}], None

    item = StructuredTool.from_function(search, description="As MCP.", response_format="content_and_artifact")
    assert see(from_langchain(item), {}).text == "one two"


@either
def test_return_direct_is_kept(see: See) -> None:
    @langchain_tool(return_direct=True, response_format="content_and_artifact")
    def answer() -> tuple[str, list[int]]:
        """Answer."""
        return "42", [42]

    tool = from_langchain(answer)
    assert tool.marks.return_direct and not from_langchain(answer, return_direct=False).marks.return_direct
    seen = see(tool, {})
    assert seen.final and seen.value == [42]


def test_tools_that_are_only_async_run_under_both() -> None:
    @langchain_tool
    async def later(text: str) -> str:
        """Wait."""
        await asyncio.sleep(0)
        return text

    tool = from_langchain(later)
    assert tool.is_async
    assert observe(tool, "x").text == aobserve(tool, "x").text == "x"


def test_the_coroutine_is_taken_where_there_is_a_loop() -> None:
    async def away() -> str:
        return "async"

    item = StructuredTool.from_function(lambda: "sync", coroutine=away, name="t", description="Both.")
    tool = from_langchain(item)
    assert observe(tool, {}).text == "sync" and aobserve(tool, {}).text == "async"

    class Both(Finder):
        async def _arun(self, what: str) -> str:
            return f"async {what}"

    assert observe(from_langchain(Both()), "x").text == "x callbacks"
    assert aobserve(from_langchain(Both()), "x").text == "async x"


def sorry(error: ToolException) -> str:
    return f"Sorry: {error}"


def in_blocks(error: ToolException) -> list[str | dict[str, str]]:
    return [{"type": "text", "text": f"{error}!"}]


@either
@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (False, "no such city"),
        (True, "no such city"),
        ("Try another city.", "Try another city."),
        (sorry, "Sorry: no such city"),
        (in_blocks, "no such city!"),
    ],
)
def test_tool_exceptions_are_told_in_the_tool_s_words(
    see: See, handler: bool | str | Callable[[ToolException], object], text: str
) -> None:
    def find() -> str:
        raise ToolException("no such city")

    item = StructuredTool.from_function(find, description="Fails.", handle_tool_error=handler)
    seen = see(from_langchain(item), {})
    assert seen.kind == "tool_error" and text in seen.text


def counted(error: ValidationError) -> str:
    return f"Give a city ({error.error_count()})."


@pytest.mark.parametrize("handler", ["Give a city.", counted])
def test_bad_arguments_are_told_in_the_tool_s_words(handler: str | Callable[..., str]) -> None:
    item = rooms.model_copy(update={"handle_validation_error": handler})
    with pytest.raises(BadArguments, match=r"^Give a city"):
        from_langchain(item).check({})


@either
def test_other_exceptions_are_told_too(see: See) -> None:
    def broken(number: int) -> str:
        if number:
            Stay.model_validate({})  # an answer from elsewhere that does not read: no fault of the arguments
        raise ZeroDivisionError("oh")

    tool = from_langchain(StructuredTool.from_function(broken, description="Fails."))
    assert "ZeroDivisionError: oh" in see(tool, {"number": 0}).text
    seen = see(tool, {"number": 1})
    assert "ValidationError: 2 validation errors for Stay" in seen.text and "Expected" not in seen.text


@either
def test_a_tool_message_that_says_it_failed(see: See) -> None:
    @langchain_tool
    def fails() -> ToolMessage:
        """Fail politely."""
        return ToolMessage("out of paper", status="error", tool_call_id="1")

    seen = see(from_langchain(fails), {})
    assert seen.kind == "tool_error" and "out of paper" in seen.text
