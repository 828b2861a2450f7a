"""Rules of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agentkit

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("agentkit", "tools", "prompts")
    for path in (ROOT / folder).rglob("*.py")
    if not path.is_relative_to(ROOT / "agentkit" / "tools") and not path.is_relative_to(ROOT / "agentkit" / "prompts")
)
HEAVY = (
    "langchain",
    "langchain_core",
    "langchain_aws",
    "boto3",
    "botocore",
    "ddgs",
    "xllamacpp",
    "sqlalchemy",
    "numpy",
    "ray",
)


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after this code, in a fresh process."""
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    return set(printed.splitlines()[-1].split())


def test_importing_agentkit_is_light() -> None:
    assert not loaded("import agentkit") & {*HEAVY, "pydantic", "tenacity", "RestrictedPython", "typer", "rich", "yaml"}


def test_importing_the_tools_is_light() -> None:
    assert not loaded("import agentkit.tools") & {*HEAVY}


def test_a_scripted_run_loads_no_provider() -> None:
    code = (
        "from agentkit import Agent; from agentkit.testing import ScriptedModel;"
        "print(Agent(ScriptedModel(['Final Answer: 4'])).run('?').answer)"
    )
    assert not loaded(code) & {*HEAVY}


def imports(path: Path) -> set[str]:
    """Absolute names a module imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(ROOT / "agentkit")], ids=lambda p: str(p.name))
def test_the_framework_never_imports_its_tools(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[:2] == ["agentkit", "tools"]}


@pytest.mark.parametrize("module", ["loop", "flow", "guard", "conversation", "vote", "messages", "events"])
def test_the_pure_part_does_no_io(module: str) -> None:
    banned = {"asyncio", "threading", "socket", "subprocess", "pathlib", "os", "time", "agentkit.operations"}
    assert not imports(ROOT / "agentkit" / f"{module}.py") & banned


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


def test_what_is_exported_exists_and_is_sorted() -> None:
    assert agentkit.__all__ == sorted(agentkit.__all__)
    for name in agentkit.__all__:
        assert getattr(agentkit, name) is not None


@pytest.mark.parametrize("name", [n for n in agentkit.__all__ if isinstance(getattr(agentkit, n), type)])
def test_every_public_class_says_what_it_is(name: str) -> None:
    assert getattr(agentkit, name).__doc__
