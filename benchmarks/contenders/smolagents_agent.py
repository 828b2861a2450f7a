"""smolagents' ToolCallingAgent with a scripted model."""

from typing import Any

from clock import report
from smolagents import Tool, ToolCallingAgent
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model
from smolagents.monitoring import LogLevel


class Add(Tool):  # type: ignore[misc, unused-ignore]
    name = "add"
    description = "Add two numbers."
    inputs = {  # noqa: RUF012 - smolagents reads it from the class
        "a": {"type": "integer", "description": "one"},
        "b": {"type": "integer", "description": "other"},
    }
    output_type = "integer"

    def forward(self, a: int, b: int) -> int:
        return a + b


class Scripted(Model):  # type: ignore[misc, unused-ignore]
    left = 0

    def generate(self, messages: Any, **_: Any) -> ChatMessage:
        self.left -= 1
        name, arguments = ("add", {"a": self.left, "b": 1}) if self.left else ("final_answer", {"answer": "done"})
        call = ChatMessageToolCall(
            id=str(self.left), type="function", function=ChatMessageToolCallFunction(name=name, arguments=arguments)
        )
        return ChatMessage(role=MessageRole.ASSISTANT, content="I add the next two numbers.", tool_calls=[call])


def run(steps: int) -> None:
    model.left = steps
    assert agent.run("Add the numbers.") == "done"


model = Scripted()
agent = ToolCallingAgent(tools=[Add()], model=model, verbosity_level=LogLevel.OFF, max_steps=500)
report(run)
