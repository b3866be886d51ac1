"""Examples to labelled windows: the model sees in training what the reader shows it later."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.windows import EncodedPassage, Shape, Window, encode_passages, encode_question, split
from fundstelle.training.examples import Example
from fundstelle.training.recipes import Recipe

GROUP = 256  # examples tokenised in one call


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window and where its answer stands.

    input_ids, token_type_ids: (length,).
    offset, count: the passage's piece is tokens `[offset, offset + count)` of the window.
    null: index of the token that says "no answer here".
    start, end: first and last token of the answer, in the window; both are `null` where it is not in it.
    """

    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.int8]
    offset: int
    count: int
    null: int
    start: int
    end: int

    @property
    def answered(self) -> bool:
        return self.start != self.null


Group = tuple[LabelledWindow, ...]
"""The windows of one question, of its own passage and of others, which are trained on together."""


def groups(examples: Iterable[Example], tokenizer: ReaderTokenizer, recipe: Recipe) -> Iterator[Group]:
    """The windows of each example, in order; an example of which nothing is left is passed over.

    Raises:
        ValueError: the recipe's lengths do not fit the model.
    """
    chooser = random.Random(f"{recipe.seed} windows")
    cutter = _Cutter(tokenizer, recipe)
    pending = iter(examples)
    while taken := list(islice(pending, GROUP)):
        texts = [text for one in taken for text in (one.context, *one.negatives)]
        encoded = iter(encode_passages([(0, 0)] * len(texts), texts, tokenizer))
        for one in taken:
            own, others = next(encoded), [next(encoded) for _ in one.negatives]
            group = cutter.cut(one, own, others, chooser)
            if group:
                yield group


class _Cutter:
    """Cuts examples into windows of a recipe's lengths."""

    def __init__(self, tokenizer: ReaderTokenizer, recipe: Recipe) -> None:
        settings = ReaderSettings(
            max_seq_length=recipe.max_seq_length,
            stride=0 if recipe.step else recipe.stride,
            max_question_length=recipe.max_question_length,
        )
        self._shape = Shape.of(settings, tokenizer)
        self._tokenizer = tokenizer
        self._recipe = recipe

    def cut(
        self, example: Example, own: EncodedPassage, others: Sequence[EncodedPassage], chooser: random.Random
    ) -> Group:
        question = encode_question(example.question, self._tokenizer, self._shape.max_question_length)
        shape = self._shape_for(len(question))
        windows = [_labelled(one, example.answer) for one in split(question, own, self._tokenizer, shape)]
        holding = [one for one in windows if one.answered]
        without = [one for one in windows if not one.answered]
        if example.answer and not holding:
            return ()  # the answer is longer than what two windows share
        most = self._recipe.null_windows
        if most is not None and len(without) > most:
            without = chooser.sample(without, most if holding else max(1, most))
        for other in others:
            foreign = list(split(question, other, self._tokenizer, shape))
            without.append(_labelled(chooser.choice(foreign), None))
        return (*holding, *without)

    def _shape_for(self, question: int) -> Shape:
        """The lengths for a question of so many tokens: a recipe's step leaves the rest of a window shared."""
        if self._recipe.step is None:
            return self._shape
        room = self._shape.max_seq_length - question - self._tokenizer.template.size
        return replace(self._shape, stride=max(0, room - self._recipe.step))


def _labelled(window: Window, answer: tuple[int, int] | None) -> LabelledWindow:
    tokens = _tokens(window, answer) if answer else None
    first, last = (window.offset + one for one in tokens) if tokens else (window.null, window.null)
    ids, types = window.input_ids.astype(np.int32), window.token_type_ids.astype(np.int8)
    return LabelledWindow(ids, types, window.offset, window.count, window.null, first, last)


def _tokens(window: Window, answer: tuple[int, int]) -> tuple[int, int] | None:
    """First and last token of the answer in the window's piece; None where the piece does not hold it whole."""
    start, end = answer
    first = int(np.searchsorted(window.passage.ends, start, side="right")) - window.first
    last = int(np.searchsorted(window.passage.starts, end, side="left")) - 1 - window.first
    return (first, last) if 0 <= first <= last < window.count else None
