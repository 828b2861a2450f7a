"""`run-agent batch`."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Cli, Inside, finished, interrupt

MODEL = """\
import sys

sys.path.insert(0, {root!r})
from agentkit.errors import ModelError
from tests.batch.support import StatelessModel, asked, echo


def reply(request):
    if {broken!r} in asked(request):
        raise ModelError("no answer to that")
    return echo(request)


def act(request):
    if len(request.messages) > 2:
        return f"Final Answer: {{request.messages[-1].text.removeprefix('Observation: ')}}"
    return 'Action: order_taxi\\nAction Input: {{"city": "Oslo", "time": "noon"}}'


model = StatelessModel(reply, delay={delay!r})
acting = StatelessModel(act)
"""


@pytest.fixture
def model(cli: Cli) -> str:
    return write_model(cli)


def write_model(cli: Cli, *, broken: str = "nothing is broken", delay: float = 0.0) -> str:
    text = MODEL.format(root=str(ROOT), broken=broken, delay=delay)
    (cli.folder / "stateless.py").write_text(text, encoding="utf-8")
    return "stateless.py:model"


def write(cli: Cli, name: str, *lines: str) -> str:
    (cli.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return name


def results(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_results_are_json_lines_in_the_order_of_the_questions(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '{"question": "Say 1", "id": "a"}', "", '"Say 2"', '{"id": 3, "question": "Say 3"}')
    done = cli("batch", file, "-m", model, "-t", "none")
    assert done.returncode == 0
    told = results(done.stdout)
    assert [(each["place"], each["line"], each["question"], each["answer"]) for each in told] == [
        (0, 1, "Say 1", "1"),
        (1, 3, "Say 2", "2"),
        (2, 4, "Say 3", "3"),
    ]
    assert [each.get("input") for each in told] == [{"id": "a"}, None, {"id": 3}]
    assert told[0]["status"] == "answered" and told[0]["stop_reason"] == "answer" and told[0]["tokens"] == 100
    assert "3 of 3 answered · 300 tokens" in done.stderr and "Go on with" not in done.stderr


def test_results_do_not_overwrite_what_they_should_not(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '"Say 1"', '"Say 2"')
    (cli.folder / "same.jsonl").symlink_to("q.jsonl")
    for out in (file, "same.jsonl"):
        refused = cli("batch", file, "-m", model, "--out", out)
        assert refused.returncode == 2 and "the questions would be lost" in refused.stderr
        assert (cli.folder / file).read_text() == '"Say 1"\n"Say 2"\n'
    for _ in range(2):
        assert cli("batch", file, "-m", model, "--out", "r.jsonl", "--id", "b").returncode == 0
        assert [each["answer"] for each in results((cli.folder / "r.jsonl").read_text())] == ["1", "2"]
    other = write(cli, "other.jsonl", '"Say 1"', '"Say 3"')
    assert cli("batch", other, "-m", model, "--out", "r.jsonl", "--id", "b").returncode == 1
    assert [each["answer"] for each in results((cli.folder / "r.jsonl").read_text())] == ["1", "2"]
    full = cli("batch", file, "-m", model, "--out", "/dev/full")
    assert full.returncode == 1 and full.stderr.splitlines()[-1].endswith("/dev/full: No space left on device.")


def test_a_half_character_in_a_question(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '"Say \\ud800"')
    ended = cli("batch", file, "-m", model)
    assert ended.returncode == 0 and results(ended.stdout)[0]["question"] == "Say ?"


def test_csv_by_its_header(cli: Cli, model: str) -> None:
    file = write(cli, "q.csv", "n,claim", '1,"Say, please, 1"', '2,"Say', '2"')
    done = cli("batch", file, "-m", model, "-t", "none", "--question-field", "claim", "--out", "r.jsonl", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told = results((cli.folder / "r.jsonl").read_text(encoding="utf-8"))
    assert [(each["line"], each["question"], each["input"]) for each in told] == [
        (2, "Say, please, 1", {"n": "1"}),
        (4, "Say\n2", {"n": "2"}),
    ]


def test_questions_from_stdin(cli: Cli, model: str) -> None:
    done = cli("batch", "-", "-m", model, "-t", "none", stdin='"Say 1"\n"Say 2"\n')
    assert [each["answer"] for each in results(done.stdout)] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "lines", "told"),
    [
        ("q.jsonl", ('"Say 1"', '{"question": " "}', "[1"), ["Line 2: 'question' is empty", "Line 3: no JSON"]),
        ("q.jsonl", ("[1]", '{"question": 3}'), ["Line 1: neither an object", "Line 2: 'question' is no text"]),
        ("q.jsonl", ("1",) * 30, ["Line 10: ", "and 20 more"]),
        ("q.jsonl", (), ["has no questions"]),
        ("q.csv", ("id,claim", "1,x"), ["no column 'question', but id, claim", "--question-field"]),
        ("q.csv", ("id,question", "1,x", "2,"), ["Line 3: 'question' is empty"]),
        ("q.csv", ("id,question", "1,x,y"), ["Line 2: more fields than the header has"]),
        ("q.txt", ("Say 1",), ["must end in .jsonl"]),
    ],
)
def test_bad_lines_are_told_before_anything_runs(
    inside: Inside, cli: Cli, model: str, name: str, lines: tuple[str, ...], told: list[str]
) -> None:
    done = inside("batch", write(cli, name, *lines), "-m", model, "--out", "r.jsonl")
    assert done.exit_code == 2
    for words in told:
        assert words in done.stderr
    assert not (cli.folder / "r.jsonl").exists()


def test_failures_are_told_and_tried_again_with_the_same_id(cli: Cli) -> None:
    file = write(cli, "q.jsonl", *(f'"Say {number}"' for number in range(5)))
    done = cli("batch", file, "-m", write_model(cli, broken="Say 2"), "-t", "none", "--id", "b")
    assert done.returncode == 1
    assert [each["status"] for each in results(done.stdout)].count("failed") == 1
    assert results(done.stdout)[2]["error"] == "ModelError: no answer to that"
    assert "Question 3: no answer to that" in done.stderr
    assert "Go on with: run-agent batch q.jsonl --id b and the same options" in done.stderr
    again = cli("batch", file, "-m", write_model(cli), "-t", "none", "--id", "b")
    assert again.returncode == 0 and "4 from the journal" in again.stderr
    assert [each["answer"] for each in results(again.stdout)] == ["0", "1", "2", "3", "4"]
    other = write(cli, "other.jsonl", '"Say 7"')
    refused = cli("batch", other, "-m", "stateless.py:model", "-t", "none", "--id", "b")
    assert refused.returncode == 1 and "another question at place 0" in refused.stderr


def test_the_budget_of_all_runs(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", *(f'"Say {number}"' for number in range(9)))
    done = cli("batch", file, "-m", model, "-t", "none", "-c", "1", "--total-tokens", "300")
    assert done.returncode == 3
    assert [each["status"] for each in results(done.stdout)] == ["answered"] * 3 + ["not_run"] * 6
    assert "6 not run" in done.stderr and "Go on with" in done.stderr


def test_nobody_is_asked_for_approval(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '"A taxi"')
    options = ("batch", file, "-m", "stateless.py:acting", "-t", "mytools.py:order_taxi")
    assert "Nobody is asked in a batch" in results(cli(*options).stdout)[0]["answer"]
    assert results(cli(*options, "--yes").stdout)[0]["answer"] == "Ordered in Oslo for noon."


def test_calls_that_are_approved_later(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '"A taxi"', '"Another"')
    options = ("batch", file, "-m", "stateless.py:acting", "-t", "mytools.py:order_taxi", "--on-approval", "park")
    parked = cli(*options, "--id", "taxis")
    assert parked.returncode == 5 and "2 waiting for a person" in parked.stderr
    assert [each["status"] for each in results(parked.stdout)] == ["waiting"] * 2
    assert cli("runs", "approve", "taxis/0").returncode == 0
    again = cli(*options, "--id", "taxis")
    assert [each["status"] for each in results(again.stdout)] == ["answered", "waiting"]
    assert results(again.stdout)[0]["answer"] == "Ordered in Oslo for noon."


def test_without_a_journal_it_runs_but_cannot_go_on(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", '"Say 1"', '"Say 2"')
    options = ("batch", file, "-m", model, "-t", "none")
    done = cli(*options, "-c", "1", "--total-tokens", "1", AGENTKIT_JOURNAL="off")
    assert done.returncode == 3 and "1 not run" in done.stderr and "Go on with" not in done.stderr
    named = cli(*options, "--id", "b", AGENTKIT_JOURNAL="off")
    assert named.returncode == 1 and "needs a journal" in named.stderr


def test_a_bar_in_a_terminal_and_ctrl_c(cli: Cli) -> None:
    file = write(cli, "q.jsonl", *(f'"Say {number}"' for number in range(200)))
    name = write_model(cli, delay=0.1)
    with cli.terminal("batch", file, "-m", name, "-t", "none", "--out", "r.jsonl", "--id", "b") as child:
        child.expect(r"[1-9]\d* of 200")
        interrupt(child)
        child.expect("Interrupted after")
        child.expect("Go on with: run-agent batch q.jsonl --id b")
        assert finished(child) == 130
    written = results((cli.folder / "r.jsonl").read_text(encoding="utf-8"))
    assert 0 < len(written) < 200
    assert [each["place"] for each in written] == list(range(len(written)))


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.timeout(300)
def test_on_ray(cli: Cli, model: str) -> None:
    file = write(cli, "q.jsonl", *(f'"Say {number}"' for number in range(6)))
    options = ("batch", file, "-m", model, "-t", "none", "--id", "b")
    done = cli(*options, "--engine", "ray", "--workers", "1", seconds=240)
    assert done.returncode == 0, done.stderr
    assert [each["answer"] for each in results(done.stdout)] == [str(number) for number in range(6)]
    here = cli(*options)
    assert here.returncode == 0 and "6 from the journal" in here.stderr


def test_options_that_do_not_go_together(inside: Inside, cli: Cli, model: str, tmp_path: Path) -> None:
    file = write(cli, "q.jsonl", '"Say 1"')
    assert "--engine ray" in inside("batch", file, "-m", model, "--workers", "2").stderr
    assert "--trace is for single runs" in inside("batch", file, "-m", model, "--trace", str(tmp_path / "t")).stderr
