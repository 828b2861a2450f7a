"""Setting Bedrock up: region, credentials, options, ARNs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentkit.errors import AuthError, ConfigError, ModelError, TransientError
from agentkit.models import load
from tests.support.bedrock import BedrockEndpoint
from tests.support.bedrock_script import UNAVAILABLE, Answer
from tests.support.models import ask, bedrock_at, request, told


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_no_region(no_aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthError, match=r"^No AWS region is set for bedrock:m\.x: set AWS_REGION"):
        load("bedrock:m.x")


def test_no_credentials(no_aws: pytest.MonkeyPatch) -> None:
    no_aws.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(AuthError, match=r"^No AWS credentials were found for bedrock:m\.x: run `aws configure`"):
        load("bedrock:m.x")


def test_no_such_profile(no_aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthError, match=r"profile \(absent\) could not be found"):
        load("bedrock:m.x", credentials_profile_name="absent")


def test_the_environment_is_enough(no_aws: pytest.MonkeyPatch) -> None:
    no_aws.setenv("AWS_REGION", "ap-south-1")
    no_aws.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    with BedrockEndpoint([UNAVAILABLE, Answer("a")]) as endpoint:
        model = load("bedrock:amazon.nova-lite-v1:0", endpoint_url=endpoint.url)
        with pytest.raises(TransientError):
            ask(model)
        assert len(endpoint.requests) == 1  # botocore's own retries are off
        assert told(ask(model))[0] == "a"
    assert endpoint.requests[0].scope.startswith("AKIDENV/")
    assert "/ap-south-1/bedrock/" in endpoint.requests[0].scope


def test_an_api_key_for_bedrock_needs_no_other_credentials(no_aws: pytest.MonkeyPatch) -> None:
    with BedrockEndpoint([]) as endpoint:
        model = load("bedrock:amazon.nova-lite-v1:0", endpoint_url=endpoint.url, region_name="us-east-1", api_key="k")
        with pytest.raises(ModelError, match="Bearer authorization requires an HTTPS endpoint"):  # so it would be sent
            ask(model)


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"Bedrock has no option 'regionname'\. Did you mean 'region_name'\?"):
        load("bedrock:m.x", regionname="us-east-1")


def test_an_arn_tells_its_provider_or_is_asked_to() -> None:
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0"
    with BedrockEndpoint([Answer("a")]) as endpoint:
        ask(bedrock_at(endpoint, profile), request(top_k=3))
        assert (endpoint.requests[0].model, endpoint.requests[0].extra) == (profile, {"top_k": 3})
        with pytest.raises(ConfigError, match="does not say whose model it is: pass provider="):
            bedrock_at(endpoint, "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc")
