"""The three kinds of run, from files to rows and settings: the reader, the retriever, the whole system."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

from fundstelle.encoder import Encoder
from fundstelle.evaluation import answering, collection, metrics, reading, searching
from fundstelle.evaluation.datasets import Dataset, DatasetError, load
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run, settings_of
from fundstelle.indexing.languages import UNKNOWN, detect
from fundstelle.pipelines.retrieval import KINDS, Kind, Retriever
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
            DatasetError: a file cannot be used, or two have one name, by which runs are kept and shown.
        """
        names = Counter(file.stem for file in self.files)
        if twice := [name for name, count in names.items() if count > 1]:
            raise DatasetError(
                f"Several files are named {twice[0]}: rename them, or evaluate them one after the other."
            )
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


@dataclass(frozen=True, slots=True)
class Retrieving:
    """How passages are found: over which contexts, in which store, by which retrievers.

    Attributes:
        contexts: parallel files over whose contexts the questions are asked instead of their own.
        store: address of a store that holds the contexts; None: a fresh one for each file of contexts.
        retrievers: "bm25", "dense", "hybrid"; none: all that the store allows, side by side.
        encoder: what makes vectors, by folder or name; None: the bundled one.
    """

    contexts: Sequence[Path] = ()
    store: str | None = None
    retrievers: Sequence[Kind] = ()
    encoder: str | None = None

    @contextmanager
    def opened(
        self, contexts: Dataset, tokenizer: Path, encoder: Encoder
    ) -> Iterator[tuple[list[Retriever], collection.Places]]:
        """The retrievers, over one store of the contexts, and what knows where answers stand in it."""
        meaning = any(kind != "bm25" for kind in self.retrievers or KINDS)
        with collection.opened(contexts, self.store, tokenizer, encoder if meaning else None) as (
            store,
            places,
        ):
            kinds = self.retrievers or (KINDS if store.vector_space() else KINDS[:1])
            yield [Retriever(store, kind, encoder) for kind in kinds], places

    def options(self, retriever: Retriever, contexts: Path) -> dict[str, Any]:
        """What repeats a run, as options of the command line."""
        over = {"contexts": str(contexts.resolve())} if self.contexts else {}
        return over | {"store": self.store, "retriever": retriever.kind, "encoder": self.encoder}


USUAL = Retrieving()


@dataclass(frozen=True, slots=True)
class Asking:
    """The questions of `file` over the contexts of another, or of the same."""

    file: Path
    dataset: Dataset


def search(
    selection: Selection,
    *,
    how: Retrieving = USUAL,
    top_k: int = searching.TOP_K,
    watch: Watch | None = None,
) -> Iterator[Run]:
    """The ranks at which retrievers return the answers' passages; one run for each file and retriever."""
    with Encoder.load(how.encoder) as encoder:
        for place, contexts, asked in _over(selection, how):
            with how.opened(contexts, bundle.path() / bundle.TOKENIZER, encoder) as (retrievers, places):
                for one, retriever in product(asked, retrievers):
                    part = selection.part(one.dataset)
                    rows = searching.search(part, retriever, places, top_k)
                    options = {"top_k": top_k} | how.options(retriever, place) | selection.options()
                    name = _name(part, retriever, len(retrievers))
                    yield _run("search", one.file, part, rows, options, watch, name)


def answer(
    selection: Selection,
    *,
    reader: str | None = None,
    device: str | None = None,
    metric: str = "auto",
    retrieving: Retrieving = USUAL,
    how: answering.Answering = answering.USUAL,
    watch: Watch | None = None,
) -> Iterator[Run]:
    """Every question over the store, or over all contexts as one collection; a run a file and retriever."""
    chosen = [(*over, metrics.resolve(metric, over[1])) for over in _over(selection, retrieving)]
    with Reader.load(reader, device=device) as opened, Encoder.load(retrieving.encoder) as encoder:
        tokenizer = opened.tokenizer_path or bundle.path() / bundle.TOKENIZER
        for place, contexts, asked, name in chosen:
            with retrieving.opened(contexts, tokenizer, encoder) as (retrievers, places):
                for one, retriever in product(asked, retrievers):
                    part = selection.part(one.dataset)
                    judge = metrics.metric(name)
                    rows = answering.answer(part, retriever, places, opened, judge, how)
                    options = {"reader": reader, "device": device, "metric": name} | asdict(how)
                    options |= retrieving.options(retriever, place) | selection.options()
                    yield _run(
                        "open", one.file, part, rows, options, watch, _name(part, retriever, len(retrievers))
                    )


def _over(selection: Selection, how: Retrieving) -> list[tuple[Path, Dataset, list[Asking]]]:
    """Each collection of contexts and all that is asked over it: all mistakes show before a model is loaded."""
    asked = list(zip(selection.files, selection.datasets(), strict=True))
    if not how.contexts:
        return [(file, dataset, [Asking(file, dataset)]) for file, dataset in asked]
    places = zip(how.contexts, replace(selection, files=how.contexts, language=None).datasets(), strict=True)
    return [
        (place, contexts, [Asking(file, contexts.asked_by(dataset)) for file, dataset in asked])
        for place, contexts in places
    ]


def _name(part: Dataset, retriever: Retriever, beside: int) -> str:
    """The run's name: the data set's, and the retriever's where several stand side by side."""
    return f"{part.name}/{retriever.kind}" if beside > 1 else part.name


def _with_metrics(selection: Selection, metric: str) -> list[tuple[Path, Dataset, str]]:
    """Files, their questions and the metric of each: all mistakes show before a model is loaded."""
    return [
        (file, dataset, metrics.resolve(metric, dataset))
        for file, dataset in zip(selection.files, selection.datasets(), strict=True)
    ]


def _run(
    task: str,
    file: Path,
    part: Dataset,
    rows: Iterable[Row],
    options: dict[str, Any],
    watch: Watch | None,
    name: str = "",
) -> Run:
    name = name or part.name
    watched = watch(rows, name, len(part.questions)) if watch else rows
    language = {"language": part.asked_in or part.language}
    settings = settings_of(task, file, options | language)
    return Run(
        name, list(watched), settings | {"set": part.name, "pair": part.label, "repaired": part.repaired}
    )
