"""Every exception of a provider's library as one of agentkit's `ModelError` kinds, in a sentence that says what to do.

Nothing is imported for it: exceptions are known by class name, status code and error code, which is what the libraries
have in common. Texts are matched only where a provider has no code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import cast

from agentkit.errors import (
    AuthError,
    BadRequestError,
    ContextOverflowError,
    ModelError,
    ThrottledError,
    TransientError,
)

__all__ = ["map_error"]

NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
STALE_LOGIN = {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "SSOError", "ExpiredTokenException", "ExpiredToken"}
WRONG_KEYS = {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
}
THROTTLED = {
    "ModelRateLimitError",
    "ThrottlingException",
    "TooManyRequestsException",
    "rate_limit_error",
    "rate_limit_exceeded",
}
NOT_ALLOWED = {"ModelAuthenticationError", "ModelPermissionDeniedError"}  # of langchain_core, as "Model…Error" below
BUSY = {
    "ModelAPIError",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ModelStreamErrorException",
    "ModelNotReadyException",
}
TIMEOUTS = {
    "TimeoutError",
    "APITimeoutError",
    "ModelTimeoutError",
    "ReadTimeoutError",
    "ConnectTimeoutError",
    "ReadTimeout",
    "ConnectTimeout",
    "PoolTimeout",
}
UNREACHABLE = {"EndpointConnectionError", "ConnectError", "NewConnectionError", "ProxyConnectionError"}
OVERLOADED = {"overloaded_error", "api_error", "server_error", "internal_error", "timeout_error"}
BROKEN = {
    "ConnectionError",
    "APIConnectionError",
    "ModelConnectionError",
    "ConnectionClosedError",
    "HTTPClientError",
    "ProtocolError",
    "RemoteProtocolError",
    "IncompleteRead",
    "IncompleteReadError",
    "ReadError",
    "WriteError",
    "ResponseStreamingError",
    "ChecksumMismatch",
    "ParserError",
}
OVERFLOW = (
    "input is too long",
    "prompt is too long",
    "input tokens exceed",
    "maximum context length",
    "context_length_exceeded",
    "context length exceeded",
    "exceeds the context window",
    "exceed model maximum",
    "too many input tokens",
    "longer than the model's context",
    "exceeds the maximum number of tokens",
)
_SAMPLING = r"['\"`]?(stop|temperature|top_p|top_k|seed)\b"
REFUSALS = (
    r"doesn't support the (\w+) field",
    r"`(\w+)` is deprecated for this model",
    r"`temperature` and `(top_p)` cannot both be specified",
    r"extraneous key \[(\w+)\] is not permitted",
    r"[Uu]nsupported (?:parameter|value): '(\w+)'",
    r"unsupported for (streaming)",
    r"(?i)(stop_?sequences)",
    rf"(?i)does(?: not|n't) support (?:the )?(?:parameter )?{_SAMPLING}",
    rf"(?i)not supported [^.]*: ?{_SAMPLING}",
    rf"(?i){_SAMPLING}['\"`]?(?: parameter)? is (?:not supported|unsupported)",
)
NAMES = {
    "stopsequences": "stop",
    "topp": "top_p",
    "topk": "top_k",
    "k": "top_k",
    "maxtokens": "max_tokens",
    "streaming": "stream",
}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one exception says of itself."""

    kind: frozenset[str]
    code: str
    status: int
    message: str
    headers: Mapping[str, str]
    parameter: str = ""


def map_error(error: Exception, model: str) -> ModelError:
    """The exception in agentkit's terms; the caller raises it `from` the original."""
    if isinstance(error, ModelError):
        return error
    # The SDKs' "Connection error." says less than what it wraps.
    for facts in sorted(_chain(error), key=lambda facts: "APIConnectionError" in facts.kind):
        if mapped := _mapped(facts, model):
            return mapped
    return ModelError(f"{model} failed with {type(error).__name__}: {_line(str(error))}")


def _chain(error: BaseException) -> Iterator[_Facts]:
    """The exception and those it wraps: LangChain's integrations put their own around the provider's."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield _facts(current)
        current = current.__cause__  # not its context, which may be an error of the caller's that has been handled


def _facts(error: BaseException) -> _Facts:
    kind = frozenset(cls.__name__ for cls in type(error).__mro__)
    response: object = getattr(error, "response", None)
    if isinstance(response, Mapping):  # botocore's ClientError
        return _botocore_facts(kind, cast("Mapping[str, Mapping[str, object]]", response))
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None) or getattr(error, "code", 0)
    body = _body(error)
    code = getattr(error, "code", None) or body.get("code") or getattr(error, "type", None) or body.get("type")
    return _Facts(
        kind,
        _line(code) if isinstance(code, str) else "",
        status if isinstance(status, int) else 0,
        _line(str(body.get("message") or getattr(error, "message", None) or error)),
        _lower(getattr(response, "headers", None)),
        str(getattr(error, "param", None) or body.get("param") or ""),
    )


def _body(error: BaseException) -> Mapping[str, object]:
    """What the provider said in JSON, as OpenAI's and Anthropic's SDKs keep it: {"error": {…}}, or the inner object."""
    body: object = getattr(error, "body", None)
    if not isinstance(body, Mapping):
        return {}
    outer = cast("Mapping[str, object]", body)
    inner = outer.get("error")
    return cast("Mapping[str, object]", inner) if isinstance(inner, Mapping) else outer


def _botocore_facts(kind: frozenset[str], response: Mapping[str, Mapping[str, object]]) -> _Facts:
    error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    code = str(error.get("Code", ""))
    status = metadata.get("HTTPStatusCode", 0)
    headers = _lower(metadata.get("HTTPHeaders"))
    # Inside an event stream codes begin with a small letter, and the status says nothing.
    return _Facts(
        kind | {"ClientError"},
        code[:1].upper() + code[1:],
        status if isinstance(status, int) and not code[:1].islower() else 0,
        _line(str(error.get("Message", ""))) or code,
        headers,
    )


def _mapped(facts: _Facts, model: str) -> ModelError | None:
    return _auth(facts, model) or _asked_wrongly(facts, model) or _for_now(facts, model)


def _auth(facts: _Facts, model: str) -> ModelError | None:
    names = facts.kind | {facts.code}
    said = f" ({facts.message})" if facts.message else ""
    if "NoRegionError" in names:
        return AuthError(f"No AWS region is set for {model}: set AWS_REGION, for example to us-east-1.")
    if names & STALE_LOGIN:
        return AuthError(f"The AWS credentials for {model} have expired: run `aws sso login` or get new keys.{said}")
    if names & NO_CREDENTIALS:
        return AuthError(
            f"No AWS credentials were found for {model}: run `aws configure`, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, AWS_PROFILE or AWS_BEARER_TOKEN_BEDROCK."
        )
    if names & WRONG_KEYS:
        return AuthError(
            f"AWS does not accept the credentials for {model}: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for "
            f"temporary keys, AWS_SESSION_TOKEN.{said}"
        )
    if facts.code == "AccessDeniedException":
        return AuthError(_access(facts.message, model) + said)
    if facts.status == 404 or names & {"ResourceNotFoundException", "ModelNotFoundError"}:
        return AuthError(f"The provider does not offer {model}: check its name, and your access to it.{said}")
    if facts.status in (401, 403) or names & NOT_ALLOWED or "Could not resolve authentication method" in facts.message:
        return AuthError(f"The provider refused the credentials for {model}: check the API key and its rights.{said}")
    return None


def _access(message: str, model: str) -> str:
    if "aws-marketplace:" in message:
        return (
            f"Your AWS identity may not subscribe to {model}: allow it aws-marketplace:Subscribe and ViewSubscriptions."
        )
    if "is not authorized to perform" in message:
        return (
            f"Your AWS identity may not call {model}: allow it bedrock:InvokeModel and "
            "bedrock:InvokeModelWithResponseStream."
        )
    return (
        f"Your AWS account has no access to {model} in this region: request it under Model access in the Amazon "
        "Bedrock console, or choose another model or region."
    )


def _asked_wrongly(facts: _Facts, model: str) -> ModelError | None:
    """Errors that the same request would meet again."""
    names = facts.kind | {facts.code}
    is_bad = facts.status in (400, 413, 422) or bool(names & {"ValidationException", "ModelInvalidRequestError"})
    message = facts.message
    if "ContextOverflowError" in names or (is_bad and any(mark in message.lower() for mark in OVERFLOW)):
        return ContextOverflowError(
            f"The conversation is too long for {model}: lower Limits(context_tokens=, history_tokens=) or a tool's "
            f"max_chars, or use a model with a larger window. ({message})"
        )
    if "ParamValidationError" in names:
        return BadRequestError(f"The request to {model} is not valid: {message}")
    if not is_bad:
        return None
    if "model identifier is invalid" in message:
        return BadRequestError(f"Bedrock does not know {model} in this region: check the model ID. ({message})")
    if "on-demand throughput isn" in message:
        return BadRequestError(
            f"{model} can be called through an inference profile only: put its prefix before the model ID, as in "
            f"{_profile(model)!r}. ({message})"
        )
    if parameter := _refused(facts):
        return BadRequestError(f"{model} does not take {parameter!r}: {message}", parameter=parameter)
    return BadRequestError(f"{model} refused the request: {message}")


def _profile(model: str) -> str:
    provider, _, name = model.partition(":")
    return f"{provider}:us.{name}"


def _refused(facts: _Facts) -> str:
    """The parameter that this model does not take at all (a value out of range is another matter), or ""."""
    if facts.parameter and facts.code in ("unsupported_parameter", "unsupported_value"):
        return NAMES.get(facts.parameter.lower(), facts.parameter)
    for pattern in REFUSALS:
        if found := re.search(pattern, facts.message):
            name = found[1].lower()
            return NAMES.get(name.replace("_", ""), name)
    return ""


def _for_now(facts: _Facts, model: str) -> ModelError | None:
    """Errors that may be gone in a moment."""
    names, wish = facts.kind | {facts.code}, _retry_after(facts.headers)
    if facts.status == 429 or names & THROTTLED:
        if "per day" in facts.message or facts.code == "insufficient_quota":
            return ModelError(f"The quota for {model} is used up: raise it or use another model. ({facts.message})")
        return ThrottledError(f"{model} asks to slow down: {facts.message}", retry_after=wish)
    if "CERTIFICATE_VERIFY_FAILED" in facts.message:
        return ModelError(f"The certificate of {model}'s endpoint is not trusted; check the CA bundle: {facts.message}")
    if names & (BUSY | OVERLOADED) or facts.status in (408, 409, 424, 425) or facts.status >= 500:
        reason = facts.code or f"HTTP {facts.status}"
        return TransientError(f"{model} failed for the moment, {reason}: {facts.message}", retry_after=wish)
    if names & TIMEOUTS:
        return TransientError(f"{model} did not answer in time: {facts.message}")
    if names & UNREACHABLE:
        return TransientError(f"{model} cannot be reached; check the network and the endpoint: {facts.message}")
    if names & BROKEN:
        return TransientError(f"The connection to {model} broke: {facts.message}")
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from Retry-After as seconds or as a date (RFC 9110, 10.2.3), or OpenAI's retry-after-ms."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (TypeError, ValueError):
        return None


def _lower(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        return {}
    pairs = cast("Mapping[object, object]", headers)
    return {str(name).lower(): str(value) for name, value in pairs.items()}


def _line(text: str) -> str:
    """In one line, of a length that can be read."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 500 else flat[:500] + "…"
