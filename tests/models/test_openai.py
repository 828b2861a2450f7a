"""An OpenAI-compatible provider over the wire, through LangChain's own class."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agentkit.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    ModelError,
    ThrottledError,
    TransientError,
)
from agentkit.messages import JSON, Tokens
from agentkit.models import Chunk, Model, Params, load
from tests.support.models import aask, ask, request, told
from tests.support.sse import Body, Events, Scripted, SSEEndpoint

pytest.importorskip("langchain_openai")


def openai_at(endpoint: SSEEndpoint, params: Params | None = None, **options: object) -> Model:
    return load("openai:gpt-4o-mini", params=params or Params(), base_url=f"{endpoint.url}/v1", api_key="k", **options)


def answer(*texts: str, reason: str = "stop", **options: Any) -> Events:
    def chunk(choices: list[JSON], **more: JSON) -> JSON:
        head: dict[str, JSON] = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
        return {**head, "choices": choices, **more}

    pieces = [chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}]) for text in texts]
    end = chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
    tokens: JSON = {
        "prompt_tokens": 40,
        "completion_tokens": 3,
        "total_tokens": 43,
        "prompt_tokens_details": {"cached_tokens": 30},
    }
    return Events([*pieces, end, chunk([], usage=tokens), "[DONE]"], **options)


def fault(status: int, message: str, headers: dict[str, str] | None = None, **error: JSON) -> Body:
    return Body(
        {"error": {"message": message, "type": "server_error", "param": None, "code": None, **error}},
        status,
        headers or {},
    )


def test_what_is_sent_and_what_is_read() -> None:
    with SSEEndpoint(answer("Hel", "lo"), answer("Hel", "lo")) as endpoint:
        model = openai_at(endpoint, Params(temperature=0.5, top_p=0.9, max_tokens=20, seed=7, stop=("END",)))
        chunks = ask(model, request(temperature=0.1))
        assert asyncio.run(aask(model, request(temperature=0.1))) == chunks
    assert chunks == [Chunk("Hel"), Chunk("lo"), Chunk("", Tokens(40, 3, 30), "end")]
    body = dict(endpoint.requests[0].body)
    assert endpoint.requests[0].path == "/v1/chat/completions"
    assert body.pop("messages") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many?"},
    ]
    assert body == {
        "model": "gpt-4o-mini",
        "temperature": 0.1,
        "top_p": 0.9,
        "max_completion_tokens": 20,
        "seed": 7,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_top_k_is_not_a_parameter_of_openai() -> None:
    with SSEEndpoint() as endpoint, pytest.raises(ConfigError, match="openai:gpt-4o-mini has no parameter 'top_k'"):
        openai_at(endpoint, Params(top_k=3))


@pytest.mark.parametrize(("reason", "end"), [("stop", "end"), ("length", "length"), ("content_filter", "filtered")])
def test_why_the_text_ended(reason: str, end: str) -> None:
    with SSEEndpoint(answer("a", reason=reason)) as endpoint:
        assert told(ask(openai_at(endpoint)))[2] == end


FAULTS: list[tuple[Scripted, type[ModelError], str]] = [
    (fault(401, "Incorrect API key provided: k.", code="invalid_api_key"), AuthError, "check the API key"),
    (fault(404, "The model `gpt-nope` does not exist", code="model_not_found"), AuthError, "does not offer"),
    (
        fault(429, "Rate limit reached for gpt-4o-mini", code="rate_limit_exceeded"),
        ThrottledError,
        "slow down: Rate limit",
    ),
    (fault(429, "You exceeded your current quota", code="insufficient_quota"), ModelError, "quota .* is used up"),
    (
        fault(500, "The server had an error"),
        TransientError,
        "failed for the moment, server_error: The server had an error",
    ),
    (fault(503, "overloaded"), TransientError, "failed for the moment"),
    (
        fault(400, "This model's maximum context length is 128000 tokens.", code="context_length_exceeded"),
        ContextOverflowError,
        "too long",
    ),
    (fault(400, "Invalid 'messages'"), BadRequestError, "refused the request: Invalid 'messages'"),
    (
        Events([{"error": {"message": "The server had an error", "type": "server_error", "code": "server_error"}}]),
        TransientError,
        "failed for the moment",
    ),
    (Events([{"id": "c1", "choices": []}], cut=True), TransientError, "broke"),
]


@pytest.mark.parametrize(
    ("scripted", "kind", "text"), FAULTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_errors(scripted: Scripted, kind: type[ModelError], text: str) -> None:
    with SSEEndpoint(scripted, scripted) as endpoint:
        model = openai_at(endpoint)
        with pytest.raises(ModelError, match=text) as raised:
            ask(model)
        with pytest.raises(ModelError, match=text):
            asyncio.run(aask(model))
        assert len(endpoint.requests) == 2  # the SDK's own retries are off
    assert type(raised.value) is kind


@pytest.mark.parametrize(("headers", "seconds"), [({"retry-after": "2"}, 2.0), ({"retry-after-ms": "1500"}, 1.5)])
def test_retry_after(headers: dict[str, str], seconds: float) -> None:
    with SSEEndpoint(fault(429, "wait", headers)) as endpoint, pytest.raises(ThrottledError) as raised:
        ask(openai_at(endpoint))
    assert raised.value.retry_after == seconds


def test_silence_is_a_timeout() -> None:
    with SSEEndpoint(answer("a", delay=5.0)) as endpoint, pytest.raises(TransientError, match="did not answer in time"):
        ask(openai_at(endpoint, timeout=0.2))


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [
        ("stop", "Unsupported parameter: 'stop' is not supported with this model.", "unsupported_parameter"),
        (
            "temperature",
            "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is "
            "supported.",
            "unsupported_value",
        ),
    ],
)
def test_a_refused_parameter_is_left_out_and_that_is_remembered(name: str, message: str, code: str) -> None:
    with SSEEndpoint(fault(400, message, param=name, code=code), answer("a"), answer("b")) as endpoint:
        model = openai_at(endpoint)
        asked = request(temperature=0.0, stop=["x"])
        assert told(ask(model, asked))[0] == "a"
        assert told(ask(model, asked))[0] == "b"
    assert [name in posted.body for posted in endpoint.requests] == [True, False, False]


def test_closing_the_iterator_closes_the_connection() -> None:
    with SSEEndpoint(answer(*["word "] * 500, delay=0.01)) as endpoint:
        chunks = openai_at(endpoint).stream(request())
        next(chunks)
        cast(Any, chunks).close()
        assert endpoint.requests[0].done.wait(20)
    assert endpoint.requests[0].closed_early
    assert endpoint.requests[0].events_written < 200


def test_closing_the_async_iterator_closes_the_connection() -> None:
    async def use(endpoint: SSEEndpoint) -> None:
        chunks = openai_at(endpoint).astream(request())
        await anext(chunks)
        await cast(Any, chunks).aclose()
        assert await asyncio.to_thread(endpoint.requests[0].done.wait, 20)

    with SSEEndpoint(answer(*["word "] * 500, delay=0.01)) as endpoint:
        asyncio.run(use(endpoint))
    assert endpoint.requests[0].closed_early


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(
        AuthError, match=r"^No credentials for openai:gpt-4o-mini: set OPENAI_API_KEY, or pass api_key=$"
    ):
        load("openai:gpt-4o-mini")
