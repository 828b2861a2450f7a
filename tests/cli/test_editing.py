"""`run-agent runs approve --edit`: what the changed call would do is shown, agreed to, kept, and done once."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from agentkit.cli.remaking import agent_object
from agentkit.journal import Journal
from agentkit.schema import IdempotencyKey, RunContext
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.cli.conftest import Cli, Inside, finished

pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")

TOOLS = '''\
from agentkit import Agent, ToolError, tool
from agentkit.testing import ScriptedModel


def words(city: str, time: str) -> str:
    if time == "midnight":
        raise ToolError("No taxi at midnight.")
    return f"{city}, {time}, ${1200 // len(time)}" if time != "never" else [][0]


@tool(needs_approval=True, preview=words)
def order_taxi(city: str, time: str) -> str:
    """Order a taxi."""
    return f"Ordered in {city} for {time}."


TAXI = 'Action: order_taxi\\nAction Input: {"city": "Oslo", "time": "noon"}'
agent = Agent(ScriptedModel([TAXI, TAXI]), [order_taxi], on_approval="park")
'''
TAXI = 'Action: order_taxi\nAction Input: {"city": "Oslo", "time": "noon"}'


@pytest.fixture
def taxi(cli: Cli) -> str:
    """A run that waits with a call whose tool says what it would do."""
    (cli.folder / "mytools.py").write_text(TOOLS, encoding="utf-8")
    command = ("A taxi!", "-t", "mytools.py:order_taxi", "--on-approval", "park", "--json", "-q")
    done = cli(*command, "-m", cli.model(TAXI))
    assert done.returncode == 5
    return str(json.loads(done.stdout)["run_id"])


def waits(cli: Cli, run_id: str) -> tuple[object, str]:
    """What waits, and that nothing else is there."""
    assert kept(cli, run_id)[::2] == (None, None) and kept(cli, run_id)[3] is None
    with Journal(f"sqlite:///{cli.folder / 'journal.db'}") as journal:
        told = journal.waiting(run_id)
    return told.arguments, told.preview


AS_ASKED = ({"city": "Oslo", "time": "noon"}, "Oslo, noon, $300")


def kept(cli: Cli, run_id: str) -> tuple[object, ...]:
    with Journal(f"sqlite:///{cli.folder / 'journal.db'}") as journal:
        (row,) = journal.recording(run_id).approvals
    return row["granted"], row["preview"], row["edited"], row["edited_preview"]


ONE = '{"time": "one"}'
AS_ONE = (True, "Oslo, noon, $300", '{"city":"Oslo","time":"one"}', "Oslo, one, $400")


def flight(store: SqlBookingStore) -> str:
    """The cheapest from Oslo to Rome tomorrow with two seats."""
    (search, *_) = travel_tools(store)
    now = RunContext("test", 0, datetime.now().astimezone(), IdempotencyKey("test"))
    return str(search("Oslo", "Rome", "tomorrow", now, seats=2)).split()[0]


def test_an_edited_booking_is_shown_with_its_price_and_made_once(cli: Cli) -> None:
    url = f"sqlite:///{cli.folder / 'travel.db'}"
    cli.env["AGENTKIT_TRAVEL_DB"] = url
    store = SqlBookingStore(url)
    offer = flight(store)
    book = f'Action: book_flight\nAction Input: {{"flight_id": "{offer}", "passengers": ["Ada Lovelace"]}}'
    done = cli("Book!", "-t", "travel", "--on-approval", "park", "--json", "-q", "-m", cli.model(book))
    run_id = str(json.loads(done.stdout)["run_id"])
    before = cli("runs", "pending").stdout
    price = re.search(rf"That is: {offer} .*, Ada Lovelace, \$(\d+) total", before)
    assert price is not None
    done = cli("runs", "approve", run_id, "--edit", '{"passengers": ["Ada King", "Bo Li"]}')
    said = re.search(rf"  That is: ({offer} .*, Ada King and Bo Li, \$(\d+) total)\nApproved\.", done.stdout)
    assert done.returncode == 0 and said is not None, done.stdout + done.stderr
    assert int(said[2]) == 2 * int(price[1])
    assert store.bookings() == [] and "Nothing waits" in cli("runs", "pending").stderr
    cli.model("Final Answer: booked")
    shown = cli("runs", "resume", run_id)
    assert shown.returncode == 0 and shown.stdout == "booked\n", shown.stderr
    assert f"Booked {store.bookings()[0].id}: {said[1]}" in shown.stderr
    assert cli("runs", "resume", run_id).stdout == "booked\n"
    (booking,) = store.bookings()
    assert (booking.item.id, booking.names, booking.total) == (offer, ("Ada King", "Bo Li"), int(said[2]))
    assert f'"passengers":["Ada King","Bo Li"]}} ({said[1]})' in cli("runs", "show", run_id).stdout
    store.close()


def test_an_edit_to_what_cannot_be_booked_is_not_approved_by_itself(cli: Cli) -> None:
    url = f"sqlite:///{cli.folder / 'travel.db'}"
    cli.env["AGENTKIT_TRAVEL_DB"] = url
    store = SqlBookingStore(url)
    book = f'Action: book_flight\nAction Input: {{"flight_id": "{flight(store)}", "passengers": ["Ada Lovelace"]}}'
    done = cli("Book!", "-t", "travel", "--on-approval", "park", "--json", "-q", "-m", cli.model(book))
    run_id = str(json.loads(done.stdout)["run_id"])
    before = waits(cli, run_id)
    edit = ("runs", "approve", run_id, "--edit", '{"flight_id": "F999999999"}')
    done = cli(*edit)
    assert done.returncode == 1 and "There is no preview of it. " in done.stdout and "F999999999" in done.stderr
    assert "Nothing is approved" in done.stderr and waits(cli, run_id) == before
    for wrong, told in (("[]", "passengers"), ('["Passenger 1"]', "passengers"), ('["Ada King"], "seat": 3', "'seat'")):
        done = cli("runs", "approve", run_id, "--edit", f'{{"passengers": {wrong}}}')
        assert done.returncode == 2 and told in done.stderr and "--edit" in done.stderr
    assert waits(cli, run_id) == before
    done = cli(*edit, "--yes")
    assert done.returncode == 0 and "Approved." in done.stdout
    cli.model("Final Answer: not booked")
    assert cli("runs", "resume", run_id).stdout == "not booked\n" and store.bookings() == []
    store.close()


def test_without_a_terminal_the_preview_is_printed_and_kept(cli: Cli, inside: Inside, taxi: str) -> None:
    done = inside("runs", "approve", taxi[:8], "--edit", ONE)
    assert done.exit_code == 0
    assert (
        "    time='one'\n  That is: Oslo, one, $400\nApproved. To go on: run-agent runs resume " + taxi in done.stdout
    )
    assert kept(cli, taxi) == AS_ONE


def test_in_a_terminal_it_is_asked_for(cli: Cli, taxi: str) -> None:
    approve = ("runs", "approve", taxi, "--edit", ONE)
    for answer in ("n", "", "\x04"):
        with cli.terminal(*approve) as child:
            child.expect_exact("That is: Oslo, one, $400")
            child.expect_exact("Approve it? [y/N]")
            child.send(answer if answer == "\x04" else f"{answer}\r")
            if answer != "\x04":
                child.expect_exact("Nothing is approved: the call waits as it was.")
            assert finished(child) == 1
        assert waits(cli, taxi) == AS_ASKED
    with cli.terminal(*approve) as child:
        child.expect_exact("Approve it? [y/N]")
        child.sendline("y")
        child.expect_exact("Approved. To go on")
        assert finished(child) == 0
    assert kept(cli, taxi) == AS_ONE


def test_in_a_terminal_yes_and_no_edit_ask_nothing(cli: Cli, taxi: str) -> None:
    with cli.terminal("runs", "approve", taxi, "--edit", ONE, "--yes") as child:
        child.expect_exact("That is: Oslo, one, $400\r\nApproved.")
        assert finished(child) == 0
    assert kept(cli, taxi) == AS_ONE
    done = cli("A taxi!", "-t", "mytools.py:order_taxi", "--on-approval", "park", "-q", "-m", cli.model(TAXI), "--json")
    with cli.terminal("runs", "approve", json.loads(done.stdout)["run_id"]) as child:
        child.expect_exact("That is: Oslo, noon, $300\r\nApproved.")
        assert finished(child) == 0


@pytest.mark.parametrize(
    ("time", "told"),
    [("midnight", "No taxi at midnight."), ("never", "The preview of order_taxi failed (IndexError: ")],
)
def test_a_preview_that_fails_approves_nothing_unless_somebody_says_so(
    cli: Cli, inside: Inside, taxi: str, time: str, told: str
) -> None:
    approve = ("runs", "approve", taxi, "--edit", json.dumps({"time": time}))
    done = inside(*approve)
    assert f"  There is no preview of it. {told}" in done.stdout and "Approved" not in done.stdout
    assert "--yes" in str(done.exception) and waits(cli, taxi) == AS_ASKED
    with cli.terminal(*approve) as child:
        child.expect_exact(f"There is no preview of it. {told}")
        child.expect_exact("Approve it all the same? [y/N]")
        child.sendline("n")
        assert finished(child) == 1
    assert waits(cli, taxi) == AS_ASKED
    with cli.terminal(*approve) as child:
        child.expect_exact("Approve it all the same? [y/N]")
        child.sendline("y")
        assert finished(child) == 0
    assert kept(cli, taxi) == (True, "Oslo, noon, $300", f'{{"city":"Oslo","time":"{time}"}}', "")


def test_tools_that_are_gone_are_told(cli: Cli, inside: Inside, taxi: str) -> None:
    (cli.folder / "mytools.py").unlink()
    shutil.rmtree(cli.folder / "__pycache__", ignore_errors=True)
    done = inside("runs", "approve", taxi, "--edit", '{"when": 1}')
    assert done.exit_code == 2 and "no argument 'when'" in done.stderr  # the schema is in the journal
    done = inside("runs", "approve", taxi, "--edit", ONE)
    assert done.exit_code == 0 and re.search(r"There is no preview of it\. .*mytools\.py", done.stdout)
    assert kept(cli, taxi) == (*AS_ONE[:3], "")


def test_the_tools_are_found_from_any_folder(cli: Cli, taxi: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done = Cli(other, cli.env)("runs", "approve", taxi, "--edit", ONE)
    assert done.returncode == 0 and "That is: Oslo, one, $400" in done.stdout
    assert kept(cli, taxi) == AS_ONE


def test_a_run_that_python_began_needs_its_agent_for_a_preview(cli: Cli, inside: Inside) -> None:
    (cli.folder / "mine.py").write_text(TOOLS, encoding="utf-8")
    begun = agent_object("mine.py:agent")
    assert [begun.run("A taxi!", run_id=name).stop_reason for name in ("a", "b")] == ["needs_approval"] * 2
    done = inside("runs", "approve", "a", "--edit", ONE)
    assert done.exit_code == 0 and "There is no preview of it. Run a was begun from Python: name its" in done.stdout
    done = inside("runs", "approve", "b", "--edit", ONE, "--agent", "mine.py:nothing")
    assert done.exit_code == 1 and "nothing" in str(done.exception)
    done = inside("runs", "approve", "b", "--edit", ONE, "--agent", "mine.py:agent")
    assert done.exit_code == 0 and "That is: Oslo, one, $400" in done.stdout
    assert kept(cli, "b") == AS_ONE
