"""Writes the smallest LoRA adapter llama.cpp accepts: one pair of matrices for one layer, in GGUF version 3.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

__all__ = ["write_adapter"]

WIDTH, RANK = 576, 2  # SmolLM2-135M: the rows and columns of blk.0.attn_q.weight
STRING, FLOAT32 = 8, 6


def write_adapter(path: Path, strength: float) -> Path:
    """An adapter that adds `strength` times noise to one projection; 0 changes nothing."""
    metadata = [
        _pair("general.architecture", STRING, _string("llama")),
        _pair("general.type", STRING, _string("adapter")),
        _pair("adapter.type", STRING, _string("lora")),
        _pair("adapter.lora.alpha", FLOAT32, struct.pack("<f", RANK)),
    ]
    random = Random(0)
    matrices = {
        "blk.0.attn_q.weight.lora_a": ((WIDTH, RANK), [random.gauss(0, 1) for _ in range(WIDTH * RANK)]),
        "blk.0.attn_q.weight.lora_b": ((RANK, WIDTH), [random.gauss(0, strength) for _ in range(WIDTH * RANK)]),
    }
    infos, data = b"", b""
    for name, (shape, values) in matrices.items():
        infos += _string(name) + struct.pack("<IQQIQ", 2, *shape, 0, len(data))
        data += struct.pack(f"<{len(values)}f", *values)  # a multiple of the alignment, 32 bytes
    head = b"GGUF" + struct.pack("<IQQ", 3, len(matrices), len(metadata)) + b"".join(metadata) + infos
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _pair(key: str, kind: int, value: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + value
