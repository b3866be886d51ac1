"""How fast questions search many passages: an embedded store, one thread.

    python benchmarks/search.py PATH... [--passages 100000] [--questions 400] [--store FOLDER]

PATHs are plain text, JSON Lines with a "text", or files in SQuAD's format; the questions are those of the latter.
Texts are cut every 800 characters until there are enough passages, languages detected as in indexing. Printed:
megabytes a minute of one core for analysing and writing (splitting and reading files left out), and milliseconds
per question (top 20) at the median and the 99th percentile, both by the clock and by processor time, which a busy
machine does not stretch.
"""

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from machine import describe

from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.languages import detect

PASSAGE = 800
DOCUMENT = 8_000


def texts_and_questions(paths: list[Path]) -> tuple[list[str], list[str]]:
    """Texts of at most `DOCUMENT` characters, in random order, and the questions beside them."""
    texts: list[str] = []
    questions: list[str] = []
    for path in paths:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            for article in json.loads(content)["data"]:
                texts += [paragraph["context"] for paragraph in article["paragraphs"]]
                questions += [
                    qa["question"] for paragraph in article["paragraphs"] for qa in paragraph["qas"]
                ]
        elif path.suffix == ".jsonl":
            texts += [json.loads(line)["text"] for line in content.splitlines()]
        else:
            texts.append(content)
    texts = [text[start : start + DOCUMENT] for text in texts for start in range(0, len(text), DOCUMENT)]
    random.Random(0).shuffle(texts)
    random.Random(0).shuffle(questions)
    return texts, questions


def analysed(number: int, text: str) -> AnalysedDocument:
    """A document cut every `PASSAGE` characters."""
    name = str(number)
    language = detect(text)
    passages = [
        Passage(
            id=identifier(name, start),
            document_id=name,
            text=text[start : start + PASSAGE],
            start=start,
            source=name,
            language=detect(text[start : start + PASSAGE], prior=language),
        )
        for start in range(0, len(text), PASSAGE)
    ]
    terms = [index_terms(passage.text, passage.language) for passage in passages]
    document = SourceDocument(id=name, text=text, source=name, origin=name, language=language)
    return AnalysedDocument(document, passages, terms, [""] * len(passages))


def enough(texts: list[str], passages: int) -> Iterator[AnalysedDocument]:
    """Documents until there are `passages`; texts come again, as other documents, if they do not suffice."""
    for number, text in enumerate(itertools.cycle(texts)):
        if passages <= 0:
            return
        document = analysed(number, text)
        passages -= len(document.passages)
        yield document


def fill(store: EmbeddedStore, documents: Iterator[AnalysedDocument]) -> None:
    """Write and commit, and print the rate."""
    size = 0

    def counted() -> Iterator[AnalysedDocument]:
        nonlocal size
        for document in documents:
            size += len(document.document.text.encode())
            yield document

    begun = time.process_time()
    store.write(counted())
    store.commit()
    seconds = time.process_time() - begun
    print(f"written: {size / 1e6:.0f} MB, {size / 1e6 / seconds * 60:.0f} MB a minute of one core")


def show(name: str, seconds: list[float]) -> None:
    ranked = sorted(1000 * second for second in seconds)
    median, last = ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100]
    print(f"{name:15} median {median:6.1f} ms   99th percentile {last:6.1f} ms")


def timed(ask: Callable[[str], object], questions: list[str]) -> None:
    """Ask every question once and print how long it took."""
    clock, processor = [], []
    for question in questions:
        begun, used = time.perf_counter(), time.process_time()
        ask(question)
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    show("clock", clock)
    show("processor time", processor)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--store", type=Path, help="a folder to keep the store in, and to find it again")
    options = parser.parse_args()
    texts, questions = texts_and_questions(options.paths)
    print(describe())
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore.open(options.store or folder) as store:
        if not store.languages():
            fill(store, enough(texts, options.passages))
        languages = store.languages()
        print(f"{sum(languages.values())} passages in {len(languages)} languages")
        store.search(questions[-1])
        timed(store.search, questions[: options.questions])


if __name__ == "__main__":
    main()
