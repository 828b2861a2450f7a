"""Web search through ddgs's own engines and HTTP client, against search pages on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from ddgs.base import BaseSearchEngine
from ddgs.engines import ENGINES
from ddgs.engines.duckduckgo import Duckduckgo
from ddgs.engines.mojeek import Mojeek
from ddgs.results import TextResult

from agentkit.errors import ToolError
from agentkit.tools.search import DdgsBackend, SearchBackend, SearchFailed, SearchResult, search_tool

Page: TypeAlias = Callable[[Sequence[SearchResult]], str]
HITS = (
    SearchResult("Python (programming language)", "https://example.org/python", "Python is a language. " * 20),
    SearchResult("Pythons & snakes", "https://example.org/snakes", "Pythonidae is a family of snakes."),
)


def mojeek_page(hits: Sequence[SearchResult]) -> str:
    """In the shape of Mojeek's pages."""
    items = "".join(
        f'<li class="r{n}"><a class="ob" href="{hit.url}"><p class="i"><span class="url">example.org</span></p></a>'
        f'<h2><a class="title" href="{hit.url}">{escape(hit.title)}</a></h2><p class="s">{hit.text}</p></li>'
        for n, hit in enumerate(hits, 1)
    )
    return f'<html><body><div class="results"><ul class="results-standard">{items}</ul></div></body></html>'


def duckduckgo_page(hits: Sequence[SearchResult]) -> str:
    """In the shape of DuckDuckGo's HTML pages."""
    items = "".join(
        '<div class="result results_links web-result"><div class="links_main links_deep result__body">'
        f'<h2 class="result__title"><a class="result__a" href="{hit.url}">{escape(hit.title)}</a></h2>'
        f'<a class="result__snippet" href="{hit.url}">{hit.text}</a><div class="clear"></div></div></div>'
        for hit in hits
    )
    return f'<html><body><div id="links" class="results">{items}</div></body></html>'


@dataclass
class Site:
    """What the server answers: (status, page) in turn, the last one for ever; and what it was asked."""

    answers: list[tuple[int, str]]
    asked: list[dict[str, list[str]]] = field(default_factory=list[dict[str, list[str]]])
    address: str = ""


@contextmanager
def serving(*answers: tuple[int, str]) -> Generator[Site, None, None]:
    site = Site(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            site.asked.append(parse_qs(urlsplit(self.path).query or body))
            status, page = site.answers.pop(0) if len(site.answers) > 1 else site.answers[0]
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page.encode())))
            self.end_headers()
            self.wfile.write(page.encode())

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        site.address = f"http://127.0.0.1:{server.server_port}/search"
        yield site
        server.shutdown()


@contextmanager
def engine(base: type[Mojeek] | type[Duckduckgo], address: str) -> Generator[DdgsBackend, None, None]:
    """A backend whose only engine is one of ddgs's own at another address."""
    loopback = cast(
        "type[BaseSearchEngine[TextResult]]",
        type("Loopback", (base,), {"search_url": address, "name": "loopback", "provider": "loopback"}),
    )
    ENGINES["text"]["loopback"] = loopback
    try:
        yield DdgsBackend(backend="loopback", timeout=5, attempts=3, first_wait=0.01)
    finally:
        del ENGINES["text"]["loopback"]


@pytest.mark.parametrize(("base", "page"), [(Mojeek, mojeek_page), (Duckduckgo, duckduckgo_page)])
def test_real_engines_find_and_show_hits(base: type[Mojeek], page: Page) -> None:
    with serving((200, page(HITS))) as site, engine(base, site.address) as backend:
        shown = search_tool(backend)("  python\n language ")
    lines = shown.splitlines()
    assert lines[0].startswith("1. Python (programming language) (https://example.org/python): Python is a language.")
    assert lines[0].endswith(" ...")
    assert len(lines[0]) < 400
    assert lines[1] == "2. Pythons & snakes (https://example.org/snakes): Pythonidae is a family of snakes."
    assert [asked["q"] for asked in site.asked] == [["python language"]]


def test_region_and_time_limit_reach_the_engine() -> None:
    with serving((200, duckduckgo_page(HITS))) as site, engine(Duckduckgo, site.address) as backend:
        german = DdgsBackend(backend=backend.backend, region="de-de", since="w")
        assert len(german.search("python", 1)) == 1
    assert site.asked[0]["l"] == ["de-de"]
    assert site.asked[0]["df"] == ["w"]


def test_no_hits_is_an_answer_and_not_tried_again() -> None:
    with serving((200, mojeek_page([]))) as site, engine(Mojeek, site.address) as backend:
        assert search_tool(backend)("qwxyz") == "Nothing was found for 'qwxyz'. Try fewer or other words."
    assert len(site.asked) == 1


def test_a_rate_limit_passes_with_patience() -> None:
    with serving((429, ""), (202, ""), (200, mojeek_page(HITS))) as site, engine(Mojeek, site.address) as backend:
        assert search_tool(backend)("python").startswith("1. Python")
    assert len(site.asked) == 3


@pytest.mark.parametrize(
    ("status", "says", "attempts"),
    [
        (429, "refuses more searches for now (HTTP 429, rate limit)", 3),
        (202, "refuses more searches for now (HTTP 202, rate limit)", 3),
        (500, "cannot be reached (HTTP 500)", 3),
        (404, "cannot be reached (HTTP 404)", 1),
    ],
)
def test_what_lasts_is_one_clear_observation(status: int, says: str, attempts: int) -> None:
    with (
        serving((status, "")) as site,
        engine(Mojeek, site.address) as backend,
        pytest.raises(SearchFailed) as caught,
    ):
        search_tool(backend)("python")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(site.asked) == attempts


def test_no_network_is_one_clear_observation() -> None:
    with serving((200, "")) as site:
        closed = site.address
    with engine(Mojeek, closed) as backend, pytest.raises(SearchFailed, match=r"cannot be reached \(no connection\)"):
        search_tool(backend)("python")


def test_unknown_engines_are_named() -> None:
    with pytest.raises(SearchFailed, match=r"no search engine ducky: set backend to auto or .*duckduckgo"):
        DdgsBackend(backend="ducky,brave").search("python", 5)


def test_another_backend() -> None:
    class Notes:
        def search(self, query: str, max_results: int) -> Sequence[SearchResult]:
            return [SearchResult(f"Note {n}", f"note:{n}", "") for n in range(max_results + 5)]

    backend: SearchBackend = Notes()
    tool = search_tool(backend, name="search_notes", max_results=2)
    assert tool.name == "search_notes"
    assert tool("x") == "1. Note 0 (note:0)\n2. Note 1 (note:1)"
    with pytest.raises(ToolError, match="nothing to search for"):
        tool("  ")
