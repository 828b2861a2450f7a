"""Anthropic's own API over the wire, through LangChain's class."""

from __future__ import annotations

import asyncio

import pytest

from agentkit.errors import AuthError, ContextOverflowError, ModelError, ThrottledError, TransientError
from agentkit.messages import JSON, Tokens
from agentkit.models import Model, Params, load
from tests.support.models import aask, ask, request, told
from tests.support.sse import Body, Events, Scripted, SSEEndpoint

pytest.importorskip("langchain_anthropic")


def anthropic_at(endpoint: SSEEndpoint, params: Params | None = None) -> Model:
    return load("anthropic:claude-haiku-4-5", params=params or Params(), base_url=endpoint.url, api_key="k")


def answer(text: str, *, thinking: str = "", reason: str = "end_turn") -> Events:
    def block(index: int, kind: str, field: str, content: str) -> list[JSON]:
        return [
            {"type": "content_block_start", "index": index, "content_block": {"type": field, field: ""}},
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: content}},
            {"type": "content_block_stop", "index": index},
        ]

    usage: dict[str, JSON] = {"input_tokens": 10, "cache_read_input_tokens": 30, "output_tokens": 1}
    message: JSON = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    blocks = block(0, "thinking_delta", "thinking", thinking) if thinking else []
    return Events(
        [
            {"type": "message_start", "message": message},
            *blocks,
            *block(len(blocks) // 3, "text_delta", "text", text),
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {**usage, "output_tokens": 5},
            },
            {"type": "message_stop"},
        ]
    )


def fault(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Body:
    return Body({"type": "error", "error": {"type": kind, "message": message}}, status, headers or {})


def test_what_is_sent_and_what_is_read() -> None:
    with SSEEndpoint(answer("Hello", thinking="hm"), answer("Hello", thinking="hm")) as endpoint:
        model = anthropic_at(endpoint, Params(temperature=0.5, top_k=7, max_tokens=20))
        chunks = ask(model, request(stop=["END"], top_p=0.9))
        assert asyncio.run(aask(model, request(stop=["END"], top_p=0.9))) == chunks
    assert told(chunks) == ("<think>hm</think>\nHello", Tokens(input=40, output=5, cached=30), "end")
    body = endpoint.requests[0].body
    assert endpoint.requests[0].path == "/v1/messages"
    assert body["system"] == "Be brief."
    assert body["messages"] == [{"role": "user", "content": "How many?"}]
    sent = {key: body.get(key) for key in ("temperature", "top_p", "top_k", "max_tokens", "stop_sequences", "stream")}
    assert sent == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "max_tokens": 20,
        "stop_sequences": ["END"],
        "stream": True,
    }


@pytest.mark.parametrize(
    ("reason", "end"),
    [("end_turn", "end"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "filtered")],
)
def test_why_the_text_ended(reason: str, end: str) -> None:
    with SSEEndpoint(answer("a", reason=reason)) as endpoint:
        assert told(ask(anthropic_at(endpoint)))[2] == end


FAULTS: list[tuple[Scripted, type[ModelError], str]] = [
    (fault(401, "authentication_error", "invalid x-api-key"), AuthError, "check the API key"),
    (
        fault(429, "rate_limit_error", "Number of request tokens has exceeded", {"retry-after": "3"}),
        ThrottledError,
        "slow",
    ),
    (
        fault(529, "overloaded_error", "Overloaded"),
        TransientError,
        "failed for the moment, overloaded_error: Overloaded",
    ),
    (
        fault(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        ContextOverflowError,
        "210000 tokens",
    ),
    (
        Events([{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]),
        TransientError,
        "failed for the moment, overloaded_error",
    ),
]


@pytest.mark.parametrize(
    ("scripted", "kind", "text"), FAULTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_errors(scripted: Scripted, kind: type[ModelError], text: str) -> None:
    with SSEEndpoint(scripted) as endpoint, pytest.raises(ModelError, match=text) as raised:
        ask(anthropic_at(endpoint))
    assert type(raised.value) is kind
    assert len(endpoint.requests) == 1
    if isinstance(raised.value, ThrottledError):
        assert raised.value.retry_after == 3.0


def test_a_refused_temperature_is_left_out() -> None:
    refusal = fault(400, "invalid_request_error", "`temperature` is deprecated for this model.")
    with SSEEndpoint(refusal, answer("a")) as endpoint:
        assert told(ask(anthropic_at(endpoint), request(temperature=0.0)))[0] == "a"
    assert ["temperature" in posted.body for posted in endpoint.requests] == [True, False]


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(
        AuthError, match=r"^No credentials for anthropic:claude-haiku-4-5: set ANTHROPIC_API_KEY, or pass"
    ):
        load("anthropic:claude-haiku-4-5")
