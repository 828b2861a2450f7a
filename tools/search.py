"""Searching the web: a protocol for search engines, ddgs behind it, and the tool."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from agentkit.errors import ToolError
from agentkit.tool import Tool, tool

if TYPE_CHECKING:
    from tenacity import Retrying

__all__ = ["DdgsBackend", "SearchBackend", "SearchFailed", "SearchResult", "search_tool", "search_web"]

_MAX_TEXT = 300  # characters of a result's text that the model sees
_REFUSALS = {202, 403, 418, 429, 503}  # what search engines send to those who ask too often


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One hit: `text` is the engine's extract."""

    title: str
    url: str
    text: str


class SearchFailed(ToolError):
    """The search engine could not be asked; the message says why and what to do instead."""


class SearchBackend(Protocol):
    """A search engine. One class with this method makes `search_tool` use it."""

    def search(self, query: str, max_results: int) -> Sequence[SearchResult]:
        """The best hits first; empty when nothing was found.

        Raises:
            SearchFailed: it could not be asked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DdgsBackend:
    """Search engines on the web through the ddgs library.

    Attributes:
        backend: "auto", or names of engines of ddgs with commas between them ("duckduckgo,brave").
        region: country and language, such as "us-en" or "de-de".
        since: only pages of the last day, week, month or year.
        timeout: seconds for one attempt.
        attempts: how often to try where another attempt may help.
        first_wait: seconds before the second attempt; doubled, with jitter, before each further one.
    """

    backend: str = "auto"
    region: str = "us-en"
    since: Literal["d", "w", "m", "y"] | None = None
    timeout: int = 10
    attempts: int = 3
    first_wait: float = 1.0

    def search(self, query: str, max_results: int) -> Sequence[SearchResult]:
        """See `SearchBackend`."""
        return self._retrying()(self._once, query, max_results)

    def _retrying(self) -> Retrying:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

        return Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential(multiplier=self.first_wait, max=20 * self.first_wait)
            + wait_random(0, self.first_wait),
            retry=retry_if_exception(lambda error: isinstance(error, SearchFailed) and error.transient),
            reraise=True,
        )

    def _once(self, query: str, max_results: int) -> list[SearchResult]:
        from ddgs.exceptions import DDGSException

        from .ddgs_client import Client, engines

        if unknown := {name.strip() for name in self.backend.split(",")} - engines() - {"auto", "all"}:
            names = ", ".join(sorted(engines()))
            raise SearchFailed(
                f"There is no search engine {', '.join(sorted(unknown))}: set backend to auto or {names}."
            )
        client = Client(timeout=self.timeout)
        try:
            found = client.text(
                query, region=self.region, timelimit=self.since, max_results=max_results, backend=self.backend
            )
        except DDGSException as error:
            return _nothing(client.statuses, error)
        return [SearchResult(hit["title"], hit["href"], hit["body"]) for hit in found]


def _nothing(statuses: Sequence[int], error: Exception) -> list[SearchResult]:
    """What it means that ddgs found nothing: it raises the same error for no hits, a refusal and no network."""
    logging.getLogger(__name__).info("Web search: %s; HTTP %s", error, list(statuses))
    if 200 in statuses:
        return []
    if refusal := next((status for status in statuses if status in _REFUSALS), None):
        raise SearchFailed(
            f"The search engine refuses more searches for now (HTTP {refusal}, rate limit). "
            "Answer from what you know, or say that the search failed.",
            transient=True,
        )
    reason = (
        f"HTTP {statuses[0]}" if statuses else "no answer in time" if "timed out" in str(error) else "no connection"
    )
    raise SearchFailed(
        f"The web search cannot be reached ({reason}). Answer from what you know, or say that the search failed.",
        transient=not statuses or max(statuses) >= 500,
    )


def search_tool(backend: SearchBackend, *, name: str = "search_web", max_results: int = 5) -> Tool[[str], str]:
    """The tool `search_web` on another search engine, or with other options.

    Args:
        backend: the search engine.
        name: of the tool.
        max_results: hits shown to the model.
    """

    @tool(name=name, read_only=True, timeout=60)
    def search_web(query: str) -> str:
        """Search the web: titles, addresses and extracts of the best pages.

        Args:
            query: what to look for, a few words
        """
        words = " ".join(query.split())
        if not words:
            raise ToolError("There is nothing to search for: give a few words.")
        hits = backend.search(words, max_results)
        if not hits:
            return f"Nothing was found for {words!r}. Try fewer or other words."
        return "\n".join(f"{n}. {_line(hit)}" for n, hit in enumerate(hits[:max_results], 1))

    return search_web


def _line(hit: SearchResult) -> str:
    text = " ".join(hit.text.split())
    short = text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT].rsplit(" ", 1)[0] + " ..."
    return f"{hit.title} ({hit.url})" + (f": {short}" if short else "")


search_web = search_tool(DdgsBackend())
