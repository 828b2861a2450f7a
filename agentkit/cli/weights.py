"""`run-agent model`: the models at hand, and the weights of the local one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from agentkit.cli import console
from agentkit.cli.front import Command

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentkit.models.weights import Progress

__all__ = ["models"]

models = typer.Typer(
    help="The models at hand, and the local one's weights.", rich_markup_mode=None, no_args_is_help=True
)


@models.command(cls=Command)
def fetch() -> None:
    """Fetch the local model's weights once (93 MB), and check them against a pinned hash."""
    from agentkit.models.weights import fetch as fetch_weights
    from agentkit.models.weights import locate

    if (path := locate()) is None:
        with _progress() as report:
            path = fetch_weights(report)
        console.note("Fetched and checked.")
    else:
        console.note("Already here.")
    typer.echo(str(path))


@contextmanager
def _progress() -> Generator[Progress | None]:
    if not console.interactive():
        sys.stderr.write("Fetching the local model's weights (93 MB) …\n")
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=console.stderr(), transient=True) as bars:
        task = bars.add_task("download", total=None)
        yield lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total)


@models.command("list", cls=Command)
def list_models() -> None:
    """Which models can be used right now, and which one would answer."""
    from agentkit.models.credentials import available
    from agentkit.models.local import installed

    for found in available():
        typer.echo(f"{found.model_hint or found.provider + ':…'}  ({found.missing or found.what})")
    state = (
        "installed" if installed() else "not installed: pip install 'agentkit-react[local]' && run-agent model fetch"
    )
    typer.echo(f"local  ({state})")
