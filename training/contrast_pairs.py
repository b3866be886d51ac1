"""Questions and the passages that answer them, as an encoder is trained on them."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

from fundstelle.encoder.hub import Recipe as Prefixes
from fundstelle.training.examples import Example
from fundstelle.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a question and of the passage that answers it; `dataset` and `context` say where they are from."""

    dataset: str
    context: str
    question: tuple[int, ...]
    passage: tuple[int, ...]


def pairs(
    examples: Iterable[Example], tokenizer: Tokenizer, prefixes: Prefixes, recipe: Recipe
) -> Iterator[Pair]:
    """A pair for each example that is answered; a passage that is too long is cut around the answer."""
    tokenizer.no_padding()
    for one in examples:
        if one.answer is None:
            continue
        tokenizer.enable_truncation(recipe.max_question_length)
        question = tokenizer.encode(prefixes.query_prefix + one.question).ids
        tokenizer.no_truncation()
        passage = _around(one, tokenizer, prefixes.passage_prefix, recipe.max_seq_length)
        yield Pair(one.dataset, one.context, tuple(question), tuple(passage))


def _around(example: Example, tokenizer: Tokenizer, prefix: str, longest: int) -> Sequence[int]:
    """The passage's tokens; of one that is too long as many before the answer as behind it."""
    whole = tokenizer.encode(prefix + example.context)
    if len(whole.ids) <= longest:
        return list(whole.ids)
    assert example.answer is not None
    alone = tokenizer.encode(example.context, add_special_tokens=False)
    room = longest - len(tokenizer.encode(prefix).ids)
    middle = _token_at(alone, example.answer[0])
    first = max(0, min(middle - room // 2, len(alone.ids) - room))
    start, end = alone.offsets[first][0], alone.offsets[min(first + room, len(alone.ids)) - 1][1]
    return list(tokenizer.encode(prefix + example.context[start:end]).ids)[:longest]


def _token_at(encoding: Encoding, character: int) -> int:
    """The first token that ends behind a character."""
    ends = (end for _, end in encoding.offsets)
    return next((place for place, end in enumerate(ends) if end > character), 0)


def updates(found: Sequence[Pair], recipe: Recipe, epoch: int) -> list[list[int]]:
    """The pairs of each update of an epoch, by index: of one file, and no passage twice.

    Other passages of the same file are hard to tell from the right one; of other languages they would be easy. A
    passage that answers two questions of an update would count against itself. An update with one pair has
    nothing to tell it from, and is left out.
    """
    chooser = random.Random(f"{recipe.seed} contrast {epoch}")
    order = list(range(len(found)))
    chooser.shuffle(order)
    rounds: dict[tuple[str, int], list[int]] = defaultdict(list)
    seen: Counter[tuple[str, str]] = Counter()
    for index in order:
        one = found[index]
        rounds[one.dataset, seen[one.dataset, one.context]].append(index)
        seen[one.dataset, one.context] += 1
    size = recipe.windows_per_step or 1
    cut = [each[first : first + size] for each in rounds.values() for first in range(0, len(each), size)]
    chooser.shuffle(cut)
    return [update for update in cut if len(update) > 1]
