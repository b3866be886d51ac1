"""The three kinds of run, from files to rows and settings: the reader, the retriever, the whole system."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from fundstelle.evaluation import answering, collection, metrics, reading, searching
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run, settings_of
from fundstelle.indexing.languages import UNKNOWN, detect
from fundstelle.reader import bundle
from fundstelle.reader.reader import Reader

Watch = Callable[[Iterable[Row], str, int], Iterable[Row]]
"""Passes rows on and may show progress: given rows, the data set's name and how many there will be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which questions: of which files, in which language, repaired or not, all or a sample."""

    files: Sequence[Path]
    language: str | None = None
    repair: bool = False
    sample: int | None = None
    seed: int = 0

    def datasets(self) -> list[Dataset]:
        """Every file, read and checked before anything is run.

        Raises:
            DatasetError: a file cannot be used.
        """
        return [self._dataset(file) for file in self.files]

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "files"}

    def part(self, dataset: Dataset) -> Dataset:
        """The questions that are asked."""
        return dataset.sample(self.sample or len(dataset.questions), self.seed)

    def _dataset(self, file: Path) -> Dataset:
        dataset = load(file, "repair" if self.repair else "check", self.language)
        if dataset.language != UNKNOWN:
            return dataset
        return replace(dataset, language=detect(" ".join(text[:200] for text in dataset.contexts[:20])))


def read(
    selection: Selection,
    *,
    reader: str | None = None,
    device: str | None = None,
    metric: str = "auto",
    na_threshold: float | None = None,
    watch: Watch | None = None,
) -> Iterator[Run]:
    """Every question over the paragraph it was written for; one run a file, as soon as it is done.

    `na_threshold`: null odds above which the answer is none; unless given, 0 for files with unanswerable
    questions, and no abstaining for the others.
    """
    chosen = _with_metrics(selection, metric)
    with Reader.load(reader, device=device) as opened:
        for file, dataset, name in chosen:
            usual = 0.0 if dataset.has_unanswerable else None
            least = usual if na_threshold is None else na_threshold
            part = selection.part(dataset)
            rows = reading.read(part, opened, metrics.metric(name), inf if least is None else least)
            options = {"reader": reader, "device": device, "metric": name, "na_threshold": least}
            yield _run("read", file, part, rows, options | selection.options(), watch)


def search(
    selection: Selection,
    *,
    store: str | None = None,
    top_k: int = searching.TOP_K,
    watch: Watch | None = None,
) -> Iterator[Run]:
    """The ranks at which a store, or a fresh one of each file's contexts, returns the answers' passages."""
    for file, dataset in zip(selection.files, selection.datasets(), strict=True):
        part = selection.part(dataset)
        with collection.opened(dataset, store, bundle.path() / bundle.TOKENIZER) as (passages, places):
            rows = searching.search(part, passages, places, top_k)
            options = {"store": store, "top_k": top_k}
            yield _run("search", file, part, rows, options | selection.options(), watch)


def answer(
    selection: Selection,
    *,
    reader: str | None = None,
    device: str | None = None,
    metric: str = "auto",
    store: str | None = None,
    how: answering.Answering = answering.USUAL,
    watch: Watch | None = None,
) -> Iterator[Run]:
    """Every question over the store, or over all contexts of its file as one collection."""
    chosen = _with_metrics(selection, metric)
    with Reader.load(reader, device=device) as opened:
        tokenizer = opened.tokenizer_path or bundle.path() / bundle.TOKENIZER
        for file, dataset, name in chosen:
            part = selection.part(dataset)
            with collection.opened(dataset, store, tokenizer) as (passages, places):
                rows = answering.answer(part, passages, places, opened, metrics.metric(name), how)
                options = {"reader": reader, "device": device, "metric": name, "store": store} | asdict(how)
                yield _run("open", file, part, rows, options | selection.options(), watch)


def _with_metrics(selection: Selection, metric: str) -> list[tuple[Path, Dataset, str]]:
    """Files, their questions and the metric of each: all mistakes show before a model is loaded."""
    return [
        (file, dataset, metrics.resolve(metric, dataset))
        for file, dataset in zip(selection.files, selection.datasets(), strict=True)
    ]


def _run(
    task: str, file: Path, part: Dataset, rows: Iterable[Row], options: dict[str, Any], watch: Watch | None
) -> Run:
    watched = watch(rows, part.name, len(part.questions)) if watch else rows
    settings = settings_of(task, file, options | {"language": part.language})
    return Run(part.name, list(watched), settings | {"repaired": part.repaired})
