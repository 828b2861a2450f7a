"""`--on-approval park`, and `run-agent runs pending|approve|deny|resolve`: a call that waits for a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentkit import Agent
from agentkit.cli.options import AgentOptions
from agentkit.cli.setup import make_agent
from agentkit.codec import event_from_json
from agentkit.errors import ConfigError, JournalError
from agentkit.events import ApprovalWaits, RunEnded
from agentkit.journal import Journal
from tests.cli.conftest import Cli, Inside, finished
from tests.journal.support import SCRIPT, Crash, World, crash_at

pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")

TAXI = 'Thought: A taxi, then.\nAction: order_taxi\nAction Input: {"city": "Oslo", "time": "noon"}'
ORDER = ("A taxi!", "-t", "mytools.py:order_taxi", "--on-approval", "park")


def parked(cli: Cli) -> str:
    """The id of a run that waits."""
    done = cli(*ORDER, "--json", "-q", "-m", cli.model(TAXI))
    assert done.returncode == 5
    run = json.loads(done.stdout)
    assert (run["stop_reason"], run["answer"]) == ("needs_approval", None)
    return str(run["run_id"])


def carried_on(cli: Cli, run_id: str) -> str:
    """What the tool gave when the run was resumed."""
    model = cli.model("Final Answer: done")
    options = AgentOptions(model=model, tool=["mytools.py:order_taxi"])
    agent = make_agent(options, lambda: pytest.fail("nothing is drawn"))
    run = Agent(agent.models[0], agent.toolbox.values(), journal=Journal()).resume(run_id, allow_drift=True)
    assert run.answer == "done" and run.steps[0].observation is not None
    return run.steps[0].observation.text


def test_a_parked_question_says_what_waits_and_how_to_answer(cli: Cli) -> None:
    done = cli(*ORDER, "-m", cli.model(TAXI))
    assert (done.returncode, done.stdout) == (5, "")
    assert "Waits for approval: order_taxi(city='Oslo', time='noon')" in done.stderr
    assert "waits for you" in done.stderr and "run-agent runs approve " in done.stderr
    assert "run-agent runs resume " in done.stderr and "limit" not in done.stderr


def test_events_of_a_parked_question(cli: Cli) -> None:
    done = cli(*ORDER, "--jsonl", "-q", "-m", cli.model(TAXI))
    waits, ended = (event_from_json(line) for line in done.stdout.splitlines()[-2:])
    assert isinstance(waits, ApprovalWaits) and waits.arguments == {"city": "Oslo", "time": "noon"}
    assert isinstance(ended, RunEnded)


def test_pending_shows_the_call_and_approve_lets_it_run(cli: Cli, inside: Inside) -> None:
    run_id = parked(cli)
    shown = inside("runs", "pending")
    assert shown.exit_code == 0 and run_id in shown.stdout and "A taxi!" in shown.stdout
    assert "order_taxi (key " in shown.stdout and "    city='Oslo'\n    time='noon'\n" in shown.stdout
    (as_json,) = json.loads(inside("runs", "pending", run_id, "--json").stdout)
    assert as_json["arguments"] == {"city": "Oslo", "time": "noon"} and "city" in as_json["schema"]["properties"]
    other = inside("runs", "approve", run_id, "--key", "other")
    assert isinstance(other.exception, JournalError) and "waits for approval" in str(other.exception)
    done = inside("runs", "approve", run_id, "--key", as_json["key"])
    assert done.exit_code == 0 and "    time='noon'\n" in done.stdout
    assert f"run-agent runs resume {run_id}" in done.stdout
    assert "Nothing waits" in inside("runs", "pending").stderr
    assert carried_on(cli, run_id) == "Ordered in Oslo for noon."
    again = inside("runs", "approve", run_id)
    assert isinstance(again.exception, JournalError) and "was approved by" in str(again.exception)


def test_approve_with_an_edit(cli: Cli, inside: Inside) -> None:
    run_id = parked(cli)
    for wrong, said in (("{", "no JSON"), ("[1]", "no JSON object"), ('{"size": 3}', "no argument 'size'")):
        done = inside("runs", "approve", run_id, "--edit", wrong)
        assert done.exit_code == 2 and said in done.stderr and "--edit" in done.stderr
    done = inside("runs", "approve", run_id, "--edit", '{"time": "one"}', "--reason", "Later.")
    assert "    city='Oslo'\n    time='one'\n" in done.stdout and "noon" not in done.stdout
    assert carried_on(cli, run_id).startswith("Ordered in Oslo for one.\n")


def test_deny(cli: Cli, inside: Inside) -> None:
    run_id = parked(cli)
    done = inside("runs", "deny", run_id, "--reason", "Walk.")
    assert done.exit_code == 0 and done.stdout.endswith(f"Denied. To go on: run-agent runs resume {run_id}\n")
    assert carried_on(cli, run_id) == "order_taxi was not run: approval was refused. Walk."


def test_a_run_that_is_not_there(inside: Inside) -> None:
    for command in ("approve", "deny", "resolve", "pending"):
        done = inside("runs", command, "nowhere")
        assert isinstance(done.exception, JournalError) and "knows no run 'nowhere'" in str(done.exception)


def test_without_a_journal_nothing_waits(cli: Cli, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_JOURNAL", "off")
    for arguments in (("runs", "pending"), (*ORDER, "-m", cli.model(TAXI))):
        done = inside(*arguments)
        assert isinstance(done.exception, ConfigError) and "journal" in str(done.exception)


def test_resolve(inside: Inside, tmp_path: Path) -> None:
    for run_id, options, told in (
        ("a", ("--result", "posted by hand"), "posted by hand"),
        ("b", ("--failed", "the wire is cut"), "the wire is cut"),
        ("c", ("--retry",), "posted hello"),
    ):
        with Journal() as journal:
            world = World(journal)
            with pytest.raises(Crash):
                world.agent(SCRIPT, wrap=[crash_at(3)]).run("How is it?", run_id=run_id)
            assert world.agent([]).resume(run_id).stop_reason == "needs_attention"
            shown = inside("runs", "resolve", run_id)
            assert f"  post (key {run_id}:2:0) with\n    text='hello'\n" in shown.stdout
            done = inside("runs", "resolve", run_id, *options)
            assert done.exit_code == 0 and f"run-agent runs resume {run_id}" in done.stdout
            seen = world.agent(SCRIPT[2:]).resume(run_id).steps[1].observation
            assert seen is not None and seen.text == told and seen.failed == ("cut" in told)
    assert inside("runs", "resolve", "a", "--retry", "--result", "x").exit_code == 2
    assert isinstance(inside("runs", "resolve", "a", "--retry").exception, JournalError)


def test_yes_and_park_exclude_each_other(cli: Cli, inside: Inside) -> None:
    done = inside(*ORDER, "--yes", "-m", cli.model(TAXI))
    assert done.exit_code == 2 and "--yes" in done.stderr


def test_control_characters_of_a_call_that_waits_are_escaped(cli: Cli, inside: Inside) -> None:
    done = cli(*ORDER, "-q", "-m", cli.model(TAXI.replace("noon", "\\u001b[2J\\u202e")))
    assert done.returncode == 5
    shown = inside("runs", "pending").stdout
    assert r"time='\x1b[2J\u202e'" in shown and "\x1b" not in shown


def test_a_call_is_edited_in_the_terminal(cli: Cli) -> None:
    model = cli.model(TAXI, "Final Answer: ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("e")
        child.expect_exact("(Enter: nothing) ")
        child.sendline('{"size": 3}')
        child.expect_exact("there is no argument 'size'")
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("e")
        child.expect_exact("(Enter: nothing) ")
        child.sendline('{"time": "one"}')
        child.expect_exact("city='Oslo'\r\n    time='one'\r\n")
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("y")
        child.expect_exact("time='one'")
        child.expect_exact("Ordered in Oslo for one.")
        child.expect_exact("Whoever approved this call changed its input.")
        assert finished(child) == 0


def test_a_call_is_edited_in_the_editor_of_the_environment(cli: Cli) -> None:
    cli.env["EDITOR"] = "sed -i s/noon/two/"
    model = cli.model(TAXI, "Final Answer: ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("e")
        child.expect_exact("time='two'\r\n")
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("y")
        child.expect_exact("Ordered in Oslo for two.")
        assert finished(child) == 0


@pytest.mark.parametrize("editor", ["false", "/no/such/editor", "sh -c 'echo { >$0'"])
def test_an_editor_that_fails_changes_nothing(cli: Cli, editor: str) -> None:
    cli.env["VISUAL"] = editor
    model = cli.model(TAXI, "Final Answer: ordered")
    with cli.terminal("A taxi!", "-m", model, "-t", "mytools.py:order_taxi") as child:
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("e")
        child.expect(r"nothing is changed|No such file|no JSON")
        child.expect_exact("e to edit, or say what to do instead] ")
        child.sendline("y")
        child.expect_exact("Ordered in Oslo for noon.")
        assert finished(child) == 0
