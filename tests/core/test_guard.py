"""A model that repeats itself."""

from agentkit import Agent, tool
from agentkit.testing import ScriptedModel

LOOK = 'Action: look\nAction Input: {"at": "sky"}'
ACT = "Action: paint\nAction Input: blue"


def agent(replies: list[str]) -> tuple[Agent, list[str]]:
    done: list[str] = []

    @tool(read_only=True)
    def look(at: str) -> str:
        """Look."""
        done.append(f"look {at}")
        return f"{at} after {len(done)}"

    @tool
    def paint(colour: str) -> str:
        """Paint."""
        done.append(f"paint {colour}")
        return "painted"

    @tool(read_only=True, repeatable=True)
    def poll() -> str:
        """Poll."""
        done.append("poll")
        return f"{len(done)}"

    return Agent(ScriptedModel([*replies, "Final Answer: ok"]), [look, paint, poll]), done


def observations(replies: list[str]) -> tuple[list[str], list[str]]:
    made, done = agent(replies)
    run = made.run("?")
    return [step.observation.text for step in run.steps if step.observation], done


def test_the_earlier_observation_comes_again_with_a_note_then_a_nudge() -> None:
    seen, done = observations([LOOK, 'action: Look\naction input: {"at":"sky"}', LOOK])
    assert done == ["look sky"]
    assert seen[0] == "sky after 1"
    assert seen[1].startswith("sky after 1\n(This is the earlier result")
    assert "3 times" in seen[2] and "Give the Final Answer now" in seen[2]


def test_an_act_is_not_done_twice() -> None:
    seen, done = observations([ACT, ACT])
    assert done == ["paint blue"] and seen[1].startswith("painted\n(This is the earlier result")


def test_after_something_changed_looking_again_is_new() -> None:
    seen, done = observations([LOOK, ACT, LOOK, LOOK])
    assert done == ["look sky", "paint blue", "look sky"]
    assert seen[2] == "sky after 3" and "earlier result" in seen[3]


def test_another_input_is_another_action() -> None:
    _, done = observations([LOOK, LOOK.replace("sky", "sea")])
    assert done == ["look sky", "look sea"]


def test_repeatable_tools_are_left_alone() -> None:
    _, done = observations(["Action: poll\nAction Input: {}"] * 3)
    assert done == ["poll"] * 3


def test_failures_are_remembered_too() -> None:
    seen, _ = observations(
        ['Action: poll\nAction Input: {"often": 3}'] * 2 + ['Action: look\nAction Input: {"at": {}}'] * 2
    )
    assert "no argument 'often'" in seen[1], "a repeatable tool is asked again"
    assert "at: Input should be a valid string" in seen[2] and "earlier result" in seen[3]
