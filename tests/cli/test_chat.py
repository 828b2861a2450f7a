"""`run-agent chat`: in a terminal and from a pipe."""

import pexpect
import pytest

from tests.cli.conftest import Cli, finished, interrupt

pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")

PROMPT = "› "
ECHO = """\
from agentkit.testing import ScriptedModel

def reply(request):
    asked = [message.text for message in request.messages if message.role == "user"]
    return f"Thought: Do I need a tool? No.\\nFinal Answer: {len(asked)} so far, the first {asked[0].split()[0]}"

model = ScriptedModel([reply] * 9)
"""


@pytest.fixture
def model(cli: Cli) -> str:
    (cli.folder / "models.py").write_text(ECHO, encoding="utf-8")
    return "models.py:model"


def test_a_conversation(cli: Cli, model: str) -> None:
    with cli.terminal("chat", "-m", model) as child:
        child.expect_exact("/help")
        child.expect_exact(PROMPT)
        child.sendline("alpha?")
        child.expect_exact("1 so far, the first alpha?")
        child.expect_exact(PROMPT)
        child.sendline("beta?")
        child.expect_exact("2 so far, the first alpha?")
        child.expect_exact(PROMPT)
        child.sendline("/reset")
        child.expect_exact("forgotten")
        child.sendline("gamma?")
        child.expect_exact("1 so far, the first gamma?")
        child.sendline("/usage")
        child.expect_exact("3 questions")
        child.sendline("/exit")
        assert finished(child) == 0


def test_commands_of_the_chat(cli: Cli, model: str) -> None:
    with cli.terminal("chat", "-m", model, "-t", "mytools.py:population") as child:
        child.expect_exact(PROMPT)
        child.sendline("/tools")
        child.expect_exact("population: How many people live in a city.")
        child.sendline("/nonsense")
        child.expect_exact("There is no command /nonsense")
        child.expect_exact("/reset")
        child.expect_exact(PROMPT)
        child.sendeof()
        assert finished(child) == 0


def test_ctrl_c_ends_the_answer_and_not_the_chat(cli: Cli) -> None:
    model = cli.model("Thought: " + "on and on " * 200, "Final Answer: back again", chunk=4, delay=0.05)
    with cli.terminal("chat", "-m", model) as child:
        child.expect_exact(PROMPT)
        child.sendline("Talk!")
        child.expect("on and on")
        interrupt(child)
        child.expect_exact("Interrupted after 0 steps.")
        child.expect_exact(PROMPT)
        child.sendline("And now?")
        child.expect_exact("back again")
        child.expect_exact(PROMPT)
        interrupt(child)
        child.expect_exact("/exit or Ctrl-D leaves")
        child.sendline("/exit")
        assert finished(child) == 0


def test_lines_can_be_edited(cli: Cli, model: str) -> None:
    with cli.terminal("chat", "-m", model) as child:
        child.expect_exact(PROMPT)
        child.send("lpha?\x01a\r")  # Ctrl-A goes to the line's beginning
        child.expect_exact("1 so far, the first alpha?")
        child.sendline("/exit")
        assert finished(child) == 0


def test_from_a_pipe_every_line_is_a_question(cli: Cli, model: str) -> None:
    done = cli("chat", "-q", "-m", model, stdin="alpha?\n\nbeta?\n")
    assert done.stdout == "1 so far, the first alpha?\n2 so far, the first alpha?\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_does_not_end_the_conversation(cli: Cli) -> None:
    (cli.folder / "models.py").write_text(
        "from agentkit.errors import AuthError\nfrom agentkit.testing import ScriptedModel\n"
        "model = ScriptedModel([AuthError('No key.'), 'Final Answer: there'])\n",
        encoding="utf-8",
    )
    done = cli("chat", "-q", "-m", "models.py:model", stdin="one?\ntwo?\n")
    assert (done.returncode, done.stdout, done.stderr) == (1, "there\n", "Error: No key.\n")


def test_the_trace_holds_all_runs(cli: Cli, model: str) -> None:
    cli("chat", "-q", "-m", model, "--trace", "trace.jsonl", stdin="alpha?\nbeta?\n")
    assert (cli.folder / "trace.jsonl").read_text().count('"type":"run_ended"') == 2


def test_interrupt_is_not_eof(cli: Cli, model: str) -> None:
    with cli.terminal("chat", "-m", model) as child:
        child.expect_exact(PROMPT)
        child.send("half a line")
        child.expect_exact("half a line")
        interrupt(child)
        child.expect_exact(PROMPT)
        child.sendline("alpha?")
        child.expect_exact("1 so far, the first alpha?")
        child.expect_exact(PROMPT)
        child.sendeof()
        child.expect(pexpect.EOF)
