"""`run-agent`: the command line."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings

from agentkit.errors import AgentkitError

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process; every error is one line on stderr."""
    from agentkit.cli import console
    from agentkit.cli.app import app

    # -v belongs to the commands, but what it governs begins here.
    verbose = any(arg in ("-v", "--verbose") for arg in sys.argv[1:])
    console.robust_streams()
    _hush(verbose=verbose)
    try:
        app(prog_name="run-agent")
    except AgentkitError as error:
        text, fault = str(error), error
    except Exception as error:  # a defect of ours or of a library: still no traceback for a user
        hint = "" if verbose else " (-v shows where; please report it)"
        text, fault = f"{type(error).__name__}: {error}{hint}", error
    if verbose:
        sys.stderr.write("".join(traceback.format_exception(fault)))
    console.problem(text)
    sys.exit(1)


def _hush(*, verbose: bool) -> None:
    """Log messages and warnings of libraries are for developers: shown with -v."""
    if verbose:
        logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
        logging.getLogger("agentkit").setLevel(logging.INFO)
        return
    logging.lastResort = None
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
