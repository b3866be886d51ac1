"""SQuAD files to examples: questions with the passages they are put to."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fundstelle.evaluation.datasets import Question, load
from fundstelle.training.leaks import HeldOut


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its passage.

    answer: `[start, end)` in `context`, in characters; None where the passage does not answer.
    negatives: other passages, which do not answer.
    """

    dataset: str
    question: str
    context: str
    answer: tuple[int, int] | None
    negatives: tuple[str, ...] = ()

    @property
    def answer_text(self) -> str:
        return self.context[slice(*self.answer)] if self.answer else ""


@dataclass(frozen=True, slots=True)
class Source:
    """The examples of one file, and how many of its questions were left out because they are evaluation data."""

    name: str
    examples: tuple[Example, ...]
    leaked: int


def load_source(path: Path, held_out: HeldOut, unanswerable: bool = True) -> Source:
    """A file's examples, less those that `held_out` knows, and less those that nothing answers where they are not
    wanted. DatasetError where it is no SQuAD file.
    """
    questions = [one for one in load(path, offsets="repair").questions if one.golds or unanswerable]
    kept = [one for one in questions if not held_out.knows(one.text, one.context)]
    examples = tuple(_example(path.stem, one) for one in kept)
    return Source(path.stem, examples, len(questions) - len(kept))


def _example(dataset: str, question: Question) -> Example:
    gold = question.golds[0] if question.golds else None
    answer = (gold.start, gold.start + len(gold.text)) if gold else None
    return Example(dataset, question.text, question.context, answer)


def quotas(sizes: Sequence[int], balance: float) -> list[int]:
    """How many examples of each file an epoch takes: all of the smaller half of the files, and of those larger than
    the middle one as many as grow with `size ** balance`.
    """
    middle = max(1, sorted(sizes)[len(sizes) // 2]) if sizes else 1
    return [min(size, round(middle * (size / middle) ** balance)) for size in sizes]


def draw(sources: Iterable[Source], balance: float, seed: int) -> list[Example]:
    """Examples for one epoch, drawn at random from each file, in a random order."""
    chooser = random.Random(f"{seed} examples")
    found = list(sources)
    counts = quotas([len(source.examples) for source in found], balance)
    drawn = [
        one
        for source, count in zip(found, counts, strict=True)
        for one in chooser.sample(source.examples, count)
    ]
    chooser.shuffle(drawn)
    return drawn


def with_negatives(example: Example, negatives: Iterable[str]) -> Example:
    """The example with more passages that do not answer it."""
    return replace(example, negatives=(*example.negatives, *negatives))
