"""What calls cost, from the bundled price list."""

from __future__ import annotations

import pytest

from agentkit.messages import Tokens
from agentkit.models.prices import cost

MILLION = 1_000_000


def test_cached_tokens_cost_less_and_are_not_counted_twice() -> None:
    plain = cost("anthropic:claude-sonnet-4-20250514", Tokens(input=MILLION))
    cached = cost("anthropic:claude-sonnet-4-20250514", Tokens(input=MILLION, cached=MILLION))
    assert plain is not None
    assert cached == pytest.approx(plain / 10)  # Anthropic's price for reading from the cache


def test_input_and_output_have_their_own_prices() -> None:
    assert cost("openai:gpt-4o", Tokens(input=MILLION)) == pytest.approx(2.5)
    assert cost("openai:gpt-4o", Tokens(output=MILLION)) == pytest.approx(10)
    assert cost("openai:gpt-4o", Tokens()) == 0


@pytest.mark.parametrize("prefix", ["", "us.", "eu.", "apac.", "global."])
def test_inference_profiles_are_known(prefix: str) -> None:
    assert cost(f"bedrock:{prefix}amazon.nova-lite-v1:0", Tokens(input=MILLION)) is not None


def test_an_arn_of_a_profile_is_known() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0"
    assert cost(f"bedrock:{arn}", Tokens(output=MILLION)) is not None


@pytest.mark.parametrize("name", ["openai:nosuch", "ollama:llama3", "scripted", "bedrock:m.x", "gpt-4o", ""])
def test_an_unknown_price_is_none(name: str) -> None:
    assert cost(name, Tokens(10, 10)) is None


def test_the_local_model_costs_nothing() -> None:
    assert cost("local", Tokens(10, 10)) == 0
    assert cost("local:/weights.gguf", Tokens(10, 10)) == 0


def test_more_cached_than_input_is_no_error() -> None:
    assert cost("openai:gpt-4o", Tokens(input=1, cached=5)) is not None
