"""A Bedrock runtime endpoint on loopback: Converse and ConverseStream over real HTTP, answering from a script.

    with BedrockEndpoint([THROTTLED, Answer("Final Answer: 42")]) as endpoint:
        chat = ChatBedrockConverse(model=..., endpoint_url=endpoint.url, region_name="us-east-1", ...)

It honours `stopSequences` and `maxTokens` (a word is a token), frames ConverseStream as
application/vnd.amazon.eventstream, fails in the ways Bedrock fails, with Bedrock's own texts, and keeps every request.
Framing: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, cast
from urllib.parse import unquote

from agentkit.messages import JSON
from tests.support.bedrock_script import (
    EXTRANEOUS_TOP_K,
    NOT_STREAMED,
    TEMPERATURE_AND_TOP_P,
    UNSIGNED,
    Answer,
    Break,
    Fault,
    Scripted,
    invalid,
    unsupported,
)

# --- what was asked -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Received:
    """One request, and how far its answer went.

    Attributes:
        scope: the credential scope of its signature (key/date/region/service/aws4_request), "" when unsigned.
        chunks_written: chunks of text and reasoning that were put on the wire.
        closed_early: the client closed the connection before the stream's end.
        done: set when the endpoint is finished with it.
    """

    operation: str
    model: str
    body: Mapping[str, JSON]
    headers: Mapping[str, str]
    chunks_written: int = 0
    closed_early: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def scope(self) -> str:
        found = re.search(r"Credential=([^,\s]+)", self.headers.get("Authorization", ""))
        return found[1] if found else ""

    @property
    def inference(self) -> Mapping[str, JSON]:
        return cast("Mapping[str, JSON]", self.body.get("inferenceConfig", {}))

    @property
    def extra(self) -> Mapping[str, JSON]:
        return cast("Mapping[str, JSON]", self.body.get("additionalModelRequestFields", {}))

    @property
    def words(self) -> int:
        return len(json.dumps([self.body.get("system", []), self.body.get("messages", [])]).split())


# --- the event stream's frames ------------------------------------------------------------------------------------


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message: prelude (lengths), its CRC, headers (all strings, type 7), payload, CRC of all before it."""
    encoded = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return start + struct.pack(">I", zlib.crc32(start))


def event(name: str, payload: Mapping[str, JSON]) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps({**payload, "p": "abcdefgh"}).encode())  # "p": padding, as Bedrock sends it


def exception(code: str, message: str) -> bytes:
    headers = {":exception-type": code, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


# --- what the model makes of a request ----------------------------------------------------------------------------


def limited(answer: Answer, asked: Received) -> Answer:
    """The answer as far as `maxTokens` and `stopSequences` let it go; a stop sequence is not part of it."""
    words = re.findall(r"\s*\S+", answer.text)
    most = cast("int | None", asked.inference.get("maxTokens"))
    text = answer.text if most is None or len(words) <= most else "".join(words[:most])
    stops = cast("Sequence[str]", asked.inference.get("stopSequences", ()))
    if ends := [position for stop in stops if (position := text.find(stop)) >= 0]:
        return replace(answer, text=text[: min(ends)], stop_reason="stop_sequence")
    return answer if text == answer.text else replace(answer, text=text, stop_reason="max_tokens")


def usage(answer: Answer, asked: Received) -> dict[str, JSON]:
    into = asked.words if answer.input_tokens is None else answer.input_tokens
    out = len((answer.reasoning + " " + answer.text).split())
    cached = {"cacheReadInputTokens": answer.cached_tokens, "cacheWriteInputTokens": answer.cache_write_tokens}
    return {"inputTokens": into, "outputTokens": out, "totalTokens": into + out + sum(cached.values()), **cached}


def whole(answer: Answer, asked: Received) -> dict[str, JSON]:
    """The body of a Converse response."""
    content: list[JSON] = [{"text": answer.text}]
    if answer.reasoning:
        content.insert(0, {"reasoningContent": {"reasoningText": {"text": answer.reasoning}}})
    return {
        "metrics": {"latencyMs": 551},
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": answer.stop_reason,
        "usage": usage(answer, asked),
    }


def deltas(answer: Answer) -> Iterator[bytes]:
    """One frame for each chunk of reasoning and text."""
    index = 0
    for text, is_reasoning in ((answer.reasoning, True), (answer.text, False)):
        for start in range(0, len(text), answer.chunk_size):
            piece = text[start : start + answer.chunk_size]
            delta: JSON = {"reasoningContent": {"text": piece}} if is_reasoning else {"text": piece}
            yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        index += bool(text)


# --- the server ---------------------------------------------------------------------------------------------------


class Responder(Protocol):
    """What a handler asks of its endpoint."""

    closing: threading.Event

    def answer(self, asked: Received) -> Scripted: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # clients that come all at once; the default of 5 makes them wait for a second


class BedrockEndpoint:
    """Serves until it is left. `requests` holds all that was asked, in order.

    Args:
        script: the answers in order, or a function of the request. A used-up script answers with HTTP 400.
        refuse: names of `inferenceConfig` fields that this model does not support ("stopSequences", "temperature").
        one_of_temperature_and_top_p: refuse both in one request, as newer Claude models do.
        streams: False refuses ConverseStream.
    """

    def __init__(
        self,
        script: Sequence[Scripted] | Callable[[Received], Scripted],
        *,
        refuse: Collection[str] = (),
        one_of_temperature_and_top_p: bool = False,
        streams: bool = True,
    ) -> None:
        self.requests: list[Received] = []
        self.closing = threading.Event()
        self._script = script if callable(script) else self._in_order(iter(script))
        self._refuse = refuse
        self._one_of = one_of_temperature_and_top_p
        self._streams = streams

    @staticmethod
    def _in_order(rest: Iterator[Scripted]) -> Callable[[Received], Scripted]:
        lock = threading.Lock()

        def answer(_: Received) -> Scripted:
            with lock:
                return next(rest, invalid("The test's script is used up: the client asked once more than expected."))

        return answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> BedrockEndpoint:
        handler = type("Handler", (_Handler,), {"endpoint": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, asked: Received) -> Scripted:
        self.requests.append(asked)
        scripted = self._refusal(asked) or self._script(asked)
        return limited(scripted, asked) if isinstance(scripted, Answer) else scripted

    def _refusal(self, asked: Received) -> Fault | None:
        if not asked.headers.get("Authorization"):
            return UNSIGNED
        if not self._streams and asked.operation == "converse-stream":
            return NOT_STREAMED
        for name, value in asked.inference.items():
            if name in self._refuse:
                return unsupported(name)
            if name == "temperature" and cast("float", value) > 1:
                return invalid(
                    f"1 validation error detected: Value '{value}' at 'inferenceConfig.temperature' failed to satisfy "
                    "constraint: Member must have value less than or equal to 1"
                )
        if self._one_of and {"temperature", "topP"} <= asked.inference.keys():
            return TEMPERATURE_AND_TOP_P
        return EXTRANEOUS_TOP_K if "amazon.nova" in asked.model and "top_k" in asked.extra else None


class _Handler(BaseHTTPRequestHandler):
    endpoint: Responder
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silent: requests are kept in `BedrockEndpoint.requests`."""

    def do_POST(self) -> None:
        path = re.fullmatch(r"/model/([^/]+)/(converse|converse-stream)", self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path is None:
            self._send(
                404, {"message": f"no such operation: {self.path}"}, {"x-amzn-ErrorType": "UnknownOperationException"}
            )
            return
        asked = Received(path[2], unquote(path[1]), json.loads(body), dict(self.headers.items()))
        try:
            self._respond(asked, self.endpoint.answer(asked))
        except (ConnectionError, TimeoutError):
            asked.closed_early = True
            self.close_connection = True
        finally:
            asked.done.set()

    def _respond(self, asked: Received, scripted: Scripted) -> None:
        match scripted:
            case Fault(status, code, message, retry_after):
                kind = f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"
                wish = {} if retry_after is None else {"Retry-After": retry_after}
                self._send(status, {"message": message}, {"x-amzn-ErrorType": kind, **wish})
            case Answer() if asked.operation == "converse":
                self._pause(scripted.delay)
                self._send(200, whole(scripted, asked), {})
            case Answer():
                self._stream(asked, scripted)

    def _send(self, status: int, body: Mapping[str, JSON], headers: Mapping[str, str]) -> None:
        payload = json.dumps(body).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(payload)), **headers})
        self.wfile.write(payload)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"x-amzn-RequestId": str(uuid.uuid4()), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, asked: Received, answer: Answer) -> None:
        self._head(200, {"Content-Type": "application/vnd.amazon.eventstream", "Transfer-Encoding": "chunked"})
        self._write(event("messageStart", {"role": "assistant"}))
        frames = list(deltas(answer))
        for number, data in enumerate(frames):
            if answer.broken is not None and answer.broken.after == number and self._break(answer.broken, data):
                return
            self._write(data)
            asked.chunks_written = number + 1
            self._pause(answer.delay)
        if answer.broken is not None and answer.broken.after >= len(frames) and self._break(answer.broken, b""):
            return
        self._write(event("contentBlockStop", {"contentBlockIndex": 0}))
        self._write(event("messageStop", {"stopReason": answer.stop_reason}))
        self._write(event("metadata", {"usage": usage(answer, asked), "metrics": {"latencyMs": 551}}))
        self.wfile.write(b"0\r\n\r\n")

    def _break(self, broken: Break, upcoming: bytes) -> bool:
        """Do the damage; True when nothing more is to be sent."""
        match broken.how:
            case "stall":
                self._pause(broken.seconds)
                return False
            case "exception":
                self._write(exception(broken.code, broken.message))
                self.wfile.write(b"0\r\n\r\n")
                return True
            case "end":
                self.wfile.write(b"0\r\n\r\n")
                return True
            case "cut_in_frame":
                self._write(upcoming[: len(upcoming) // 2])
            case "cut":
                pass
        self.close_connection = True
        return True

    def _write(self, data: bytes) -> None:
        if self._client_is_gone():
            raise ConnectionResetError
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the client's or the endpoint's end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.endpoint.closing.wait(min(left, 0.01)) or self._client_is_gone():
                raise ConnectionResetError

    def _client_is_gone(self) -> bool:
        # A client that closed shows as an end of file; a write would go unnoticed into the kernel's buffer.
        with suppress(BlockingIOError):
            readable = bool(select.select([self.connection], [], [], 0)[0])
            return readable and self.connection.recv(1, socket.MSG_PEEK) == b""
        return False
