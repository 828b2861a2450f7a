"""What the embedded model does to the process it runs in; each test starts one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentkit.models.local import NOTICE, installed

pytestmark = pytest.mark.skipif(not installed(), reason="the local model is not installed: run-agent model fetch")

BEGIN = """
import sys
from agentkit.messages import Message
from agentkit.models.base import Params, Request
from agentkit.models.local import LocalModel
request = Request((Message("user", "Tell me a story."),), Params(max_tokens=300))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_notice_is_given_once_at_first_use() -> None:
    result = run(
        "assert 'xllamacpp' not in sys.modules; models = LocalModel(), LocalModel(context=512); print('made')\n"
        "sys.stderr.write('first use\\n')\n"
        "for model in models: next(model.stream(request)); next(model.stream(request))"
    )
    assert (result.returncode, result.stdout) == (0, "made\n")
    assert result.stderr == f"first use\n{NOTICE}\n"


def test_quiet_on_request() -> None:
    result = run("print(next(LocalModel(notice=False).stream(request)).text != '')")
    assert (result.returncode, result.stdout, result.stderr) == (0, "True\n", "")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("waiting = [LocalModel(notice=False).stream(request) for _ in range(50)]", 0),
        ("sys.exit(3)", 3),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_leaving_in_the_middle_of_a_reply_is_clean(code: str, status: int) -> None:
    result = run(f"stream = LocalModel(notice=False).stream(request)\nnext(stream)\n{code}")
    assert result.returncode in (status, -2 if status == 130 else status)  # Python kills itself with the signal
    assert result.stderr == "" or "KeyboardInterrupt" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_listens() -> None:
    result = run(
        "import os; from pathlib import Path\n"
        "next(LocalModel(notice=False).stream(request))\n"
        "own = {os.readlink(path) for path in Path('/proc/self/fd').iterdir() if path.is_symlink()}\n"
        "tables = [Path('/proc/net', name).read_text().splitlines()[1:] for name in ('tcp', 'tcp6')]\n"
        "rows = [row.split() for table in tables for row in table]\n"
        "print([row[1] for row in rows if f'socket:[{row[9]}]' in own])\n"
        "unix = [row.split() for row in Path('/proc/net/unix').read_text().splitlines()[1:]]\n"
        "print([os.path.exists(row[7]) for row in unix if f'socket:[{row[6]}]' in own and len(row) > 7])"
    )
    assert result.stderr == ""
    assert result.stdout == "[]\n[False]\n"


def test_a_fork_after_loading_is_refused() -> None:
    result = run(
        "import os, warnings\nwarnings.simplefilter('ignore')  # Python 3.12 warns of forks with threads\n"
        "model = LocalModel(notice=False)\nnext(model.stream(request))\nchild = os.fork()\n"
        "if not child:\n"
        "    try: next(model.stream(request))\n"
        "    except Exception as error: print(type(error).__name__, error, flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)"
    )
    assert "ConfigError The local model was loaded before this process was forked" in result.stdout


def test_without_the_extra_the_command_is_named() -> None:
    result = run("sys.modules['xllamacpp'] = None\nLocalModel()")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith("Run: pip install 'agentkit-react[local]'")
