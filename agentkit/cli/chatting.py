"""`run-agent chat`: a conversation, in which each question knows what went before."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING

import typer

from agentkit.cli import console
from agentkit.cli.asking import display, show_answer, tell_end
from agentkit.cli.options import AskOptions, takes
from agentkit.errors import AgentkitError

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.cli.lines import LineDisplay
    from agentkit.cli.live import LiveDisplay
    from agentkit.cli.sinks import Sink
    from agentkit.messages import Run

__all__ = ["chat"]

PROMPT = "› "
HELP = """\
/help     this list
/tools    the tools at hand
/usage    tokens, cost and time so far
/reset    forget the conversation
/exit     leave (so does Ctrl-D)
Ctrl-C ends the answer that is being made, and the conversation goes on."""


@takes(AskOptions)
def chat(options: AskOptions) -> None:
    """Talk with an agent; each question knows what went before.

    Without a terminal, every line of stdin is a question.

    \b
    Examples:
      run-agent chat -t travel
      printf 'What is 2 + 2?\\nAnd its square?\\n' | run-agent chat -q
    """
    from agentkit.cli.keeping import commands, kept
    from agentkit.cli.setup import make_agent, settled
    from agentkit.cli.sinks import trace

    shown = display(options)
    with ExitStack() as stack:
        options = settled(options, prompt="react-chat")
        journal = stack.enter_context(kept(options))
        agent = stack.enter_context(make_agent(options, shown.paused, journal=journal))
        sinks = stack.enter_context(trace(options.trace))
        talk = _Talk(agent, shown, sinks, quiet=options.quiet, commands=commands(options, journal))
        if sys.stdin.isatty():
            _at_terminal(talk)
        else:
            for line in sys.stdin:
                talk.take(line.strip())
                if talk.over:
                    break
    raise typer.Exit(1 if talk.failed and not sys.stdin.isatty() else 0)


def _at_terminal(talk: _Talk) -> None:
    with suppress(ImportError):
        import_module("readline")  # line editing and recall for input()

    console.note(f"{talk.agent.models[0].name} · /help lists the commands")
    while not talk.over:
        try:
            line = input(f"\n{PROMPT}")
        except EOFError:
            sys.stdout.write("\n")
            return
        except KeyboardInterrupt:
            console.note("\n/exit or Ctrl-D leaves.")
            continue
        talk.take(line.strip())


@dataclass
class _Talk:
    agent: Agent
    shown: LiveDisplay | LineDisplay
    sinks: list[Sink]
    quiet: bool
    commands: str | None = None
    last: Run | None = None
    runs: list[Run] = field(default_factory=list["Run"])
    over: bool = False
    failed: bool = False

    def take(self, line: str) -> None:
        """A question, or a command that begins with a slash."""
        if line.startswith("/"):
            self._command(line)
        elif line:
            self._ask(line)

    def _command(self, line: str) -> None:
        match line.split(maxsplit=1)[0].lower():
            case "/exit" | "/quit":
                self.over = True
            case "/reset":
                self.last = None
                console.note("The conversation is forgotten.")
            case "/tools":
                for tool in self.agent.toolbox.values():
                    console.note(f"{tool.name}: {tool.description}")
            case "/usage":
                self._usage()
            case "/help":
                console.note(HELP)
            case other:
                console.note(f"There is no command {other}.\n{HELP}")

    def _usage(self) -> None:
        seconds = sum(run.usage.seconds for run in self.runs)
        tokens = sum(run.usage.tokens for run in self.runs)
        costs = [run.usage.cost_usd for run in self.runs]
        cost = f" · ${sum(each or 0 for each in costs):.4f}" if costs and None not in costs else ""
        console.note(f"{len(self.runs)} questions · {tokens:,} tokens{cost} · {seconds:.1f} s")

    def _ask(self, question: str) -> None:
        from agentkit.cli.watching import watch

        try:
            with ExitStack() as stack:
                if not self.quiet:
                    stack.enter_context(self.shown.showing())
                outcome = watch(self.agent, question, [*self.sinks, *([] if self.quiet else [self.shown])], self.last)
                outcome = replace(outcome, runs=self.commands)
        except AgentkitError as error:
            self.failed = True
            console.problem(str(error))
            return
        self.failed = self.failed or outcome.error is not None
        self.runs.append(outcome.run)
        if outcome.run.answer is not None:
            self.last = outcome.run
            show_answer(outcome, quiet=self.quiet)
        elif outcome.error is None:
            ended = "interrupted" if outcome.run.stop_reason == "interrupted" else "waiting for a person"
            self.last = replace(outcome.run, answer=f"({ended})")
        tell_end(outcome, quiet=self.quiet)
