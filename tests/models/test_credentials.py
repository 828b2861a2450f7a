"""Credentials in sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentkit.models.credentials import Found, available, variables


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    return tmp_path


def found(home: Path, **env: str) -> list[Found]:
    return available({"HOME": str(home), **env})


def test_nothing(home: Path) -> None:
    assert found(home) == []
    assert found(home / "absent") == []


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k")
    assert "groq" in [each.provider for each in available()]


def test_keys_of_other_providers(home: Path) -> None:
    assert found(home, OPENAI_API_KEY="k", GEMINI_API_KEY="k", XAI_API_KEY="") == [
        Found("openai", "OPENAI_API_KEY in the environment", "openai:gpt-5-mini"),
        Found("google_genai", "GEMINI_API_KEY in the environment", "google_genai:gemini-2.5-flash"),
    ]


@pytest.mark.parametrize(
    ("env", "what"),
    [
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "AWS_ACCESS_KEY_ID in the environment"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "t"}, "AWS_BEARER_TOKEN_BEDROCK in the environment"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "f", "AWS_ROLE_ARN": "r"},
            "a web identity (AWS_ROLE_ARN in the environment)",
        ),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, "the container's role"),
    ],
)
def test_aws_in_the_environment(home: Path, env: dict[str, str], what: str) -> None:
    assert found(home, AWS_REGION="us-east-1", **env) == [Found("bedrock", what, "bedrock:us.amazon.nova-lite-v1:0")]


def test_half_a_key_is_none(home: Path) -> None:
    assert found(home, AWS_ACCESS_KEY_ID="a") == []


@pytest.mark.parametrize(
    ("region", "hint"),
    [
        ("us-west-2", "us"),
        ("us-gov-west-1", "us-gov"),
        ("eu-central-1", "eu"),
        ("ap-northeast-1", "apac"),
        ("ca-central-1", "ca"),
    ],
)
def test_the_models_profile_fits_the_region(home: Path, region: str, hint: str) -> None:
    (bedrock,) = found(home, AWS_BEARER_TOKEN_BEDROCK="t", AWS_DEFAULT_REGION=region)
    assert bedrock.model_hint == f"bedrock:{hint}.amazon.nova-lite-v1:0"


def test_a_region_is_missing(home: Path) -> None:
    (bedrock,) = found(home, AWS_BEARER_TOKEN_BEDROCK="t")
    assert bedrock.missing == "set AWS_REGION, for example to us-east-1"


def test_the_default_profile(home: Path) -> None:
    (home / ".aws/credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    (home / ".aws/config").write_text("[default]\nregion = eu-west-1\n")
    assert found(home) == [Found("bedrock", "the AWS profile 'default'", "bedrock:eu.amazon.nova-lite-v1:0")]


def test_a_named_profile_with_single_sign_on(home: Path) -> None:
    (home / ".aws/config").write_text("[default]\nregion = us-east-1\n\n[profile work]\nsso_session = s\n")
    assert found(home) == []
    (bedrock,) = found(home, AWS_PROFILE="work")
    assert bedrock.what == "the AWS profile 'work'"
    assert bedrock.missing  # the profile names no region, and other profiles' regions do not count


def test_files_elsewhere_and_files_that_are_no_files(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("[default]\ncredential_process = /bin/keys\n")
    (bedrock,) = found(home, AWS_CONFIG_FILE=str(tmp_path / "mine"), AWS_REGION="us-east-1")
    assert bedrock.provider == "bedrock"
    (home / ".aws/config").write_bytes(b"\xff\xfe not an ini file")
    (home / ".aws/credentials").mkdir()
    assert found(home) == []


def test_variables_of_a_provider() -> None:
    assert variables("openai") == ("OPENAI_API_KEY",)
    assert variables("google-genai") == ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    assert variables("nosuch") == ()
