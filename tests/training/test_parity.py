"""Training and runtime compute the same: tokens and next-token probabilities, with and without the adapter."""

# torch and gguf are not installed where this is checked.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentkit.messages import Message
from agentkit.models.local import chatml, installed
from agentkit.models.local_engine import Setup, load
from agentkit.models.weights import ADAPTER, file_sha256, locate

torch: Any = pytest.importorskip("torch", reason="training/requirements.txt is not installed")
pytest.importorskip("gguf", reason="training/requirements.txt is not installed")
pytestmark = pytest.mark.skipif(not installed(), reason="the local model is not installed: run-agent model fetch")

PROMPTS = (
    chatml([Message("system", "Solve the problem by a Python program."), Message("user", "What is 17% of 2,340?")])
    + "```python\n",
    chatml([Message("system", "Answer."), Message("user", "Zoë São Paulo → 12:45, F203?\n  Two  blanks.")])
    + "Thought:",
)
ALLOWED = 0.35
"""In logarithms of probabilities: the runtime reckons with activations of 8 bits."""


def asked(server: Any, prompt: str) -> Mapping[str, Any]:
    """The runtime's most likely next tokens."""
    pieces: list[Mapping[str, Any]] = []
    wanted = {
        "prompt": prompt,
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 3,
        "cache_prompt": False,
        "stream": False,
    }

    def receive(piece: Mapping[str, Any]) -> bool:
        pieces.append(piece)
        return False

    server.handle_completions(wanted, receive)
    return pieces[-1]


@pytest.mark.parametrize("adapted", [False, True])
def test_both_give_the_same_tokens_and_probabilities(adapted: bool) -> None:
    from training.model import Batch, Llama, read_gguf
    from training.tokens import encode
    from training.train import read_adapter

    weights = locate()
    assert weights is not None
    shape, tensors = read_gguf(weights)
    adapter = read_adapter(ADAPTER.path, tensors, shape.blocks) if adapted else None
    model = Llama(shape, tensors, adapter, torch.float32)
    server = load(Setup(weights, ADAPTER.path if adapted else None, 512, 1))
    for prompt in PROMPTS:
        told = asked(server, prompt)
        ids = encode(weights, prompt)
        assert len(ids) == told["timings"]["prompt_n"]
        # Split anywhere: a prefix that others share must not change what comes out.
        last = torch.tensor([len(ids) - 8])
        batch = Batch(torch.tensor(ids[:7]), torch.tensor([ids[7:]]), torch.tensor([0]), last, last)
        with torch.no_grad():
            found = torch.log_softmax(model.logits(batch)[0], -1)
        for each in told["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            if each["logprob"] > -4:
                assert math.isclose(float(found[each["id"]]), each["logprob"], abs_tol=ALLOWED)


def test_an_exported_adapter_comes_back_as_it_was(tmp_path: Path) -> None:
    """What `training.train --start` begins with."""
    from training.export import export
    from training.model import read_gguf
    from training.train import read_adapter

    weights = locate()
    assert weights is not None
    shape, tensors = read_gguf(weights)
    adapter = read_adapter(ADAPTER.path, tensors, shape.blocks)
    assert (adapter.rank, adapter.alpha) == (16, 32.0)
    export(adapter, shape.blocks, tmp_path / "again.gguf")
    assert file_sha256(tmp_path / "again.gguf") == ADAPTER.sha256
    with pytest.raises(SystemExit, match=r"is not an adapter that training\.export wrote"):
        read_adapter(weights, tensors, shape.blocks)


def test_training_begins_with_the_adapter_that_is_named_and_keeps_its_form(tmp_path: Path) -> None:
    from training.model import read_gguf
    from training.tokens import sample
    from training.train import Plan, load_adapter, read_adapter, train

    weights = locate()
    assert weights is not None
    said = sample(weights, [Message("system", "Answer."), Message("user", "2 + 2?"), Message("assistant", "4")])
    train(Plan(rank=4, seconds=1e-9), [said], "", tmp_path, weights, ADAPTER.path)  # over before its first step
    shape, tensors = read_gguf(weights)
    begun = load_adapter(tmp_path / "adapter.pt", tensors, shape.blocks)
    shipped = read_adapter(ADAPTER.path, tensors, shape.blocks)
    assert (begun.rank, begun.alpha) == (16, 32.0)
    for name, matrix in shipped.state_dict().items():
        assert torch.equal(begun.state_dict()[name], matrix)
