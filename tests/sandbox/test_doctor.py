"""The doctor really makes its attempts."""

import pytest

from agentkit.sandbox import Sandbox, SandboxError, doctor
from agentkit.sandbox.api import Sandbox as Api


def test_every_layer_and_attempt_has_a_row() -> None:
    rows = doctor.report()
    layers = [row for row in rows if row.group == "layer"]
    attempts = [row for row in rows if row.group == "attempt"]
    assert {row.name for row in layers} == {"policy", "seccomp", "landlock", "rlimits", "user"}
    assert {row.name for row in layers if row.ok} >= {"policy", "seccomp", "rlimits"}
    assert len(attempts) == 30
    assert [row for row in attempts if not row.ok] == []
    assert all(row.detail and "\n" not in row.detail for row in rows)


def test_an_escape_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = {"nothing to stop": "x = 'ESCAPED'", "harmless": "x = 1", "fails": "1 / 0"}
    monkeypatch.setattr(doctor, "_SYSTEM", programs)
    rows = {row.name: row for row in doctor.report()}
    assert not rows["nothing to stop"].ok
    assert rows["harmless"].ok
    assert rows["fails"].detail == "program: ZeroDivisionError: division by zero"


def test_a_machine_that_cannot_seal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Sandbox) -> None:
        raise SandboxError("This system cannot seal programs.")

    monkeypatch.setattr(Api, "zygote", refuse)
    rows = doctor.report()
    assert not any(row.ok for row in rows)
    assert rows[-1].detail == "This system cannot seal programs."
