"""Agents that runs can be replayed with, calls of programs, batches, forks, ratings, and approvals that wait."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.String(64), primary_key=True),
        sa.Column("spec", sa.Text, nullable=False),
    )
    with op.batch_alter_table("runs") as runs:
        runs.add_column(
            sa.Column("agent_id", sa.String(64), sa.ForeignKey("agents.agent_id", name="runs_agent_id_fkey"))
        )
        runs.add_column(sa.Column("origin", sa.Text))
        runs.add_column(sa.Column("parent", sa.String(200)))
        runs.add_column(sa.Column("batch", sa.String(200)))
        runs.add_column(sa.Column("place", sa.Integer))
        runs.add_column(sa.Column("rating", sa.String(10)))
        runs.add_column(sa.Column("note", sa.Text))
        runs.create_index("ix_runs_batch", ["batch"])
    op.add_column("effects", sa.Column("call", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("ix_effects_tool", "effects")
    with op.batch_alter_table("approvals", table_kwargs={"sqlite_with_rowid": False}) as approvals:
        for name, kind in (
            ("granted", sa.Boolean()),
            ("reason", sa.Text()),
            ("by", sa.String(200)),
            ("at", sa.String(32)),
        ):
            approvals.alter_column(name, existing_type=kind, nullable=True)
        for name, kind in (
            ("edited", sa.Text()),
            ("preview", sa.Text()),
            ("asked_at", sa.String(32)),
            ("parameters", sa.Text()),
            ("called_at", sa.String(32)),
            ("seal", sa.String(64)),
        ):
            approvals.add_column(sa.Column(name, kind))
