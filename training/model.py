"""The embedded model in PyTorch, with a LoRA in each linear layer (Hu et al. 2021, arXiv:2106.09685).

Written out instead of taken from a library for two reasons:

- Many conversations begin with the same system message. Here it is computed once in a batch: every conversation attends
  to it and to itself. Together with logits at the trained positions only and bfloat16, this trains three to four times
  as many tokens a second on a CPU as a library's model with a mask.
- The weights stay in the GGUF's own layout (llama.cpp permutes the rows of the query and key projections, and rotates
  neighbouring pairs), so that the adapter can be written as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["LINEAR", "Adapter", "Batch", "Llama", "Shape", "read_gguf"]

LINEAR = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The linear layers of a block, by their names in a GGUF."""
_FUSED = (("attn_q", "attn_k", "attn_v"), ("attn_output",), ("ffn_gate", "ffn_up"), ("ffn_down",))


@dataclass(frozen=True, slots=True)
class Shape:
    """What the GGUF says of the model's form."""

    blocks: int
    heads: int
    kv_heads: int
    epsilon: float
    rope_base: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Conversations behind one prefix.

    Attributes:
        prefix: (P) tokens that all begin with.
        bodies: (B, L) the rest of each, padded at the end.
        rows, columns: the positions in `bodies` whose next token is trained.
        targets: the token that follows at each of these positions.
    """

    prefix: Tensor
    bodies: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor


def read_gguf(path: Path) -> tuple[Shape, dict[str, Tensor]]:
    """Form and dequantised weights (float32)."""
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(path)

    def told(key: str) -> float:
        field = reader.get_field(f"llama.{key}")
        assert field is not None, key
        return float(field.contents())

    shape = Shape(
        blocks=int(told("block_count")),
        heads=int(told("attention.head_count")),
        kv_heads=int(told("attention.head_count_kv")),
        epsilon=told("attention.layer_norm_rms_epsilon"),
        rope_base=told("rope.freq_base"),
    )
    weights = {
        tensor.name: torch.from_numpy(np.array(dequantize(tensor.data, tensor.tensor_type), np.float32))
        for tensor in reader.tensors
    }
    return shape, weights


class Adapter(nn.Module):
    """Two thin matrices for each linear layer: what it adds is `alpha / rank * x A^T B^T`."""

    def __init__(self, weights: dict[str, Tensor], blocks: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.rank, self.alpha = rank, alpha
        self.a, self.b = nn.ParameterDict(), nn.ParameterDict()
        for block in range(blocks):
            for name in LINEAR:
                out, into = weights[f"blk.{block}.{name}.weight"].shape
                down = torch.empty(rank, into)
                nn.init.kaiming_uniform_(down, a=math.sqrt(5))
                self.a[f"{block}-{name}"] = nn.Parameter(down)
                self.b[f"{block}-{name}"] = nn.Parameter(torch.zeros(out, rank))

    def matrices(self, block: int, names: tuple[str, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """A and B of several layers that read the same input, as one of each."""
        a = torch.cat([self.a[f"{block}-{name}"] for name in names])
        b = torch.block_diag(*[self.b[f"{block}-{name}"] for name in names]) * (self.alpha / self.rank)
        return a.to(dtype), b.to(dtype)


class Llama(nn.Module):
    """The frozen model with its adapter (None: the bare model).

    Args:
        dtype: of the matrix products; norms, the residual stream and the loss are float32.
    """

    def __init__(
        self, shape: Shape, weights: dict[str, Tensor], adapter: Adapter | None, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.shape, self.adapter, self.dtype = shape, adapter, dtype
        self.head_size = weights["blk.0.attn_q.weight"].shape[0] // shape.heads
        self.register_buffer("embedding", weights["token_embd.weight"], persistent=False)
        self.register_buffer("head", weights["token_embd.weight"].to(dtype), persistent=False)
        self.register_buffer("final_norm", weights["output_norm.weight"], persistent=False)
        for block in range(shape.blocks):
            for n, names in enumerate(_FUSED):
                fused = torch.cat([weights[f"blk.{block}.{name}.weight"] for name in names]).to(dtype)
                self.register_buffer(f"w{block}_{n}", fused, persistent=False)
            for norm in ("attn_norm", "ffn_norm"):
                self.register_buffer(f"{norm}{block}", weights[f"blk.{block}.{norm}.weight"], persistent=False)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross entropy of the trained tokens."""
        return functional.cross_entropy(self.logits(batch), batch.targets)

    def logits(self, batch: Batch) -> Tensor:
        """The next-token scores (float32) at the trained positions."""
        prefix, (conversations, length) = len(batch.prefix), batch.bodies.shape
        x = self.embedding[torch.cat([batch.prefix, batch.bodies.flatten()])]
        place = torch.cat(
            [
                torch.arange(prefix, device=x.device),
                torch.arange(prefix, prefix + length, device=x.device).repeat(conversations),
            ]
        )
        turn = self._rotation(place)
        mask = self._mask(prefix, length, x.device)
        for block in range(self.shape.blocks):
            x = x + self._attention(block, self._norm(x, f"attn_norm{block}"), turn, mask, batch)
            x = x + self._feed_forward(block, self._norm(x, f"ffn_norm{block}"))
        chosen = x[prefix + batch.rows * length + batch.columns]
        return (self._norm(chosen, "final_norm") @ self.head.T).float()

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.get_buffer(name), self.shape.epsilon).to(self.dtype)

    def _linear(self, block: int, part: int, x: Tensor) -> Tensor:
        y = x @ self.get_buffer(f"w{block}_{part}").T
        if self.adapter is None:
            return y
        a, b = self.adapter.matrices(block, _FUSED[part], self.dtype)
        return y + (x @ a.T) @ b.T

    def _rotation(self, place: Tensor) -> tuple[Tensor, Tensor]:
        half = self.head_size // 2
        speed = self.shape.rope_base ** (-torch.arange(half, device=place.device, dtype=torch.float32) / half)
        angle = place[:, None, None].float() * speed
        return angle.cos(), angle.sin()

    def _rotated(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """x: (tokens, heads, head size); neighbouring pairs are turned by an angle that grows with the place."""
        cos, sin = turn
        even, odd = x[..., 0::2].float(), x[..., 1::2].float()
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2).to(self.dtype)

    def _mask(self, prefix: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """What may not be seen, as a large negative number: within the prefix, and within a body behind it."""
        group = self.shape.heads // self.shape.kv_heads
        within = torch.full((prefix, prefix), -1e9, device=device, dtype=self.dtype).triu(1)
        body = torch.full((length, length), -1e9, device=device, dtype=self.dtype).triu(1)
        behind = torch.cat([torch.zeros(length, prefix, device=device, dtype=self.dtype), body], 1)
        return within.repeat(group, 1), behind.repeat(group, 1)

    def _attention(
        self, block: int, x: Tensor, turn: tuple[Tensor, Tensor], mask: tuple[Tensor, Tensor], batch: Batch
    ) -> Tensor:
        shape, size = self.shape, self.head_size
        both = self._linear(block, 0, x).split([shape.heads * size, shape.kv_heads * size, shape.kv_heads * size], -1)
        q = self._rotated(both[0].unflatten(-1, (shape.heads, size)), turn) / math.sqrt(size)
        k = self._rotated(both[1].unflatten(-1, (shape.kv_heads, size)), turn)
        v = both[2].unflatten(-1, (shape.kv_heads, size))
        prefix, (conversations, _) = len(batch.prefix), batch.bodies.shape
        first = [part[None, :prefix] for part in (q, k, v)]
        rest = [part[prefix:].unflatten(0, batch.bodies.shape) for part in (q, k, v)]
        keys = torch.cat([first[1].expand(conversations, -1, -1, -1), rest[1]], 1)
        values = torch.cat([first[2].expand(conversations, -1, -1, -1), rest[2]], 1)
        seen = [
            self._attended(first[0], first[1], first[2], mask[0]),
            self._attended(rest[0], keys, values, mask[1]).flatten(0, 1),
        ]
        return self._linear(block, 1, torch.cat([seen[0][0], seen[1]]))

    def _attended(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """q: (B, L, heads, size), k and v: (B, S, kv heads, size). The heads that share keys go into one product."""
        many, length, heads, size = q.shape
        shared = heads // self.shape.kv_heads
        rows = q.unflatten(2, (self.shape.kv_heads, shared)).permute(0, 2, 3, 1, 4).flatten(2, 3).flatten(0, 1)
        keys, values = (part.transpose(1, 2).flatten(0, 1) for part in (k, v))
        weights = torch.softmax(rows @ keys.transpose(1, 2) + mask, -1)
        out = (weights @ values).view(many, self.shape.kv_heads, shared, length, size)
        return out.permute(0, 3, 1, 2, 4).reshape(many, length, heads * size)

    def _feed_forward(self, block: int, x: Tensor) -> Tensor:
        gate, up = self._linear(block, 2, x).chunk(2, -1)
        return self._linear(block, 3, functional.silu(gate) * up).float()
