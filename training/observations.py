"""What a calibration is fitted on: questions asked of whole collections, everything read, right answers known.

Each file becomes a collection of some of its paragraphs. Questions are of three kinds: answered by one of
these paragraphs; put to a paragraph that does not answer them; and questions of paragraphs that were left
out, which the collection most likely does not answer. Every question is put to each retriever, and what several of
them found is read once. Observations are kept in a file, one JSON object a line, because reading takes
an hour and fitting a second.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from fundstelle.encoder import Encoder
from fundstelle.evaluation.collection import temporary
from fundstelle.evaluation.datasets import Dataset, Question, load
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.pipelines.neighbours import Run, runs
from fundstelle.pipelines.retrieval import KINDS, Retriever
from fundstelle.reader.reader import Reader
from fundstelle.reader.readings import Reading, Span

PARAGRAPHS = 240
PASSAGES_READ = 20
ABSENT, UNANSWERABLE = 0.1, 0.1
"""Shares of the questions, at most, whose paragraph was left out and which their paragraph does not answer.

They set how likely it is, before anything is read, that a collection does not answer a question.
"""

LONGEST_PARAGRAPH = 6000
"""Characters; a few data sets have whole articles as paragraphs, which would be most of their collection."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One question, all that one retriever found for it, and all that was read there.

    answered: whether the collection holds the answer, as far as the data set says.
    golds: texts that answer the question; empty where nothing does.
    readings: one a hit, in the same order; none before reading.
    """

    dataset: str
    question: str
    answered: bool
    golds: tuple[str, ...]
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...] = ()
    retriever: str = "bm25"


@dataclass(frozen=True, slots=True)
class Asking:
    """A collection, as a data set of its own, and the questions to ask of it."""

    collection: Dataset
    questions: tuple[Question, ...]


def choose(dataset: Dataset, questions: int, paragraphs: int = PARAGRAPHS, seed: int = 0) -> Asking:
    """A random collection and about `questions` questions; the same seed gives the same choice."""
    chooser = random.Random(f"{seed} {dataset.name}")
    contexts = [context for context in dataset.contexts if len(context) < LONGEST_PARAGRAPH]
    chooser.shuffle(contexts)
    spare = min(len(contexts) // 5, 60)
    present = set(contexts[spare : spare + paragraphs])
    absent = set(contexts[:spare]) - present
    shuffled = list(dataset.questions)
    chooser.shuffle(shuffled)
    unanswerable = [one for one in shuffled if one.context in present and not one.golds]
    left_out = [one for one in shuffled if one.context in absent and one.golds]
    answerable = [one for one in shuffled if one.context in present and one.golds]
    chosen = unanswerable[: int(questions * UNANSWERABLE)] + left_out[: int(questions * ABSENT)]
    chosen += answerable[: questions - len(chosen)]
    inside = tuple(one for one in dataset.questions if one.context in present)
    chooser.shuffle(chosen)
    return Asking(replace(dataset, questions=inside), tuple(chosen))


def observe_files(
    files: Sequence[Path],
    reader: Reader,
    encoder: Encoder | None,
    questions: int,
    paragraphs: int = PARAGRAPHS,
) -> Iterator[Observation]:
    """Observations of every file in turn, one question each, so that an early end loses no language.

    Without an encoder, words alone retrieve.
    """
    path = reader.tokenizer_path
    if path is None:
        raise ValueError("This reader has no tokenizer.json to count passages' tokens with.")
    counter = TokenCounter.load(path)
    chosen = [choose(load(file, offsets="report"), questions, paragraphs) for file in files]
    found = [retrieve(asking, counter, encoder) for asking in chosen]
    for group in zip_longest(*found):
        yield from observe([one for one in group if one is not None], reader)


def retrieve(
    asking: Asking, counter: TokenCounter, encoder: Encoder | None = None
) -> list[list[Observation]]:
    """For every question what each retriever finds, nothing read yet."""
    present = set(asking.collection.contexts)
    with temporary(asking.collection, counter, encoder) as (store, _):
        retrievers = [Retriever(store, kind, encoder) for kind in (KINDS if encoder else KINDS[:1])]
        return [
            [
                Observation(
                    dataset=asking.collection.name,
                    question=question.text,
                    answered=question.context in present and bool(question.golds),
                    golds=tuple(dict.fromkeys(question.gold_texts)),
                    hits=tuple(retriever.retrieve([question.text], PASSAGES_READ)[0]),
                    retriever=retriever.kind,
                )
                for retriever in retrievers
            ]
            for question in asking.questions
        ]


def observe(retrieved: Sequence[Sequence[Observation]], reader: Reader) -> Iterator[Observation]:
    """The same, everything read as the pipeline does; the observations of one question share what is read."""
    texts = [_texts(every) for every in retrieved]
    requests = [
        (every[0].question, list(each.values())) for every, each in zip(retrieved, texts, strict=True)
    ]
    for every, each, read in zip(retrieved, texts, reader.read_batch(requests), strict=True):
        found = dict(zip(each, read, strict=True))
        for one in every:
            apart = (reading for run in runs(one.hits) for reading in run.apart(found[run.id]))
            readings = {reading.passage_id: reading for reading in apart}
            yield replace(one, readings=tuple(readings[hit.passage.id] for hit in one.hits))


def _texts(observations: Sequence[Observation]) -> dict[str, Run]:
    """All that is to be read for a question, by id, each text once."""
    return {run.id: run for one in observations for run in runs(one.hits)}


def save(observations: Iterable[Observation], path: Path) -> None:
    """Write observations as they come, one JSON object a line; an interrupted run keeps what it has."""
    with path.open("a", encoding="utf-8") as file:
        for one in observations:
            file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
            file.flush()


def read_back(path: Path) -> list[Observation]:
    """The observations of a file that `save` wrote."""
    with path.open(encoding="utf-8") as file:
        return [_from_dict(json.loads(line)) for line in file]


def _from_dict(values: dict[str, Any]) -> Observation:
    hits = tuple(Hit(**hit | {"passage": Passage(**hit["passage"])}) for hit in values["hits"])
    readings = tuple(
        Reading(one["passage_id"], tuple(Span(**span) for span in one["spans"]), one["null_score"])
        for one in values["readings"]
    )
    return Observation(**values | {"golds": tuple(values["golds"]), "hits": hits, "readings": readings})
