"""What Bedrock says when it fails, as a sentence that says what to do; and which failures are tried again."""

from __future__ import annotations

import asyncio
import socket

import pytest

from agentkit.errors import (
    AuthError,
    BadRequestError,
    ContextOverflowError,
    ModelError,
    ThrottledError,
    TransientError,
)
from agentkit.events import ModelRetried
from agentkit.flow import Flow
from agentkit.models import Model, load
from agentkit.models.retry import RetryPolicy, first_that_answers, retrying
from agentkit.operations import Close, Next, Open, drive
from tests.support import bedrock_script as script
from tests.support.bedrock import BedrockEndpoint
from tests.support.bedrock_script import Answer, Break, Fault
from tests.support.models import NOVA, aask, ask, bedrock_at, request

NAME = f"bedrock:{NOVA}"

FAULTS = [
    (script.THROTTLED, ThrottledError, "asks to slow down: Too many tokens"),
    (script.NOT_READY, ThrottledError, "asks to slow down: Model is not ready"),
    (script.THROTTLED_FOR_THE_DAY, ModelError, "The quota for .* is used up: raise it or use another model"),
    (script.UNAVAILABLE, TransientError, "failed for the moment, ServiceUnavailableException: Bedrock is unable"),
    (script.INTERNAL_ERROR, TransientError, "failed for the moment, InternalServerException"),
    (script.MODEL_TIMEOUT, TransientError, "failed for the moment, ModelTimeoutException: Model has timed out"),
    (script.MODEL_ERROR, TransientError, "failed for the moment, ModelErrorException"),
    (script.INVALID_MODEL, BadRequestError, "Bedrock does not know .* in this region: check the model ID"),
    (script.TOO_LONG, ContextOverflowError, r"too long for .*: lower Limits\(context_tokens="),
    (script.PROMPT_TOO_LONG, ContextOverflowError, "200049 tokens > 200000 maximum"),
    (script.NO_MODEL_ACCESS, AuthError, "no access to .*: request it under Model access in the Amazon Bedrock console"),
    (script.NOT_AUTHORIZED, AuthError, "may not call .*: allow it bedrock:InvokeModel and bedrock:InvokeModelWith"),
    (script.NOT_SUBSCRIBED, AuthError, "may not subscribe to .*: allow it aws-marketplace:Subscribe"),
    (script.EXPIRED_TOKEN, AuthError, "credentials for .* have expired: run `aws sso login` or get new keys"),
    (script.UNKNOWN_KEY, AuthError, "does not accept the credentials for .*: check AWS_ACCESS_KEY_ID"),
    (script.WRONG_SIGNATURE, AuthError, "does not accept the credentials"),
    (script.END_OF_LIFE, AuthError, "does not offer .*: check its name.*reached the end of its life"),
    (script.invalid("A conversation must start with a user message."), BadRequestError, "refused the request: A conv"),
]


@pytest.mark.parametrize(("fault", "kind", "text"), FAULTS, ids=lambda value: getattr(value, "message", "")[:30])
def test_http_errors(fault: Fault, kind: type[ModelError], text: str) -> None:
    with BedrockEndpoint([fault] * 2) as endpoint:
        model = bedrock_at(endpoint)
        with pytest.raises(ModelError, match=text) as raised:
            ask(model)
        with pytest.raises(ModelError, match=text) as raised_async:
            asyncio.run(aask(model))
        assert len(endpoint.requests) == 2
    assert type(raised.value) is type(raised_async.value) is kind
    assert NAME in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is not None


def test_a_model_behind_an_inference_profile_is_called_by_its_name() -> None:
    with BedrockEndpoint([script.NOT_ON_DEMAND]) as endpoint, pytest.raises(BadRequestError) as raised:
        ask(bedrock_at(endpoint, "anthropic.claude-3-7-sonnet-20250219-v1:0"))
    assert "as in 'bedrock:us.anthropic.claude-3-7-sonnet-20250219-v1:0'" in str(raised.value)


@pytest.mark.parametrize(("wish", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), (None, None)])
def test_retry_after(wish: str | None, seconds: float | None) -> None:
    fault = Fault(429, "ThrottlingException", "Too many requests", retry_after=wish)
    with BedrockEndpoint([fault]) as endpoint, pytest.raises(ThrottledError) as raised:
        ask(bedrock_at(endpoint))
    assert raised.value.retry_after == seconds


STREAM_EXCEPTIONS = [
    ("throttlingException", "Too many tokens", ThrottledError),
    ("modelStreamErrorException", "The model stopped", TransientError),
    ("internalServerException", "Unexpected", TransientError),
    ("serviceUnavailableException", "Bedrock is unable to process your request.", TransientError),
    ("validationException", "Input is too long for requested model.", ContextOverflowError),
    ("validationException", "Something else", BadRequestError),
]


@pytest.mark.parametrize(("code", "message", "kind"), STREAM_EXCEPTIONS)
@pytest.mark.parametrize("after", [0, 2])
def test_exceptions_inside_the_stream(code: str, message: str, kind: type[ModelError], after: int) -> None:
    broken = Break(after, "exception", code=code, message=message)
    answer = Answer("a b c", chunk_size=1, broken=broken)
    with BedrockEndpoint([answer]) as endpoint, pytest.raises(ModelError, match=message) as raised:
        ask(bedrock_at(endpoint))
    assert type(raised.value) is kind


@pytest.mark.parametrize("how", ["cut", "cut_in_frame", "end"])
def test_a_cut_stream_is_worth_another_attempt(how: str) -> None:
    broken = Break(2, how)  # type: ignore[arg-type]  # the parametrized names are those of Break
    with BedrockEndpoint([Answer("a b c", chunk_size=1, broken=broken)] * 2) as endpoint:
        with pytest.raises(TransientError, match=f"The connection to {NAME} broke"):
            ask(bedrock_at(endpoint))
        with pytest.raises(TransientError, match=f"The connection to {NAME} broke"):
            asyncio.run(aask(bedrock_at(endpoint)))


@pytest.mark.parametrize("streaming", [True, False])
def test_silence_is_a_timeout(streaming: bool) -> None:
    answer = Answer("a b", delay=60) if not streaming else Answer("a b", broken=Break(0, "stall", 60))
    with BedrockEndpoint([answer]) as endpoint:
        model = bedrock_at(endpoint, read_timeout=0.2, disable_streaming=not streaming)
        with pytest.raises(TransientError, match="did not answer in time"):
            ask(model)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    model = load(NAME, endpoint_url=url, region_name="x", aws_access_key_id="a", aws_secret_access_key="b")
    with pytest.raises(TransientError, match="cannot be reached; check the network and the endpoint"):
        ask(model)


# --- tried again, over the wire ---

QUICK = RetryPolicy(initial=0.001)


def reply(model: Model) -> Flow[str]:
    stream, chunk = yield from Open(model, request())
    text = ""
    try:
        while chunk is not None:
            text += chunk.text
            chunk = yield from Next(stream)
    finally:
        yield from Close(stream)
    return text


def run(flow: Flow[str]) -> tuple[str, list[ModelRetried]]:
    events: list[ModelRetried] = []
    driver = drive(flow)
    while True:
        try:
            event = next(driver)
        except StopIteration as stop:
            return stop.value, events
        assert isinstance(event, ModelRetried)
        events.append(event)


def test_what_passes_is_tried_until_it_answers() -> None:
    answers: list[script.Scripted] = [
        script.THROTTLED,
        Answer("half", chunk_size=1, broken=Break(2, "cut")),
        Answer("late", broken=Break(0, "stall", 60)),
        Answer("no", broken=Break(0, "exception", code="throttlingException", message="slow down")),
        Answer("whole"),
    ]
    with BedrockEndpoint(answers) as endpoint:
        model = bedrock_at(endpoint, read_timeout=1)
        text, events = run(retrying(QUICK, lambda: reply(model), model=model.name))
    assert text == "whole"
    assert [event.attempt for event in events] == [1, 2, 3, 4]
    assert [event.model for event in events] == [NAME] * 4
    assert len(endpoint.requests) == 5  # one HTTP request for each attempt: nobody else tries again


@pytest.mark.parametrize("fault", [script.TOO_LONG, script.UNKNOWN_KEY, script.INVALID_MODEL, script.EXPIRED_TOKEN])
def test_what_stays_is_not_tried_again(fault: Fault) -> None:
    with BedrockEndpoint([fault]) as endpoint:
        model = bedrock_at(endpoint)
        with pytest.raises(ModelError):
            run(retrying(QUICK, lambda: reply(model), model=model.name))
    assert len(endpoint.requests) == 1


def test_another_model_goes_on() -> None:
    with BedrockEndpoint([script.UNAVAILABLE] * 2) as down, BedrockEndpoint([Answer("here")]) as up:
        models = [bedrock_at(down), bedrock_at(up, "amazon.nova-pro-v1:0")]
        twice = RetryPolicy(initial=0.001, attempts=2)
        flow = first_that_answers(models, lambda model: retrying(twice, lambda: reply(model), model=model.name))
        text, events = run(flow)
    assert text == "here"
    assert [(event.model, event.delay > 0) for event in events] == [(NAME, True), (NAME, False)]
