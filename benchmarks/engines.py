"""What an engine costs and what it keeps: the same windows and questions through each, in turns.

    python benchmarks/engines.py FOLDER [--files xquad.en.json ...] [--questions 100] [--rounds 5]

FOLDER holds the float32 weights of the bundled reader in transformers' format. Engines: torch in float32; the
light engine on the same weights in float32; the bundled layers as this processor likes them; the same in 8-bit
arithmetic, wanted or not; ONNX Runtime in float32 and with dynamic 8 bits where `onnx` and `onnxruntime` are
installed. Seconds are of this process's cores (the sum over threads), which busy neighbours disturb least, and
of the clock: medians over interleaved rounds, each beside its ratio to torch. F1 is forced (no abstaining), over
the right paragraph.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from machine import describe

from fundstelle.evaluation.datasets import load
from fundstelle.evaluation.reading import read
from fundstelle.evaluation.squad2 import score_v1
from fundstelle.reader import bundle, light
from fundstelle.reader.engine import Batch, Engine, Logits
from fundstelle.reader.reader import Reader

FULL = (256,) * 16
MIXED = tuple(np.random.default_rng(0).gamma(4.0, 45.0, 32).clip(24, 256).astype(int).tolist())
"""Lengths in tokens: a full batch, and one as questions over paragraphs give it, sorted into four batches."""


@dataclass(frozen=True)
class OnnxEngine:
    """A reader exported to ONNX, run by ONNX Runtime."""

    session: Any
    description: str

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        start, end = self.session.run(None, {"ids": batch.input_ids, "mask": batch.attention_mask})
        return start, end

    def close(self) -> None:
        pass


def engines(folder: Path, scratch: Path) -> Iterator[Engine]:
    """Every engine that this installation can run, torch first."""
    from fundstelle.training.packing import pack_reader

    yield Reader.load(folder, device="cpu", dtype="float32").engine
    pack_reader(folder, scratch / "float32")
    yield bundle.load_engine(scratch / "float32", exact=True)
    yield bundle.load_engine(bundle.path())
    if not light.multiplies_bytes():
        with mock.patch.object(light, "multiplies_bytes", lambda: True):
            yield bundle.load_engine(bundle.path())
    if find_spec("onnx") and find_spec("onnxruntime"):
        yield from onnx_engines(folder, scratch)


def onnx_engines(folder: Path, scratch: Path) -> Iterator[OnnxEngine]:
    """ONNX Runtime in float32 and with 8-bit weights and dynamic 8-bit activations."""
    import torch
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModelForQuestionAnswering

    model = AutoModelForQuestionAnswering.from_pretrained(folder, attn_implementation="eager").eval()
    ones, names = torch.ones(2, 8, dtype=torch.int64), ["ids", "mask", "start", "end"]
    axes = {name: {0: "windows", 1: "length"} for name in names}
    plain, dynamic = scratch / "float32.onnx", scratch / "dynamic.onnx"
    layout = {"input_names": names[:2], "output_names": names[2:], "dynamic_axes": axes}
    torch.onnx.export(model, (ones, ones), plain, dynamo=False, opset_version=17, **layout)
    quantize_dynamic(plain, dynamic, weight_type=QuantType.QInt8, per_channel=True)
    options = SessionOptions()
    options.intra_op_num_threads = light.available_cores()
    options.log_severity_level = 3
    for file, precision in ((plain, "float32"), (dynamic, "dynamic int8")):
        yield OnnxEngine(InferenceSession(file, options), f"onnxruntime {precision} on CPU")


def batches(lengths: Sequence[int]) -> list[Batch]:
    """Windows of random pieces, longest first, eight to sixteen a batch."""
    made, ordered = [], sorted(lengths, reverse=True)
    size = 16 if len(set(lengths)) == 1 else 8
    for first in range(0, len(ordered), size):
        group = np.array(ordered[first : first + size])
        mask = (np.arange(group.max()) < group[:, None]).astype(np.int64)
        ids = np.random.default_rng(first).zipf(1.3, mask.shape).clip(4, 200_000)
        made.append(Batch(np.where(mask, ids, 1), mask))
    return made


def measure(runs: Sequence[Callable[[], object]], rounds: int) -> list[tuple[float, float]]:
    """Median (processor, clock) seconds of each run, taken in turns after a first round that does not count."""
    figures: list[list[tuple[float, float]]] = [[] for _ in runs]
    for turn in range(rounds + 1):
        for figure, run in zip(figures, runs, strict=True):
            cores, clock = time.process_time(), time.perf_counter()
            run()
            if turn:
                figure.append((time.process_time() - cores, time.perf_counter() - clock))
    return [
        (statistics.median(cores for cores, _ in figure), statistics.median(clock for _, clock in figure))
        for figure in figures
    ]


def run_all(engine: Engine, work: Sequence[Batch]) -> None:
    """All batches, one after the other."""
    for batch in work:
        engine.logits(batch)


def compare_speed(candidates: Sequence[Engine], rounds: int) -> None:
    """Print what each engine needs for a full batch and for mixed lengths."""
    for title, lengths in (("16 x 256 tokens", FULL), (f"{len(MIXED)} mixed, {sum(MIXED)} tokens", MIXED)):
        work = batches(lengths)
        runs = [partial(run_all, engine, work) for engine in candidates]
        figures = measure(runs, rounds)
        print(f"\n{title}: seconds of cores, seconds by the clock, times as fast as the first")
        for engine, (cores, clock) in zip(candidates, figures, strict=True):
            print(f"  {engine.description:48} {cores:6.2f} {clock:6.2f} {figures[0][0] / cores:6.2f}")


def compare_quality(candidates: Sequence[Engine], files: Sequence[Path], questions: int) -> None:
    """Print exact match and F1 of each engine over the same questions of each file."""
    packaged = Reader.load()
    for file in files:
        dataset = load(file).sample(questions) if questions else load(file)
        print(f"\n{file.name}, {len(dataset.questions)} questions: EM, F1, F1 less the first's")
        first = None
        for engine in candidates:
            rows = list(read(dataset, Reader(engine, packaged.tokenizer), score_v1))
            exact = 100 * statistics.fmean(row.forced_exact for row in rows)
            f1 = 100 * statistics.fmean(row.forced_f1 for row in rows)
            first = f1 if first is None else first
            print(f"  {engine.description:48} {exact:6.2f} {f1:6.2f} {f1 - first:+6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="float32 weights of the bundled reader")
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="SQuAD files to take F1 over")
    parser.add_argument("--questions", type=int, default=100, help="of each file; 0 for all")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as scratch:
        candidates = list(engines(options.folder, Path(scratch)))
        if options.rounds:
            compare_speed(candidates, options.rounds)
        compare_quality(candidates, options.files, options.questions)


if __name__ == "__main__":
    main()
