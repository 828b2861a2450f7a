"""`run-agent` in a pseudo-terminal: the live display, the approval question, Ctrl-C."""

import subprocess
from pathlib import Path

import pexpect
import pytest

from agentkit.codec import event_from_json
from agentkit.events import RunEnded
from tests.cli.conftest import COMMAND, Cli, finished, interrupt

# Newer Pythons warn of forkpty in a process with threads, which other tests may have left.
pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")

LOOK_UP = 'Thought: I look it up.\nAction: population\nAction Input: {"city": "Oslo"}'
FINAL = "Thought: There it is.\nFinal Answer: 717,710 people"
TAXI = 'Thought: A taxi, then.\nAction: order_taxi\nAction Input: {"city": "Oslo", "time": "noon"}'
ALLOW = r"Allow it\? \[y/N/e to edit, or say what to do instead\] "
DIM, CALL = "\x1b[2m", "\x1b[1;36m"


def test_steps_appear_as_they_stream(cli: Cli) -> None:
    model = cli.model(LOOK_UP, FINAL, chunk=4, delay=0.05)
    with cli.terminal("How many?", "-m", model, "-t", "mytools.py:population") as child:
        child.expect_exact(f"{DIM}Thought: I")  # the model is still writing
        child.expect("thinking · 0 s · [0-9]+ tokens")
        child.expect_exact(f"{DIM}I look it up.")
        child.expect_exact(f"{CALL}population")
        child.expect_exact("city='Oslo'")
        child.expect_exact("│ ")
        child.expect_exact("717,710")
        child.expect_exact("717,710 people")
        child.expect("2 steps · .* tokens")
        assert finished(child) == 0


def test_approval_shows_the_exact_call_and_yes_runs_it(cli: Cli) -> None:
    model = cli.model(TAXI, "Final Answer: ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect("The agent asks to run .*order_taxi.* with")
        child.expect_exact("city='Oslo'\r\n")
        child.expect_exact("time='noon'\r\n")
        child.expect(ALLOW)
        child.sendline("y")
        child.expect_exact("Ordered in Oslo for noon.")
        assert finished(child) == 0


@pytest.mark.parametrize("reply", ["", "n", "\x04"])
def test_approval_defaults_to_no(cli: Cli, reply: str) -> None:
    model = cli.model(TAXI, "Final Answer: not ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect(ALLOW)
        child.send(reply if reply == "\x04" else f"{reply}\r")
        child.expect_exact("approval was refused")
        child.expect_exact("not ordered")
        assert finished(child) == 4


def test_what_was_typed_before_the_question_is_no_answer(cli: Cli) -> None:
    model = cli.model(TAXI, "Final Answer: not ordered", delay=1.5)
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect("thinking")
        child.sendline("y")
        child.expect(ALLOW)
        child.sendline("")
        child.expect_exact("approval was refused")
        assert finished(child) == 4


def test_what_else_is_said_goes_to_the_model(cli: Cli) -> None:
    model = cli.model(TAXI, TAXI.replace("noon", "one"), "Final Answer: ordered for one")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect(ALLOW)
        child.sendline("one o'clock, please")
        child.expect_exact("The user said: one o'clock, please")
        child.expect(ALLOW)
        child.sendline("yes")
        child.expect_exact("Ordered in Oslo for one.")
        assert finished(child) == 0  # what was refused was replaced by what was approved


def test_the_call_cannot_paint_over_the_question(cli: Cli) -> None:
    model = cli.model(TAXI.replace("noon", "\\u001b[2J\\u202e"), "Final Answer: not ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect_exact(r"time='\x1b[2J\u202e'")
        child.expect(ALLOW)
        child.sendline("n")
        assert finished(child) == 4


def test_the_question_goes_to_the_terminal_when_stdout_is_piped(cli: Cli) -> None:
    model = cli.model(TAXI, "Final Answer: ordered")
    command = " ".join([*COMMAND, "'A taxi!'", "-q", "-m", model, "-t", "mytools.py:order_taxi"])
    child = cli.spawn(["/bin/sh", "-c", f"{command} </dev/null >answer 2>progress"])
    child.expect(ALLOW)
    child.sendline("y")
    assert finished(child) == 0
    assert (cli.folder / "answer").read_text() == "ordered\n"
    assert (cli.folder / "progress").read_text() == ""


@pytest.mark.parametrize("chunk", [None, 4])
def test_ctrl_c_while_the_model_writes_ends_with_what_is_known(cli: Cli, tmp_path: Path, chunk: int | None) -> None:
    model = cli.model(LOOK_UP, "Thought: and now I go on and on" * 50, chunk=chunk, delay=0.05 if chunk else 1.5)
    arguments = ("How many?", "-m", model, "-t", "mytools.py:population", "--trace", "trace.jsonl")
    with cli.terminal(*arguments) as child:
        child.expect_exact("717,710")
        child.expect("thinking · [0-9]+ s · [0-9]{3,}")  # the first step's tokens are counted
        interrupt(child)
        child.expect_exact("Interrupted after 1 step.")
        assert finished(child) == 130
    last = event_from_json((tmp_path / "trace.jsonl").read_text().splitlines()[-1])
    assert isinstance(last, RunEnded)
    assert (last.run.stop_reason, len(last.run.steps), last.run.usage.tool_calls) == ("interrupted", 1, 1)
    assert last.run.usage.tokens > 0


def test_ctrl_c_in_a_tool(cli: Cli) -> None:
    model = cli.model('Action: slow\nAction Input: {"seconds": 30}')
    with cli.terminal("Wait!", "-m", model, "-t", "mytools.py:slow") as child:
        child.expect_exact("slow has begun")
        interrupt(child)
        child.expect_exact("Interrupted after 0 steps.")
        assert finished(child) == 130


def test_ctrl_c_at_the_approval_question(cli: Cli) -> None:
    with cli.terminal("A taxi!", "-m", cli.model(TAXI), "-t", "mytools.py:order_taxi") as child:
        child.expect(ALLOW)
        interrupt(child)
        child.expect_exact("Interrupted")
        assert finished(child) == 130


def test_a_broken_pipe_is_silent(cli: Cli) -> None:
    model = cli.model("Final Answer: " + "long " * 50_000)
    command = " ".join([*COMMAND, "'How long?'", "-q", "-m", model])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} | head -c 10"],
        env=cli.env,
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("long long ", "")


def test_a_dumb_terminal_gets_plain_lines(cli: Cli) -> None:
    child = cli.spawn(COMMAND, "How many?", "-m", cli.model(FINAL), term="dumb")
    child.expect(pexpect.EOF)
    assert "\x1b" not in (child.before or "")
