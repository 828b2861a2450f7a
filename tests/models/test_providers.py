"""What other providers are sent, seen by an endpoint in their place; each test needs the provider's package."""

from __future__ import annotations

from typing import Any

import pytest

from agentkit.errors import AuthError, BadRequestError, ConfigError
from agentkit.messages import JSON
from agentkit.models import Params, load
from tests.support.models import ask, request
from tests.support.sse import Body, SSEEndpoint

PARAMS = Params(temperature=0.3, top_p=0.8, max_tokens=20, seed=7)


@pytest.mark.parametrize(
    ("package", "name", "options", "sent"),
    [
        (
            "langchain_mistralai",
            "mistralai:mistral-small-latest",
            {"api_key": "k", "endpoint": "{url}"},
            {"temperature": 0.3, "top_p": 0.8, "max_tokens": 20, "random_seed": 7, "stop": ["END"]},
        ),
        (
            "langchain_groq",
            "groq:llama-3.3-70b-versatile",
            {"api_key": "k", "base_url": "{url}"},
            {"temperature": 0.3, "top_p": 0.8, "max_tokens": 20, "seed": 7, "stop": ["END"]},
        ),
        (
            "langchain_ollama",
            "ollama:llama3.2",
            {"base_url": "{url}"},
            {"options": {"temperature": 0.3, "top_p": 0.8, "num_predict": 20, "seed": 7, "stop": ["END"]}},
        ),
        (
            "langchain_deepseek",
            "deepseek:deepseek-chat",
            {"api_key": "k", "api_base": "{url}"},
            {"temperature": 0.3, "top_p": 0.8, "max_tokens": 20, "seed": 7, "stop": ["END"]},
        ),
        (
            "langchain_google_genai",
            "google_genai:gemini-2.5-flash",
            {"api_key": "k", "base_url": "{url}"},
            {
                "generationConfig": {
                    "temperature": 0.3,
                    "topP": 0.8,
                    "maxOutputTokens": 20,
                    "seed": 7,
                    "stopSequences": ["END"],
                }
            },
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_parameters_in_the_providers_words(
    package: str, name: str, options: dict[str, str], sent: dict[str, Any]
) -> None:
    pytest.importorskip(package)
    with SSEEndpoint(*[Body({"error": {"message": "no"}}, 400)] * 3) as endpoint:
        given = {key: value.format(url=endpoint.url) for key, value in options.items()}
        with pytest.raises(BadRequestError):
            ask(load(name, params=PARAMS, **given), request(stop=["END"]))
    assert len(endpoint.requests) == 1
    assert contains(endpoint.requests[0].body, sent), endpoint.requests[0].body


def contains(body: Any, sent: JSON) -> bool:
    if isinstance(sent, dict):
        return all(key in body and contains(body[key], value) for key, value in sent.items())
    return bool(body == sent)


@pytest.mark.parametrize(
    ("package", "name", "variable"),
    [
        ("langchain_mistralai", "mistralai:mistral-small-latest", "MISTRAL_API_KEY"),
        ("langchain_groq", "groq:llama-3.3-70b-versatile", "GROQ_API_KEY"),
        ("langchain_deepseek", "deepseek:deepseek-chat", "DEEPSEEK_API_KEY"),
        ("langchain_google_genai", "google_genai:gemini-2.5-flash", "GOOGLE_API_KEY or GEMINI_API_KEY"),
    ],
)
def test_no_key(package: str, name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package)
    for each in variable.split(" or "):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(AuthError, match=f"^No credentials for {name}: set {variable}, or pass api_key=$"):
        load(name)


def test_a_parameter_that_the_provider_lacks() -> None:
    pytest.importorskip("langchain_groq")
    with pytest.raises(ConfigError, match="groq:x has no parameter 'top_k'"):
        load("groq:x", api_key="k", params=Params(top_k=3))
