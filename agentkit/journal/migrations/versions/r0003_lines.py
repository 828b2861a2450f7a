"""The table `effects` becomes a view of `lines`, which are shorter, and lie in the order in which runs are written."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MANY = 2**24
_TO_LINES = f"""
    INSERT INTO lines (id, effect, phase, step, call, tool, outcome, digest, payload, fence, "by", at)
    SELECT runs.number * {_MANY} + effects.number, effect, phase, step, effects.call,
        CASE WHEN kind = 'act' THEN COALESCE(tool, '') END, outcome, digest, payload, effects.fence, "by", at
    FROM effects JOIN runs ON runs.run_id = effects.run_id ORDER BY 1
"""  # noqa: S608 - no input
_EFFECTS = f"""
    CREATE VIEW effects AS SELECT
        runs.run_id AS run_id, lines.id - runs.number * {_MANY} AS number, lines.effect AS effect,
        lines.phase AS phase, CASE WHEN lines.tool IS NULL THEN 'ask' ELSE 'act' END AS kind, lines.step AS step,
        lines.call AS call, lines.tool AS tool,
        CASE WHEN lines.tool IS NOT NULL THEN runs.run_id || ':' || lines.step || ':' || lines.call END AS "key",
        lines.outcome AS outcome, lines.digest AS digest, lines.payload AS payload, lines.fence AS fence,
        lines."by" AS "by", lines.at AS at
    FROM runs JOIN lines ON lines.id >= runs.number * {_MANY} AND lines.id < (runs.number + 1) * {_MANY}
"""  # noqa: S608 - no input


def upgrade() -> None:
    connection = op.get_bind()
    op.add_column("runs", sa.Column("number", sa.BigInteger, nullable=False, server_default="0"))
    runs = sa.table("runs", sa.column("run_id"), sa.column("number"), sa.column("started_at"))
    names = connection.execute(sa.select(runs.c.run_id).order_by(runs.c.started_at, runs.c.run_id)).scalars().all()
    set_to = sa.update(runs).where(runs.c.run_id == sa.bindparam("of_run")).values(number=sa.bindparam("is_number"))
    if names:
        connection.execute(set_to, [{"of_run": name, "is_number": at} for at, name in enumerate(names, 1)])
    op.create_index("ix_runs_number", "runs", ["number"], unique=True)
    if connection.dialect.name == "postgresql":
        connection.execute(sa.schema.CreateSequence(sa.Sequence("run_numbers", start=len(names) + 1)))
    op.create_table(
        "lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("effect", sa.Integer, nullable=False),
        sa.Column("phase", sa.String(8), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("call", sa.Integer, nullable=False),
        sa.Column("tool", sa.String(64)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("digest", sa.String(32)),
        sa.Column("payload", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("by", sa.String(200)),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.execute(_TO_LINES)
    op.drop_table("effects")
    op.execute(_EFFECTS)
