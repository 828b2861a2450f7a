"""Runs, effects and approvals, as they were before there were revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(200), primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("stop_reason", sa.String(20)),
        sa.Column("answer", sa.Text),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("strategy", sa.String(50), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(300)),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("start", sa.Text, nullable=False),
    )
    op.create_index("ix_runs_status", "runs", ["status"])
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    run_id = sa.ForeignKey("runs.run_id", ondelete="CASCADE")
    op.create_table(
        "effects",
        sa.Column("run_id", sa.String(200), run_id, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("effect", sa.Integer, nullable=False),
        sa.Column("phase", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("tool", sa.String(64)),
        sa.Column("key", sa.String(255)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("digest", sa.String(32)),
        sa.Column("payload", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("by", sa.String(200)),
        sa.Column("at", sa.String(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_effects_tool", "effects", ["tool"])
    run_id = sa.ForeignKey("runs.run_id", ondelete="CASCADE")
    op.create_table(
        "approvals",
        sa.Column("run_id", sa.String(200), run_id, primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sqlite_with_rowid=False,
    )
