"""Prompt files: sections, strict filling, overriding by path."""

import json
from pathlib import Path

import pytest

from agentkit.agent import Agent
from agentkit.errors import ConfigError
from agentkit.prompt import Edition, Prompts, Template, load, names
from agentkit.testing import ScriptedModel

STRATEGY_PROMPTS = ("react", "react-chat", "pal-math", "pal-date", "pal-table", "code")
LOCAL = ("local-react", "local-pal", "local-tools")


def test_the_prompts_that_come_along() -> None:
    assert {*STRATEGY_PROMPTS, *LOCAL, "observations", "format_errors", "last_call", "tools"} == set(names())


@pytest.mark.parametrize("name", STRATEGY_PROMPTS)
def test_every_strategy_prompt_has_the_four_parts_and_examples(name: str) -> None:
    prompt = load(name)
    assert list(prompt.sections) == ["instructions", "context", "input data", "output indicator"]
    assert prompt.meta["description"] and prompt.examples


def test_an_edition_takes_the_place_of_files_and_may_leave_texts_empty() -> None:
    edition = Edition({"react": "local-react", "tools": "local-tools"})
    prompts = Prompts.choose("react", edition)
    assert prompts.main is load("local-react")
    assert prompts.say("tools", "argument", name="city", description="where") == ""
    assert prompts.say("observations", "no result") == "Done."
    assert Prompts.choose("code", edition).main is load("code")


def test_the_model_s_edition_is_used_unless_a_prompt_is_chosen() -> None:
    class Trained(ScriptedModel):
        prompts = Edition({"react": "local-react"})

    assert "Answer with the tools." in Agent(Trained([])).opening("?")[0].text
    assert "You answer questions." in Agent(Trained([]), prompt="react").opening("?")[0].text


def test_filling_is_strict() -> None:
    template = Template('Hello {{ name }}, {"not": 1}', "here")
    assert template.fill(name="Ada") == 'Hello Ada, {"not": 1}'
    with pytest.raises(ConfigError, match="here: no value for name"):
        template.fill()
    with pytest.raises(ConfigError, match="nothing uses age"):
        template.fill(name="Ada", age=3)


def test_what_is_filled_in_is_not_read_as_a_template() -> None:
    assert Template("{{a}} {{b}}", "x").fill(a="{{b}}", b="2") == "{{b}} 2"


def test_a_user_s_file_by_path(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(
        "---\nname: mine\nexamples: mine.json\n---\n## instructions\nBe brief.\n## context\n{{tools}}\n"
        "## input data\nQ: {{question}}\n## output indicator\n"
    )
    (tmp_path / "mine.json").write_text(json.dumps([{"question": "?", "answer": "!"}]))
    prompts = Prompts.choose("react", tmp_path / "mine.md")
    assert prompts.main["instructions"].text == "Be brief."
    assert prompts.main.examples[0]["answer"] == "!"


def test_a_single_text_can_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "obs.md").write_text("## observation\nResult> {{text}}\n")
    prompts = Prompts.choose("react", {"observations": tmp_path / "obs.md"})
    assert prompts.say("observations", "observation", text="4") == "Result> 4"
    assert "Done" in prompts.say("observations", "no result")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("no headings at all", "no section"),
        ("---\n{ bad\n---\n## a\nb", "not YAML"),
        ("---\n- a list\n---\n## a\nb", "name: value"),
        ("---\nexamples: gone.json\n---\n## a\nb", "not beside it"),
        ("## instructions\nx\n", "no section '## context'"),
    ],
)
def test_files_that_do_not_read_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.md"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        Prompts.choose("react", path)


def test_wrong_overrides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no prompt 'reakt'"):
        load("reakt")
    with pytest.raises(ConfigError, match="Cannot read the prompt"):
        load(tmp_path / "none.md")
    with pytest.raises(ConfigError, match="Unknown prompt 'obs'"):
        Prompts.choose("react", {"obs": "x"})
    (tmp_path / "obs.md").write_text("## observation\n{{txt}}\n")
    with pytest.raises(ConfigError, match=r"must use \{\{text\}\}, and uses \{\{txt\}\}"):
        Prompts.choose("react", {"observations": tmp_path / "obs.md"})
    (tmp_path / "obs.md").write_text("## observatoin\n{{text}}\n")
    with pytest.raises(ConfigError, match="unknown section 'observatoin'"):
        Prompts.choose("react", {"observations": tmp_path / "obs.md"})
