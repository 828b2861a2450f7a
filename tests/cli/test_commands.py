"""`tools`, `prompt`, `model`, `doctor`, `demo`."""

import importlib.util
import json
from pathlib import Path

import pytest

from agentkit.models.weights import SMOLLM2
from tests.cli.conftest import Cli, Inside


def test_tools_list_says_which_tools_ask_first(cli: Cli) -> None:
    lines = {line.split()[0]: line for line in cli("tools", "list").stdout.splitlines()}
    assert {"calculator", "python", "search_web", "search_flights", "book_flight", "travel"} <= lines.keys()
    assert "asks you" in lines["book_flight"]
    assert "read-only" in lines["search_flights"]


def test_tools_show_is_what_a_model_reads(cli: Cli) -> None:
    done = cli("tools", "show", "mytools.py:order_taxi")
    assert "Order a taxi." in done.stdout
    assert "needs approval" in done.stdout
    schema = json.loads(done.stdout[done.stdout.index("\n{") :])
    assert set(schema["properties"]) == {"city", "time"}


def test_tools_show_of_no_tool(inside: Inside) -> None:
    done = inside("tools", "show", "calculater")
    assert done.exit_code == 2
    assert "calculator" in done.stderr


def test_prompt_list(inside: Inside) -> None:
    assert {"react", "react-chat", "pal-math", "observations"} <= {
        line.split()[0] for line in inside("prompt", "list").stdout.splitlines()
    }


def test_prompt_show_is_assembled_for_the_agent(cli: Cli) -> None:
    done = cli("prompt", "show", "-t", "mytools.py:population", "--question", "How many live in Oslo?")
    assert done.returncode == 0
    assert "population: How many people live in a city." in done.stdout
    assert "Question: How many live in Oslo?" in done.stdout
    assert "{{" not in done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pal-date", "Python program"),
        ("code", "```python"),
        ("observations", "## refused"),
        ("react-chat", "conversation"),
    ],
)
def test_prompt_show_by_name_finds_the_strategy(inside: Inside, name: str, said: str) -> None:
    done = inside("prompt", "show", name)
    assert (done.exit_code, said in done.stdout) == (0, True)


def test_a_prompt_of_the_users_by_path(cli: Cli) -> None:
    parts = ("instructions", "context", "input data", "output indicator")
    bodies = ("Answer like a pirate.", "{{tools}}", "{{question}}", "")
    text = "".join(f"## {part}\n{body}\n\n" for part, body in zip(parts, bodies, strict=True))
    (cli.folder / "pirate.md").write_text(text, encoding="utf-8")
    assert "Answer like a pirate." in cli("prompt", "show", "./pirate.md").stdout
    done = cli("Where?", "-q", "--prompt", "pirate.md", "-m", cli.model("Final Answer: Arr"))
    assert (done.returncode, done.stdout) == (0, "Arr\n")


def test_model_fetch_does_nothing_twice(cli: Cli) -> None:
    path = Path(cli.env["AGENTKIT_CACHE"]) / "models" / SMOLLM2.file_name
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(SMOLLM2.size)  # of the right size, without its bytes
    done = cli("model", "fetch")
    assert (done.returncode, done.stdout) == (0, f"{path}\n")


def test_model_list(cli: Cli) -> None:
    done = cli("model", "list", OPENAI_API_KEY="x", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    assert "openai:" in done.stdout
    assert "AWS_REGION" in done.stdout
    assert "local  (not installed" in done.stdout


def test_doctor_tries_the_sandbox_and_names_what_is_missing(cli: Cli) -> None:
    done = cli("doctor")
    assert done.returncode == 1  # there is no model
    assert "✗ no model" in done.stdout
    assert "✓ seccomp" in done.stdout
    assert "30 of 30 held" in done.stdout
    done = cli("doctor", AGENTKIT_MODEL="local")
    assert done.returncode == 0


PROGRAM = "```python\ndef solution():\n    return round(17 * 24 * 3 / 4 * 0.45, 2)\n```"
SEARCH = (
    "Thought: I search.\nAction: search_flights\n"
    'Action Input: {"origin": "Oslo", "destination": "Rome", "date": "tomorrow"}'
)
BOOKER = f"""\
import re

from agentkit.testing import ScriptedModel


def book(request):
    flight = re.search(r"F[0-9]+", request.messages[-1].text)[0]
    return f'Action: book_flight\\nAction Input: {{{{"flight_id": "{{flight}}", "passengers": ["Ada Lovelace"]}}}}'


model = ScriptedModel([{PROGRAM!r}, {SEARCH!r}, book, "Final Answer: Done."])
"""


def test_the_demo_solves_searches_and_books(cli: Cli) -> None:
    (cli.folder / "models.py").write_text(BOOKER, encoding="utf-8")
    done = cli("demo", "--yes", "-m", "models.py:model")
    assert (done.returncode, done.stdout) == (0, "137.7\nDone.\n")
    assert "That is right" in done.stderr
    assert "Observation: Booked B" in done.stderr
    assert "In the database: B" in done.stderr
    assert "Answered by models.py:model" in done.stderr


def test_the_demo_is_honest_about_a_model_that_fails(cli: Cli) -> None:
    done = cli("demo", "-m", cli.model("```python\nanswer = 3\n```", "Final Answer: All booked, sir!"))
    assert done.returncode == 0
    assert "That is wrong: it is 137.70 dollars." in done.stderr
    assert "In the database: There are no bookings." in done.stderr


def test_a_part_of_the_demo(cli: Cli) -> None:
    done = cli("demo", "pal", "-m", cli.model(PROGRAM))
    assert (done.returncode, done.stdout) == (0, "137.7\n")


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs the extra 'local'")
def test_the_local_model_without_weights_says_how_to_get_them(cli: Cli) -> None:
    done = cli("How many?", "-m", "local")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "run-agent model fetch" in done.stderr
