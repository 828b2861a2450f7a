"""Bedrock models over the real wire: what is sent, what is read, what is closed."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from langchain_aws import ChatBedrockConverse

from agentkit.errors import BadRequestError, ConfigError
from agentkit.messages import Message, Tokens
from agentkit.models import Chunk, Params, Request, load
from agentkit.models.langchain import LangChainModel
from tests.support.bedrock import BedrockEndpoint, Received
from tests.support.bedrock_script import Answer, Break, Fault, deprecated, unsupported
from tests.support.models import NOVA, aask, ask, bedrock_at, client_at, request, told

TEXT = "Thought: add\nAction: add\nAction Input: 1\nObservation: 2"


# --- what is sent ---


def test_messages_and_parameters_as_converse_has_them() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "How many?"),
        Message("assistant", "Many."),
        Message("user", "Really?"),
    )
    with BedrockEndpoint([Answer("Yes.")]) as endpoint:
        params = Params(temperature=0.5, top_p=0.9, top_k=40, max_tokens=20, stop=("\nObservation:",))
        ask(bedrock_at(endpoint), Request(messages, params))
    asked = endpoint.requests[0]
    assert asked.operation == "converse-stream"
    assert asked.body["system"] == [{"text": "Be brief."}]
    assert asked.body["messages"] == [
        {"role": "user", "content": [{"text": "How many?"}]},
        {"role": "assistant", "content": [{"text": "Many."}]},
        {"role": "user", "content": [{"text": "Really?"}]},
    ]
    assert asked.inference == {"temperature": 0.5, "topP": 0.9, "maxTokens": 20, "stopSequences": ["\nObservation:"]}
    assert asked.extra == {"inferenceConfig": {"topK": 40}}
    assert asked.scope.split("/")[2:4] == ["eu-west-1", "bedrock"]


def test_parameters_of_the_model_hold_where_the_request_says_nothing() -> None:
    with BedrockEndpoint([Answer("a")] * 2) as endpoint:
        model = bedrock_at(endpoint, params=Params(temperature=0.1, max_tokens=5, stop=("mine",)))
        ask(model, request(temperature=0.9, stop=["yours"]))
        ask(model)
    assert endpoint.requests[0].inference == {"temperature": 0.9, "maxTokens": 5, "stopSequences": ["yours", "mine"]}
    assert endpoint.requests[1].inference == {"temperature": 0.1, "maxTokens": 5, "stopSequences": ["mine"]}


@pytest.mark.parametrize(
    ("model", "extra"),
    [
        ("us.amazon.nova-lite-v1:0", {"inferenceConfig": {"topK": 7}}),
        ("eu.anthropic.claude-3-7-sonnet-20250219-v1:0", {"top_k": 7}),
        ("mistral.mixtral-8x7b-instruct-v0:1", {"top_k": 7}),
        ("cohere.command-r-v1:0", {"k": 7}),
    ],
)
def test_top_k_goes_under_the_key_of_the_family(model: str, extra: dict[str, object]) -> None:
    with BedrockEndpoint([Answer("a")]) as endpoint:
        ask(bedrock_at(endpoint, model), request(top_k=7))
    assert endpoint.requests[0].extra == extra


def test_the_users_own_request_fields_stay() -> None:
    own = {"inferenceConfig": {"other": 1, "topK": 2}, "more": True}
    with BedrockEndpoint([Answer("a")] * 2) as endpoint:
        model = bedrock_at(endpoint, additional_model_request_fields=own)
        ask(model, request(top_k=7))
        ask(model)
    assert endpoint.requests[0].extra == {"inferenceConfig": {"other": 1, "topK": 7}, "more": True}
    assert endpoint.requests[1].extra == own


@pytest.mark.parametrize(
    ("model", "parameter"),
    [("us.amazon.nova-lite-v1:0", "seed"), ("us.meta.llama3-1-8b-instruct-v1:0", "top_k")],
)
def test_a_parameter_the_provider_does_not_have_is_an_error_that_names_it(model: str, parameter: str) -> None:
    with BedrockEndpoint([]) as endpoint:
        with pytest.raises(ConfigError, match=f"bedrock:{model} has no parameter '{parameter}'"):
            bedrock_at(endpoint, model, Params.of({parameter: 1}))
        with pytest.raises(ConfigError, match=f"has no parameter '{parameter}'"):
            ask(bedrock_at(endpoint, model), request(**{parameter: 1}))
    assert endpoint.requests == []


def test_seed_reaches_the_family_that_has_it() -> None:
    with BedrockEndpoint([Answer("a")]) as endpoint:
        ask(bedrock_at(endpoint, "cohere.command-r-v1:0"), request(seed=3))
    assert endpoint.requests[0].extra == {"seed": 3}


# --- what is read ---


def test_chunks_come_as_they_are_written_and_end_with_tokens() -> None:
    answer = Answer("abcdefghij", chunk_size=3, input_tokens=10, cached_tokens=30)
    with BedrockEndpoint([answer]) as endpoint:
        chunks = ask(bedrock_at(endpoint))
    assert [chunk.text for chunk in chunks if chunk.text] == ["abc", "def", "ghi", "j"]
    assert chunks[-1] == Chunk("", Tokens(input=40, output=1, cached=30), "end")


def test_each_chunk_is_there_before_the_next_is_written() -> None:
    with BedrockEndpoint([Answer("one two", chunk_size=4, broken=Break(1, "stall", 60))]) as endpoint:
        chunks = bedrock_at(endpoint).stream(request())
        assert next(chunks).text == "one "
        cast(Any, chunks).close()


def test_sync_async_and_whole_replies_say_the_same() -> None:
    answer = Answer(TEXT, reasoning="let me see", chunk_size=5)
    with BedrockEndpoint([answer] * 3) as endpoint:
        model = bedrock_at(endpoint)
        assert isinstance(model, LangChainModel)
        whole = LangChainModel(model.chat, name=model.name, streaming=False)
        once = ask(model)
        assert asyncio.run(aask(model)) == once
        assert told(ask(whole)) == told(once)
    assert told(once)[0] == f"<think>let me see</think>\n{TEXT}"
    assert [asked.operation for asked in endpoint.requests] == ["converse-stream", "converse-stream", "converse"]


@pytest.mark.parametrize(
    ("answer", "params", "end"),
    [
        (Answer(TEXT), {}, "end"),
        (Answer(TEXT), {"stop": ["\nObservation:"]}, "stop"),
        (Answer(TEXT), {"max_tokens": 2}, "length"),
        (Answer("", stop_reason="model_context_window_exceeded"), {}, "length"),
        (Answer("no", stop_reason="guardrail_intervened"), {}, "filtered"),
        (Answer("no", stop_reason="content_filtered"), {}, "filtered"),
    ],
)
def test_why_the_text_ended(answer: Answer, params: dict[str, object], end: str) -> None:
    with BedrockEndpoint([answer] * 2) as endpoint:
        model = bedrock_at(endpoint)
        assert told(ask(model, request(**params)))[2] == end
        assert told(asyncio.run(aask(model, request(**params))))[2] == end


def test_reasoning_that_is_all_there_is_ends_closed() -> None:
    with BedrockEndpoint([Answer("", reasoning="hm")]) as endpoint:
        assert told(ask(bedrock_at(endpoint)))[0] == "<think>hm</think>\n"


def test_many_async_calls_are_under_way_at_once() -> None:
    count = 40
    all_here = threading.Barrier(count, timeout=20)

    def answer(_: Received) -> Answer:
        all_here.wait()  # nobody is answered before all have asked
        return Answer("together")

    async def use(endpoint: BedrockEndpoint) -> None:
        model = bedrock_at(endpoint)
        replies = await asyncio.gather(*(aask(model) for _ in range(count)))
        assert {told(reply)[0] for reply in replies} == {"together"}

    with BedrockEndpoint(answer) as endpoint:
        asyncio.run(use(endpoint))
    assert len(endpoint.requests) == count


# --- closing ---


def long_answer() -> Answer:
    return Answer("word " * 2000, chunk_size=5, delay=0.01)


def test_closing_the_iterator_closes_the_connection_at_once() -> None:
    with BedrockEndpoint([long_answer()]) as endpoint:
        chunks = bedrock_at(endpoint).stream(request())
        next(chunks)
        cast(Any, chunks).close()
        assert endpoint.requests[0].done.wait(20)
    assert endpoint.requests[0].closed_early
    assert endpoint.requests[0].chunks_written < 200


def test_closing_the_async_iterator_closes_the_connection_at_once() -> None:
    async def use(endpoint: BedrockEndpoint) -> None:
        chunks = bedrock_at(endpoint).astream(request())
        await anext(chunks)
        await cast(Any, chunks).aclose()
        assert await asyncio.to_thread(endpoint.requests[0].done.wait, 20)

    with BedrockEndpoint([long_answer()]) as endpoint:
        asyncio.run(use(endpoint))
    assert endpoint.requests[0].closed_early
    assert endpoint.requests[0].chunks_written < 200


@pytest.mark.parametrize("own", [False, True])
def test_a_stalled_stream_can_be_closed_from_another_thread(own: bool) -> None:
    with BedrockEndpoint([Answer("a b", chunk_size=1, broken=Break(1, "stall", 60))]) as endpoint:
        model = bedrock_at(endpoint, read_timeout=60)
        if own:  # a chat model that the user made
            client = client_at(endpoint, "bedrock-runtime", read_timeout=60)
            model = load(ChatBedrockConverse(model=NOVA, client=client, bedrock_client=client))
        chunks = model.stream(request())
        next(chunks)
        reader = threading.Thread(target=lambda: list(quiet(chunks)))
        reader.start()
        time.sleep(0.1)
        cast(Any, chunks).close()
        reader.join(20)
        assert not reader.is_alive()
        assert endpoint.requests[0].done.wait(20)
    assert endpoint.requests[0].closed_early


def quiet(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    try:
        yield from chunks
    except Exception:
        logging.getLogger(__name__).debug("the stream broke off, as it should")


def test_a_stalled_async_stream_can_be_timed_out_and_closed() -> None:
    async def use(endpoint: BedrockEndpoint) -> None:
        chunks = bedrock_at(endpoint, read_timeout=60).astream(request())
        await anext(chunks)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(chunks), 0.1)
        await cast(Any, chunks).aclose()
        assert await asyncio.to_thread(endpoint.requests[0].done.wait, 20)

    with BedrockEndpoint([Answer("a b", chunk_size=1, broken=Break(1, "stall", 60))]) as endpoint:
        asyncio.run(use(endpoint))
    assert endpoint.requests[0].closed_early


def test_closing_a_finished_stream_does_not_touch_the_pooled_connection() -> None:
    with BedrockEndpoint([Answer("a"), Answer("b")]) as endpoint:
        model = bedrock_at(endpoint)
        first = model.stream(request())
        assert told(list(first))[0] == "a"
        second = model.stream(request())
        assert next(second).text == "b"
        cast(Any, first).close()
        assert told(list(second))[2] == "end"


# --- what a model refuses ---


@pytest.mark.parametrize("streaming", [True, False])
def test_a_model_that_refuses_stop_is_asked_again_without_and_that_is_remembered(streaming: bool) -> None:
    with BedrockEndpoint([Answer(TEXT)] * 3, refuse={"stopSequences"}) as endpoint:
        model = bedrock_at(endpoint)
        assert isinstance(model, LangChainModel)
        model = LangChainModel(model.chat, streaming=streaming)
        for _ in range(2):
            assert told(ask(model, request(stop=["\nObservation:"])))[0] == TEXT
        assert told(asyncio.run(aask(model, request(stop=["\nObservation:"]))))[0] == TEXT
    assert ["stopSequences" in asked.inference for asked in endpoint.requests] == [True, False, False, False]


def test_the_users_own_stop_texts_hold_with_a_model_that_refuses_them() -> None:
    with BedrockEndpoint([Answer("one END two", chunk_size=2)] * 2, refuse={"stopSequences"}) as endpoint:
        model = bedrock_at(endpoint, params=Params(stop=("END", "never")))
        assert told(ask(model)) == ("one ", None, "stop")
        assert told(asyncio.run(aask(model))) == ("one ", None, "stop")


def test_a_refused_temperature_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with BedrockEndpoint([Answer("a")] * 2, refuse={"temperature"}) as endpoint:
        model = bedrock_at(endpoint)
        assert told(ask(model, request(temperature=0.5, max_tokens=9)))[0] == "a"
        ask(model, request(temperature=0.5))
    assert [dict(asked.inference) for asked in endpoint.requests] == [
        {"temperature": 0.5, "maxTokens": 9},
        {"maxTokens": 9},
        {},
    ]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "bedrock:us.amazon.nova-lite-v1:0 does not take 'temperature': This model doesn't support the temperature "
        "field. Remove temperature and try again. From now on calls are made without temperature."
    ]


def test_the_chat_models_own_parameters_are_left_out_too() -> None:
    with BedrockEndpoint([Answer("one END")], refuse={"temperature", "stopSequences"}) as endpoint:
        model = bedrock_at(endpoint, temperature=0.5, max_tokens=9, stop_sequences=["END"])
        assert told(ask(model))[0] == "one "
    assert endpoint.requests[-1].inference == {"maxTokens": 9}


def test_calls_that_are_refused_at_the_same_time_are_all_asked_again() -> None:
    both_here = threading.Barrier(2, timeout=20)

    def answer(asked: Received) -> Answer | Fault:
        if "stopSequences" not in asked.inference:
            return Answer("a")
        both_here.wait()
        return unsupported("stopSequences")

    async def use(endpoint: BedrockEndpoint) -> None:
        model = bedrock_at(endpoint)
        replies = await asyncio.gather(*(aask(model, request(stop=["x"])) for _ in range(2)))
        assert [told(reply)[0] for reply in replies] == ["a", "a"]

    with BedrockEndpoint(answer) as endpoint:
        asyncio.run(use(endpoint))
    assert len(endpoint.requests) == 4


def test_both_stop_and_temperature_refused() -> None:
    with BedrockEndpoint([Answer("a")], refuse={"temperature", "stopSequences"}) as endpoint:
        assert told(ask(bedrock_at(endpoint), request(temperature=0.5, stop=["x"])))[0] == "a"
    assert len(endpoint.requests) == 3


def test_newer_words_for_a_refusal() -> None:
    with BedrockEndpoint([deprecated("temperature"), Answer("a")]) as endpoint:
        assert told(ask(bedrock_at(endpoint), request(temperature=0.0)))[0] == "a"
    assert endpoint.requests[1].inference == {}


def test_of_temperature_and_top_p_the_temperature_is_kept_when_only_one_may_be_set() -> None:
    with BedrockEndpoint([Answer("a")], one_of_temperature_and_top_p=True) as endpoint:
        assert told(ask(bedrock_at(endpoint), request(temperature=0.5, top_p=0.5)))[0] == "a"
    assert endpoint.requests[1].inference == {"temperature": 0.5}


def test_a_model_that_does_not_stream_is_asked_for_whole_replies() -> None:
    with BedrockEndpoint([Answer("a b")] * 2, streams=False) as endpoint:
        model = bedrock_at(endpoint)
        assert told(ask(model))[0] == told(ask(model))[0] == "a b"
    assert [asked.operation for asked in endpoint.requests] == ["converse-stream", "converse", "converse"]


def test_a_value_out_of_range_is_the_users_to_correct() -> None:
    with BedrockEndpoint([]) as endpoint, pytest.raises(BadRequestError, match="less than or equal to 1") as raised:
        ask(bedrock_at(endpoint), request(temperature=1.5))
    assert raised.value.parameter is None
    assert len(endpoint.requests) == 1


def test_max_tokens_is_never_left_out() -> None:
    with BedrockEndpoint([], refuse={"maxTokens"}) as endpoint, pytest.raises(BadRequestError, match="max_tokens"):
        ask(bedrock_at(endpoint), request(max_tokens=5))
    assert len(endpoint.requests) == 1


def test_a_refusal_in_the_middle_of_a_text_is_an_error() -> None:
    late = Break(1, "exception", code="validationException", message=deprecated("temperature").message)
    with BedrockEndpoint([Answer("a b c", chunk_size=1, broken=late)]) as endpoint, pytest.raises(BadRequestError):
        ask(bedrock_at(endpoint), request(temperature=0.5))


def test_a_model_known_to_take_no_temperature_is_not_sent_one(caplog: pytest.LogCaptureFixture) -> None:
    with BedrockEndpoint([Answer("a")]) as endpoint:
        model = bedrock_at(endpoint, "us.anthropic.claude-opus-5", Params(temperature=0.0))
        assert told(ask(model))[0] == "a"  # and LangChain's own warning, an error in these tests, does not come
    assert endpoint.requests[0].inference == {}
    assert "takes neither temperature nor top_p" in caplog.text
