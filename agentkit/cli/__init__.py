"""`run-agent`: the command line."""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings

from agentkit.errors import AgentkitError

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process; every error is one line on stderr."""
    try:
        _run()
    except KeyboardInterrupt:  # before or after a run, which ends by itself
        sys.exit(130)


def _run() -> None:
    from agentkit.cli import console
    from agentkit.cli.app import app

    # -v belongs to the commands, but what it governs begins here.
    verbose = any(re.fullmatch("-[qvy]*v[qvy]*|--verbose", arg) for arg in sys.argv[1:])
    console.robust_streams()
    _hush(verbose=verbose)
    try:
        app(prog_name="run-agent")
    except Exception as error:
        if verbose:
            sys.stderr.write(traceback.format_exc())
        console.problem(_told(error, verbose=verbose))
        sys.exit(1)


def _told(error: Exception, *, verbose: bool) -> str:
    if isinstance(error, AgentkitError):
        return str(error)
    # A defect of ours or of a library: a user still gets one line.
    return f"{type(error).__name__}: {error}" + ("" if verbose else " (-v shows where; please report it)")


def _hush(*, verbose: bool) -> None:
    """Log messages and warnings of libraries are for developers: shown with -v."""
    if verbose:
        logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
        logging.getLogger("agentkit").setLevel(logging.INFO)
        return
    logging.lastResort = None
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
