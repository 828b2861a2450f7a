"""The journal as its users see it: given to agents, asked about runs, told what a person knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from agentkit.approval import Approval
from agentkit.assembly import Start
from agentkit.errors import ConfigError
from agentkit.flow import Flow
from agentkit.journal.attention import attention_of, resolve
from agentkit.journal.batches import is_same, known_places
from agentkit.journal.checks import LONGEST_NAME, LONGEST_STRATEGY, ago, check_json, check_name, check_search, stamp
from agentkit.journal.fingerprint import Fingerprint, changes
from agentkit.journal.leases import Lease, new_owner
from agentkit.journal.recorder import Recorder, State
from agentkit.journal.recordings import Recording
from agentkit.journal.records import Attention, PendingApproval, Rating, RunRecord, RunStatus, dump, load
from agentkit.journal.secrets import Masks, Redact, default_patterns
from agentkit.messages import JSON, Observation

if TYPE_CHECKING:
    from agentkit.journal.differences import Diff
    from agentkit.journal.store import Store
    from agentkit.toolbox import AnyTool

__all__ = ["Journal"]


class Journal:
    """Runs, written down effect by effect in an SQL database. Safe to share between agents, threads and processes.

    Args:
        url: any SQLAlchemy URL; "sqlite://" is in memory. By default AGENTKIT_JOURNAL (a URL or the path of a file),
            else `journal.db` in the user's data directory (`~/.local/share/agentkit` on Linux).
        lease_seconds: how long a process that drives a run may be silent before another may take the run over. It
            tells that it lives with every effect, and three times in this time while it waits for one; of a process
            of the same machine that is gone nobody waits.
        origin: JSON text that is kept beside each run that begins here: how to make its agent again. `run-agent` puts
            its options here.
        redact: takes credentials out of each text that is written down; None keeps all but marked arguments as they
            are (see `agentkit.journal.secrets`).

    Attributes:
        url: where it is; holds the database's password, if it has one.

    Raises:
        ConfigError: the URL cannot be used, or the origin is no JSON.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        lease_seconds: float = 60.0,
        redact: Redact | None = default_patterns,
        origin: str | None = None,
    ) -> None:
        if not lease_seconds > 0:
            raise ConfigError(f"lease_seconds must be more than 0, not {lease_seconds:g}.")
        if origin is not None:
            check_json(origin)
        from agentkit.journal.database import default_url  # loads SQLAlchemy
        from agentkit.journal.store import Store

        self._redact = redact
        self._origin = origin
        self._agent_ids: dict[str, str] = {}
        self.url = url or default_url()
        self._store: Store = Store(self.url, lease_seconds)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._store.close()

    def prepare(self) -> None:
        """Make the tables and see that they can be written, which the first run would do.

        Raises:
            JournalError: they cannot.
        """
        self._store.prepare()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def runs(
        self,
        status: RunStatus | None = None,
        *,
        since: datetime | None = None,
        limit: int | None = None,
        rating: Rating | None = None,
    ) -> list[RunRecord]:
        """All runs, or those that are asked for, the latest first.

        Args:
            status: only those with it.
            since: only those that began then or later.
            limit: at most so many.
            rating: only those that were rated so.

        Raises:
            ConfigError: there is no such status, or the limit is below 0.
        """
        check_search(() if status is None else (status,), limit or 0)
        return self._store.archive.find(status, None if since is None else stamp(since), limit, rating)

    def resolve_id(self, prefix: str) -> str:
        """The name of the one run that begins with this.

        Raises:
            JournalError: there is none, or more than one.
        """
        return self._store.archive.resolve(prefix)

    def recording(self, run_id: str) -> Recording:
        """One run as a value, to be saved, replayed, forked or compared.

        Raises:
            JournalError: there is no such run.
        """
        return self._store.archive.recording(run_id)

    def add(self, recording: Recording) -> None:
        """Take in a run that was recorded elsewhere. If it has not ended it can be resumed here; resume it in one
        place only. Secrets are masked, if they were not there.

        Raises:
            ConfigError: there is a run of its name.
        """
        from agentkit.journal.intake import masked

        if self._redact is not None:
            recording = masked(recording, Masks(self._redact))
        self._store.archive.add(recording)

    def add_fork(self, recording: Recording, fingerprint: Fingerprint) -> None:
        """Take in the beginning of a run that another agent is to go on with. (For `Agent`.)

        Raises:
            ConfigError: there is a run of its name, or none can have it.
        """
        check_name(recording.run_id)
        run = {
            **recording.run,
            "model": fingerprint["model"][:LONGEST_NAME],
            "strategy": fingerprint["strategy"][:LONGEST_STRATEGY],
            "fingerprint": dict(fingerprint),
            "origin": None if self._origin is None else json.loads(self._origin),
        }
        self.add(replace(recording, run=run, agent=json.loads(fingerprint.spec)))

    def diff(self, one: str, other: str) -> Diff:
        """Where two runs part.

        Raises:
            JournalError: there is no such run.
        """
        from agentkit.journal.differences import diff

        return diff(self.recording(one), self.recording(other))

    def rate(self, run_id: str, rating: Rating | None, note: str | None = None) -> None:
        """Say what a run was worth; None takes an earlier rating back.

        Raises:
            JournalError: there is no such run.
        """
        if rating not in (None, "good", "bad"):
            raise ConfigError(f"A rating is 'good', 'bad' or None, not {rating!r}.")
        self._store.archive.rate(run_id, rating, note and Masks(self._redact).text(note))

    def prune(
        self,
        older_than: timedelta | None = None,
        statuses: Sequence[RunStatus] = ("ended",),
        keep: int = 0,
        *,
        dry_run: bool = False,
    ) -> list[RunRecord]:
        """Throw runs away with their effects and approvals. Those that somebody drives stay.

        Args:
            older_than: only those that did not change for so long.
            statuses: only those with one of these.
            keep: spare so many of the latest.
            dry_run: only say which.

        Returns:
            which, the oldest first.

        Raises:
            ConfigError: there is no such status, or `keep` is below 0.
        """
        check_search(statuses, keep)
        now = datetime.now(UTC)
        before = None if older_than is None else ago(now, older_than)
        return self._store.archive.prune(statuses, before, keep, now.timestamp(), dry_run=dry_run)

    def run(self, run_id: str) -> RunRecord:
        """What is known of one run.

        Raises:
            JournalError: there is none of that name.
        """
        return self._store.run(run_id)

    def attention(self, run_id: str) -> Attention | None:
        """The action that a run needs an answer for (see `resolve`), if it does."""
        return attention_of(self._store, run_id)

    def resolve(self, run_id: str, *, result: str | Observation | None = None, retry: bool = False) -> None:
        """Say what became of the action for which a run needs attention; then it can be resumed.

        Args:
            result: it happened (or is to count as failed: an `Observation` of kind "tool_error"); what the model
                reads of it.
            retry: it did not happen: do it (again).

        Raises:
            ConfigError: not exactly one of the two was given.
            JournalError: the run needs no attention, or there is no such run.
        """
        if (result is None) is not retry:
            raise ConfigError("Give resolve either result=… (it happened) or retry=True (it did not).")
        seen = Observation(result) if isinstance(result, str) else result
        resolve(self._store, run_id, seen, Masks(self._redact))

    def pending(self, run_id: str | None = None) -> list[PendingApproval]:
        """The calls that wait for a person's yes or no, of one run or of all, the oldest first.

        Raises:
            JournalError: there is no such run.
        """
        if run_id is not None:
            self._store.run(run_id)
        return self._store.approvals.pending(run_id)

    def waiting(self, run_id: str, key: str | None = None) -> PendingApproval:
        """The one call that a run waits with; `key` names it where several wait.

        Raises:
            ConfigError: several calls wait, and no key was given.
            JournalError: there is no such run, nothing of it waits, or somebody has answered already.
        """
        self._store.run(run_id)
        return self._store.approvals.waiting(run_id, key)

    def edited(
        self, waiting: PendingApproval, arguments: Mapping[str, JSON], tools: Mapping[str, AnyTool] | None = None
    ) -> PendingApproval:
        """A call that waits, with other arguments: checked, and with a preview of their own. Nothing is written down:
        `approve` takes its arguments and preview.

        Args:
            arguments: all of them.
            tools: the tools of the run's agent (`Agent.toolbox`), which check the arguments and tell what the call
                would do; without them the JSON Schema checks, and the preview is empty.

        Raises:
            BadArguments: the arguments do not fit the tool.
            ConfigError: one of them is a secret, which the journal does not keep; or the tool is not among `tools`.
            ToolError: the tool says that the call could not be done, or fails to say what it would do.
        """
        if tools is not None and waiting.tool not in tools:
            raise ConfigError(f"There is no tool {waiting.tool!r} any more: there are {', '.join(tools) or 'none'}.")
        tool = None if tools is None else tools[waiting.tool]
        return self._store.approvals.edited(waiting, arguments, tool, Masks(self._redact))

    def approve(
        self,
        run_id: str,
        arguments: Mapping[str, JSON] | None = None,
        reason: str = "",
        *,
        by: str | None = None,
        key: str | None = None,
        preview: str = "",
        shown: PendingApproval | None = None,
    ) -> PendingApproval:
        """Say yes to the call that a run waits with; then it can be resumed. The first answer to a call counts.

        Args:
            arguments: all the arguments to run the call with, if not those that the model wants.
            by: who says so; by default whoever runs this process.
            key: of which call, where several of the run wait.
            preview: what whoever says so was told of these arguments (see `edited`); kept with them.
            shown: the call as `pending` or `waiting` gave it, where that was some time ago: the answer is for no other.

        Returns:
            what was asked, and is approved now.

        Raises:
            BadArguments: the arguments do not fit the tool.
            ConfigError: several calls wait, and no key was given.
            JournalError: there is no such run, nothing of it waits, somebody has answered already, or another call
                waits than the one that was shown.
        """
        self._store.run(run_id)
        answer = Approval(True, reason, arguments, by or "", preview=preview)
        return self._store.approvals.answer(run_id, key, answer, Masks(self._redact), shown)

    def deny(
        self,
        run_id: str,
        reason: str = "",
        *,
        by: str | None = None,
        key: str | None = None,
        shown: PendingApproval | None = None,
    ) -> PendingApproval:
        """Say no to the call that a run waits with, as `approve` says yes.

        Args:
            reason: what the model reads: why not, or what to do instead.
        """
        self._store.run(run_id)
        answer = Approval(False, reason, by=by or "")
        return self._store.approvals.answer(run_id, key, answer, Masks(self._redact), shown)

    def begin(self, start: Start, fingerprint: Fingerprint) -> Flow[Recorder]:
        """Write down that a run begins. (For `Agent`.)

        Raises:
            ConfigError: no run can have its name.
            RunExists: there is a run of that name.
        """
        from agentkit.journal.archive import agent_name
        from agentkit.journal.store import RunRow

        check_name(start.run_id)
        masks, told = Masks(self._redact), dump(start)
        agent_id = self._agent_ids.get(fingerprint.spec)
        spec = None if agent_id else masks.json(fingerprint.spec)
        row = RunRow(
            run_id=start.run_id,
            question=masks.text(start.question),
            model=fingerprint["model"][:LONGEST_NAME],
            strategy=fingerprint["strategy"][:LONGEST_STRATEGY],
            fingerprint=json.dumps(dict(fingerprint)),
            start=masks.json(told),
            agent_id=agent_id or agent_name(spec or ""),
            origin=self._origin and masks.json(self._origin),
            batch=start.batch,
            place=start.place,
        )
        lease = yield from self._store.begin(row, new_owner(), spec)
        self._agent_ids[fingerprint.spec] = str(row.agent_id)
        start = load(Start, told)  # a resumed run has the same, secrets apart
        return Recorder(self._store, lease, start, masks, state="begun")

    def take(self, run_id: str, fingerprint: Mapping[str, str], *, allow_drift: bool) -> Recorder:
        """Take a run over where its journal ends. (For `Agent`.)

        Raises:
            ConfigError: the agent is not the one that began it.
            JournalError: there is no such run.
            LeaseHeld: somebody drives it.
        """
        row = self._store.row(run_id)
        if not allow_drift:
            _check_same(f"Run {run_id!r}", row["fingerprint"], fingerprint)
        start = load(Start, row["start"])
        state: State = "taken"
        if row["status"] == "ended" and row["stop_reason"] == "answer":  # it stays so: nobody need hold it to read it
            state = "ended"
        lease = Lease(run_id, "", 0, row["number"]) if state == "ended" else self._store.take(run_id, new_owner())
        past, number = self._store.recorded(run_id)
        masks = Masks(self._redact)
        return Recorder(self._store, lease, start, masks, past, number, state=state, allow_drift=allow_drift)

    def take_same(self, start: Start, fingerprint: Fingerprint, *, allow_drift: bool) -> Recorder:
        """Take a run over that answers this very question. (For batches.)

        Raises:
            ConfigError: the agent is not the one that began it, or it began with another question.
            LeaseHeld: somebody drives it.
        """
        recorder = self.take(start.run_id, fingerprint, allow_drift=allow_drift)
        if not is_same(recorder.start.question, start.question, Masks(self._redact)):
            recorder.close()
            raise ConfigError(f"Run {start.run_id!r} answers another question: {recorder.start.question[:60]!r}.")
        return recorder

    def has_batch(self, batch: str, fingerprint: Mapping[str, str] | None) -> bool:
        """Whether there are runs of this batch.

        Raises:
            ConfigError: they were begun by an agent with another fingerprint; says what differs.
        """
        found = self._store.fingerprints(batch)
        for before in found if fingerprint is not None else ():
            _check_same(f"Batch {batch!r}", before, fingerprint or {})
        return bool(found)

    def places(self, batch: str, questions: Mapping[int, str]) -> dict[int, RunStatus]:
        """Which of these places of a batch have a run, and how it stands.

        Raises:
            ConfigError: a place has another question.
        """
        return known_places(self._store, batch, questions, Masks(self._redact))


def _check_same(what: str, before: str, now: Mapping[str, str]) -> None:
    if changed := changes(cast("dict[str, str]", json.loads(before)), now):
        raise ConfigError(
            f"{what} was begun by another agent; changed: {', '.join(changed)}. "
            "Resume it with the agent that began it, or with allow_drift=True."
        )
