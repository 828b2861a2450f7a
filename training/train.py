"""Trains the adapter on traces (make them with training.traces).

    python -m training.train --traces traces.jsonl --out adapter

Goes on from the last checkpoint in the folder --out when it is run again. With --start it begins with an adapter that
training.export wrote, such as the one that is shipped. Uses a GPU where there is one. Writes
adapter.pt (weights and the state of training), log.jsonl (one line a step) and loss.png.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

# Before torch is loaded: threads that spin while they wait take the processor from whoever shares it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch

from agentkit.models.weights import fetch, file_sha256
from training.model import Adapter, Batch, Llama, read_gguf
from training.tokens import Sample, conversation, sample

__all__ = ["Plan", "batches", "load_adapter", "read_adapter"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is trained.

    Attributes:
        rate: the highest learning rate, reached after `warmup` of all steps; then it falls as a cosine.
        tokens: about how many are in a batch, whose conversations are of one prefix and about one length.
        batches: how many make one step. With one, each step would learn one kind of conversation, and unlearn another.
        seconds: stop after this long; the learning rate falls to its end by then.
    """

    rank: int = 16
    alpha: float = 32.0
    rate: float = 2e-3
    warmup: float = 0.04
    tokens: int = 2000
    batches: int = 3
    seconds: float = 3600.0
    seed: int = 1


def read_samples(path: Path, weights: Path) -> list[Sample]:
    """The traces in tokens, in the file's order."""
    found: list[Sample] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            found.append(sample(weights, *conversation(json.loads(line))))
    return found


def batches(samples: list[Sample], tokens: int, dice: Random) -> list[list[Sample]]:
    """Conversations of one prefix and about one length together, in an order without any pattern."""
    by_prefix: dict[tuple[int, ...], list[Sample]] = defaultdict(list)
    for each in samples:
        by_prefix[each.prefix].append(each)
    found: list[list[Sample]] = []
    for prefix, group in by_prefix.items():
        # Not sorted exactly: lengths within a batch are alike, but the batches are not the same in every pass.
        group.sort(key=lambda each: len(each.body) * dice.uniform(0.9, 1.1))
        batch: list[Sample] = []
        for each in group:
            longest = max(len(each.body), *(len(one.body) for one in batch), 0)
            if batch and len(prefix) + longest * (len(batch) + 1) > tokens:
                found.append(batch)
                batch = []
            batch.append(each)
        found.append(batch)
    dice.shuffle(found)
    return found


def as_batch(samples: list[Sample], device: torch.device) -> Batch:
    """Padded at the end, where nothing looks at it."""
    longest = max(len(each.body) for each in samples)
    bodies = torch.tensor([[*each.body, *[0] * (longest - len(each.body))] for each in samples])
    places = [(row, column) for row, each in enumerate(samples) for column in each.trained]
    rows, columns = (torch.tensor(side) for side in zip(*places, strict=True))
    targets = bodies[rows, columns]
    parts = (torch.tensor(samples[0].prefix), bodies, rows, columns - 1, targets)
    return Batch(*(part.to(device) for part in parts))


def endless(samples: list[Sample], plan: Plan, skip: int) -> Iterator[list[Sample]]:
    """Batches of one pass after the other; the first `skip` were trained before."""
    dice = Random(plan.seed)
    while True:
        for batch in batches(samples, plan.tokens, dice):
            if skip > 0:
                skip -= 1
                continue
            yield batch


def read_adapter(path: Path, weights: dict[str, torch.Tensor], blocks: int) -> Adapter:
    """The adapter in a GGUF that `training.export` wrote; its layout is training's own (see training.model).

    Raises:
        SystemExit: the file is no LoRA adapter for these weights.
    """
    from gguf import GGUFReader

    reader = GGUFReader(path)
    told = reader.get_field("adapter.lora.alpha")
    found = {tensor.name: torch.from_numpy(tensor.data.copy()).float() for tensor in reader.tensors}
    down = found.get("blk.0.attn_q.weight.lora_a")
    if told is None or down is None:
        raise SystemExit(f"{path} is not an adapter that training.export wrote.")
    adapter = Adapter(weights, blocks, len(down), float(told.contents()))
    parts = {"lora_a": adapter.a, "lora_b": adapter.b}
    with torch.no_grad():
        for part, matrices in parts.items():
            for key, matrix in matrices.items():
                block, name = key.split("-")
                given = found.get(f"blk.{block}.{name}.weight.{part}")
                if given is None or given.shape != matrix.shape:
                    raise SystemExit(f"{path} does not fit these weights: {part} of {name} in block {block}.")
                matrix.copy_(given)
    return adapter


def _together(found: Iterator[list[Sample]], many: int) -> Iterator[list[list[Sample]]]:
    """So many batches at a time, without end."""
    while True:
        yield list(islice(found, many))


def load_adapter(path: Path, weights: dict[str, torch.Tensor], blocks: int) -> Adapter:
    """The adapter of a checkpoint."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    adapter = Adapter(weights, blocks, state["plan"]["rank"], state["plan"]["alpha"])
    adapter.load_state_dict(state["adapter"])
    return adapter


def train(plan: Plan, samples: list[Sample], traces: str, out: Path, weights: Path, start: Path | None = None) -> None:
    """Train until the time is up; a checkpoint is written every three minutes.

    Args:
        start: an adapter as GGUF to begin with, where there is no checkpoint yet; its rank and alpha are kept.
        traces: the hash of the file that `samples` come from. With the same file as before, training goes on where it
            was in it; with another one, it begins at its beginning.
    """
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape, tensors = read_gguf(weights)
    adapter = Adapter(tensors, shape.blocks, plan.rank, plan.alpha)
    if start:
        adapter = read_adapter(start, tensors, shape.blocks)
        plan = replace(plan, rank=adapter.rank, alpha=adapter.alpha)
    model = Llama(shape, tensors, adapter, torch.bfloat16).to(device)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=plan.rate, weight_decay=0.0, betas=(0.9, 0.99))
    done: dict[str, float] = {"steps": 0, "batches": 0, "tokens": 0, "seconds": 0.0, "cpu": 0.0}
    seen = 0  # batches of these traces that were trained before
    if (checkpoint := out / "adapter.pt").exists():
        state: dict[str, Any] = torch.load(checkpoint, map_location=device, weights_only=True)
        adapter.load_state_dict(state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]
        seen = int(done["batches"]) - int(state["first"]) if state.get("traces") == traces else 0
    saved = time.monotonic()
    started, first = saved - done["seconds"], int(done["batches"]) - seen

    def save() -> None:
        """Written beside and renamed: whatever happens, a whole checkpoint is there."""
        learnt = {"adapter": adapter.state_dict(), "optimizer": optimizer.state_dict()}
        loose = checkpoint.with_suffix(".new")
        torch.save({"plan": asdict(plan), "done": done, "traces": traces, "first": first, **learnt}, loose)
        loose.replace(checkpoint)

    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        for some in _together(endless(samples, plan, seen), plan.batches):
            share = (time.monotonic() - started) / plan.seconds
            if share >= 1:
                break
            before = time.process_time()
            rate = _rate(plan, share)
            loss = _step(model, optimizer, [as_batch(batch, device) for batch in some], rate)
            fresh = sum(len(batch[0].prefix) + sum(len(each.body) for each in batch) for batch in some)
            done = {
                "steps": done["steps"] + 1,
                "batches": done["batches"] + len(some),
                "tokens": done["tokens"] + fresh,
                "seconds": time.monotonic() - started,
                "cpu": done["cpu"] + time.process_time() - before,
            }
            log.write(json.dumps({**done, "loss": loss, "rate": rate}) + "\n")
            log.flush()
            _show(share, done, loss)
            if time.monotonic() - saved > 180:
                save()
                saved = time.monotonic()
    save()
    plot(out)


def _rate(plan: Plan, share: float) -> float:
    if share < plan.warmup:
        return plan.rate * (share / plan.warmup + 0.02)
    fall = (share - plan.warmup) / (1 - plan.warmup)
    return plan.rate * (0.03 + 0.97 * (1 + math.cos(math.pi * fall)) / 2)


def _step(model: Llama, optimizer: torch.optim.Optimizer, batches: list[Batch], rate: float) -> float:
    """One step of the optimizer; the mean loss of the trained tokens in all batches."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    trained, mean = sum(len(batch.targets) for batch in batches), 0.0
    for batch in batches:
        loss = model.loss(batch) * (len(batch.targets) / trained)
        loss.backward()
        mean += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return mean


def _show(share: float, done: dict[str, float], loss: float) -> None:
    width = 30
    bar = "#" * int(share * width)
    told = f"step {done['steps']:.0f}, {done['tokens'] / 1000:.0f}k tokens, {done['cpu']:.0f} CPU-s, loss {loss:.3f}"
    sys.stderr.write(f"\r[{bar:<{width}}] {share:4.0%} {told}  ")
    sys.stderr.flush()


def plot(out: Path) -> None:
    """loss.png: the loss of each step, and its running mean."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    steps = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    if not steps:
        return
    tokens, losses = [each["tokens"] / 1000 for each in steps], [each["loss"] for each in steps]
    mean, means = losses[0], []
    for loss in losses:
        mean += 0.05 * (loss - mean)
        means.append(mean)
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    axes.plot(tokens, losses, ".", alpha=0.3, label="a batch")
    axes.plot(tokens, means, label="running mean")
    axes.set(xlabel="tokens trained, in thousands", ylabel="loss (cross entropy)", yscale="log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(out / "loss.png", dpi=120)
    pyplot.close(figure)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, default=Path("training/out/traces.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("training/out/adapter"))
    parser.add_argument("--start", type=Path, help="an adapter as GGUF to begin with")
    parser.add_argument("--minutes", type=float, default=60, help="how long to train, in all")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    for name, value in asdict(Plan()).items():
        if name != "seconds":
            parser.add_argument(f"--{name}", type=type(value), default=value)
    given = vars(parser.parse_args())
    torch.set_num_threads(given["threads"])
    plan = Plan(seconds=given["minutes"] * 60, **{name: given[name] for name in asdict(Plan()) if name in given})
    given["out"].mkdir(parents=True, exist_ok=True)
    weights = fetch()
    samples = read_samples(given["traces"], weights)
    if not samples:
        parser.error(f"{given['traces']} has no conversations: make some with training.traces")
    sys.stderr.write(f"{len(samples)} conversations, {sum(len(each.body) for each in samples)} tokens, "
                     f"{sum(len(each.trained) for each in samples)} of them trained\n")  # fmt: skip
    train(plan, samples, file_sha256(given["traces"]), given["out"], weights, given["start"])


if __name__ == "__main__":
    main()
