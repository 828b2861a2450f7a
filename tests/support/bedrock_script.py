"""What a Bedrock endpoint can be told to answer: texts, broken streams, and errors in Bedrock's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Break:
    """What goes wrong in a stream after `after` chunks of text.

    Attributes:
        how: "cut" (the connection ends between frames), "cut_in_frame", "end" (a well-formed response that
            lacks the rest), "stall" (nothing for `seconds`, then the rest), "exception" (an exception
            event, `code` and `message`).
    """

    after: int
    how: Literal["cut", "cut_in_frame", "end", "stall", "exception"]
    seconds: float = 0.0
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model writes: `reasoning`, then `text`, in chunks of `chunk_size` characters, `delay` seconds apart.

    `input_tokens` (None: the request's words) does not include `cached_tokens` and `cache_write_tokens`, as in Bedrock.
    """

    text: str
    chunk_size: int = 8
    delay: float = 0.0
    reasoning: str = ""
    input_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    stop_reason: str = "end_turn"
    broken: Break | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An HTTP error instead of an answer."""

    status: int
    code: str
    message: str
    retry_after: str | None = None


Scripted: TypeAlias = Answer | Fault


def invalid(message: str) -> Fault:
    return Fault(400, "ValidationException", message)


def unsupported(name: str) -> Fault:
    return invalid(f"This model doesn't support the {name} field. Remove {name} and try again.")


def deprecated(name: str) -> Fault:
    return invalid(f"The model returned the following errors: `{name}` is deprecated for this model.")


def denied(message: str) -> Fault:
    return Fault(403, "AccessDeniedException", message)


THROTTLED = Fault(429, "ThrottlingException", "Too many tokens, please wait before trying again.")
THROTTLED_FOR_THE_DAY = Fault(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")
NOT_READY = Fault(429, "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again.")
UNAVAILABLE = Fault(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")
INTERNAL_ERROR = Fault(
    500,
    "InternalServerException",
    "The system encountered an unexpected error during processing. Try your request again.",
)
MODEL_TIMEOUT = Fault(
    408, "ModelTimeoutException", "Model has timed out in processing the request. Try your request again."
)
MODEL_ERROR = Fault(
    424,
    "ModelErrorException",
    "The system encountered an unexpected error during processing. Try your request again.",
)
INVALID_MODEL = invalid("The provided model identifier is invalid.")
NOT_ON_DEMAND = invalid(
    "Invocation of model ID anthropic.claude-3-7-sonnet-20250219-v1:0 with on-demand throughput isn’t supported. "
    "Retry your request with the ID or ARN of an inference profile that contains this model."
)
TEMPERATURE_AND_TOP_P = invalid(
    "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. "
    "Please use only one."
)
EXTRANEOUS_TOP_K = invalid(
    "Malformed input request: #: extraneous key [top_k] is not permitted, please reformat your input and try again."
)
NOT_STREAMED = invalid("The model is unsupported for streaming.")
TOO_LONG = invalid("Input is too long for requested model.")
PROMPT_TOO_LONG = invalid("The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum")
NO_MODEL_ACCESS = denied("You don't have access to the model with the specified model ID.")
NOT_AUTHORIZED = denied(
    "User: arn:aws:iam::123456789012:user/jo is not authorized to perform: bedrock:InvokeModelWithResponseStream on "
    "resource: arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 because no identity-based policy "
    "allows the bedrock:InvokeModelWithResponseStream action"
)
NOT_SUBSCRIBED = denied(
    "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace "
    "actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model."
)
EXPIRED_TOKEN = Fault(403, "ExpiredTokenException", "The security token included in the request is expired")
UNKNOWN_KEY = Fault(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
WRONG_SIGNATURE = Fault(
    403,
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.",
)
END_OF_LIFE = Fault(
    404,
    "ResourceNotFoundException",
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
)
UNSIGNED = Fault(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
