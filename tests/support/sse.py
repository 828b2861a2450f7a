"""An HTTP endpoint on loopback that answers POSTs from a script: JSON, or server-sent events.

For providers whose wire format is JSON over HTTP (OpenAI's and those compatible with it, Anthropic's).
"""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from agentkit.messages import JSON


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON response."""

    body: JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Events:
    """A stream: each event is JSON (its "type", if it has one, is the event's name) or a text sent as it is.

    `delay`: seconds before each; `cut`: the connection ends without the response's end.
    """

    events: Sequence[JSON]
    delay: float = 0.0
    cut: bool = False


Scripted: TypeAlias = Body | Events


@dataclass(slots=True)
class Posted:
    """One request, and how far its answer went."""

    path: str
    body: Mapping[str, JSON]
    headers: Mapping[str, str]
    events_written: int = 0
    closed_early: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # clients that come all at once; the default of 5 makes them wait for a second


class SSEEndpoint:
    """Serves until it is left. `requests` holds all that was asked, in order."""

    def __init__(self, *script: Scripted) -> None:
        self.requests: list[Posted] = []
        self.closing = threading.Event()
        self._script = iter(script)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> SSEEndpoint:
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"endpoint": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, posted: Posted) -> Scripted:
        with self._lock:
            self.requests.append(posted)
            return next(self._script, Body({"error": {"message": "The test's script is used up."}}, 400))


class _Handler(BaseHTTPRequestHandler):
    endpoint: SSEEndpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silent: requests are kept in `SSEEndpoint.requests`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        posted = Posted(self.path, body, dict(self.headers.items()))
        try:
            self._respond(posted, self.endpoint.answer(posted))
        except (ConnectionError, TimeoutError):
            posted.closed_early = True
            self.close_connection = True
        finally:
            posted.done.set()

    def _respond(self, posted: Posted, scripted: Scripted) -> None:
        match scripted:
            case Body(body, status, headers):
                payload = json.dumps(body).encode()
                self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(payload)), **headers})
                self.wfile.write(payload)
            case Events():
                self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
                self._stream(posted, scripted)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, posted: Posted, scripted: Events) -> None:
        for each in scripted.events:
            if self.endpoint.closing.wait(scripted.delay) or self._client_is_gone():
                raise ConnectionResetError
            name = f"event: {each['type']}\n" if isinstance(each, Mapping) and "type" in each else ""
            text = each if isinstance(each, str) else json.dumps(each)
            data = f"{name}data: {text}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            posted.events_written += 1
        if scripted.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _client_is_gone(self) -> bool:
        readable = bool(select.select([self.connection], [], [], 0)[0])
        return readable and self.connection.recv(1, socket.MSG_PEEK) == b""
