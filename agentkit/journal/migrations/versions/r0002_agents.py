"""Agents that runs can be replayed with, calls of programs, batches, forks, ratings, and approvals that wait.

Versions between the releases have some of this already: only what is missing is made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _for_runs() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("agent_id", sa.String(64), sa.ForeignKey("agents.agent_id", name="runs_agent_id_fkey")),
        sa.Column("origin", sa.Text),
        sa.Column("parent", sa.String(200)),
        sa.Column("batch", sa.String(200)),
        sa.Column("place", sa.Integer),
        sa.Column("rating", sa.String(10)),
        sa.Column("note", sa.Text),
    )


def _for_approvals() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("edited", sa.Text),
        sa.Column("preview", sa.Text),
        sa.Column("asked_at", sa.String(32)),
        sa.Column("parameters", sa.Text),
        sa.Column("called_at", sa.String(32)),
        sa.Column("seal", sa.String(64)),
    )


def upgrade() -> None:
    found = sa.inspect(op.get_bind())
    have = {
        table: {column["name"] for column in found.get_columns(table)} for table in ("runs", "effects", "approvals")
    }
    indexes = {index["name"] for table in ("runs", "effects") for index in found.get_indexes(table)}
    if not found.has_table("agents"):
        op.create_table(
            "agents",
            sa.Column("agent_id", sa.String(64), primary_key=True),
            sa.Column("spec", sa.Text, nullable=False),
        )
    with op.batch_alter_table("runs") as runs:
        for column in _for_runs():
            if column.name not in have["runs"]:
                runs.add_column(column)
        if "ix_runs_batch" not in indexes:
            runs.create_index("ix_runs_batch", ["batch"])
    if "call" not in have["effects"]:
        op.add_column("effects", sa.Column("call", sa.Integer, nullable=False, server_default="0"))
    if "ix_effects_tool" in indexes:
        op.drop_index("ix_effects_tool", "effects")
    with op.batch_alter_table("approvals", table_kwargs={"sqlite_with_rowid": False}) as approvals:
        for name, kind in (
            ("granted", sa.Boolean()),
            ("reason", sa.Text()),
            ("by", sa.String(200)),
            ("at", sa.String(32)),
        ):
            approvals.alter_column(name, existing_type=kind, nullable=True)
        for column in _for_approvals():
            if column.name not in have["approvals"]:
                approvals.add_column(column)
