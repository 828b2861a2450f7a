"""`run-agent` keeps a journal, and `run-agent runs` shows, carries on, replays, forks and compares what is in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agentkit.codec import run_from_json
from agentkit.testing import replay
from tests.cli.conftest import Cli, Inside, finished, interrupt

LOOK_UP = 'Thought: look it up\nAction: population\nAction Input: {"city": "Oslo"}'
ANSWER = "Thought: done\nFinal Answer: 717,710"
TAXI = 'Action: order_taxi\nAction Input: {"city": "Oslo", "time": "noon"}'


def asked(cli: Cli, *replies: str, question: str = "How many?", tool: str = "population") -> str:
    """A run's name."""
    done = cli(question, "--json", "-q", "-m", cli.model(*replies), "-t", f"mytools.py:{tool}")
    assert done.returncode in (0, 3), done.stderr
    return run_from_json(done.stdout).run_id


def test_runs_are_kept_listed_and_shown(cli: Cli) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    listed = cli("runs", "list")
    assert listed.stdout.split()[:1] == [run_id] and "ended" in listed.stdout and "How many?" in listed.stdout
    (record,) = json.loads(cli("runs", "list", "--json", "--since", "1h", "--status", "ended").stdout)
    assert (record["run_id"], record["answer"]) == (run_id, "717,710")
    shown = cli("runs", "show", run_id[:6]).stdout
    for text in ("Step 1", "▸ population  city='Oslo'", "│ 717,710", "Step 2", "Answer: 717,710", "2 steps"):
        assert text in shown
    told = json.loads(cli("runs", "show", run_id, "--json").stdout)
    assert [each["kind"] for each in told["effects"]] == ["ask", "act", "ask"]
    assert cli("runs", "list", "--status", "error").stdout == ""


def test_nothing_is_kept_where_that_is_wanted(cli: Cli) -> None:
    model = cli.model(ANSWER)
    assert cli("How many?", "-m", model, "--no-journal").returncode == 0
    assert cli("How many?", "-m", model, AGENTKIT_JOURNAL="off").returncode == 0
    assert not (cli.folder / "journal.db").exists()
    assert cli("How many?", "-m", model, "--journal", "other.db").returncode == 0
    assert cli("runs", "list").stdout == ""
    assert "How many?" in cli("runs", "--journal", "other.db", "list").stdout


def test_a_journal_that_cannot_be_written_is_an_error_where_it_was_named(cli: Cli) -> None:
    done = cli("How many?", "-m", cli.model(ANSWER), "--journal", "/proc/none/j.db")
    assert done.returncode == 1 and done.stderr.startswith("Error: Cannot make")


def test_by_default_the_journal_is_in_the_data_directory_and_a_run_does_without(cli: Cli) -> None:
    (cli.folder / "file").touch()
    env = {**cli.env, "XDG_DATA_HOME": str(cli.folder / "data")}
    del env["AGENTKIT_JOURNAL"]
    other = Cli(cli.folder, env)
    assert other("How many?", "-m", other.model(ANSWER)).returncode == 0
    assert (cli.folder / "data" / "agentkit" / "journal.db").exists()
    done = other("How many?", "-m", other.model(ANSWER), XDG_DATA_HOME=str(cli.folder / "file"))
    assert (done.returncode, done.stdout) == (0, "717,710\n")
    assert "not written down" in done.stderr


def test_a_run_that_was_interrupted_says_how_to_go_on_and_does(cli: Cli) -> None:
    model = cli.model('Action: slow\nAction Input: {"seconds": 20}', "Final Answer: done")
    with cli.terminal("Wait", "-m", model, "-t", "mytools.py:slow") as child:
        child.expect("running slow")
        interrupt(child)
        child.expect(r"Resume with: run-agent runs resume (\w+)")
        assert isinstance(child.match, re.Match)
        run_id = str(child.match[1])
        assert finished(child) == 130
    assert json.loads(cli("runs", "list", "--json").stdout)[0]["status"] == "interrupted"
    assert f"Resume with: run-agent runs resume {run_id}" in cli("runs", "show", run_id).stdout
    # The model goes on from where it was: its first reply is in the journal. The tool is there with another wait.
    tools = (cli.folder / "mytools.py").read_text().replace("time.sleep(seconds)", "pass")
    (cli.folder / "mytools.py").write_text(tools)
    cli.model("Final Answer: done")
    done = cli("runs", "resume", run_id[:8])
    assert (done.returncode, done.stdout) == (0, "slow has begun\ndone\n")
    assert cli("runs", "resume", run_id).stdout == "done\n"


@pytest.mark.parametrize("place", ["../journal.db", "sqlite:///../journal.db"])
def test_resume_finds_the_files_of_the_folder_where_the_run_began(cli: Cli, place: str) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    (cli.folder / "elsewhere").mkdir()
    done = Cli(cli.folder / "elsewhere", {**cli.env, "AGENTKIT_JOURNAL": place})("runs", "resume", run_id)
    assert (done.returncode, done.stdout) == (0, "717,710\n")
    assert "where the run began" in done.stderr


def test_a_run_begun_from_python_needs_its_agent(cli: Cli) -> None:
    (cli.folder / "mine.py").write_text(
        "from agentkit import Agent\nfrom agentkit.testing import ScriptedModel\n"
        "agent = Agent(ScriptedModel(['Final Answer: 4']))\nother = 5\n"
        "if __name__ == '__main__': agent.run('2 + 2?', run_id='r')\n"
    )
    import subprocess
    import sys

    subprocess.run([sys.executable, "mine.py"], cwd=cli.folder, env=cli.env, check=True)
    done = cli("runs", "resume", "r")
    assert done.returncode == 1 and "--agent package.module:object" in done.stderr
    assert cli("runs", "resume", "r", "--agent", "mine.py:agent").stdout == "4\n"
    assert "is no Agent" in cli("runs", "resume", "r", "--agent", "mine.py:other").stderr
    assert cli("runs", "replay", "r").stdout == "4\n"


def test_a_changed_agent_is_refused_and_drift_can_be_allowed(cli: Cli) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    tools = (cli.folder / "mytools.py").read_text().replace("How many people live", "The people who live")
    (cli.folder / "mytools.py").write_text(tools)
    done = cli("runs", "resume", run_id)
    assert done.returncode == 1 and "tool population (changed)" in done.stderr
    assert cli("runs", "resume", run_id, "--allow-drift").stdout == "717,710\n"
    assert cli("runs", "replay", run_id).stdout == "717,710\n"  # its agent is in the journal


def test_replay_shows_a_run_again_without_model_and_tools(cli: Cli) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    cli("runs", "export", run_id, "run.json")
    (cli.folder / "models.py").unlink()
    (cli.folder / "mytools.py").unlink()
    for source in (run_id, "run.json"):
        done = cli("runs", "replay", source, "--speed", "50")
        assert (done.returncode, done.stdout) == (0, "717,710\n")
        assert "Action: population(city='Oslo')" in done.stderr and "the same result" in done.stderr
    assert replay(cli.folder / "run.json").answer == "717,710"
    events = [json.loads(line)["type"] for line in cli("runs", "replay", run_id, "--jsonl", "-q").stdout.splitlines()]
    assert events[:3] == ["run_started", "model_started", "text_delta"] and events[-1] == "run_ended"
    told = json.loads((cli.folder / "run.json").read_text())
    told["run"]["answer"] = "a million"
    (cli.folder / "run.json").write_text(json.dumps(told))
    done = cli("runs", "replay", "run.json")
    assert done.returncode == 1 and "recorded as 'a million'" in done.stderr


def test_fork_and_diff(cli: Cli) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    cli.model("Final Answer: few")
    done = cli("runs", "fork", run_id, "--at", "2", "--max-steps", "4", "--json", "-q")
    fork = run_from_json(done.stdout)
    assert (fork.answer, len(fork.steps)) == ("few", 2)
    edited = cli("runs", "fork", run_id, "--at", "1", "--edit-observation", "99", "-q")
    assert edited.stdout == "few\n"
    assert f"Forked from {run_id}" in cli("runs", "show", fork.run_id).stdout
    done = cli("runs", "diff", run_id, fork.run_id)
    assert done.returncode == 1
    for text in ("limits", "They part at step 2.", "answer ('717,710' → 'few')"):
        assert text in done.stdout
    done = cli("runs", "diff", run_id, run_id)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Their steps are the same.")
    assert json.loads(cli("runs", "diff", run_id, fork.run_id, "--json").stdout)["same"] is False
    done = cli("runs", "fork", run_id, "--at", "7")
    assert done.returncode == 1 and "has 2 steps" in done.stderr


def test_a_run_at_its_limit_says_how_to_go_on(cli: Cli) -> None:
    model = cli.model(LOOK_UP, "Final Answer: perhaps")
    done = cli("How many?", "--max-steps", "1", "-m", model, "-t", "mytools.py:population")
    assert done.returncode == 3 and "--at 2 --max-" in done.stderr
    run_id = json.loads(cli("runs", "list", "--json").stdout)[0]["run_id"]
    cli.model(ANSWER)
    assert cli("runs", "fork", run_id, "--at", "2", "--max-steps", "9").stdout == "717,710\n"


def test_an_exported_run_is_taken_in_elsewhere(cli: Cli) -> None:
    run_id = asked(cli, LOOK_UP, ANSWER)
    (cli.folder / "run.json").write_text(cli("runs", "export", run_id, "-").stdout)
    assert cli("runs", "--journal", "other.db", "import", "run.json").stdout == f"{run_id}\n"
    assert cli("runs", "--journal", "other.db", "replay", run_id).stdout == "717,710\n"
    assert "already" in cli("runs", "import", "run.json").stderr
    assert "no recorded run" in cli("runs", "import", "models.py").stderr
    for nowhere in ("off", "/proc/none/j.db"):  # a file needs no journal
        assert cli("runs", "replay", "run.json", AGENTKIT_JOURNAL=nowhere).stdout == "717,710\n"
        assert "Answer: 717,710" in cli("runs", "show", "run.json", AGENTKIT_JOURNAL=nowhere).stdout
        assert cli("runs", "diff", "run.json", "run.json", AGENTKIT_JOURNAL=nowhere).returncode == 0
    assert "run-agent keeps no journal" in cli("runs", "list", AGENTKIT_JOURNAL="off").stderr


def test_prune(cli: Cli) -> None:
    run_id = asked(cli, ANSWER)
    assert "0 runs thrown away" in cli("runs", "prune").stderr
    done = cli("runs", "prune", "--older-than", "0m", "--dry-run")
    assert run_id in done.stdout and "1 run would be thrown away" in done.stderr
    assert "1 run thrown away" in cli("runs", "prune", "--older-than", "0m").stderr
    assert cli("runs", "list").stdout == ""


def test_approvals_are_shown_with_who_and_when(cli: Cli) -> None:
    done = cli(
        "Taxi!", "--yes", "--json", "-q", "-m", cli.model(TAXI, "Final Answer: ok"), "-t", "mytools.py:order_taxi"
    )
    assert "approved by" in cli("runs", "show", run_from_json(done.stdout).run_id).stdout


def test_each_turn_of_a_chat_is_a_run(cli: Cli) -> None:
    model = cli.model("Final Answer: 4", "Final Answer: 16")
    done = cli("chat", "-q", "-m", model, "-t", "none", stdin="2 + 2?\nAnd its square?\n")
    assert done.stdout == "4\n16\n"
    last, _ = json.loads(cli("runs", "list", "--json").stdout)
    assert last["question"] == "And its square?"
    assert cli("runs", "replay", last["run_id"]).stdout == "16\n"
    assert cli("runs", "resume", last["run_id"]).stdout == "16\n"


def test_runs_are_rated_and_become_training_data(cli: Cli) -> None:
    good, bad = asked(cli, LOOK_UP, ANSWER), asked(cli, LOOK_UP, "Final Answer: write to a@b.io")
    nothing = cli("export", "--format", "sft")
    assert nothing.stdout == "" and "run-agent rate ID good" in nothing.stderr
    assert cli("rate", good[:10], "good", "--note", "right").returncode == 0
    assert cli("rate", bad, "bad").returncode == 0
    assert "Rated good: right" in cli("runs", "show", good).stdout
    assert cli("export", "--format", "sft", "--out", "good.jsonl").returncode == 0
    (line,) = map(json.loads, (cli.folder / "good.jsonl").read_text().splitlines())
    assert (line["run_id"], line["messages"][-1]["content"]) == (good, ANSWER)
    (pair,) = map(json.loads, cli("export", "--format", "preference", "--redact").stdout.splitlines())
    assert pair["chosen"][0]["content"] == ANSWER and "[EMAIL_1]" in pair["rejected"][0]["content"]
    (cli.folder / "checks.py").write_text("def numeric(run):\n    return run.answer[0].isdigit()\n")
    cli("rate", good, "none")
    done = cli("export", "--format", "openai", "--check", "checks.py:numeric")
    assert [set(json.loads(line)) for line in done.stdout.splitlines()] == [{"messages"}]
    assert len(cli("export", "--format", "openai", "--rating", "any").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs", "list", "--status", "done"], "there is no status 'done'"),
        (["runs", "list", "--since", "yesterday"], "2026-11-25"),
        (["runs", "list", "--since", "99999999999999d"], "how long ago like 7d"),
        (["runs", "list", "--since", "0001-01-01"], "how long ago like 7d"),
        (["runs", "list", "--rating", "fine"], "good or bad"),
        (["runs", "prune", "--older-than", "99999999999w"], "longer than there are dates"),
        (["runs", "show", "x" * 300], "knows no run 'xxx"),
        (["runs", "--journal", "mytools.py", "list"], "no SQLite database"),
        (["runs", "--journal", "typo.db", "list"], "there is no file typo.db"),
        (["runs", "prune", "--older-than", "soon"], "like 30d"),
        (["runs", "replay", "nothing", "--speed", "fast"], "knows no run 'nothing'"),
        (["rate", "nothing", "good"], "knows no run 'nothing'"),
        (["runs", "show", "nothing"], "knows no run 'nothing'"),
        (["runs", "import", "none.json"], "Cannot read the recording none.json"),
        (["rate", "x", "fine"], "fine"),
    ],
)
def test_mistakes_are_told(cli: Cli, arguments: list[str], said: str) -> None:
    done = cli(*arguments)
    assert done.returncode in (1, 2) and said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [f"runs {name}" for name in ("list", "show", "resume", "replay", "fork", "diff", "export", "import", "prune")]
    + ["rate", "export"],
)
def test_every_command_has_help(inside: Inside, command: str) -> None:
    done = inside(*command.split(), "--help")
    assert done.exit_code == 0 and done.stdout.startswith(f"Usage: run-agent {command}")


def test_no_test_writes_to_the_home_directory(cli: Cli) -> None:
    asked(cli, ANSWER)
    assert not (Path(cli.env["HOME"]) / ".local").exists()
