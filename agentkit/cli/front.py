"""The command group: a question needs no command, and a mistyped command is no question."""

from __future__ import annotations

import difflib
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["Command", "Front"]

QUESTION = "run"
"""The command that a question goes to."""
LIKE = 0.75
"""From here on a word counts as a mistyped command (the ratio of difflib)."""
ORDER = ("Arguments", "Options", "Limits", "Output")
# Any, here and below: Typer carries its own copy of Click, whose types it does not export.


def _write_options(params: list[Any], context: Any, formatter: Any) -> None:
    """The options by panel, as plain definition lists."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(context)
        if record is not None:
            title = getattr(param, "rich_help_panel", None) or f"{param.param_type_name.capitalize()}s"
            panels.setdefault(title, []).append(record)
    for title, records in sorted(panels.items(), key=lambda panel: ORDER.index(panel[0])):
        with formatter.section(title):
            formatter.write_dl(records)


class Command(TyperCommand):
    """A command whose help shows its options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self.get_params(ctx), ctx, formatter)


class Front(TyperGroup):
    """`run-agent`. What is neither a command nor an option of the group itself is a question."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            if not ctx.resilient_parsing:
                self._check_typo(ctx, args)
            args = [QUESTION, *args]
        return super().parse_args(ctx, args)

    def _check_typo(self, ctx: Any, args: list[str]) -> None:
        words = [arg for arg in args if not arg.startswith("-")]
        if args[0] in words and len(args[0].split()) == 1:
            near = difflib.get_close_matches(args[0].lower(), self.commands, n=1, cutoff=LIKE)
            if near:
                ask = f"{ctx.command_path} {QUESTION} {args[0]}"
                ctx.fail(f"There is no command {args[0]!r}. Did you mean {near[0]!r}? To ask it as a question: {ask}")
        elif words and words[-1] == args[-1] in self.commands:
            ctx.fail(f"Write the command first: {ctx.command_path} {words[-1]} {' '.join(args[:-1])}")

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, '"QUESTION" [OPTIONS]')
        formatter.write_usage(ctx.command_path, "COMMAND …", prefix="       ")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        asking = self.commands[QUESTION].get_params(ctx)
        own = [param for param in self.get_params(ctx) if param.name not in {other.name for other in asking}]
        _write_options([*asking, *own], ctx, formatter)
        self.format_commands(ctx, formatter)
