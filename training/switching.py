"""Code-switched copies: questions and passages in which words are replaced by those of another language.

After Qin et al., 2020, "CoSDA-ML: Multi-Lingual Code-Switching Data Augmentation for Zero-Shot Cross-Lingual NLP".
Here an example is switched into one language, and its passages, its question or both are, so that it is as likely to
be read within the other language as across the two.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from fundstelle.indexing.languages import detect
from fundstelle.training.dictionaries import Dictionary
from fundstelle.training.examples import Example
from fundstelle.training.recipes import Recipe

SOURCE = "en"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE_END = ".!?\n"
_SHOWN = 300  # characters by which a passage's language is known


def switch(
    examples: Iterable[Example],
    dictionaries: Sequence[Dictionary],
    *,
    switched: float,
    switching: float,
    seed: int = 0,
) -> Iterator[Example]:
    """The examples, in order; of those in English a share `switched` has a share `switching` of its words replaced."""
    chooser = random.Random(f"{seed} switching")
    for example in examples:
        chosen = chooser.random() < switched and detect(example.context[:_SHOWN]) == SOURCE
        yield _switched(example, chooser.choice(dictionaries), switching, chooser) if chosen else example


def switch_by(examples: Iterable[Example], recipe: Recipe, dictionaries: Sequence[Path]) -> Iterator[Example]:
    """The examples, as many of them switched as the recipe says; none where there are no files of dictionaries."""
    words = [Dictionary.open(file) for file in dictionaries]
    share = recipe.switched if words else 0.0
    return switch(examples, words, switched=share, switching=recipe.switching, seed=recipe.seed)


def _switched(example: Example, dictionary: Dictionary, share: float, chooser: random.Random) -> Example:
    passages, question = chooser.choice(((True, True), (True, False), (False, True)))
    if question:
        text = "".join(new for _, new in _pieces(example.question, (), dictionary, share, chooser))
        example = replace(example, question=text)
    if not passages:
        return example
    context, answer = translate(example.context, example.answer, dictionary, share, chooser)
    negatives = (translate(one, None, dictionary, share, chooser)[0] for one in example.negatives)
    return replace(example, context=context, answer=answer, negatives=tuple(negatives))


def translate(
    text: str,
    answer: tuple[int, int] | None,
    dictionary: Dictionary,
    share: float,
    chooser: random.Random,
) -> tuple[str, tuple[int, int] | None]:
    """The text with a share of its words replaced, and where the answer stands in it then."""
    pieces = list(_pieces(text, answer or (), dictionary, share, chooser))
    whole = "".join(new for _, new in pieces)
    if answer is None:
        return whole, None
    start, end = (sum(len(new) for place, new in pieces if place < border) for border in (1, 2))
    return whole, (start, end)


def _pieces(
    text: str, borders: Sequence[int], dictionary: Dictionary, share: float, chooser: random.Random
) -> Iterator[tuple[int, str]]:
    """The new text in pieces, each with how many of the `borders` it stands behind; no piece crosses one."""
    cuts = [0, *borders, len(text)]
    for place, (start, end) in enumerate(pairwise(cuts)):
        done = start
        for word in _WORD.finditer(text, start, end):
            new = _translation(text, word, dictionary)
            if new and chooser.random() < share:
                yield place, text[done : word.start()] + new
                done = word.end()
        yield place, text[done:end]


def _translation(text: str, word: re.Match[str], dictionary: Dictionary) -> str | None:
    """The word in the other language; None where there is none, and for names: capitals within a sentence."""
    found = dictionary.words.get(word[0].casefold())
    if found is None or word[0].islower():
        return found
    before = text[: word.start()].rstrip(" \"'(«“")
    at_start = not before or before[-1] in _SENTENCE_END
    return found[:1].upper() + found[1:] if at_start and word[0][1:].islower() else None
