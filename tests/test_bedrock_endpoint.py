"""The endpoint is what it says it is: botocore and ChatBedrockConverse read it as they read Bedrock."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any, cast

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from langchain_aws import ChatBedrockConverse

from tests.support import bedrock_script as script
from tests.support.bedrock import BedrockEndpoint, event, exception, frame
from tests.support.bedrock_script import Answer, Break, Fault
from tests.support.models import NOVA, client_at


def chat_at(endpoint: BedrockEndpoint, *, read_timeout: float = 20, **options: object) -> ChatBedrockConverse:
    client = client_at(endpoint, "bedrock-runtime", read_timeout=read_timeout)
    return ChatBedrockConverse(
        **{"model": NOVA, "client": client, "bedrock_client": client_at(endpoint, "bedrock"), **options}  # type: ignore[arg-type]  # given by name
    )


def response_of(error: ClientError) -> Mapping[str, Mapping[str, object]]:
    return cast("Mapping[str, Mapping[str, object]]", error.response)


def streamed(chat: ChatBedrockConverse) -> str:
    return "".join(str(chunk.text) for chunk in chat.stream("How many?"))


# --- framing ---


@given(
    st.dictionaries(st.text("abc:-", min_size=1, max_size=20), st.text(max_size=40), max_size=4),
    st.binary(max_size=200),
    st.integers(1, 50),
)
def test_botocore_parses_every_frame(headers: dict[str, str], payload: bytes, size: int) -> None:
    data = frame(headers, payload) * 2
    buffer = EventStreamBuffer()  # checks both CRCs
    for start in range(0, len(data), size):
        buffer.add_data(data[start : start + size])
    messages = list(buffer)
    parsed = [message.to_response_dict() for message in messages]
    assert [(message["headers"], message["body"]) for message in parsed] == [(headers, payload)] * 2


def test_botocore_reads_events_and_exceptions() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(event("messageStart", {"role": "assistant"}) + exception("throttlingException", "slow down"))
    started, thrown = [message.to_response_dict() for message in buffer]
    assert started["status_code"] == 200
    assert started["headers"][":event-type"] == "messageStart"
    assert thrown["status_code"] == 400
    assert thrown["headers"][":exception-type"] == "throttlingException"


# --- answers ---


def test_a_converse_answer_with_usage_and_signature() -> None:
    with BedrockEndpoint([Answer("42, I think.", input_tokens=10, cached_tokens=30)]) as endpoint:
        message = chat_at(endpoint, temperature=0.5).invoke("How many?")
    assert message.text == "42, I think."
    assert message.response_metadata["stopReason"] == "end_turn"
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_tokens"] == 40
    assert message.usage_metadata["output_tokens"] == 3
    assert message.usage_metadata.get("input_token_details", {}).get("cache_read") == 30
    asked = endpoint.requests[0]
    assert (asked.operation, asked.model) == ("converse", NOVA)
    assert asked.body["messages"] == [{"role": "user", "content": [{"text": "How many?"}]}]
    assert asked.inference == {"temperature": 0.5}
    key, _, region, service, kind = asked.scope.split("/")
    assert (key, region, service, kind) == ("AKIDEXAMPLE", "eu-west-1", "bedrock", "aws4_request")


def test_a_streamed_answer_comes_in_its_chunks_and_ends_with_usage() -> None:
    with BedrockEndpoint([Answer("abcdefghij", chunk_size=3, reasoning="hm")]) as endpoint:
        chunks = list(chat_at(endpoint).stream("Hi"))
        endpoint.requests[0].done.wait(20)
    assert [chunk.text for chunk in chunks if chunk.text] == ["abc", "def", "ghi", "j"]
    assert next(chunk.usage_metadata for chunk in chunks if chunk.usage_metadata)["output_tokens"] == 2
    assert endpoint.requests[0].chunks_written == 5
    assert not endpoint.requests[0].closed_early


@pytest.mark.parametrize("streaming", [False, True])
def test_stop_sequences_and_max_tokens_are_honoured(streaming: bool) -> None:
    text = "Action: add\nAction Input: 1\nObservation: 2"
    with BedrockEndpoint([Answer(text)] * 3) as endpoint:

        def ask(**options: Any) -> tuple[str, str]:
            chat = chat_at(endpoint, **options)
            if not streaming:
                message = chat.invoke("Hi")
                return message.text, message.response_metadata["stopReason"]
            chunks = list(chat.stream("Hi"))
            reasons = [chunk.response_metadata.get("stopReason") for chunk in chunks]
            return "".join(chunk.text for chunk in chunks), cast("str", next(filter(None, reasons)))

        assert ask(stop=["\nObservation:"]) == ("Action: add\nAction Input: 1", "stop_sequence")
        assert ask(max_tokens=3) == ("Action: add\nAction", "max_tokens")
        assert ask(max_tokens=99) == (text, "end_turn")


def test_a_client_that_closes_is_noticed() -> None:
    with BedrockEndpoint([Answer("word " * 1000, chunk_size=5, delay=0.01)]) as endpoint:
        with closing(cast("Generator[object]", chat_at(endpoint).stream("Hi"))) as stream:
            next(stream)
        assert endpoint.requests[0].done.wait(20)
    assert endpoint.requests[0].closed_early
    assert endpoint.requests[0].chunks_written < 50


def test_a_used_up_script_is_an_error() -> None:
    with BedrockEndpoint([]) as endpoint, pytest.raises(ClientError, match="script is used up"):
        chat_at(endpoint).invoke("Hi")


# --- faults ---

FAULTS = [fault for fault in vars(script).values() if isinstance(fault, Fault) and fault is not script.NOT_STREAMED]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code}-{fault.message[:30]}")
@pytest.mark.parametrize("streaming", [False, True])
def test_each_fault_is_the_botocore_error_it_would_be(fault: Fault, streaming: bool) -> None:
    with BedrockEndpoint([fault]) as endpoint, pytest.raises(ClientError) as raised:
        streamed(chat_at(endpoint)) if streaming else chat_at(endpoint).invoke("Hi")
    response = response_of(raised.value)
    assert response["Error"]["Code"] == fault.code
    assert response["Error"]["Message"] == fault.message
    assert response["ResponseMetadata"]["HTTPStatusCode"] == fault.status
    assert len(endpoint.requests) == 1  # botocore's own retries are off


def test_retry_after_reaches_the_client() -> None:
    fault = Fault(429, "ThrottlingException", "wait", retry_after="7")
    with BedrockEndpoint([fault]) as endpoint, pytest.raises(ClientError) as raised:
        chat_at(endpoint).invoke("Hi")
    assert cast("dict[str, str]", response_of(raised.value)["ResponseMetadata"]["HTTPHeaders"])["retry-after"] == "7"


@pytest.mark.parametrize(
    "code",
    [
        "throttlingException",
        "modelStreamErrorException",
        "internalServerException",
        "serviceUnavailableException",
        "validationException",
    ],
)
def test_exceptions_inside_the_stream(code: str) -> None:
    answer = Answer("a b c d e f", broken=Break(1, "exception", code=code, message="so it is"))
    with BedrockEndpoint([answer]) as endpoint, pytest.raises(EventStreamError) as raised:
        streamed(chat_at(endpoint))
    assert response_of(raised.value)["Error"] == {"Code": code, "Message": "so it is"}
    assert endpoint.requests[0].chunks_written == 1


@pytest.mark.parametrize("how", ["cut", "cut_in_frame", "end"])
def test_a_cut_stream_is_an_error(how: str) -> None:
    broken = Break(1, how)  # type: ignore[arg-type]  # the parametrized names are those of Break
    answer = Answer("a b c d e f g h i", chunk_size=2, broken=broken)
    with (
        BedrockEndpoint([answer]) as endpoint,
        pytest.raises(Exception, match=r"(?i)connection broken|incomplete|ended prematurely"),
    ):
        streamed(chat_at(endpoint))


def test_a_short_stall_goes_on() -> None:
    with BedrockEndpoint([Answer("a b", broken=Break(0, "stall", 0.05))]) as endpoint:
        assert streamed(chat_at(endpoint)) == "a b"


def test_a_stalled_stream_times_out() -> None:
    answer = Answer("a b", broken=Break(0, "stall", 60))
    with BedrockEndpoint([answer]) as endpoint, pytest.raises(Exception, match="Read timed out") as raised:
        streamed(chat_at(endpoint, read_timeout=0.3))
    assert "ReadTimeoutError" in {kind.__name__ for kind in type(raised.value).__mro__}
    assert not isinstance(raised.value, ReadTimeoutError)  # urllib3's: botocore does not translate it in a stream


def test_a_slow_answer_times_out() -> None:
    with BedrockEndpoint([Answer("a", delay=60)]) as endpoint, pytest.raises(ReadTimeoutError):
        chat_at(endpoint, read_timeout=0.3).invoke("Hi")


# --- a model that refuses ---


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stop": ["x"]}, "This model doesn't support the stopSequences field. Remove stopSequences and try again."),
        ({"temperature": 0.0}, "This model doesn't support the temperature field. Remove temperature and try again."),
        ({"temperature": 1.5, "max_tokens": 1}, "less than or equal to 1"),
        ({"temperature": 0.1, "top_p": 0.9}, "cannot both be specified for this model"),
        ({"additional_model_request_fields": {"top_k": 5}}, r"extraneous key \[top_k\] is not permitted"),
    ],
)
def test_refused_parameters(options: dict[str, Any], text: str) -> None:
    refuse = {"stopSequences"} | ({"temperature"} if options.get("temperature") == 0.0 else set[str]())
    with BedrockEndpoint([Answer("ok")], refuse=refuse, one_of_temperature_and_top_p=True) as endpoint:
        with pytest.raises(ClientError, match=text):
            chat_at(endpoint, **options).invoke("Hi")
        assert chat_at(endpoint).invoke("Hi").text == "ok"


def test_a_model_that_does_not_stream() -> None:
    with BedrockEndpoint([Answer("ok")], streams=False) as endpoint:
        with pytest.raises(ClientError, match="unsupported for streaming"):
            streamed(chat_at(endpoint))
        assert chat_at(endpoint).invoke("Hi").text == "ok"


def test_an_unsigned_request_is_refused() -> None:
    with BedrockEndpoint([Answer("ok")]) as endpoint:
        import urllib.error
        import urllib.request

        request = urllib.request.Request(f"{endpoint.url}/model/m/converse", data=b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert raised.value.code == 403
        raised.value.close()
