"""Questions in one language over paragraphs in another, from a data set and a translation of part of it.

    python -m fundstelle.training.parallel TRANSLATED ORIGINAL --out FOLDER

Paragraphs are matched by the names and numbers that translation leaves alone. A question goes over to the other
language where its answer stands there literally. Written are three files in SQuAD format: the questions of each
language over the paragraphs of the other, and both languages' questions over a collection that has every paragraph in
just one of the two languages, so that the right one is in the question's language half of the time.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import regex

from fundstelle.evaluation.datasets import Dataset, Gold, Question, load
from fundstelle.indexing.languages import detect
from fundstelle.training.reporting import reported

LEAST_LIKENESS, LEAST_LEAD = 0.35, 0.1
"""Of two paragraphs' names and numbers (a cosine), and of the best match before the second."""

LENGTHS = (0.6, 1.8)
"""How long a translation may be beside its original."""

_TELLING = regex.compile(r"\p{N}+|\p{Lu}\p{L}{3,}")


@dataclass(frozen=True, slots=True)
class Originals:
    """The paragraphs of the original, to be looked up by the names and numbers in them."""

    contexts: Sequence[str]
    terms: Sequence[frozenset[str]]
    places: dict[str, list[int]]

    @classmethod
    def of(cls, contexts: Sequence[str]) -> "Originals":
        terms = [_terms(context) for context in contexts]
        places: dict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(terms):
            for term in each:
                places[term].append(number)
        return cls(contexts, terms, places)

    def match(self, translated: str) -> str | None:
        """The paragraph that `translated` is a translation of; None where that is not clear."""
        wanted = _terms(translated)
        shared: dict[int, float] = defaultdict(float)
        for term in wanted:
            for number in self.places.get(term, ()):
                shared[number] += self._weight(term)
        likeness = sorted(
            (
                (weight / self._size(wanted) / self._size(self.terms[number]), number)
                for number, weight in shared.items()
            ),
            reverse=True,
        )[:2]
        if not likeness or likeness[0][0] < LEAST_LIKENESS:
            return None
        if len(likeness) > 1 and likeness[0][0] - likeness[1][0] < LEAST_LEAD:
            return None
        original = self.contexts[likeness[0][1]]
        return original if LENGTHS[0] < len(translated) / len(original) < LENGTHS[1] else None

    def _weight(self, term: str) -> float:
        return math.log(1 + len(self.contexts) / max(1, len(self.places.get(term, ())))) ** 2

    def _size(self, terms: Iterable[str]) -> float:
        return math.sqrt(sum(map(self._weight, terms))) or 1.0


def matched(translated: Dataset, original: Dataset) -> dict[str, str]:
    """The original of each translated paragraph that has one, each original once."""
    originals = Originals.of(original.contexts)
    found: dict[str, str] = {}
    for context in translated.contexts:
        if (match := originals.match(context)) and match not in found.values():
            found[context] = match
    return found


def carried(questions: Iterable[Question], contexts: dict[str, str]) -> Iterator[Question]:
    """The questions over the paragraphs that `contexts` gives for theirs, where an answer stands there literally."""
    for question in questions:
        context = contexts.get(question.context)
        if context is not None:
            golds = tuple(_golds(question.gold_texts, context))
            if golds:
                yield replace(question, id=f"{question.id}>", context=context, golds=golds)


def _golds(texts: Iterable[str], context: str) -> Iterator[Gold]:
    for text in dict.fromkeys(texts):
        if found := regex.search(rf"(?<!\w){regex.escape(text)}(?!\w)", context):
            yield Gold(text, found.start())


def write(path: Path, questions: Iterable[Question]) -> None:
    """A file in SQuAD format."""
    ordered = sorted(questions, key=lambda question: question.context)
    paragraphs = [
        {"context": context, "qas": [_qa(question) for question in part]}
        for context, part in groupby(ordered, lambda question: question.context)
    ]
    content = {"version": "1.1", "data": [{"title": path.stem, "paragraphs": paragraphs}]}
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _qa(question: Question) -> dict[str, object]:
    answers = [{"text": gold.text, "answer_start": gold.start} for gold in question.golds]
    return {"id": question.id, "question": question.text, "answers": answers}


def _terms(text: str) -> frozenset[str]:
    return frozenset(_TELLING.findall(text))


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """Match, write the three files, and print what is in them."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.parallel", description=__doc__)
    parser.add_argument("translated", type=Path, help="a data set whose paragraphs are translations")
    parser.add_argument("original", type=Path, help="the data set that they were translated from")
    parser.add_argument("--out", type=Path, required=True, help="folder for the three files")
    options = parser.parse_args(arguments)
    translated, original = load(options.translated, "report"), load(options.original, "report")
    options.out.mkdir(parents=True, exist_ok=True)
    back = matched(translated, original)
    forth = {one: other for other, one in back.items()}
    here, there = (detect(next(iter(contexts), "")) for contexts in (back, forth))
    files = {
        f"{there}-over-{here}.{here}.json": list(carried(original.questions, forth)),
        f"{here}-over-{there}.{there}.json": list(carried(translated.questions, back)),
    }
    kept = set(list(back)[::2]) | set(list(back.values())[1::2])
    own = [
        one
        for one in (*translated.questions, *original.questions)
        if one.context in back or one.context in forth
    ]
    every = [one for one in (*own, *(one for part in files.values() for one in part)) if one.context in kept]
    files[f"{there}-and-{here}.json"] = every
    for name, questions in files.items():
        write(options.out / name, questions)
        print(f"{name}: {len(questions)} questions, {len({one.context for one in questions})} paragraphs")  # noqa: T201


if __name__ == "__main__":
    main()
