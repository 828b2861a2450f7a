"""What lands in site-packages: agentkit with its tools and prompts, and nothing called tools or prompts."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_folder_is_named_in_the_project_file() -> None:
    folders = {
        "agentkit" if path.parent == ROOT / "agentkit" else f"agentkit.{path.parent.relative_to(ROOT / 'agentkit')}"
        for path in (ROOT / "agentkit").rglob("__init__.py")
    }
    named = set(PROJECT["tool"]["setuptools"]["packages"])
    others = {"agentkit.tools", "agentkit.prompts", "agentkit.models.trained"}  # links, and a folder without code
    assert named == {name.replace("/", ".") for name in folders} | others
    assert set(PROJECT["tool"]["setuptools"]["package-dir"]) == named


def test_every_dependency_is_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    for requirement in PROJECT["project"]["dependencies"]:
        name = requirement.partition(">")[0].strip().lower()
        assert f"| {name} " in text, f"docs/dependencies.md does not say why {name} is there"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a clean copy of what git tracks, without the network."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, tracked.stdout.decode().split("\0")):
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            target.write_bytes(source.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, copy],
        check=True,
    )
    return next(out.glob("*.whl"))


@pytest.mark.timeout(300)
def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"agentkit", wheel.name.split("-py3")[0] + ".dist-info"}
    for expected in ("agentkit/py.typed", "agentkit/tools/travel.py", "agentkit/prompts/react.md"):
        assert expected in names
    assert "agentkit/prompts/react_examples.json" in names
    assert {"agentkit/models/trained/smollm2-135m-agentkit.gguf", "agentkit/models/trained/README.md"} <= set(names)


@pytest.mark.timeout(300)
def test_the_installed_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel], check=True
    )
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import agentkit, agentkit.tools, agentkit.prompt as p\n"
        f"assert agentkit.__file__.startswith({str(target)!r}), agentkit.__file__\n"
        "from agentkit.tools import calculator\n"
        "print(p.load('react').name, calculator('2*21'), p.names())\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert printed.startswith("react 42 ")
