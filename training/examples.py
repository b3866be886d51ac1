"""SQuAD files to examples: questions with the passages they are put to."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fundstelle.evaluation.datasets import Question, load
from fundstelle.training.leaks import HeldOut
from fundstelle.training.recipes import Recipe


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


def quotas(
    sizes: Sequence[int],
    balance: float,
    shares: Sequence[float | None] = (),
    questions: int | None = None,
) -> list[int]:
    """How many examples of each file an epoch takes, of the `sizes` that they have.

    All of the smaller half of the files, and of those larger than the middle one as many as grow with
    `size ** balance`; where there are to be `questions` at most, all in proportion. A file whose share is not None
    has that share of all of them instead.
    """
    middle = max(1, sorted(sizes)[(len(sizes) - 1) // 2]) if sizes else 1
    counts = [min(size, middle * (size / middle) ** balance) for size in sizes]
    shares = shares or [None] * len(sizes)
    total = sum(counts) if questions is None else min(questions, sum(counts))
    left = total * (1 - sum(share or 0.0 for share in shares))
    others = sum(count for count, share in zip(counts, shares, strict=True) if share is None) or 1
    return [
        min(size, round(left * count / others if share is None else total * share))
        for size, count, share in zip(sizes, counts, shares, strict=True)
    ]


def draw(sources: Iterable[Source], recipe: Recipe) -> list[Example]:
    """Examples for one epoch, drawn at random from each file, in a random order.

    ValueError where the recipe gives a share to a file that is not there.
    """
    found = list(sources)
    names = [source.name for source in found]
    if unknown := sorted(recipe.shares.keys() - set(names)):
        raise ValueError(f"shares: there is no file {', '.join(unknown)}, only {', '.join(names)}.")
    chooser = random.Random(f"{recipe.seed} examples")
    sizes = [len(source.examples) for source in found]
    counts = quotas(sizes, recipe.balance, [recipe.shares.get(name) for name in names], recipe.questions)
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
