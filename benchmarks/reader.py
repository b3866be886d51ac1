"""The reader alone: the same 20 passages and questions, ours beside Haystack's reader and a plain transformers loop.

    pip install transformers-haystack==2.0.0
    python benchmarks/reader.py FOLDER xquad.en.json xquad.de.json xquad.zh.json [--questions 67] [--base 8]
        [--rows rows.jsonl]

FOLDER holds the float32 weights of the bundled reader in transformers' format. Each system has a process of its own,
so that its peak memory is its own; all are asked each question in turns, so that a busy moment meets all of them.
Ours reads what `fundstelle pack` made of the weights, at 8 bits, and once the weights themselves by torch. `--base`
does the same on so many questions a set with random weights of XLM-R base's size (278 million), on which F1 says
nothing. With `--rows` every answer is written down, and a run that was stopped goes on where it was.

Printed first: what a warm answer from one short passage takes besides the model. Then for each set: questions a
second (of medians), how many times the peer's that is, F1 of the best answer over all passages, peak memory; and how
much of the processor's own matrix products our model reaches, with what the rest of the time is: padding, and all
that is not the model.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from machine import describe
from systems import SYSTEMS, Ours, Timed, system

from fundstelle.evaluation.collection import temporary
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.squad2 import score
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.reader import bundle, light
from fundstelle.reader.reader import Reader
from fundstelle.training.packing import pack_reader

PASSAGES = 20
WARM = 3
"""Questions that are asked once before the clock runs, so that ours has met the usual shapes of batches."""


def serve(connection: Connection, *what: Any) -> None:
    """A system in a process of its own: answers questions until there is none, then says what it took."""
    answer, spent = system(*what), 0.0
    while (asked := connection.recv()) is not None:
        began = time.perf_counter()
        text = answer(*asked)
        spent += (seconds := time.perf_counter() - began)
        connection.send((text, seconds))
    taken: dict[str, Any] = {"peak": peak_memory(), "spent": spent}
    if isinstance(answer, Ours):
        names = ("seconds", "products", "tokens", "padded", "description")
        taken |= {name: getattr(answer.engine, name) for name in names}
    connection.send(taken)


def peak_memory() -> int:
    """The most memory this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@contextmanager
def started(*what: Any) -> Iterator[Connection]:
    """A process with that system, and the connection to it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, *what), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def questions(dataset: Dataset, count: int) -> Iterator[tuple[str, list[str], list[Hit]]]:
    """Question, gold answers and the passages to read, which our retrieval finds in all the file's paragraphs."""
    counter = TokenCounter.load(bundle.path() / bundle.TOKENIZER)
    with temporary(dataset, counter) as (store, _):
        for question in dataset.sample(count).questions:
            yield question.text, question.gold_texts, list(store.search(question.text, PASSAGES))


class Rows:
    """What was measured, by set, system and question; kept in a file where there is one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        self.rows = {(row["set"], row["system"], row["question"]): row for row in map(json.loads, lines)}

    def add(self, row: dict[str, Any]) -> None:
        self.rows[row["set"], row["system"], row["question"]] = row
        if self.path:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def of(self, title: str, name: str, field: str) -> list[float]:
        return [row[field] for (one, two, _), row in self.rows.items() if (one, two) == (title, name)]


def measure(title: str, asked: Sequence[tuple[str, list[str], list[Hit]]], rows: Rows, *what: Any) -> None:
    """Ask every system every question that is not answered in `rows` yet, in turns; print the set's lines."""
    with ExitStack() as stack:
        systems = {name: stack.enter_context(started(name, *what)) for name in SYSTEMS}
        missing = [name for name in systems if any((title, name, one[0]) not in rows.rows for one in asked)]
        for question, _, hits in asked[:WARM]:
            for name in missing:
                ask(systems[name], question, hits)
        for question, golds, hits in asked:
            for name, connection in systems.items():
                if (title, name, question) in rows.rows:
                    continue
                text, seconds = ask(connection, question, hits)
                f1 = 100 * score(text, golds).f1
                rows.add({"set": title, "system": name, "question": question, "seconds": seconds, "f1": f1})
        for connection in systems.values():
            connection.send(None)
        taken = {name: connection.recv() for name, connection in systems.items()}
    report(title, rows, taken)  # all processes have ended: it measures what the processor can do alone


def ask(connection: Connection, question: str, hits: Sequence[Hit]) -> tuple[str, float]:
    connection.send((question, hits))
    text, seconds = connection.recv()
    return text, seconds


def report(title: str, rows: Rows, taken: dict[str, dict[str, Any]]) -> None:
    """One line a system, and one about our model."""
    medians = {name: statistics.median(rows.of(title, name, "seconds")) for name in SYSTEMS}
    print(f"\n{title}: questions/s, times haystack's, F1, peak memory in MB")
    for name, median in medians.items():
        f1 = statistics.fmean(rows.of(title, name, "f1"))
        memory = taken[name]["peak"] / 1e6
        ratio = medians["haystack"] / median
        print(f"  {name:20} {1 / median:8.2f} {ratio:6.1f} {f1:6.1f} {memory:7.0f}", flush=True)
    mine = taken["ours, all read"]
    if mine["seconds"]:
        rate = 2 * mine["products"] / mine["seconds"] / 1e9
        print(f"  our model ({mine['description']}): {rate:.0f} GFLOP/s, {peaks(rate)}")
        print(
            f"  of its tokens {1 - mine['tokens'] / mine['padded']:.0%} are padding; "
            f"all but the model takes {1 - mine['seconds'] / mine['spent']:.0%} of the time"
        )


def peaks(rate: float) -> str:
    """Each number format's rate for one large product, measured now, and our model's share of it."""
    found = {name: peak(name) for name in ("int8", "bf16", "f32")}
    return ", ".join(f"{rate / value:.0%} of {name}'s peak ({value:.0f})" for name, value in found.items())


def peak(name: str) -> float:
    """The best of a few runs of six products of 2048 x 1024 by 1024 x 1024 by OpenVINO, in 10^9 operations a second.

    int8: activations and weights are both quantised, as in the bundled layers.
    """
    openvino = light.import_openvino()
    from openvino import opset13 as op

    rows, width, depth, kind = 2048, 1024, 6, np.float32
    generator = np.random.default_rng(0)
    low, high = op.constant(kind(-1)), op.constant(kind(1))
    given = product = op.parameter([rows, width], kind)
    for _ in range(depth):
        weights = op.constant(generator.uniform(-1, 1, (width, width)).astype(kind))
        if name == "int8":
            product = op.fake_quantize(product, low, high, low, high, 256)
            weights = op.fake_quantize(weights, low, high, low, high, 255)
        product = op.matmul(product, weights, False, True)
    model = openvino.Model([product], [given])
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if name == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    values, times = np.ones((rows, width), kind), []
    for _ in range(8):
        began = time.perf_counter()
        request.infer([values], share_inputs=True)
        times.append(time.perf_counter() - began)
    return 2 * depth * rows * width * width / min(times) / 1e9


def beyond_the_model(rounds: int = 100) -> str:
    """What a warm answer from one short passage takes besides the model: the two timed in turns, in this process."""
    passage = Passage("p", "d", "The office in Harbour Street opened in 1987. It has forty desks.", 0, "s")
    with Reader.load() as reader:
        timed = Timed(reader.engine, 12, 384)
        reader = Reader(timed, reader.tokenizer, calibration=reader.calibration)
        figures = []
        for _ in range(rounds + 1):
            before, began = timed.seconds, time.perf_counter()
            reader.read("When did the office open?", [passage])
            whole, model = time.perf_counter() - began, timed.seconds - before
            figures.append((whole - model, model))
    beyond, model = (1000 * statistics.median(each) for each in zip(*figures[1:], strict=True))
    return f"one short passage, warm: model {model:.1f} ms, all else {beyond:.1f} ms (medians of {rounds})"


def random_base(folder: Path, like: Path) -> None:
    """A reader of XLM-R base's size with random weights, with the tokenizer of the reader in `like`."""
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForQuestionAnswering

    config = XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1)
    XLMRobertaForQuestionAnswering(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(like).save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="float32 weights of the bundled reader")
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files")
    parser.add_argument("--questions", type=int, default=67, help="of each file")
    parser.add_argument(
        "--base", type=int, default=0, help="of each file to random weights of XLM-R base's size"
    )
    parser.add_argument("--rows", type=Path, help="where answers are kept")
    options = parser.parse_args()
    print(describe(), beyond_the_model(), sep="\n")
    rows = Rows(options.rows)
    asked = {file.name: list(questions(load(file), options.questions)) for file in options.files}
    for title, each in asked.items():
        measure(title, each, rows, str(options.folder), str(bundle.path()), 12, 384)
    if options.base:
        with tempfile.TemporaryDirectory() as scratch:
            model, packed = Path(scratch, "model"), Path(scratch, "packed")
            random_base(model, options.folder)
            pack_reader(model, packed, calibrate=options.files, windows=60)
            for title, each in asked.items():
                what = (str(model), str(packed), 12, 768)
                measure(f"{title}, random base", each[: options.base], rows, *what)


if __name__ == "__main__":
    main()
