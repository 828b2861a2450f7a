"""ddgs with the HTTP status of each answer noted: its errors do not tell "no hits" from "rate limit"."""

from __future__ import annotations

from typing import Any

from ddgs.base import BaseSearchEngine
from ddgs.ddgs import DDGS
from ddgs.engines import ENGINES
from ddgs.http_client import HttpClient, Response

__all__ = ["Client", "engines"]


def engines() -> set[str]:
    """The names of the engines that search for web pages."""
    return set(ENGINES["text"])


class _NotingClient(HttpClient):
    """Another client's connections, with the status of each answer noted."""

    def __init__(self, other: HttpClient, statuses: list[int]) -> None:
        # Not super().__init__(): that opens a second client, without the engine's headers and cookies.
        self.client = other.client
        self._statuses = statuses

    def request(self, *args: Any, **kwargs: Any) -> Response:  # Any: as ddgs declares it
        response = super().request(*args, **kwargs)
        self._statuses.append(response.status_code)
        return response


class Client(DDGS):
    """One search with ddgs; `statuses` are those of the answers that the engines got."""

    def __init__(self, timeout: int) -> None:
        super().__init__(timeout=timeout)
        self.statuses: list[int] = []

    def _get_engines(self, category: str, backend: str) -> list[BaseSearchEngine[Any]]:
        found = super()._get_engines(category, backend)
        for engine in found:
            engine.http_client = _NotingClient(engine.http_client, self.statuses)
        return found
