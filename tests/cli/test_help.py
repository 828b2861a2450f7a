"""Help, version, completion, and what a mistyped command says."""

import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT, Cli, Inside

HEAVY = {"langchain", "langchain_core", "boto3", "botocore", "ddgs", "xllamacpp", "sqlalchemy", "pydantic"}


def test_help_shows_question_options_and_commands_without_loading_what_is_heavy(cli: Cli) -> None:
    code = (
        "import sys; sys.argv = ['run-agent', '--help']\n"
        "from agentkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=cli.env, cwd=ROOT, check=True
    )
    assert HEAVY & set(done.stderr.split()) == set()
    assert 'run-agent "QUESTION" [OPTIONS]' in done.stdout
    for word in ("--model", "--max-cost", "--jsonl", "chat", "demo", "doctor", "Examples:"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "chat",
        "batch",
        "demo",
        "doctor",
        "tools show",
        "prompt show",
        "model fetch",
        "runs pending",
        "runs approve",
        "runs deny",
        "runs resolve",
    ],
)
def test_every_command_has_help(inside: Inside, command: str) -> None:
    done = inside(*command.split(), "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: run-agent {command}")


def test_without_arguments_there_is_help(cli: Cli) -> None:
    done = cli()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("run-agent ")


@pytest.mark.parametrize(
    ("typed", "meant"), [("dotor", "doctor"), ("tool", "tools"), ("chta", "chat"), ("Demo", "demo")]
)
def test_a_mistyped_command_is_no_question(inside: Inside, typed: str, meant: str) -> None:
    done = inside(typed, "-m", "nothing:at-all")
    assert done.exit_code == 2
    assert f"Did you mean '{meant}'?" in done.stderr
    assert f"run-agent run {typed}" in done.stderr


def test_a_mistyped_subcommand_is_an_error(inside: Inside) -> None:
    done = inside("tools", "lst")
    assert done.exit_code == 2
    assert "list" in done.stderr


def test_a_command_after_options_is_no_question(inside: Inside) -> None:
    done = inside("-m", "local", "chat")
    assert done.exit_code == 2
    assert "run-agent chat -m local" in done.stderr


def test_an_unquoted_question_says_so(inside: Inside) -> None:
    done = inside("how", "many", "are", "there")
    assert done.exit_code == 2
    assert "quotes" in done.stderr


def test_shell_completion_knows_the_options_of_a_question(cli: Cli) -> None:
    done = cli(_RUN_AGENT_COMPLETE="complete_bash", COMP_WORDS="run-agent question --max-", COMP_CWORD="2")
    assert "--max-steps" in done.stdout.split()


def test_shell_completion_knows_the_commands(cli: Cli) -> None:
    done = cli(_RUN_AGENT_COMPLETE="complete_bash", COMP_WORDS="run-agent do", COMP_CWORD="1")
    assert "doctor" in done.stdout.split()
