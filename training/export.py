"""Writes a trained adapter as GGUF, for llama.cpp.

    python -m training.export --checkpoint training/out/adapter/adapter.pt --out adapter.gguf

It was trained in the GGUF's own layout (see training.model), so the matrices go over as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from agentkit.models.weights import fetch, file_sha256
from training.model import LINEAR, Adapter, read_gguf
from training.train import load_adapter

__all__ = ["export"]


def export(adapter: Adapter, blocks: int, out: Path) -> None:
    """Write the adapter in half precision."""
    from gguf import GGUFWriter

    writer = GGUFWriter(out, "llama")
    writer.add_type("adapter")
    writer.add_name("SmolLM2-135M-Instruct, agentkit")
    writer.add_license("apache-2.0")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", adapter.alpha)
    for block in range(blocks):
        for name in LINEAR:
            for part, matrices in (("lora_a", adapter.a), ("lora_b", adapter.b)):
                matrix = matrices[f"{block}-{name}"].detach().to(torch.float32).numpy()
                writer.add_tensor(f"blk.{block}.{name}.weight.{part}", np.ascontiguousarray(matrix, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("training/out/adapter/adapter.pt"))
    parser.add_argument("--out", type=Path, default=Path("training/out/adapter.gguf"))
    given = parser.parse_args()
    shape, weights = read_gguf(fetch())
    export(load_adapter(given.checkpoint, weights, shape.blocks), shape.blocks, given.out)
    sys.stdout.write(f"{given.out}: {given.out.stat().st_size:,} bytes, sha256 {file_sha256(given.out)}\n")


if __name__ == "__main__":
    main()
