"""What the approver is told: which flight, for whom, at what price."""

import re

from agentkit import Agent, ApprovalRequest
from agentkit.testing import ScriptedModel
from agentkit.tools import travel_tools
from agentkit.tools.store import SqlBookingStore


def test_the_approver_sees_the_flight_and_the_price(store: SqlBookingStore) -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    wanted = '{"origin": "London", "destination": "New York", "date": "tomorrow", "seats": 2}'
    search = f"Action: search_flights\nAction Input: {wanted}"
    model = ScriptedModel([search, lambda request: _book(request.messages[-1].text), "Final Answer: done"])
    run = Agent(model, travel_tools(store), approve=approve).run("?")
    booking = run.steps[1].observation
    assert booking is not None and booking.text.startswith("Booked B")
    said = booking.text.partition(": ")[2]
    assert asked[0].preview == said, "what was approved is what was booked, to the dollar"


def _book(observation: str) -> str:
    offer = observation.removeprefix("Observation: ").split()[0]
    return f'Action: book_flight\nAction Input: {{"flight_id": "{offer}", "passengers": ["Ada Lovelace", "Bo Li"]}}'


def test_nobody_is_asked_about_a_flight_that_does_not_exist(store: SqlBookingStore) -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    model = ScriptedModel([_book("Observation: F999 x"), "Final Answer: none"])
    run = Agent(model, travel_tools(store), approve=approve).run("?")
    assert run.steps[0].observation is not None and run.steps[0].observation.kind == "tool_error"
    assert not asked


def test_nobody_is_asked_about_more_seats_than_are_left(store: SqlBookingStore) -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    search = 'Action: search_flights\nAction Input: {"origin": "London", "destination": "New York", "date": "tomorrow"}'
    found = Agent(ScriptedModel([search, "Final Answer: ok"]), travel_tools(store)).run("?").steps[0].observation
    assert found is not None
    line = re.match(r"(F\d+) .* (\d+) seats?$", found.text.splitlines()[0])
    assert line is not None
    offer, left = line[1], int(line[2])
    for seats, booked in ((left, True), (1, False)):
        names = str([f"Ada Lovelace {chr(65 + n)}" for n in range(seats)]).replace("'", '"')
        book = f'Action: book_flight\nAction Input: {{"flight_id": "{offer}", "passengers": {names}}}'
        run = Agent(ScriptedModel([book, "Final Answer: ok"]), travel_tools(store), approve=approve).run("?")
        seen = run.steps[0].observation
        assert seen is not None and ("Booked" in seen.text, "sold out" in seen.text) == (booked, not booked)
    assert len(asked) == 1
