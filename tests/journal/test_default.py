"""An agent keeps a journal unless it is told not to: where, for whose eyes, and what happens where it cannot."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentkit import Agent, ConfigError
from agentkit.errors import JournalError
from agentkit.journal import Journal
from agentkit.testing import ScriptedModel

ROOT = Path(__file__).parents[2]
ANSWER = ["Final Answer: 4"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data directory, with no word about a journal in the environment."""
    monkeypatch.delenv("AGENTKIT_JOURNAL")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(sys.platform != "linux", reason="the place is Linux's")
def test_runs_are_written_down_by_default_for_the_user_s_eyes_alone(home: Path) -> None:
    before = os.umask(0)  # nothing but agentkit itself keeps others out
    try:
        agent = Agent(ScriptedModel(ANSWER))
        assert not home.exists()  # opened at the first run
        run = agent.run("2 + 2?", run_id="r")
        folder = home / "agentkit"
        files = {path.name: mode(path) for path in folder.iterdir()}
        assert files == dict.fromkeys(("journal.db", "journal.db-wal", "journal.db-shm"), 0o600)
        assert mode(folder) == mode(home) == 0o700
    finally:
        os.umask(before)
    assert Agent(ScriptedModel([])).resume("r") == run
    with Journal() as journal:
        assert journal.run("r").answer == "4"


def test_a_folder_and_a_file_that_are_there_are_left_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "j.db").touch()
    (tmp_path / "j.db").chmod(0o640)
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        journal.prepare()
    assert (mode(tmp_path), mode(tmp_path / "j.db")) == (0o755, 0o640)


def test_the_environment_names_another_place_or_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.parent / "deep" / "j.db"
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(file))
    Agent(ScriptedModel(ANSWER)).run("2 + 2?", run_id="r")
    with Journal(f"sqlite:///{file}") as journal:
        assert [run.run_id for run in journal.runs()] == ["r"]
    monkeypatch.setenv("AGENTKIT_JOURNAL", "off")
    agent = Agent(ScriptedModel(ANSWER))
    assert agent.run("2 + 2?", run_id="r").answer == "4"
    with pytest.raises(ConfigError, match=r"journal=Journal\(\)"):
        agent.resume("r")
    with pytest.raises(ConfigError, match="give Journal a URL"):
        Journal()
    assert not home.exists()


def test_no_journal_when_none_is_wanted(home: Path) -> None:
    assert Agent(ScriptedModel(ANSWER), journal=None).run("2 + 2?").answer == "4"
    with Journal("sqlite://") as journal:
        Agent(ScriptedModel(ANSWER), journal=journal).run("2 + 2?")
    assert not home.exists()


def test_one_journal_for_all_agents_and_threads_of_a_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Journal] = []
    prepare = Journal.prepare

    def counted(journal: Journal) -> None:
        made.append(journal)
        prepare(journal)

    monkeypatch.setattr(Journal, "prepare", counted)
    agents = [Agent(ScriptedModel(ANSWER)) for _ in range(8)]
    threads = [threading.Thread(target=agent.run, args=("2 + 2?",)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(made[0].runs("ended")) == 8


def test_where_the_default_place_cannot_be_written_runs_go_on_without_and_say_so_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/proc/nowhere")
    agent = Agent(ScriptedModel(ANSWER * 3))
    said = r"keeps no journal.*Cannot make /proc/nowhere.*AGENTKIT_JOURNAL=off"
    with pytest.warns(RuntimeWarning, match=said) as told:
        answers = [agent.run("2 + 2?").answer for _ in range(2)]
    assert answers == ["4", "4"]
    assert len(told) == 1
    with pytest.raises(ConfigError, match="Only an agent with a journal"):
        agent.resume("r")


def test_a_place_that_somebody_named_must_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_JOURNAL", "/proc/nowhere/j.db")
    with pytest.raises(ConfigError, match="Cannot make /proc/nowhere"):
        Agent(ScriptedModel(ANSWER)).run("2 + 2?")
    home.parent.joinpath("text").write_text("no database at all, but long enough to be read as one" * 20)
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(home.parent / "text"))
    with pytest.raises(JournalError, match="cannot be used"):
        Agent(ScriptedModel(ANSWER)).run("2 + 2?")


FORK = """
import os
from agentkit import Agent
from agentkit.testing import ScriptedModel

def run(name):
    Agent(ScriptedModel(["Final Answer: 4"])).run("2 + 2?", run_id=name)

run("parent")
pid = os.fork()
run("child" if not pid else "parent again")
if not pid:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def test_a_fork_has_a_journal_of_its_own(home: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, check=True)
    with Journal() as journal:
        assert {run.run_id for run in journal.runs("ended")} == {"parent", "child", "parent again"}


def test_nothing_is_loaded_before_the_first_run_nor_where_it_is_off() -> None:
    code = (
        "import sys, agentkit; from agentkit.testing import ScriptedModel\n"
        "agent = agentkit.Agent(ScriptedModel(['Final Answer: 4']))\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "agent.run('?'); print('sqlalchemy' in sys.modules, 'agentkit.journal' in sys.modules)"
    )
    for journal, loaded in (("off", "False False"), ("sqlite://", "True True")):
        environment = {**os.environ, "AGENTKIT_JOURNAL": journal}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.strip(), done.stderr) == (loaded, "")
