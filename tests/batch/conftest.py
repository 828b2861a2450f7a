"""The journal's databases."""

from tests.journal.conftest import postgres_server, url

__all__ = ["postgres_server", "url"]
