"""The tables of the journal. Times are texts: UTC, ISO 8601; payloads are JSON texts."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    Text,
    event,
)

__all__ = ["LINES_OF_A_RUN", "METADATA", "agents", "approvals", "effects", "lines", "run_numbers", "runs"]

METADATA = MetaData()
LINES_OF_A_RUN = 2**24

# What runs need in order to be replayed without the agent that made them (its prompts, tool schemas, limits), as JSON:
# kept once for all runs of equal agents. `agent_id` is the hash of `spec`.
agents = Table(
    "agents",
    METADATA,
    Column("agent_id", String(64), primary_key=True),
    Column("spec", Text, nullable=False),
)

# One row for each run. `status`: running, ended, interrupted, needs_approval, needs_attention, error.
# `origin`: how run-agent made the agent (JSON), so that it can make it again. `parent`: the run it was forked from.
# `batch`: the batch that it belongs to, at `place` (from 0). `rating` (good, bad) and `note`: what a person thinks.
# `owner`, `fence`, `expires_at` (seconds since 1970) are the lease of whoever drives it. `number`: see `lines`.
runs = Table(
    "runs",
    METADATA,
    Column("run_id", String(200), primary_key=True),
    Column("question", Text, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("stop_reason", String(20)),
    Column("answer", Text),
    Column("model", String(200), nullable=False),
    Column("strategy", String(50), nullable=False),
    Column("started_at", String(32), nullable=False, index=True),
    Column("updated_at", String(32), nullable=False),
    Column("owner", String(300)),
    Column("fence", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("agent_id", String(64), ForeignKey("agents.agent_id")),
    Column("origin", Text),
    Column("parent", String(200)),
    Column("batch", String(200), index=True),
    Column("place", Integer),
    Column("rating", String(10)),
    Column("note", Text),
    Column("number", BigInteger, nullable=False, server_default="0", index=True, unique=True),
)
run_numbers = Sequence("run_numbers", metadata=METADATA)  # where several processes can begin runs at once

# Append-only: an intent before an effect is performed, its result after it. People read the view `effects`; here each
# commit is to touch one page only, and there are two in each step of a run: so a line has one short key, which grows,
# and nothing that follows from the rest. `id`: the run's `number`, times LINES_OF_A_RUN, and the line's own, from 0.
lines = Table(
    "lines",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("effect", Integer, nullable=False),
    Column("phase", String(8), nullable=False),
    Column("step", Integer, nullable=False),
    Column("call", Integer, nullable=False),
    Column("tool", String(64)),
    Column("outcome", String(20)),
    Column("digest", String(32)),
    Column("payload", Text),
    Column("fence", Integer, nullable=False),
    Column("by", String(200)),
    Column("at", String(32), nullable=False),
)

# Dialects agree on this much.
THE_EFFECTS = f"""
    CREATE VIEW effects AS SELECT
        runs.run_id AS run_id, lines.id - runs.number * {LINES_OF_A_RUN} AS number, lines.effect AS effect,
        lines.phase AS phase, CASE WHEN lines.tool IS NULL THEN 'ask' ELSE 'act' END AS kind, lines.step AS step,
        lines.call AS call, lines.tool AS tool,
        CASE WHEN lines.tool IS NOT NULL THEN runs.run_id || ':' || lines.step || ':' || lines.call END AS "key",
        lines.outcome AS outcome, lines.digest AS digest, lines.payload AS payload, lines.fence AS fence,
        lines."by" AS "by", lines.at AS at
    FROM runs JOIN lines
        ON lines.id >= runs.number * {LINES_OF_A_RUN} AND lines.id < (runs.number + 1) * {LINES_OF_A_RUN}
"""  # noqa: S608 - no input
event.listen(METADATA, "after_create", DDL(THE_EFFECTS))  # type: ignore[no-untyped-call]

# The view, as people query it, one row for each line. In the order of `number`, its place in the run. `effect` counts
# the effects of a run, `call` those of one step: the actions that a program takes, from 1, and 0 for that of the loop
# itself; of model calls twice the sample, and one more for a run's last. `phase`: intent, result, unknown (a person
# must say what became of it; `outcome` tells why), or retry (a person said: do it again). `key`: the idempotency key.
effects = Table(
    "effects",
    MetaData(),
    Column("run_id", String(200)),
    Column("number", Integer),
    Column("effect", Integer),
    Column("phase", String(8)),
    Column("kind", String(4)),
    Column("step", Integer),
    Column("call", Integer),
    Column("tool", String(64)),
    Column("key", String(255)),
    Column("outcome", String(20)),
    Column("digest", String(32)),
    Column("payload", Text),
    Column("fence", Integer),
    Column("by", String(200)),
    Column("at", String(32)),
)

# What a person said to a call, bound to its arguments by `digest`. `granted` is NULL while the question waits for its
# answer. `edited`: the arguments (JSON) that the person wants instead. `preview`, `edited_preview`: what the tool said
# of the one and of the other, as far as the person was told. `parameters`: JSON Schema of the arguments.
# `asked_at`, `at`, `called_at`: when the question was put here to wait, when it was answered, when the approved call
# began. `seal`: hash of the answer; a row that was changed by hand does not count.
approvals = Table(
    "approvals",
    METADATA,
    Column("run_id", String(200), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("tool", String(64), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("granted", Boolean),
    Column("edited", Text),
    Column("preview", Text),
    Column("reason", Text),
    Column("by", String(200)),
    Column("asked_at", String(32)),
    Column("at", String(32)),
    Column("parameters", Text),
    Column("called_at", String(32)),
    Column("seal", String(64)),
    Column("edited_preview", Text),
    sqlite_with_rowid=False,
)
