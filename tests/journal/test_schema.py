"""A journal that an earlier agentkit wrote is brought up to date, and nothing in it is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

import agentkit.journal.migrations
from agentkit.journal import Journal, JournalError
from agentkit.journal.schema import HEAD
from agentkit.journal.tables import METADATA
from tests.journal.support import SCRIPT, World, rows

ROOT = Path(__file__).parents[2]
FIRST = """
    CREATE TABLE runs (run_id VARCHAR(200) NOT NULL, question TEXT NOT NULL, status VARCHAR(20) NOT NULL,
        stop_reason VARCHAR(20), answer TEXT, model VARCHAR(200) NOT NULL, strategy VARCHAR(50) NOT NULL,
        started_at VARCHAR(32) NOT NULL, updated_at VARCHAR(32) NOT NULL, owner VARCHAR(300), fence INTEGER NOT NULL,
        expires_at FLOAT NOT NULL, fingerprint TEXT NOT NULL, start TEXT NOT NULL, PRIMARY KEY (run_id));
    CREATE INDEX ix_runs_started_at ON runs (started_at);
    CREATE INDEX ix_runs_status ON runs (status);
    CREATE TABLE effects (run_id VARCHAR(200) NOT NULL, number INTEGER NOT NULL, effect INTEGER NOT NULL,
        phase VARCHAR(8) NOT NULL, kind VARCHAR(4) NOT NULL, step INTEGER NOT NULL, tool VARCHAR(64),
        "key" VARCHAR(255), outcome VARCHAR(20), digest VARCHAR(32), payload TEXT, fence INTEGER NOT NULL,
        "by" VARCHAR(200), at VARCHAR(32) NOT NULL, PRIMARY KEY (run_id, number),
        FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE CASCADE){tail};
    CREATE INDEX ix_effects_tool ON effects (tool);
    CREATE TABLE approvals (run_id VARCHAR(200) NOT NULL, "key" VARCHAR(255) NOT NULL, digest VARCHAR(64) NOT NULL,
        step INTEGER NOT NULL, tool VARCHAR(64) NOT NULL, arguments TEXT NOT NULL, granted BOOLEAN NOT NULL,
        reason TEXT NOT NULL, "by" VARCHAR(200) NOT NULL, at VARCHAR(32) NOT NULL, PRIMARY KEY (run_id, "key", digest),
        FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE CASCADE){tail};
    INSERT INTO runs VALUES ('old', 'How is it?', 'ended', 'answer', 'fine', 'scripted', 'react',
        '2025-11-01T10:00:00.000+00:00', '2025-11-01T10:00:01.000+00:00', NULL, 1, 0, '{empty}', '{empty}');
    INSERT INTO effects VALUES ('old', 0, 0, 'intent', 'act', 1, 'post', 'old:1:0', NULL, 'd', '{empty}', 1, NULL,
        '2025-11-01T10:00:00.000+00:00');
    INSERT INTO approvals VALUES ('old', 'old:1:0', 'd', 1, 'post', '{empty}', TRUE, '', 'Ann',
        '2025-11-01T10:00:00.000+00:00');
"""


def write_first(url: str) -> None:
    """Tables and rows as they were before there were revisions."""
    tail = " WITHOUT ROWID" if url.startswith("sqlite") else ""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in FIRST.format(tail=tail, empty="{}").split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()


def schema(engine: Engine) -> dict[str, object]:
    """All that a database tells of its tables but the order of columns and the names of constraints."""
    found = inspect(engine)
    told: dict[str, object] = {}
    for table in sorted(found.get_table_names()):
        columns = {
            each["name"]: (repr(each["type"]), each["nullable"], str(each["default"]))
            for each in found.get_columns(table)
        }
        keys = sorted(
            (each["constrained_columns"], each["referred_table"], sorted(each.get("options", {}).items()))
            for each in found.get_foreign_keys(table)
        )
        indexes = sorted((each["name"], each["column_names"]) for each in found.get_indexes(table))
        told[table] = (columns, found.get_pk_constraint(table)["constrained_columns"], keys, indexes)
    told["views"] = {name: " ".join(found.get_view_definition(name).split()) for name in found.get_view_names()}
    told["sequences"] = found.get_sequence_names() if engine.dialect.name == "postgresql" else []
    return told


@pytest.fixture
def other_url(url: str, tmp_path: Path) -> str:
    """A second, empty database of the same kind."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'other.db'}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {url.rpartition('/')[2]}_other"))
    engine.dispose()
    return f"{url}_other"


def test_a_migrated_journal_has_the_tables_of_a_new_one(url: str, other_url: str) -> None:
    write_first(url)
    for each in (url, other_url):
        with Journal(each) as journal:
            journal.runs()
    migrated, made = create_engine(url), create_engine(other_url)
    assert schema(migrated) == schema(made)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    for engine in (migrated, made):
        with engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
        engine.dispose()


def test_nothing_is_lost_and_the_journal_is_written_on(url: str) -> None:
    write_first(url)
    with Journal(url) as journal:
        assert journal.run("old").answer == "fine"
        assert World(journal).agent(SCRIPT).run("How is it?", run_id="new").answer == "fine"
    assert rows(url, 'SELECT run_id, number, kind, "key", "call", payload FROM effects WHERE run_id = \'old\'') == [
        ("old", 0, "act", "old:1:0", 0, "{}")
    ]
    assert rows(url, 'SELECT granted, "by" FROM approvals') == [(True, "Ann")]
    if url.startswith("sqlite"):
        assert rows(url, "PRAGMA foreign_key_check") == []
        without_rowid = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        assert rows(url, without_rowid) == [("approvals",)]


def test_tables_that_lack_only_some_of_it_are_migrated(url: str) -> None:
    """As versions between the releases made them."""
    write_first(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE agents (agent_id VARCHAR(64) PRIMARY KEY, spec TEXT NOT NULL)")
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN batch VARCHAR(200)")
        connection.exec_driver_sql("CREATE INDEX ix_runs_batch ON runs (batch)")
        connection.exec_driver_sql("ALTER TABLE approvals ADD COLUMN edited TEXT")
    engine.dispose()
    with Journal(url) as journal:
        assert [run.run_id for run in journal.runs()] == ["old"]
        assert World(journal).agent(SCRIPT).run("How is it?", run_id="new").answer == "fine"


def test_several_processes_migrate_once(url: str) -> None:
    write_first(url)
    code = "import sys; from agentkit.journal import Journal; print(len(Journal(sys.argv[1]).runs()))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=100)[0].strip() for process in processes] == ["1"] * 4


def test_a_later_journal_is_refused_and_left_alone(url: str) -> None:
    with Journal(url) as journal:
        journal.runs()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with Journal(url) as journal, pytest.raises(JournalError, match=r"newer agentkit.*9999.*Upgrade agentkit"):
        journal.runs()


def test_the_last_revision_is_the_one_that_new_journals_are_made_at() -> None:
    folder = Path(agentkit.journal.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [HEAD]


def test_alembic_is_loaded_only_to_migrate(tmp_path: Path) -> None:
    code = (
        "import sys; from agentkit.journal import Journal\n"
        "for _ in range(2): Journal(sys.argv[1]).runs()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{tmp_path / 'j.db'}"], check=True, cwd=ROOT)
