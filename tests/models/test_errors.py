"""Exceptions of libraries that are not installed here, known by their names, codes and texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core import exceptions as langchain

from agentkit.errors import AuthError, BadRequestError, ContextOverflowError, ModelError, ThrottledError, TransientError
from agentkit.models.errors import map_error


class StatusError(Exception):
    """As the SDKs of OpenAI, Anthropic, Mistral, Groq and Google have it, one way or another."""

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        for name, value in facts.items():
            setattr(self, name, value)


class Response:
    def __init__(self, status_code: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status_code
        self.headers = headers or {}


def named(name: str, *bases: type[Exception]) -> type[Exception]:
    return type(name, bases or (Exception,), {})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StatusError("slow down", status_code=429), ThrottledError),
        (StatusError("slow down", response=Response(429)), ThrottledError),
        (StatusError("RESOURCE_EXHAUSTED", code=429), ThrottledError),
        (StatusError("bad gateway", code=502), TransientError),
        (StatusError("no", status_code=403), AuthError),
        (StatusError("what?", status_code=422), BadRequestError),
        (StatusError("the input tokens exceed the limit", status_code=400), ContextOverflowError),
        (langchain.ModelRateLimitError("slow down"), ThrottledError),
        (langchain.ModelAPIError("oops"), TransientError),
        (langchain.ModelTimeoutError("late"), TransientError),
        (langchain.ModelConnectionError("gone"), TransientError),
        (langchain.ModelAuthenticationError("who?"), AuthError),
        (langchain.ModelNotFoundError("where?"), AuthError),
        (langchain.ModelInvalidRequestError("what?"), BadRequestError),
        (langchain.ContextOverflowError("long"), ContextOverflowError),
        (named("NoRegionError")("You must specify a region."), AuthError),
        (named("UnauthorizedSSOTokenError")("expired"), AuthError),
        (named("ParamValidationError")("Invalid length"), BadRequestError),
        (named("ConnectError")("[Errno 111] Connection refused"), TransientError),
        (ConnectionResetError("reset"), TransientError),
        (TimeoutError(), TransientError),
        (StatusError("CERTIFICATE_VERIFY_FAILED: self-signed"), ModelError),
        (KeyError("choices"), ModelError),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
def test_kinds(error: Exception, kind: type[ModelError]) -> None:
    mapped = map_error(error, "x:y")
    assert type(mapped) is kind
    assert "x:y" in str(mapped)


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = ThrottledError("wait")
    assert map_error(error, "x:y") is error


def test_what_is_wrapped_counts() -> None:
    outer = ValueError("Error calling model")
    outer.__cause__ = StatusError("quota", code=429)
    assert type(map_error(outer, "x:y")) is ThrottledError


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert str(map_error(first, "x:y")) == "x:y failed with ValueError: a"


def test_retry_after_as_a_date() -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    mapped = map_error(StatusError("wait", response=Response(429, headers)), "x:y")
    assert isinstance(mapped, ThrottledError)
    assert mapped.retry_after == 0.0  # it has passed


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        ("Argument not supported on this model: stop", "stop"),
        ("Model grok-4 does not support parameter stop.", "stop"),
        ("'temperature' is not supported with this model.", "temperature"),
        ("The `seed` parameter is unsupported", "seed"),
        ("stop_sequences: each stop sequence must contain non-whitespace", "stop"),
        ("This model doesn't support the topK field. Remove topK and try again.", "top_k"),
        ("temperature: range: 0..1", None),
        ("Please stop sending images: they are not supported.", None),
        ("max_tokens is too large", None),
    ],
)
def test_the_refused_parameter(message: str, parameter: str | None) -> None:
    mapped = map_error(StatusError(message, status_code=400), "x:y")
    assert isinstance(mapped, BadRequestError)
    assert mapped.parameter == parameter


@given(st.text(max_size=2000), st.sampled_from([0, 200, 400, 404, 429, 500]), st.text(max_size=10))
def test_any_text_gives_one_line(message: str, status: int, code: str) -> None:
    mapped = str(map_error(StatusError(message, status_code=status, code=code), "x:y"))
    assert "\n" not in mapped
    assert len(mapped) < 900
