"""`run-agent runs approve --edit`: what the changed call would do, which whoever approves it sees before it counts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from agentkit.errors import BadArguments, ConfigError, ToolError

if TYPE_CHECKING:
    from agentkit.journal import Journal, PendingApproval

__all__ = ["Edit", "agreed", "edited"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A call that waits, with arguments changed.

    Attributes:
        call: as it would run; its preview is that of the changed arguments.
        unknown: why it is not known what they would do; empty where the tool tells it, or has nothing to tell it with.
        doubtful: the tool was asked, and says that it cannot be done, or failed.
    """

    call: PendingApproval
    unknown: str = ""
    doubtful: bool = False


def edited(journal: Journal, asked: PendingApproval, text: str, agent: str | None) -> Edit:
    """A call with the arguments changed that a JSON object names.

    Args:
        agent: where the run's agent is, if run-agent did not begin the run.

    Raises:
        BadParameter: it is no JSON object, or the arguments do not fit the tool.
        ConfigError: one of them is a secret; or the named agent cannot be had, or lacks the tool.
    """
    from agentkit.cli.consent import changed_arguments
    from agentkit.cli.remaking import tools_again

    try:
        wanted = changed_arguments(asked.arguments, text)
        call = journal.edited(asked, wanted)
    except (ValueError, BadArguments) as error:
        raise _wrong(error) from error
    try:
        tools = tools_again(journal.recording(asked.run_id), agent)
        return Edit(journal.edited(asked, wanted, tools))
    except ConfigError as error:
        if agent is not None:
            raise
        return Edit(call, str(error))
    except BadArguments as error:
        raise _wrong(error) from error
    except ToolError as error:
        return Edit(call, str(error), doubtful=True)


def _wrong(error: Exception) -> typer.BadParameter:
    return typer.BadParameter(str(error), param_hint="'--edit'")


def agreed(edit: Edit, *, yes: bool) -> bool:
    """Whether the changed call, which was shown, is what the person means; asked at a terminal, unless `yes`.

    Raises:
        ConfigError: it may not be possible to do it, and nobody can be asked.
    """
    if yes:
        return True
    if sys.stdin.isatty():
        from agentkit.cli.consent import forget_typed

        forget_typed(sys.stdin)
        return typer.confirm("  Approve it all the same?" if edit.doubtful else "  Approve it?", err=True)
    if edit.doubtful:
        raise ConfigError(
            f"Nothing is approved: it is not known what the changed call would do. {edit.unknown} (--yes approves it "
            "all the same.)"
        )
    return True
