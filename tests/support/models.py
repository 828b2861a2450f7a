"""Models under test, and short ways to call them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any, cast

import boto3
from botocore.config import Config

from agentkit.messages import Message, ReplyEnd, Tokens
from agentkit.models import Chunk, Model, Params, Request, load
from tests.support.bedrock import BedrockEndpoint

NOVA = "us.amazon.nova-lite-v1:0"
QUESTION = (Message("system", "Be brief."), Message("user", "How many?"))
SESSION = boto3.Session("AKIDEXAMPLE", "not-a-secret", region_name="eu-west-1")  # one: it caches the service's model


NO_PARAMS = Params()


def client_at(endpoint: BedrockEndpoint, service: str, *, read_timeout: float = 20) -> object:
    """A boto3 client for the endpoint, without retries."""
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=read_timeout)
    make = cast("Any", SESSION).client  # Any: the stubs know only services whose own stubs are installed
    return make(service, endpoint_url=endpoint.url, config=config)


def bedrock_at(
    endpoint: BedrockEndpoint,
    model: str = NOVA,
    params: Params = NO_PARAMS,
    *,
    read_timeout: float = 20,
    **options: object,
) -> Model:
    """A model at the endpoint; its client is made as `agentkit.models.bedrock` makes it, from a shared session."""
    own = {
        "client": client_at(endpoint, "bedrock-runtime", read_timeout=read_timeout),
        "bedrock_client": client_at(endpoint, "bedrock"),
    }
    return load(f"bedrock:{model}", params=params, **{**own, **options})


def request(**params: object) -> Request:
    """A question with inference parameters."""
    return Request(QUESTION, Params.of(params))


def ask(model: Model, asked: Request | None = None) -> list[Chunk]:
    with closing(cast("Generator[Chunk]", model.stream(asked or request()))) as chunks:
        return list(chunks)


async def aask(model: Model, asked: Request | None = None) -> list[Chunk]:
    async with aclosing(cast("AsyncGenerator[Chunk]", model.astream(asked or request()))) as chunks:
        return [chunk async for chunk in chunks]


def told(chunks: list[Chunk]) -> tuple[str, Tokens | None, ReplyEnd | None]:
    """The whole of a reply: text, tokens, end."""
    tokens: Tokens | None = None
    end: ReplyEnd | None = None
    for chunk in chunks:
        tokens, end = chunk.tokens or tokens, chunk.end or end
    return "".join(chunk.text for chunk in chunks), tokens, end
