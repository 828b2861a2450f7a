"""Secrets never enter the journal: some are planted, and all its files are searched for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from agentkit import (
    Agent,
    Approval,
    ApprovalRequest,
    ConfigError,
    Limits,
    ModelError,
    Secret,
    ToolError,
    approve_all,
    tool,
)
from agentkit.flow import Perform
from agentkit.journal import Journal
from agentkit.journal.secrets import Masks, Redact, default_patterns
from agentkit.models.retry import RetryPolicy
from agentkit.testing import ScriptedModel
from agentkit.toolbox import AnyTool
from tests.journal.support import Crash, crash_at

# Put together here, so that no scanner takes this file for a leak.
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
BEARER = "eyJhbGciOi" + "JIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSM"
OPENAI = "sk-" + "proj-abcdef0123456789ABCDEF"
GITHUB = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
SLACK = "xoxb-" + "123456789012-abcdefghijkl"
GOOGLE = "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"
PEM_BODY = "MIIEpAIBAAKCAQEA7bq0\nZ3Vhcm9uIG9mIG5v/+dGhpbmc=\n"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_BODY}-----END RSA PRIVATE KEY-----"
URL_PASSWORD = "s3cr3t-pa55"
PASSWORD = 'hunter2 "quoted" \\ é'
PIN = 417_093
ENVIRONMENT = "value-of-a-variable!"

PATTERNS = {
    f"id {AWS_ID}.": AWS_ID,
    f"aws_secret_access_key = {AWS_KEY}": AWS_KEY,
    f'{{"SecretAccessKey": "{AWS_KEY}"}}': AWS_KEY,
    f"curl -H 'Authorization: Bearer {BEARER}'": BEARER,
    f'headers={{"Authorization": "Basic {BEARER}"}}': BEARER,
    f"X-Api-Key: {BEARER}": BEARER,
    f"bearer\n{BEARER}": BEARER,
    f"key:{OPENAI}": OPENAI,
    f"({GITHUB})": GITHUB,
    f"slack {SLACK}, too": SLACK,
    f"maps {GOOGLE}": GOOGLE,
    f"Here:\n{PEM}\nKeep it.": "MIIEpAIBAAKCAQEA7bq0",
    f"cut off: {PEM[:60]}": "MIIEpAIBAAKCAQEA7bq0",
    f"postgresql://ann:{URL_PASSWORD}@host/db": URL_PASSWORD,
}


@pytest.mark.parametrize("text", PATTERNS)
def test_well_known_credentials_are_masked_in_texts_and_in_json_within_json(text: str) -> None:
    secret = PATTERNS[text]
    masked = default_patterns(text)
    assert secret not in masked and "***" in masked
    assert default_patterns(masked) == masked
    masks = Masks(default_patterns)
    for value in (text, f"\n{text}\n", json.dumps({"in": text}), json.dumps([json.dumps(text)])):
        stored = masks.json(json.dumps({"text": value, "number": 12}))
        assert secret not in stored and secret not in str(json.loads(stored)["text"])
    assert masks.found


def test_what_stands_around_a_credential_stays() -> None:
    assert default_patterns(f"Here:\n{PEM}\nKeep it.") == ("Here:\n-----BEGIN RSA PRIVATE KEY-----***\nKeep it.")
    assert default_patterns(f"x postgresql://ann:{URL_PASSWORD}@host/db y") == "x postgresql://ann:***@host/db y"
    assert default_patterns(f'{{"Authorization": "Bearer {BEARER}"}}') == '{"Authorization": "Bearer ***"}'


@pytest.mark.parametrize(
    "text",
    [
        "The bearer of good news asks for an authorization: required.",
        "See https://example.com/a:b@c and the session token of the task force.",
        "a sk-ipped line, a ghp_short one, AKIA and Asia",
        'headers = {"Authorization": f"Bearer {token}"}',
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert default_patterns(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.lists(st.text(min_size=1), max_size=3),
)
def test_masked_json_is_json_and_masking_again_changes_nothing(value: object, marked: list[str]) -> None:
    masks = Masks(default_patterns)
    masks.add(marked)
    text = json.dumps(value, ensure_ascii=False)
    masked = masks.json(text)
    json.loads(masked)
    assert masks.json(masked) == masked
    if not masks.found:
        assert masked == text


def login(user: str, password: Annotated[str, Secret()], pin: Annotated[int, Secret()] = 0) -> str:
    """Log in."""
    logins.append((password, pin))
    return f"{user} is in, with {password}"


class Card(BaseModel):
    number: SecretStr
    name: str


def pay(card: Card, token: SecretStr) -> str:
    """Pay."""
    logins.append((card.number.get_secret_value(), token.get_secret_value()))
    return "paid"


def fetch(url: str) -> str:
    """Fetch."""
    return f"200\nset-cookie: x\nAuthorization: Bearer {BEARER}\n{PEM}\n{ENVIRONMENT} {AWS_ID}"


def fail() -> str:
    """Fail."""
    raise ToolError(f"refused: postgresql://ann:{URL_PASSWORD}@host/db")


logins: list[tuple[object, ...]] = []
TOOLS: list[AnyTool] = [
    tool(needs_approval=True)(login),
    tool(pay),
    tool(read_only=True)(fetch),
    tool(read_only=True)(fail),
]
SECRETS: Sequence[str] = (
    *(AWS_ID, AWS_KEY, BEARER, OPENAI, GITHUB, "MIIEpAIBAAKCAQEA7bq0", "Z3Vhcm9uIG9mIG5v", URL_PASSWORD),
    *("hunter2", str(PIN), ENVIRONMENT, "4000-0012-3456", "t0ken-of-a-card", "config-secret"),
)
LOGIN = json.dumps({"user": "ann", "password": PASSWORD, "pin": PIN})
PAY = json.dumps({"card": {"number": "4000-0012-3456", "name": "Ann"}, "token": "t0ken-of-a-card"})
REACT = [
    f"Thought: I have {OPENAI}.\nAction: login\nAction Input: {LOGIN}",
    f"Thought: pay\nAction: pay\nAction Input: {PAY}",
    "Action: fetch\nAction Input: https://ann:" + URL_PASSWORD + "@host/x",
    "Action: fail\nAction Input: {}",
    f"Final Answer: {GITHUB} and {PASSWORD}",
]
CODE = [
    f"I have {OPENAI}.\n```python\nword = {PASSWORD!r}\nprint(login('ann', word, pin={PIN}))\n```",
    "Pay.\n```python\npay({'number': '4000-0012-3456', 'name': 'Ann'}, token='t0ken-of-a-card')\n```",
    f"```python\nseen = gather([(fetch, 'https://ann:{URL_PASSWORD}@host/x')])\nprint(seen)\n```",
    "```python\nfail()\n```",
    f"Final Answer: {GITHUB} and {PASSWORD}",
]
QUESTION = f"Use aws_secret_access_key={AWS_KEY} and {AWS_ID}."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    logins.clear()
    monkeypatch.setenv("SOME_API_KEY", ENVIRONMENT)


def agent(script: Sequence[str], journal: Journal, *wrap: Callable[[Perform], Perform]) -> Agent:
    return Agent(
        ScriptedModel(script),
        TOOLS,
        strategy="code" if set(script) & set(CODE[:4]) else "react",
        approve=approve_all,
        journal=journal,
        wrap=wrap,
    )


def found_in(folder: Path) -> list[str]:
    """The secrets that any file of the journal has, as they are or as JSON writes them."""
    text = b"\n".join(file.read_bytes() for file in folder.iterdir()).decode("utf-8", "replace")
    assert "SCRIPTED".casefold() in text.casefold()  # it is the journal that is searched
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("script", [REACT, CODE], ids=["react", "code"])
def test_planted_secrets_are_in_no_file_of_the_journal_while_the_run_has_them(
    tmp_path: Path, script: list[str]
) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        run = agent(script, journal).run(QUESTION, run_id="r", config={"metadata": {"key": "config-secret"}})
        assert run.answer == f"{GITHUB} and {PASSWORD}" and run.question == QUESTION
        assert logins == [(PASSWORD, PIN), ("4000-0012-3456", "t0ken-of-a-card")]
        first = run.steps[0].observation
        assert first is not None and f"ann is in, with {PASSWORD}" in first.text
        assert {path.name for path in tmp_path.iterdir()} == {"j.db", "j.db-wal", "j.db-shm"}
        assert found_in(tmp_path) == []
        again = agent(script[:1], journal).resume("r")
        assert again.answer == "*** and ***" and again.question == "Use aws_secret_access_key=*** and ***."
        assert again.stop_reason == "answer" and len(again.steps) == len(run.steps)
        assert len(logins) == 2
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(9))
def test_masked_texts_do_not_stop_a_resume(tmp_path: Path, number: int, after: bool) -> None:
    script = [
        "Action: fetch\nAction Input: https://ann:" + URL_PASSWORD + "@host/x",
        f"Thought: {OPENAI}\nAction: fail\nAction Input: {{}}",
        "Action: fetch\nAction Input: https://bob:" + URL_PASSWORD + "@host/x",
        f"Final Answer: {GITHUB}",
    ]
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:

        def made(replies: Sequence[str], *wrap: Callable[[Perform], Perform]) -> Agent:
            return Agent(ScriptedModel(replies), TOOLS, journal=journal, wrap=wrap)

        if number < 7:
            with pytest.raises(Crash):
                made(script, crash_at(number, after=after)).run(QUESTION, run_id="r")
        else:
            made(script).run(QUESTION, run_id="r")
        run = made(script[min(4, (number + 1) // 2) :]).resume("r")
        assert run.stop_reason == "answer" and len(run.steps) == 4
        assert made([]).resume("r").answer == "***"
    assert found_in(tmp_path) == []


def test_a_call_that_needs_a_secret_of_before_waits_for_a_person(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        with pytest.raises(Crash):  # the reply is written down, the action is not begun
            agent(REACT, journal, crash_at(1)).run("?", run_id="r")
        for _ in range(2):
            assert agent(REACT[1:], journal).resume("r").stop_reason == "needs_attention"
        attention = journal.attention("r")
        assert attention is not None and attention.tool == "login"
        assert attention.input == {"user": "ann", "password": "***", "pin": "***"}
        assert "secret argument, which the journal does not keep" in attention.why
        with pytest.raises(ConfigError, match="do it by hand"):
            journal.resolve("r", retry=True)
        journal.resolve("r", result="ann is in")
        run = agent([*REACT[1:4], "Final Answer: ok"], journal).resume("r")
        assert run.stop_reason == "answer" and logins == [("4000-0012-3456", "t0ken-of-a-card")]
    assert found_in(tmp_path) == []


def test_a_secret_that_a_person_gave_with_a_yes_is_not_made_up(tmp_path: Path) -> None:
    def change(_: ApprovalRequest) -> Approval:
        return Approval(True, arguments={"user": "ann", "password": PASSWORD})

    def made(replies: Sequence[str], *, dies: bool = False) -> Agent:
        @tool(needs_approval=True, idempotent=True)
        def enter(user: str, password: Annotated[str, Secret()] = "") -> str:
            """Enter."""
            if dies:
                raise Crash
            logins.append((password,))
            return "in"

        return Agent(ScriptedModel(replies), [enter], approve=change, journal=journal)

    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        with pytest.raises(Crash):
            made(['Action: enter\nAction Input: {"user": "ann"}'], dies=True).run("?", run_id="r")
        assert made([]).resume("r").stop_reason == "needs_attention"
        journal.resolve("r", result="ann is in")
        assert made(["Final Answer: ok"]).resume("r").answer == "ok" and logins == []
    assert found_in(tmp_path) == []


def test_a_failed_last_call_leaves_no_word_of_its_error(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        model = ScriptedModel([ModelError("https://host/?key=config-secret")])
        limits = Limits(max_model_calls=0)
        made = Agent(model, journal=journal, limits=limits, retry=RetryPolicy(attempts=1))
        run = made.run("?", run_id="r")
        assert run.stop_reason == "max_model_calls"
        assert made.resume("r") == run
    assert found_in(tmp_path) == []


def test_a_person_s_answer_is_masked_too(tmp_path: Path) -> None:
    def act() -> str:
        """Act."""
        raise Crash

    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        made = Agent(ScriptedModel(["Action: act\nAction Input: {}", "Final Answer: ok"]), [act], journal=journal)
        with pytest.raises(Crash):
            made.run("?", run_id="r")
        assert made.resume("r").stop_reason == "needs_attention"
        journal.resolve("r", result=f"done, with {BEARER} as Authorization: Bearer {BEARER}")
        assert made.resume("r").answer == "ok"
        (step, _) = made.resume("r").steps
        assert step.observation is not None and step.observation.text.endswith("Bearer ***")


def keep(headers: dict[str, str] | None = None, token: str = OPENAI) -> dict[str, object]:
    """Keep."""
    pairs = list((headers or {}).items())
    return {GITHUB: {"X-Api-Key": BEARER}, "headers": headers, "pairs": pairs, "of": [{SLACK: 1}]}


HEADERS = {"Authorization": f"Basic {BEARER}", "aws_secret_access_key": AWS_KEY, GITHUB: "x"}
ODD_PLACES = {
    "in names and headers": f"Action: keep\nAction Input: {json.dumps({'headers': HEADERS})}",
    "a tool's name": f'Action: keep\nAction Input: {{"tool": "{GITHUB}"}}',
    "unknown arguments": f"Action: keep\nAction Input: {json.dumps({OPENAI: {GITHUB: 1}})}",
}


@pytest.mark.parametrize("place", ODD_PLACES)
@pytest.mark.parametrize("parks", [False, True])
def test_secrets_in_odd_places(tmp_path: Path, place: str, parks: bool) -> None:
    def made(replies: Sequence[str]) -> Agent:
        tools = [tool(needs_approval=parks)(keep)]
        return Agent(ScriptedModel(replies), tools, journal=journal, on_approval="park" if parks else "ask")

    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        run = made([ODD_PLACES[place], "Final Answer: ok"]).run("?", run_id="r")
        assert run.stop_reason == ("needs_approval" if parks and place == "in names and headers" else "answer")
        assert found_in(tmp_path) == []
        if run.stop_reason == "needs_approval":
            journal.approve("r", reason=f"Bearer {BEARER}")
        assert made(["Final Answer: ok"]).resume("r").answer == "ok"
        made(["Final Answer: ok"]).fork("r", at=1, reply=f"Final Answer: {GITHUB}", run_id="f")
        assert journal.run("f").answer == "***"
        assert found_in(tmp_path) == []


def test_what_a_person_edits_in_a_fork_is_masked(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        made = Agent(
            ScriptedModel(["Action: keep\nAction Input: {}"] + ["Final Answer: ok"] * 2), [keep], journal=journal
        )
        made.run("?", run_id="r")
        run = made.fork("r", at=1, observation=f"It says {GITHUB}.", run_id="f")
        assert run.steps[0].observation is not None and run.steps[0].observation.text == "It says ***."
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("number", range(4))
def test_a_run_of_a_journal_that_keeps_secrets_is_masked_when_it_is_taken_in(tmp_path: Path, number: int) -> None:
    script = [f'Action: keep\nAction Input: {{"token": "{OPENAI}"}}', f"Final Answer: {GITHUB}"]
    with Journal("sqlite://", redact=None) as open_one, Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        wrap = [crash_at(number)] if number < 3 else []
        with suppress(Crash):
            Agent(ScriptedModel(script), [tool(read_only=True)(keep)], journal=open_one, wrap=wrap).run(
                QUESTION, run_id="r"
            )
        assert number == 0 or OPENAI in open_one.recording("r").to_json()
        journal.add(open_one.recording("r"))
        rest = ScriptedModel(script[(number + 1) // 2 :])
        run = Agent(rest, [tool(read_only=True)(keep)], journal=journal).resume("r")
        assert run.stop_reason == "answer" and journal.run("r").answer == "***"
    assert found_in(tmp_path) == []


def shout(text: str) -> str:
    return re.sub("classified", "[cut]", text)


@pytest.mark.parametrize(("redact", "answer"), [(shout, f"[cut] {GITHUB}"), (None, f"classified {GITHUB}")])
def test_redact_may_be_another_or_none(redact: Redact | None, answer: str) -> None:
    with Journal("sqlite://", redact=redact) as journal:
        script = [
            'Thought: classified\nAction: login\nAction Input: {"user": "classified", "password": "hunter2"}',
            f"Final Answer: classified {GITHUB}",
        ]
        run = Agent(ScriptedModel(script), TOOLS, approve=approve_all, journal=journal).run("classified?", run_id="r")
        assert run.answer == f"classified {GITHUB}"
        again = Agent(ScriptedModel([]), TOOLS, journal=journal).resume("r")
        assert again.answer == answer
        assert "hunter2" not in again.steps[0].reply.text  # what a tool marks is never kept


@pytest.mark.parametrize("number", range(5))
def test_what_has_become_a_secret_since_does_not_stop_a_resume(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    word = "postgres-db"
    script = [
        f'Thought: {word}\nAction: fetch\nAction Input: {{"url": "https://{word}/x"}}',
        f'Thought: {word}\nAction: fetch\nAction Input: {{"url": "https://{word}/y"}}',
        "Final Answer: ok",
    ]

    def made(replies: Sequence[str], *wrap: Callable[[Perform], Perform]) -> Agent:
        return Agent(ScriptedModel(replies), TOOLS, journal=journal, wrap=wrap)

    with Journal("sqlite://") as journal:
        with pytest.raises(Crash):
            made(script, crash_at(number)).run(f"What does {word} say?", run_id="r")
        monkeypatch.setenv("DB_PASSWORD", word)
        run = made(script[(number + 1) // 2 :]).resume("r")
        assert run.answer == "ok" and len(run.steps) == 3
        assert made([]).resume("r").answer == "ok"


def test_an_environment_that_changes_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Masks(default_patterns).text(f"a {ENVIRONMENT} b") == "a *** b"
    monkeypatch.setenv("SOME_API_KEY", "another-value")
    monkeypatch.setenv("NEW_TOKEN", "of-a-new-variable")
    monkeypatch.setenv("SHORT_TOKEN", "yes")
    assert Masks(default_patterns).text("another-value of-a-new-variable yes") == "*** *** yes"
    assert Masks(default_patterns).text(ENVIRONMENT) == ENVIRONMENT
