"""Questions that wait for a person, and what was said to them, in the journal's table `approvals`.

An answer is bound to the call by a hash of its tool and arguments, and sealed by a hash of all that was said: a row
that was changed by hand does not count, and is asked anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, insert, or_, select, update

from agentkit.approval import Approval, ApprovalRequest
from agentkit.approving import previewed
from agentkit.assembly import Start
from agentkit.errors import ConfigError, JournalError, ToolError
from agentkit.journal.database import Database
from agentkit.journal.leases import Lease, user
from agentkit.journal.marked import MASK, marked_values
from agentkit.journal.records import PendingApproval, json_text, load, now, storable
from agentkit.journal.secrets import Masks
from agentkit.journal.tables import approvals, runs
from agentkit.json_schema import SchemaArguments
from agentkit.messages import JSON
from agentkit.schema import IdempotencyKey, RunContext
from agentkit.toolbox import AnyTool

__all__ = ["Approvals", "RunApprovals"]

log = logging.getLogger("agentkit.journal")

Hold: TypeAlias = Callable[[Connection, Lease], None]
Told: TypeAlias = Callable[[str, Mapping[str, object]], str]
_c = approvals.c
# What an answer says, and of what.
_SEALED = ("run_id", "key", "digest", "granted", "edited", "reason", "by", "at")


class Approvals:
    """All questions and answers of a journal.

    Args:
        hold: checks that a lease is still held, and tells that its holder is alive.
    """

    def __init__(self, database: Database, hold: Hold) -> None:
        self._database = database
        self._hold = hold

    def of(self, lease: Lease, arguments: Told, text: Callable[[str], str]) -> RunApprovals:
        """Those of one run, for whoever drives it.

        Args:
            arguments: a tool's arguments as JSON, without what must not be written down.
            text: any other text, likewise.
        """
        return RunApprovals(self._database, self._hold, lease, arguments, text)

    def pending(self, run_id: str | None) -> list[PendingApproval]:
        """What waits for an answer, the oldest first."""
        return [_pending(row) for row in self._pending(run_id)]

    def waiting(self, run_id: str, key: str | None) -> PendingApproval:
        """The one call that a run waits with.

        Raises:
            ConfigError: several wait, and none was named.
            JournalError: none waits (any more).
        """
        return self._waiting(run_id, key)[0]

    def answer(
        self, run_id: str, key: str | None, answer: Approval, masks: Masks, shown: PendingApproval | None = None
    ) -> PendingApproval:
        """Write a person's answer down; the first one counts. What was answered is returned.

        Args:
            shown: what the person was shown, if that is known.

        Raises:
            BadArguments: the answer's arguments do not fit the tool.
            ConfigError: several questions of the run wait, and none was named; or an argument is a secret, which the
                journal does not keep.
            JournalError: nothing waits for an answer (any more), the question is not the one that was shown, or it was
                changed by hand.
        """
        asked, mark = self._waiting(run_id, shown.key if shown is not None and key is None else key)
        if shown is not None and (shown.key, shown.tool, shown.arguments) != (asked.key, asked.tool, asked.arguments):
            raise JournalError(f"Run {run_id!r} asks for another call by now. Look at it, and answer again.")
        edited = None if answer.arguments is None else _edited(asked, answer.arguments, masks)
        answer = replace(answer, reason=masks.text(answer.reason), preview=masks.text(answer.preview))
        same_row = (_c.run_id == run_id, _c.key == asked.key, _c.digest == mark)
        with self._database.writing(durable=True) as connection:
            # First, as whoever drives the run does: so it has either been parked by now, or will see the answer.
            connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update())
            row = connection.execute(select(approvals).where(*same_row).with_for_update()).mappings().first()
            if row is None or not _is_sound(row):
                raise JournalError(
                    f"The question of run {run_id!r} is not the one that was asked: its row was changed. Resume the "
                    "run, and it will be asked anew."
                )
            if row["granted"] is not None:
                raise _too_late(row)
            connection.execute(update(approvals).where(*same_row).values(_answered(dict(row), answer, edited)))
            _let_resume(connection, run_id)
        return asked

    def edited(
        self, asked: PendingApproval, arguments: Mapping[str, JSON], tool: AnyTool | None, masks: Masks
    ) -> PendingApproval:
        """A question with other arguments, which are checked, and what its tool says of them.

        Raises:
            BadArguments: they do not fit the tool.
            ConfigError: one of them is a secret, which the journal does not keep.
            ToolError: the call could not be done, or the tool cannot tell what it would do.
        """
        _edited(asked, arguments, masks)
        said = "" if tool is None else _preview(tool, tool.check(arguments), self._context(asked))
        return replace(asked, arguments=dict(arguments), preview=said)

    def settle(self, run_id: str) -> None:
        """See that a run that has just been parked does not wait for what was answered meanwhile."""
        with self._database.writing(durable=False) as connection:
            _let_resume(connection, run_id)

    def let_go(self, run_id: str, key: str) -> bool | None:
        """Whether the call with this key was approved and begun; None when the journal knows nothing of it."""
        with self._database.reading() as connection:
            wanted = select(_c.called_at).where(_c.run_id == run_id, _c.key == key)
            found = connection.execute(wanted).scalars().all()
        return any(at is not None for at in found) if found else None

    def _context(self, asked: PendingApproval) -> RunContext:
        """What the call would get of its run: its clock, too."""
        with self._database.reading() as connection:
            start = connection.execute(select(runs.c.start).where(runs.c.run_id == asked.run_id)).scalar_one()
        return RunContext(asked.run_id, asked.step, load(Start, start).now, IdempotencyKey(asked.key))

    def given(self, run_id: str, key: str) -> list[dict[str, JSON]]:
        """The arguments that people gave with a yes to the call with this key."""
        with self._database.reading() as connection:
            wanted = select(_c.edited).where(_c.run_id == run_id, _c.key == key, _c.granted, _c.edited.is_not(None))
            return [_object(text) for text in connection.execute(wanted).scalars()]

    def _pending(self, run_id: str | None) -> Sequence[RowMapping]:
        wanted = select(approvals, runs.c.question).join(runs, runs.c.run_id == _c.run_id)
        # A run may end without an answer: resumed by an agent whose tool needs no approval any more.
        wanted = wanted.where(_c.granted.is_(None), runs.c.status != "ended").order_by(_c.asked_at, _c.key)
        if run_id is not None:
            wanted = wanted.where(_c.run_id == run_id)
        with self._database.reading() as connection:
            return connection.execute(wanted).mappings().all()

    def _waiting(self, run_id: str, key: str | None) -> tuple[PendingApproval, str]:
        """The question that an answer is for, and its digest."""
        waiting = [row for row in self._pending(run_id) if key in (None, row["key"])]
        if len(waiting) == 1:
            return _pending(waiting[0]), waiting[0]["digest"]
        if waiting:
            keys = ", ".join(f"{row['key']} ({row['tool']})" for row in waiting)
            raise ConfigError(f"Several calls of run {run_id!r} wait for approval; name the key of one: {keys}.")
        wanted = select(approvals).where(_c.run_id == run_id, _c.granted.is_not(None)).order_by(_c.at.desc())
        with self._database.reading() as connection:
            last = connection.execute(wanted if key is None else wanted.where(_c.key == key)).mappings().first()
        raise JournalError(f"No call of run {run_id!r} waits for approval.") if last is None else _too_late(last)


@dataclass(frozen=True, slots=True)
class RunApprovals:
    """The questions and answers of one run, for whoever drives it (see `agentkit.approval.Questions`)."""

    database: Database
    hold: Hold
    lease: Lease
    arguments: Told
    text: Callable[[str], str]

    def known(self, request: ApprovalRequest) -> Approval | None:
        """What was said to exactly this call; postponed when it waits for an answer, None when nobody was asked."""
        with self.database.reading() as connection:
            row = self._find(connection, request, self._mark(request))
        return None if row is None else _approval(row)

    def keep(self, request: ApprovalRequest, answer: Approval) -> Approval:
        """Write an answer down, or the question where it is postponed. The first answer counts: it is returned."""
        new = self._question(request)
        mark = cast("str", new["digest"])
        with self.database.writing(durable=True) as connection:
            self.hold(connection, self.lease)
            row = self._find(connection, request, mark, lock=True)
            if row is not None and (row["granted"] is not None or answer.postponed):
                if row["granted"]:
                    self._begin(connection, request, mark)
                return _approval(row)
            if row is not None:
                new |= {"preview": row["preview"], "asked_at": row["asked_at"]}
            if not answer.postponed:
                new |= self._answered(new, answer)
            # Another question about the same call is out of date, and so is a row that was changed by hand.
            old = or_(_c.granted.is_(None), _c.digest == mark)
            connection.execute(delete(approvals).where(*self._of(request), old))
            connection.execute(insert(approvals).values(new))
        return answer

    def let_go(self, request: ApprovalRequest) -> None:
        """Write down that the approved call begins now: from here on it may have happened."""
        with self.database.writing(durable=True) as connection:
            self.hold(connection, self.lease)
            self._begin(connection, request, self._mark(request))

    def _begin(self, connection: Connection, request: ApprovalRequest, mark: str) -> None:
        begun = update(approvals).where(*self._of(request), _c.digest == mark, _c.called_at.is_(None))
        connection.execute(begun.values(called_at=now()))

    def _find(
        self, connection: Connection, request: ApprovalRequest, mark: str, *, lock: bool = False
    ) -> RowMapping | None:
        """The row about exactly this call, unless it was changed by hand."""
        wanted = select(approvals).where(*self._of(request), _c.digest == mark)
        row = connection.execute(wanted.with_for_update() if lock else wanted).mappings().first()
        if row is not None and not _is_sound(row):
            log.warning(
                "run=%s | the approval of %s was changed by hand, and does not count", row["run_id"], row["key"]
            )
            return None
        return row

    def _question(self, request: ApprovalRequest) -> dict[str, object]:
        arguments = self.arguments(request.tool, request.arguments)
        return {
            "run_id": self.lease.run_id,
            "key": request.key,
            "digest": _digest(request.tool, arguments),
            "step": request.step,
            "tool": request.tool,
            "arguments": arguments,
            "parameters": self.arguments("", request.schema),
            "preview": storable(self.text(request.preview)),
            "asked_at": now(),
        }

    def _answered(self, question: Mapping[str, object], answer: Approval) -> dict[str, object]:
        """The columns of an answer that comes with the call itself: what it lets go begins at once."""
        edited = None if answer.arguments is None else self.arguments(str(question["tool"]), answer.arguments)
        masked = replace(answer, reason=self.text(answer.reason), preview=self.text(answer.preview))
        said = _answered(question, masked, edited)
        return {**said, "called_at": now() if answer.granted else None}

    def _mark(self, request: ApprovalRequest) -> str:
        return _digest(request.tool, self.arguments(request.tool, request.arguments))

    def _of(self, request: ApprovalRequest) -> Sequence[ColumnElement[bool]]:
        return _c.run_id == self.lease.run_id, _c.key == request.key


def _let_resume(connection: Connection, run_id: str) -> None:
    """A run that was parked, and waits for no answer any more, can go on."""
    waits = exists().where(_c.run_id == run_id, _c.granted.is_(None))
    parked = update(runs).where(runs.c.run_id == run_id, runs.c.status == "needs_approval", ~waits)
    connection.execute(parked.values(status="interrupted", updated_at=now()))


def _pending(row: RowMapping) -> PendingApproval:
    return PendingApproval(
        run_id=row["run_id"],
        question=row["question"],
        step=row["step"],
        tool=row["tool"],
        arguments=_object(row["arguments"]),
        preview=row["preview"] or "",
        key=row["key"],
        asked_at=row["asked_at"],
        schema=_object(row["parameters"] or "{}"),
    )


def _edited(asked: PendingApproval, arguments: Mapping[str, JSON], masks: Masks) -> str:
    """The arguments that a person wants instead, as JSON: checked as far as the schema goes."""
    if asked.schema:
        known = SchemaArguments(asked.schema, asked.tool)
        known.check(arguments)
        if any(value not in (MASK, "", None) for value in marked_values(known, arguments)):
            raise ConfigError(
                f"An argument that {asked.tool} marks as secret cannot be given here: the journal does not keep it. "
                "Deny the call, or do it by hand."
            )
    text = json_text(arguments)
    if masks.json(text) != text:
        raise ConfigError("One of the arguments looks like a secret, which the journal does not keep.")
    return text


def _preview(tool: AnyTool, arguments: Mapping[str, object], context: RunContext) -> str:
    try:
        return previewed(tool, arguments, context)
    except ToolError:
        raise
    except Exception as error:  # the tool is the user's
        raise ToolError(f"The preview of {tool.name} failed ({type(error).__name__}: {error}).") from error


def _approval(row: RowMapping) -> Approval:
    if row["granted"] is None:
        return Approval.later()
    edited = row["edited"]
    return Approval(row["granted"], row["reason"], None if edited is None else _object(edited), row["by"])


def _answered(question: Mapping[str, object], answer: Approval, edited: str | None) -> dict[str, object]:
    """The columns of an answer; `edited` are its arguments as JSON."""
    said: dict[str, object] = {
        "granted": answer.granted,
        "edited": edited,
        "edited_preview": None if edited is None else storable(answer.preview),
        "reason": storable(answer.reason),
        "by": storable(answer.by or user())[:200],
        "at": now(),
    }
    return {**said, "seal": _seal({**question, **said})}


def _is_sound(row: RowMapping) -> bool:
    """Whether a row is as agentkit wrote it."""
    if row["digest"] != _digest(row["tool"], row["arguments"]):
        return False
    return row["granted"] is None or row["seal"] == _seal(dict(row))


def _digest(tool: str, arguments: str) -> str:
    return hashlib.sha256(f"{tool}\n{arguments}".encode()).hexdigest()


def _seal(row: Mapping[str, object]) -> str:
    return hashlib.sha256(json_text([row[name] for name in _SEALED]).encode()).hexdigest()


def _object(text: str) -> dict[str, JSON]:
    try:
        return cast("dict[str, JSON]", json.loads(text))
    except ValueError:
        raise JournalError(
            "The journal holds arguments of an approval that are no JSON: its row was changed."
        ) from None


def _too_late(row: RowMapping) -> JournalError:
    said = "approved" if row["granted"] else "denied"
    why = f" ({row['reason']})" if row["reason"] else ""
    return JournalError(f"{row['tool']} of run {row['run_id']!r} was {said} by {row['by']} at {row['at']}{why}.")
