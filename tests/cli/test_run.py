"""A question from a script or a pipe: what is on stdout, what on stderr, and the exit code."""

import json
from pathlib import Path

import pytest

from agentkit import ConfigError
from agentkit.codec import event_from_json, run_from_json
from agentkit.events import Observed, RunEnded, RunStarted
from tests.cli.conftest import Cli, Inside

LOOK_UP = 'Thought: I look it up.\nAction: population\nAction Input: {"city": "Oslo"}'
FINAL = "Thought: There it is.\nFinal Answer: 717,710 people"
TAXI = 'Thought: A taxi, then.\nAction: order_taxi\nAction Input: {"city": "Oslo", "time": "noon"}'


def test_stdout_is_the_answer_alone_and_progress_is_on_stderr(cli: Cli) -> None:
    done = cli("How many live in Oslo?", "-m", cli.model(LOOK_UP, FINAL), "-t", "mytools.py:population")
    assert (done.returncode, done.stdout) == (0, "717,710 people\n")
    assert "Thought: I look it up." in done.stderr
    assert "Action: population(city='Oslo')\nObservation: 717,710\n" in done.stderr
    assert "2 steps" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_quiet_leaves_stderr_empty(cli: Cli) -> None:
    done = cli("How many?", "-q", "-m", cli.model(LOOK_UP, FINAL), "-t", "mytools.py:population")
    assert (done.returncode, done.stdout, done.stderr) == (0, "717,710 people\n", "")


def test_the_question_comes_from_stdin(cli: Cli) -> None:
    done = cli("-", "--json", "-m", cli.model(FINAL), stdin="How many\nlive in Oslo?\n")
    assert run_from_json(done.stdout).question == "How many\nlive in Oslo?"


def test_an_empty_question_is_a_usage_error(cli: Cli) -> None:
    done = cli("-", "-m", cli.model(FINAL), stdin=" \n")
    assert done.returncode == 2
    assert "empty" in done.stderr


def test_json_is_the_run(cli: Cli) -> None:
    done = cli("How many?", "--json", "-m", cli.model(LOOK_UP, FINAL), "-t", "mytools.py:population")
    run = run_from_json(done.stdout)
    assert (run.answer, run.stop_reason, len(run.steps)) == ("717,710 people", "answer", 2)
    assert run.usage.tool_calls == 1


def test_jsonl_is_every_event_and_the_trace_is_the_same(cli: Cli, tmp_path: Path) -> None:
    model = cli.model(LOOK_UP, FINAL)
    done = cli("How many?", "--jsonl", "--trace", "trace.jsonl", "-m", model, "-t", "mytools.py:population")
    events = [event_from_json(line) for line in done.stdout.splitlines()]
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunEnded)
    assert [event.observation.text for event in events if isinstance(event, Observed)] == ["717,710"]
    assert (tmp_path / "trace.jsonl").read_text() == done.stdout


def test_json_and_jsonl_exclude_each_other(cli: Cli) -> None:
    assert cli("How many?", "--json", "--jsonl", "-m", cli.model(FINAL)).returncode == 2


def test_long_observations_are_folded_and_verbose_shows_them(cli: Cli) -> None:
    look_up = LOOK_UP.replace("Oslo", "Lima")
    arguments = ("How many?", "-m", cli.model(look_up, FINAL), "-t", "mytools.py:population")
    folded, whole = cli(*arguments).stderr, cli(*arguments, "-v").stderr
    assert "… 35 more lines" in folded
    assert "district 43" not in folded
    assert "district 43" in whole


def test_a_limit_gives_an_answer_and_exit_code_3(cli: Cli) -> None:
    model = cli.model(LOOK_UP, "Final Answer: about 700,000")
    done = cli("How many?", "-m", model, "-t", "mytools.py:population", "--max-steps", "1")
    assert (done.returncode, done.stdout) == (3, "about 700,000\n")
    assert "Limit reached: 1 steps" in done.stderr
    assert "when the limit was reached" in done.stderr


def test_without_a_terminal_approval_is_refused_as_an_observation(cli: Cli) -> None:
    done = cli("A taxi!", "-m", cli.model(TAXI, "Final Answer: no taxi"), "-t", "mytools.py:order_taxi")
    assert (done.returncode, done.stdout) == (4, "no taxi\n")
    assert "Action: order_taxi(city='Oslo', time='noon')" in done.stderr
    assert "refused" in done.stderr
    assert "--yes" in done.stderr


def test_yes_approves(cli: Cli) -> None:
    model = cli.model(TAXI, "Final Answer: ordered")
    done = cli("A taxi!", "--yes", "-m", model, "-t", "mytools.py:order_taxi")
    assert (done.returncode, done.stdout) == (0, "ordered\n")
    assert "Observation: Ordered in Oslo for noon." in done.stderr


def test_a_model_error_is_one_line_and_json_holds_the_steps_before(cli: Cli) -> None:
    path = cli.folder / "models.py"
    path.write_text(
        "from agentkit.errors import AuthError\nfrom agentkit.testing import ScriptedModel\n"
        f"model = ScriptedModel([{LOOK_UP!r}, AuthError('The key has expired. Set another.')])\n"
    )
    done = cli("How many?", "--json", "-q", "-m", "models.py:model", "-t", "mytools.py:population")
    assert (done.returncode, done.stderr) == (1, "Error: The key has expired. Set another.\n")
    run = run_from_json(done.stdout)
    assert (run.stop_reason, run.answer, len(run.steps)) == ("error", None, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "temperature"], "NAME=VALUE"),
        (["-o", "temprature=0"], "Did you mean 'temperature'?"),
        (["-o", "temperature=warm"], "must be a number"),
        (["-t", "no_such_tool"], "no_such_tool"),
        (["-t", "nowhere.py:tool"], "nowhere.py"),
        (["--prompt", "no-such-prompt"], "no-such-prompt"),
        (["--strategy", "pal", "-t", "calculator"], "takes no tools"),
        (["--strategy", "react", "--samples", "3"], "--strategy pal"),
        (["--samples", "3", "--explain"], "do not go together"),
        (["--max-steps", "0"], "greater than or equal to 1"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_usage_errors(cli: Cli, inside: Inside, arguments: list[str], said: str) -> None:
    done = inside("How many?", "-m", cli.model(FINAL), *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere.py:model", "There is no file nowhere.py"),
        ("mytools.py:nothing", "There is no 'nothing' in mytools.py"),
        ("no.such.module:model", "There is no module 'no.such.module'"),
        ("mytools.py:population", "A model is"),
        ("no-such-model", "names no provider"),
    ],
)
def test_models_that_are_none(inside: Inside, model: str, said: str) -> None:
    done = inside("How many?", "-m", model)
    assert isinstance(done.exception, ConfigError)
    assert said in str(done.exception)


def test_a_defect_is_one_line_and_verbose_shows_where(cli: Cli) -> None:
    (cli.folder / "models.py").write_text("def model(): pass\nmodel.name = 'x'\nmodel.stream = model.astream = model\n")
    done = cli("How many?", "-q", "-m", "models.py:model")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" in cli("How many?", "-v", "-m", "models.py:model").stderr


def test_without_any_model_the_error_says_what_to_do(cli: Cli) -> None:
    done = cli("How many?")
    assert done.returncode == 1
    assert "run-agent model fetch" in done.stderr
    assert done.stderr.count("\n") == 1


def test_credentials_in_sight_choose_the_model_and_it_is_said(cli: Cli) -> None:
    done = cli("How many?", ANTHROPIC_API_KEY="x")
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "anthropic:" in done.stderr


def test_the_environment_names_the_model(cli: Cli) -> None:
    done = cli("How many?", AGENTKIT_MODEL=cli.model(FINAL))
    assert done.stdout == "717,710 people\n"


def test_options_reach_the_model(cli: Cli) -> None:
    (cli.folder / "models.py").write_text(
        "from agentkit.testing import ScriptedModel\n"
        "model = ScriptedModel([lambda request: f'Final Answer: {request.params.temperature} {request.params.seed}'])\n"
    )
    done = cli("How many?", "-m", "models.py:model", "-o", "temperature=0.25", "-o", "seed=7")
    assert done.stdout == "0.25 7\n"


def test_pal_runs_the_program(cli: Cli) -> None:
    program = "```python\ndef solution():\n    return sum(range(10))\n```"
    done = cli("The sum of 0 to 9?", "--strategy", "pal", "-m", cli.model(program))
    assert (done.returncode, done.stdout) == (0, "45\n")
    assert "Program:\ndef solution():" in done.stderr


def test_pal_votes_over_samples(cli: Cli) -> None:
    programs = ["```python\nanswer = 45\n```", "```python\nanswer = 44\n```", "```python\nanswer = 45.0\n```"]
    done = cli("The sum of 0 to 9?", "--samples", "3", "-m", cli.model(*programs))
    assert (done.returncode, done.stdout) == (0, "45\n")
    assert "Vote: 45 × 2, 44 × 1." in done.stderr


def test_the_trace_file_cannot_be_written(cli: Cli) -> None:
    done = cli("How many?", "--trace", "no/such/folder/trace", "-m", cli.model(FINAL))
    assert done.returncode == 1
    assert "Cannot write the trace" in done.stderr


def test_control_characters_of_a_tool_do_not_reach_stderr(cli: Cli) -> None:
    action = 'Action: population\nAction Input: {"city": "\\u001b[2JOslo"}'
    done = cli("How many?", "-m", cli.model(action, FINAL), "-t", "mytools.py:population")
    assert "\x1b" not in done.stderr


def test_json_output_is_json_whatever_is_in_it(cli: Cli) -> None:
    done = cli("How many?", "--json", "-m", cli.model("Final Answer: \x1b[1m ü 🛫"))
    assert json.loads(done.stdout)["answer"].endswith("ü 🛫")
