"""What a model call cost, from the price list of the genai-prices package (a snapshot; nothing is fetched)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from agentkit.messages import Tokens

__all__ = ["cost"]

PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_genai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "mistralai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
}


def cost(model_name: str, tokens: Tokens) -> float | None:
    """US dollars for one call, or None when the model's price is not known.

    Args:
        model_name: as in `Model.name`: "bedrock:us.amazon.nova-lite-v1:0", "openai:gpt-5-mini", "local".
        tokens: what the call used; cached input tokens have a price of their own.
    """
    if model_name.partition(":")[0] == "local":
        return 0.0
    priced = _priced(model_name)
    if priced is None:
        return None
    from genai_prices import Usage, calc_price

    model, provider = priced
    cached = min(tokens.cached, tokens.input)
    usage = Usage(input_tokens=tokens.input, cache_read_tokens=cached, output_tokens=tokens.output)
    return float(calc_price(usage, model, provider_id=provider).total_price)


@lru_cache(maxsize=256)
def _priced(model_name: str) -> tuple[str, str] | None:
    """The names under which the price list has the model."""
    from genai_prices import Usage, calc_price

    prefix, _, model = model_name.partition(":")
    provider = PROVIDERS.get(prefix)
    if provider is None or not model:
        return None
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return model, provider
