"""Hard negatives: passages that our own retriever finds for a question and that do not answer it."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from fundstelle.evaluation.collection import temporary
from fundstelle.evaluation.datasets import Dataset, Question
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.training.examples import Example, with_negatives

FOUND = 10
"""Hits looked at for each negative: the best ones are the hardest, yet some of them answer in other words."""


def mine(
    examples: Sequence[Example], counter: TokenCounter, share: float, seed: int = 0
) -> Iterator[Example]:
    """The examples, in order; each has `share` negatives on average, from the passages of its own file.

    A passage that holds the answer's text, or stands in the question's own context, is no negative.
    """
    chooser = random.Random(f"{seed} negatives")
    counts = [int(share) + (chooser.random() < share % 1) for _ in examples]
    found: dict[int, Example] = {}
    for dataset, numbers in _by_dataset(examples, counts).items():
        questions = tuple(_question(number, examples[number]) for number in numbers)
        with temporary(Dataset(dataset, "", questions), counter) as (store, _):
            for number in numbers:
                others = islice(_others(store, examples[number], FOUND * counts[number]), counts[number])
                found[number] = with_negatives(examples[number], others)
    yield from (found.get(number, example) for number, example in enumerate(examples))


def _by_dataset(examples: Sequence[Example], counts: Iterable[int]) -> dict[str, list[int]]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number, (example, count) in enumerate(zip(examples, counts, strict=True)):
        if count and example.answer:
            numbers[example.dataset].append(number)
    return numbers


def _question(number: int, example: Example) -> Question:
    return Question(str(number), example.question, example.context, ())


def _others(store: PassageStore, example: Example, top_k: int) -> Iterator[str]:
    answer = example.answer_text.casefold()
    for hit in store.search(example.question, top_k):
        text = hit.passage.text
        if text not in example.context and answer not in text.casefold():
            yield text
