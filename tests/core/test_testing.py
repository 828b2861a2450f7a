"""The public doubles: a model that follows a script, and a recorder that writes one."""

import asyncio
from pathlib import Path

import pytest

from agentkit import Agent, ConfigError, Message, Params, Tokens, TransientError, tool
from agentkit.models import Chunk, Request
from agentkit.testing import RecordingModel, Say, ScriptedModel, ScriptExhausted, ScriptUnused

ASK = Request((Message("user", "How many eggs are in the basket?"),))


def texts(model: ScriptedModel, request: Request = ASK) -> list[str]:
    return [chunk.text for chunk in model.stream(request)]


async def collect(model: ScriptedModel) -> list[Chunk]:
    return [chunk async for chunk in model.astream(ASK)]


@pytest.mark.parametrize("size", [None, 1, 4, 100])
def test_it_streams_in_pieces_sync_and_async(size: int | None) -> None:
    whole = "Final Answer: four eggs"
    chunks = list(ScriptedModel([whole], chunk=size).stream(ASK))
    assert "".join(chunk.text for chunk in chunks) == whole
    assert len(chunks) == (1 if size is None else -(-len(whole) // size))
    assert chunks[-1].end == "end" and chunks[-1].tokens == Tokens(9, 6)
    assert all(chunk.end is None for chunk in chunks[:-1])
    assert asyncio.run(collect(ScriptedModel([whole], chunk=size))) == chunks


def test_it_honours_stop_and_max_tokens_unless_told_otherwise() -> None:
    stop = Request(ASK.messages, Params(stop=("\nObservation:", "STOP")))
    assert texts(ScriptedModel(["a STOP b\nObservation: c"]), stop) == ["a "]
    assert texts(ScriptedModel(["a STOP b"], honours_stop=False), stop) == ["a STOP b"]
    (chunk,) = ScriptedModel(["twelve characters and more"]).stream(Request(ASK.messages, Params(max_tokens=3)))
    assert (chunk.text, chunk.end) == ("twelve chara", "length")


def test_it_reports_the_usage_it_is_told_to() -> None:
    (chunk,) = ScriptedModel([Say("x", Tokens(100, 20, 80), "filtered")]).stream(ASK)
    assert chunk.tokens == Tokens(100, 20, 80) and chunk.end == "filtered"


def test_faults_come_in_place_of_a_reply_or_in_the_middle_of_it() -> None:
    with pytest.raises(TransientError, match="busy"):
        texts(ScriptedModel([TransientError("busy")]))
    stream = ScriptedModel([Say("half", error=TransientError("cut"))], chunk=2).stream(ASK)
    assert [next(stream).text, next(stream).text] == ["ha", "lf"]
    with pytest.raises(TransientError, match="cut"):
        next(stream)


def test_a_reply_may_depend_on_the_request() -> None:
    model = ScriptedModel([lambda request: f"You said: {request.messages[-1].text}"])
    assert texts(model) == ["You said: How many eggs are in the basket?"]
    assert model.requests == [ASK]


def test_too_many_and_too_few_calls_are_told() -> None:
    with pytest.raises(ScriptExhausted, match="Call 2, but the script has 1"):
        Agent(ScriptedModel(["not an answer"])).run("?")
    with (
        pytest.raises(ScriptUnused, match="1 of 2 replies were not used; next: 'b'"),
        ScriptedModel(["a", "b"]) as model,
    ):
        texts(model)
    with pytest.raises(KeyError), ScriptedModel(["a"]):
        raise KeyError("the test's own failure is not hidden")


def test_it_knows_what_it_did_not_get_to_say() -> None:
    stream = ScriptedModel(["0123456789" * 10], chunk=20).stream(ASK)
    next(stream)
    stream.close()
    assert stream.unwritten_tokens() == 21
    assert list(stream) == []


@tool(read_only=True)
def eggs() -> int:
    """Count."""
    return 4


SCRIPT: list[str | Say] = ["Thought: I count.\nAction: eggs\nAction Input: {}", Say("Final Answer: 4", Tokens(50, 6))]


def test_a_recorded_run_plays_again(tmp_path: Path) -> None:
    recorder = RecordingModel(ScriptedModel(SCRIPT, chunk=3))
    first = Agent(recorder, [eggs]).run("?")
    recorder.save(tmp_path / "script.json")
    with ScriptedModel.load(tmp_path / "script.json") as played:
        again = Agent(played, [eggs]).run("?")
    assert again == first
    assert [say.text for say in recorder.replies] == [SCRIPT[0], "Final Answer: 4"]


def test_recording_in_an_event_loop_is_the_same() -> None:
    recorder = RecordingModel(ScriptedModel(SCRIPT, chunk=3))
    asyncio.run(Agent(recorder, [eggs]).arun("?"))
    assert recorder.replies[1] == Say("Final Answer: 4", Tokens(50, 6), "end")


@pytest.mark.parametrize("text", ["", "{}", '[{"text": "x"}]', "[1]"])
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ConfigError, match="no recorded script"):
        ScriptedModel.load(tmp_path / "bad.json")
