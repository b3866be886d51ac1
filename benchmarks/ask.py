"""Questions over a collection: ours beside a Haystack 3 pipeline, same passages, same weights, one run.

    python benchmarks/ask.py --model FOLDER xquad.en.json xquad.de.json [--questions 60] [--top-k 20]

FOLDER holds the float32 weights of the bundled reader in transformers' format; the peer reads with them
through InMemoryBM25Retriever and TransformersExtractiveReader. Every question is asked of both, in turns,
so that a busy moment of the machine meets both; medians are printed, and ratios of medians.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from machine import describe

from fundstelle.evaluation.squad2 import score
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.reader import bundle
from fundstelle.reader.reader import Reader

Ask = Callable[[str], str]


@dataclass
class Run:
    """One system's figures over the questions of one file."""

    seconds: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)

    def ask(self, system: Ask, question: str, gold: list[str]) -> None:
        began = time.perf_counter()
        answer = system(question)
        self.seconds.append(time.perf_counter() - began)
        self.f1.append(100 * score(answer, gold).f1)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def mean_f1(self) -> float:
        return statistics.fmean(self.f1)


def contexts_and_questions(path: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The paragraphs of a SQuAD file, and its answerable questions with their gold answers."""
    paragraphs = [
        paragraph
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
    ]
    questions = [
        (question["question"], [answer["text"] for answer in question["answers"]])
        for paragraph in paragraphs
        for question in paragraph["qas"]
        if question["answers"]
    ]
    return [paragraph["context"] for paragraph in paragraphs], questions


def sample(items: list[Any], count: int) -> Iterator[Any]:
    """`count` items spread evenly over the list."""
    step = max(1, len(items) // count)
    yield from items[::step][:count]


def write_files(contexts: list[str], folder: Path) -> Path:
    """One text file a paragraph, so that both systems get what the real indexing job makes of files."""
    for number, context in enumerate(contexts):
        (folder / f"{number:05}.txt").write_text(context, encoding="utf-8")
    return folder


def ours(store: PassageStore, reader: Reader, top_k: int, early_stop: bool) -> Ask:
    pipeline = QueryPipeline(store, reader)

    def ask(question: str) -> str:
        result = pipeline.ask(question, retriever_top_k=top_k, top_k=1, threshold=0.0, early_stop=early_stop)
        return result.answers[0].text if result.answers else ""

    return ask


def peer(store: PassageStore, model: str, top_k: int) -> Ask:
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    documents = InMemoryDocumentStore()
    documents.write_documents([Document(id=p.id, content=p.text) for p in store.passages()])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(documents, top_k=top_k))
    pipeline.add_component("reader", TransformersExtractiveReader(model, top_k=1, no_answer=False))
    pipeline.connect("retriever.documents", "reader.documents")
    pipeline.warm_up()

    def ask(question: str) -> str:
        result = pipeline.run({"retriever": {"query": question}, "reader": {"query": question}})
        answers = result["reader"]["answers"]
        return (answers[0].data or "") if answers else ""

    return ask


def compare(path: Path, model: str, reader: Reader, count: int, top_k: int) -> dict[str, Run]:
    contexts, questions = contexts_and_questions(path)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        files.mkdir()
        with open_store(str(Path(folder) / "store"), create=True) as store:
            splitting = Splitting(bundle.path() / bundle.TOKENIZER)
            index([write_files(contexts, files)], store, base=Path(folder), splitting=splitting)
            systems = {
                "ours": ours(store, reader, top_k, early_stop=True),
                "ours, reading everything": ours(store, reader, top_k, early_stop=False),
                "haystack": peer(store, model, top_k),
            }
            for system in systems.values():
                system(questions[0][0])
            runs = {name: Run() for name in systems}
            for question, gold in sample(questions, count):
                for name, system in systems.items():
                    runs[name].ask(system, question, gold)
    return runs


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--model", required=True, help="transformers folder, float32 weights")
    options.add_argument("--questions", type=int, default=60)
    options.add_argument("--top-k", type=int, default=20)
    chosen = options.parse_args()
    print(describe())
    print(f"{'file':24} {'system':26} {'median s':>9} {'F1':>6} {'times faster':>13}")
    with Reader.load() as reader:
        for path in chosen.files:
            runs = compare(path, chosen.model, reader, chosen.questions, chosen.top_k)
            for name, run in runs.items():
                ratio = runs["haystack"].median / run.median
                print(f"{path.name:24} {name:26} {run.median:9.3f} {run.mean_f1:6.1f} {ratio:13.1f}")


if __name__ == "__main__":
    main()
