"""Which model a name or an object means, and what is said when it means none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel, GenericFakeChatModel
from langchain_core.language_models.chat_models import SimpleChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from agentkit.errors import ConfigError, ModelError
from agentkit.messages import Tokens
from agentkit.models import Chunk, Model, Params, Request, load
from agentkit.models.langchain import LangChainModel
from tests.support.models import ask, request, told


class Own:
    """A model of the user's, without any base class."""

    name = "own"

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        yield Chunk(request.messages[-1].text)

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        yield Chunk(request.messages[-1].text)


class Unstreamed(SimpleChatModel):
    """A chat model that can only write whole replies."""

    temperature: float | None = None

    @property
    def _llm_type(self) -> str:
        return "unstreamed"

    def _call(self, messages: list[BaseMessage], stop: list[str] | None = None, *_: object, **__: object) -> str:
        return f"{self.temperature} {stop}"


def test_our_own_protocol_is_taken_as_it_is() -> None:
    own = Own()
    assert load(own) is own
    with pytest.raises(ConfigError, match="Set parameters and options on Own itself"):
        load(own, params=Params(temperature=1))


def test_a_chat_model_is_wrapped() -> None:
    model = load(FakeListChatModel(responses=["one two"]))
    assert isinstance(model, LangChainModel)
    assert told(ask(model))[0] == "one two"
    with pytest.raises(ConfigError, match="Set region_name on the chat model itself"):
        load(FakeListChatModel(responses=[]), region_name="x")


def test_what_is_made_of_a_chat_model_is_not_one() -> None:
    with pytest.raises(ConfigError, match="Give the chat model itself, not a Runnable made of it"):
        load(FakeListChatModel(responses=[]).bind(stop=["x"]))  # type: ignore[arg-type]  # as wrong as it is meant to be


def test_a_chat_model_without_streaming_gives_its_reply_in_one_piece() -> None:
    model = load(Unstreamed(), params=Params(temperature=0.5))
    assert [chunk.text for chunk in ask(model, request(stop=["END"]))] == ["0.5 ['END']", ""]


def test_a_chat_model_without_async_code_is_read_in_a_thread() -> None:
    async def use() -> list[Chunk]:
        chunks = load(Unstreamed()).astream(request())
        first = [chunk async for chunk in chunks]
        assert [chunk async for chunk in chunks] == []  # it stays at its end
        return first

    assert asyncio.run(use())[0] == Chunk("None None")


def test_a_stream_that_is_closed_before_it_began() -> None:
    async def use() -> None:
        chunks = cast(Any, load(Unstreamed()).astream(request()))
        await chunks.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)

    asyncio.run(use())


def test_a_parameter_that_the_chat_model_does_not_have() -> None:
    with pytest.raises(ConfigError, match="has no parameter 'top_p': leave it out"):
        load(Unstreamed(), params=Params(top_p=0.5))


def test_the_users_object_stays_as_it_was() -> None:
    chat = Unstreamed()
    ask(load(chat, params=Params(temperature=0.5)), request(temperature=0.1))
    assert chat.temperature is None


def test_an_unknown_error_keeps_its_cause() -> None:
    class Broken(Unstreamed):
        def _call(self, *_: object, **__: object) -> str:
            raise LookupError("no such\nthing")

    with pytest.raises(ModelError, match="failed with LookupError: no such thing") as raised:
        ask(load(Broken()))
    assert isinstance(raised.value.__cause__, LookupError)


class Pieces(BaseChatModel):
    """Streams the given messages."""

    pieces: list[AIMessageChunk]

    @property
    def _llm_type(self) -> str:
        return "pieces"

    def _generate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("whole"))])

    def _stream(self, messages: list[BaseMessage], *_: object, **__: object) -> Iterator[ChatGenerationChunk]:
        for piece in self.pieces:
            yield ChatGenerationChunk(message=piece)


def test_usage_is_summed_and_only_text_and_reasoning_are_read() -> None:
    def usage(into: int, out: int, cached: int) -> UsageMetadata:
        details = InputTokenDetails(cache_read=cached)
        return UsageMetadata(input_tokens=into, output_tokens=out, total_tokens=into + out, input_token_details=details)

    model = load(
        Pieces(
            pieces=[
                AIMessageChunk(content="", usage_metadata=usage(40, 0, 30)),
                AIMessageChunk(content=[{"type": "reasoning", "reasoning": "hm"}]),
                AIMessageChunk(content=[{"type": "image", "url": "x"}, {"type": "text", "text": "a"}]),
                AIMessageChunk(content="b", additional_kwargs={"reasoning_content": ""}),
                AIMessageChunk(
                    content="", usage_metadata=usage(0, 3, 0), response_metadata={"finish_reason": "MAX_TOKENS"}
                ),
            ]
        )
    )
    assert told(ask(model)) == ("<think>hm</think>\nab", Tokens(40, 3, 30), "length")


def test_an_empty_stream_is_an_error_of_ours() -> None:
    with pytest.raises(ModelError):
        ask(load(GenericFakeChatModel(messages=iter([]))))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nosuch:model", r"^'nosuch' is no provider\. There are: local, anthropic, .*openai"),
        ("open-ai:gpt-4o", r"is no provider\. Did you mean 'openai'\?"),
        ("amazon.nova-lite-v1:0", r"Did you mean 'bedrock:amazon\.nova-lite-v1:0'\?"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", r"Did you mean 'bedrock:us\.anthropic"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", r"Did you mean 'bedrock:arn:aws"),
        ("bedrock", "names no model: write for example 'bedrock:us.amazon.nova"),
        ("something", r"names no provider: write 'provider:model', for example 'openai:something'"),
        ("upstage:solar", r"needs a package that is not installed: pip install langchain-upstage"),
    ],
)
def test_a_name_that_means_no_model(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        load(name)


def test_an_object_that_is_no_model() -> None:
    with pytest.raises(ConfigError, match="not int"):
        load(7)  # type: ignore[arg-type]  # as wrong as it is meant to be


def test_a_local_model_with_weights_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load(f"local:{tmp_path / 'absent.gguf'}")


def test_importing_models_loads_no_providers_library() -> None:
    heavy = (
        "langchain",
        "langchain_core",
        "langchain_aws",
        "boto3",
        "botocore",
        "tenacity",
        "genai_prices",
        "pydantic",
    )
    code = (
        "import sys, agentkit.models, agentkit.models.credentials, agentkit.models.retry, agentkit.models.prices\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_it_says_what_it_is() -> None:
    assert repr(load(Unstreamed())) == "LangChainModel('unstreamed')"
    checked: Model = load(Unstreamed())
    assert checked.name == "unstreamed"
