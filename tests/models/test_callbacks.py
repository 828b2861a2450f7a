"""LangChain's callbacks reach the chat model."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from agentkit.models import Request
from tests.support.bedrock import BedrockEndpoint
from tests.support.bedrock_script import Answer
from tests.support.models import ask, bedrock_at, request


class Tracer(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        self.seen.append("start " + " ".join(cast("list[str]", kwargs["tags"])))

    def on_llm_new_token(self, token: object, *, chunk: object = None, **kwargs: Any) -> None:
        assert isinstance(chunk, ChatGenerationChunk)
        self.seen.append(chunk.message.text)

    def on_llm_end(self, response: object, **kwargs: Any) -> None:
        self.seen.append("end")


def test_the_requests_config_reaches_the_chat_model() -> None:
    tracer = Tracer()
    asked = Request(request().messages, config={"callbacks": [tracer], "tags": ["mine"]})
    with BedrockEndpoint([Answer("a b", chunk_size=2)]) as endpoint:
        ask(bedrock_at(endpoint), asked)
    assert tracer.seen[0] == "start mine"
    assert [text for text in tracer.seen[1:-1] if text]
    assert tracer.seen[-1] == "end"
