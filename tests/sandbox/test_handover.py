"""From the fork of a spare to its first program: sealed, empty and alike, however early it is asked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.sandbox import Result, Sandbox
from agentkit.sandbox.control import EXIT, FORKED, Order, Report
from tests.sandbox.hostile import children

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is a zygote only on Linux")
ROOT = Path(__file__).parents[2]
BURST = 24
NUMBERS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def bare() -> Iterator[Sandbox]:
    """The process layer alone, so that a program can look around."""
    with Sandbox(policy="none") as sandbox:
        yield sandbox


def burst(sandbox: Sandbox, code: str) -> list[Result]:
    """The same program many times at once: most of the workers are asked before they could rehearse."""

    def one(number: int) -> Result:
        return sandbox.run(code, inputs={"number": number})

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(one, range(BURST)))


def rested(sandbox: Sandbox, code: str) -> Result:
    """In a worker that has rehearsed."""
    sandbox.run("1")
    time.sleep(0.3)
    return sandbox.run(code, inputs={"number": -1})


@given(NUMBERS, NUMBERS, st.integers(-1, 2**62), st.floats(0, 10), NUMBERS, st.booleans())
def test_orders_cross(fork: int, memory: int, cpu: int, patience: float, end: int, report: bool) -> None:
    order = Order(fork, memory, cpu, patience, end, report)
    assert Order.unpack(order.pack()) == order


@given(
    st.sampled_from([FORKED, EXIT]), NUMBERS, st.integers(-(2**63), 2**63 - 1), st.floats(0, 1e9), NUMBERS, st.text()
)
def test_reports_cross(kind: bytes, number: int, value: int, cpu: float, memory: int, text: str) -> None:
    report = Report(kind, number, value, cpu, memory, text.encode("utf-8", "ignore").decode())
    assert Report.unpack(report.pack()) == report


def test_each_program_of_a_burst_gets_its_own_answer() -> None:
    with Sandbox() as sandbox:
        results = burst(sandbox, "print(number)\nnumber * number")
    assert [(result.value, result.output) for result in results] == [(n * n, f"{n}\n") for n in range(BURST)]


LOOK = """
import errno, os
found = []
for number in range(64):
    try: os.lseek(number, 0, 1); found.append((number, "null"))
    except OSError as error:
        if error.errno != errno.EBADF: found.append((number, errno.errorcode[error.errno]))
found
"""
OPEN = [(0, "null"), (1, "null"), (2, "null"), (3, "ESPIPE")]


def test_descriptors_are_these_four(bare: Sandbox) -> None:
    assert rested(bare, LOOK).value == OPEN
    assert [result.value for result in burst(bare, LOOK)] == [OPEN] * BURST


SEALED = """
import ctypes, os, resource
told = []
for attempt in (lambda: os.open("/etc/passwd", 0), os.fork, lambda: os.kill(os.getppid(), 9), lambda: os.dup(0)):
    try: attempt(); told.append("done")
    except OSError as error: told.append(type(error).__name__)
told, os.getpid() > 1
"""


def test_a_worker_is_sealed_before_it_reads(bare: Sandbox) -> None:
    wanted = (["PermissionError"] * 4, True)
    assert rested(bare, SEALED).value == wanted
    assert [result.value for result in burst(bare, SEALED)] == [wanted] * BURST


def test_a_rehearsal_leaves_nothing(bare: Sandbox) -> None:
    """No variable, source, output or outcome of it is to be found."""
    code = (
        "import sys\n"
        "frame = sys._getframe()\n"
        "while type(frame.f_locals.get('self')).__name__ != 'Runtime': frame = frame.f_back\n"
        "runtime = frame.f_locals['self']\n"
        "sorted(globals()), list(runtime.sources), runtime.channel.sink, runtime.timer.rang, runtime.shadowed"
    )
    results = [rested(bare, code), *burst(bare, code)]
    assert {repr(result.value) for result in results} == {repr(results[0].value)}
    assert {result.output for result in results} == {""}
    assert cast("tuple[object, ...]", results[0].value)[2] == 3


def test_what_a_program_changes_stays_in_its_worker(bare: Sandbox) -> None:
    """Objects are shared with the zygote until they are written to, immortal ones too."""
    assert bare.run("import builtins, math, sys\nbuiltins.mark = math.pi = 3\nsys.modules['json'].mark = 1").ok
    look = "import builtins, math, json\nhasattr(builtins, 'mark'), math.pi == 3, hasattr(json, 'mark')"
    results = [bare.run(look), rested(bare, look), *burst(bare, look)]
    assert {result.value for result in results} == {(False, False, False)}


def test_random_numbers_differ_from_worker_to_worker() -> None:
    code = "import random, uuid\n(random.random(), str(uuid.uuid4()))"
    with Sandbox() as sandbox:
        results = [rested(sandbox, code), *burst(sandbox, code)]
    for part in (0, 1):
        assert len({cast("tuple[object, ...]", result.value)[part] for result in results}) == BURST + 1


def test_a_spare_that_died_is_told_and_replaced() -> None:
    before = children(os.getpid())
    with Sandbox() as sandbox:
        sandbox.start()
        [zygote] = children(os.getpid()) - before
        for spare in children(zygote):
            os.kill(spare, signal.SIGKILL)
        time.sleep(0.1)
        kinds = [error.kind if (error := sandbox.run("1").error) else "ok" for _ in range(6)]
    assert set(kinds) <= {"ok", "crashed"}
    assert kinds[-2:] == ["ok", "ok"]


IMMORTAL = """
import sys
from agentkit.sandbox import immortal
class Kept: pass
kept, text = Kept(), "".join(["some ", "text"])
kept.text = text
count = immortal.immortalize()
before = sys.getrefcount(kept), sys.getrefcount(text), sys.getrefcount(Kept)
more = [kept, text, Kept] * 1000
after = sys.getrefcount(kept), sys.getrefcount(text), sys.getrefcount(Kept)
del more
print(count > 10_000, before == after, kept.text, repr(Kept().__class__.__name__))
"""


def test_immortal_objects_are_not_counted() -> None:
    done = subprocess.run([sys.executable, "-c", IMMORTAL], cwd=ROOT, capture_output=True, text=True, check=True)
    known = sys.version_info[:2] in ((3, 12), (3, 13), (3, 14))
    assert done.stdout == f"{known} {known} some text 'Kept'\n"
