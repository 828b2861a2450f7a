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
from agentkit.models.weights import ADAPTER, locate

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


def read_adapter(path: Path, tensors: dict[str, Any], blocks: int) -> Any:
    """The exported adapter, back in torch."""
    from gguf import GGUFReader

    from training.model import Adapter

    found = {tensor.name: torch.from_numpy(tensor.data.copy()).float() for tensor in GGUFReader(path).tensors}
    rank = found["blk.0.attn_q.weight.lora_a"].shape[0]
    adapter = Adapter(tensors, blocks, rank, 2.0 * rank)
    state = {
        f"{part[-1]}.{block}-{name}": found[f"blk.{block}.{name}.weight.{part}"]
        for block in range(blocks)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
        for part in ("lora_a", "lora_b")
    }
    adapter.load_state_dict(state)
    return adapter
