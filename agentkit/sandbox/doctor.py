"""Which layers hold on this machine: each layer's state, and thirty attempts to break out, really made."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .api import Sandbox
from .limits import Limits
from .process import SandboxError
from .result import Result

_MARK = "ESCAPED"
_SECRET = "the-doctors-secret"  # noqa: S105  (a mark to look for)
_LIMITS = Limits(wall=0.4, output_total=1 << 20)

_LAYERS = {
    "policy": "programs are checked before they run, modules are facades",
    "seccomp": "a worker may make the system calls of a computation and no other",
    "landlock": "no file, no network, no signal to outside, whatever the filter lets through",
    "rlimits": "memory, processor time, descriptors and file sizes are capped by the kernel",
    "user": "workers run as a user that owns nothing",
}

# name: program. It escaped when its value has the mark. @FOLDER@ holds a secret file. Run without the language policy.
_SYSTEM = {
    "read a file": "x = 'ESCAPED ' + open('@FOLDER@/secret').read()",
    "write a file": "open('@FOLDER@/new', 'w').write('x')\nx = 'ESCAPED'",
    "list a folder": "import os\nx = 'ESCAPED ' + str(os.listdir('/'))",
    "look at a file": "import os\nx = 'ESCAPED ' + str(os.stat('/etc/passwd'))",
    "read the parent's environment": "import os\nx = 'ESCAPED' + open(f'/proc/{os.getppid()}/environ').read()",
    "read the parent's memory": "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb')\nx = 'ESCAPED'",
    "start a process": "import subprocess\nsubprocess.run(['/bin/true'])\nx = 'ESCAPED'",
    "fork": "import os\nos.fork()\nx = 'ESCAPED'",
    "execute a program": "import os\nos.execv('/bin/true', ['true'])",
    "start a thread": "import threading\nthreading.Thread(target=print).start()\nx = 'ESCAPED'",
    "open a socket": "import socket\nsocket.socket()\nx = 'ESCAPED'",
    "look up a host name": "import socket\nx = 'ESCAPED' + str(socket.getaddrinfo('localhost', 80))",
    "signal every process": "import os\nos.kill(-1, 0)\nx = 'ESCAPED'",
    "signal the parent": "import os\nos.kill(os.getppid(), 0)\nx = 'ESCAPED'",
    "raise its own limits": ("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nx = 'ESCAPED'"),
    "become root": "import os\nos.setuid(0)\nx = 'ESCAPED' if os.geteuid() == 0 else ''\nos.setgid(0)\nx = 'ESCAPED'",
    "leave its session": "import os\nos.setsid()\nx = 'ESCAPED'",
    "make a memory file": "import os\nos.memfd_create('x')\nx = 'ESCAPED'",
    "set the clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, time.time())\nx = 'ESCAPED'",
    "find the host's secrets in the environment": "import os\nx = 'ESCAPED' if len(os.environ) > 6 else ''",
    "forge a result": (
        "import os, struct\np = b'[\"ESCAPED\"]'\nos.write(3, b'R' + struct.pack('>I', len(p)) + p)\nwhile True: pass"
    ),
    "crash the interpreter": "import ctypes\nctypes.string_at(0)\nx = 'ESCAPED'",
    "block every signal and run on": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass"
    ),
}
_LANGUAGE = {
    "reach the object tree": "x = 'ESCAPED' + str(().__class__.__base__.__subclasses__())",
    "reach a frame": "def g(): yield 1\nx = 'ESCAPED' + str(g().gi_frame)",
    "reach attributes by format": "x = 'ESCAPED' + '{0.__class__}'.format(1)",
    "import os": "import os\nx = 'ESCAPED'",
    "run for ever": "while True: pass",
    "use all memory": "x = 'ESCAPED' * 10**10",
    "print for ever": "while True: print('x' * 10000)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One finding. ok: the layer is in force, the attempt was contained. detail: one line for a person."""

    group: Literal["layer", "attempt"]
    name: str
    ok: bool
    detail: str


def report() -> list[Row]:
    """The layers of this machine and what thirty attempts met. Takes a few seconds; never raises.

    Where the sandbox cannot run in "strict", the attempts are made with the layers that there are.
    """
    try:
        with Sandbox(policy="none", limits=_LIMITS) as bare, Sandbox(limits=_LIMITS) as whole:
            whole.start()
            layers = whole.zygote().layers
            return [*_layers(layers), *_attempts(bare, _SYSTEM), *_attempts(whole, _LANGUAGE)]
    except SandboxError as error:
        return [*_layers(()), Row("layer", "strict", False, str(error))]


def _layers(found: tuple[str, ...]) -> list[Row]:
    return [
        Row("layer", name, name in found, f"{'' if name in found else 'missing: '}{what}")
        for name, what in _LAYERS.items()
    ]


def _attempts(sandbox: Sandbox, programs: dict[str, str]) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret").write_text(_SECRET, encoding="ascii")
        rows = [_attempt(sandbox, what, source.replace("@FOLDER@", name)) for what, source in programs.items()]
        if [path.name for path in folder.iterdir()] != ["secret"]:
            rows.append(Row("attempt", "leave a file behind", False, "a file was made in the host's folder"))
        return rows


def _attempt(sandbox: Sandbox, name: str, source: str) -> Row:
    result = sandbox.run(source, entry="var:x")
    shown = f"{result.text} {result.output}"
    escaped = _MARK in result.text.partition(" (line")[0] or _SECRET in shown
    alive = sandbox.run("1 + 1").value == 2
    detail = _detail(result) if alive else "the next program does not run"
    return Row("attempt", name, not escaped and alive, detail)


def _detail(result: Result) -> str:
    if result.error is None:
        return "it ran and found nothing"
    return f"{result.error.kind}: {result.error.type}: {result.error.message}".splitlines()[0][:200]
