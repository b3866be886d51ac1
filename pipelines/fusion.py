"""One ranking from two kinds of evidence: words in common, and likeness of meaning.

For one question, the log-odds of each passage against the best one are

    words[r] * bm25 / best bm25 + closeness[r] * closeness
        + meaning[r] * (cosine - best cosine) + same_language

where r is how the passage's language relates to the question's. BM25 counts relative to its best hit, because
its scores grow with the question; closeness is how much of the question one sentence has, looked at in the best by
words and by meaning alone; cosines count by their distance, because that is what the encoder was trained on. The
weights are those of a conditional logit, fitted by `fundstelle.training.fusion` and kept as `fusion.json` beside the
encoder's weights. Ranks, neighbouring passages and a passage's length were tried and added nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Self

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.languages import dominant_script
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.closeness import closeness
from fundstelle.reader.confidence import WORDS_ALONE

FILE_NAME = "fusion.json"

LOOKED_AT = 6
"""Hits by words, and as many by meaning, whose sentences are looked at: 0.3 ms each."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weights of the evidence for a passage.

    Attributes:
        meaning_alone: of the cosine less the best one, where nothing else is asked for.
        words, words_across, words_foreign: of BM25 relative to the best hit's, from 0 to 1, for passages in the
            question's language, in another one of the same script, in another script. Words of another script
            are in common by accident, unless they are names.
        closeness, closeness_across: of the share of the question's words that one sentence has, for passages in the
            question's language and in another one of the same script.
        meaning, meaning_across: of the cosine less the best one, for passages in the question's language and
            in others.
        same_language: for a passage in the question's language; the encoder favours these, so it takes away.
    """

    meaning_alone: float
    words: float
    words_across: float
    words_foreign: float
    closeness: float
    closeness_across: float
    meaning: float
    meaning_across: float
    same_language: float

    @staticmethod
    def by_words(hits: Sequence[Hit]) -> list[Hit]:
        """The hits with their log-odds against the best, by BM25 alone, which is their score; no weight enters."""
        best = max((hit.score for hit in hits), default=0.0)
        return [
            replace(hit, odds=WORDS_ALONE * (hit.score / best - 1.0) if best > 0 else 0.0) for hit in hits
        ]

    def by_meaning(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with their log-odds against the best, by cosine alone."""
        best = max((hit.cosine or 0.0 for hit in hits), default=0.0)
        return [replace(hit, odds=self.meaning_alone * ((hit.cosine or 0.0) - best)) for hit in hits]

    def by_both(self, hits: Sequence[Hit], question: str, language: str) -> list[Hit]:
        """The hits ranked anew by all evidence; each one's score is its log-odds against the best.

        Args:
            hits: in any order, with what is known of `bm25` and `cosine`.
            language: the question's, a BCP 47 code.
        """
        values = [self.value(astuple(one)) for one in evidence(hits, question, language)]
        best = max(values, default=0.0)
        ranked = [
            replace(hit, score=value - best, odds=value - best)
            for hit, value in zip(hits, values, strict=True)
        ]
        return sorted(ranked, key=lambda hit: (-hit.score, hit.passage.id))

    def value(self, features: Sequence[float]) -> float:
        """The weighted sum of features, in the order of `FEATURES`; only differences within a question count."""
        weights: list[float] = [getattr(self, name) for name in FEATURES]
        return sum(weight * value for weight, value in zip(weights, features, strict=True))

    def save(self, folder: Path, settings: object = None) -> None:
        """Write `fusion.json` into the encoder's folder, with the settings that it was fitted with."""
        content = {"weights": asdict(self), "fitted": settings}
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | None) -> Self:
        """Read `fusion.json` from the encoder's folder; the bundled encoder's where there is none.

        Raises:
            ValueError: the file does not hold a fusion.
        """
        from fundstelle.encoder import bundle

        own = folder / FILE_NAME if folder else None
        path = own if own and own.is_file() else bundle.path() / FILE_NAME
        try:
            weights = json.loads(path.read_text("utf-8"))["weights"]
            return cls(**{name: float(value) for name, value in weights.items()})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ValueError(
                f"{path} does not hold a fusion ({error}); fit it again or delete it."
            ) from error


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for one passage, under the names of the weights in `Fusion`."""

    words: float = 0.0
    words_across: float = 0.0
    words_foreign: float = 0.0
    closeness: float = 0.0
    closeness_across: float = 0.0
    meaning: float = 0.0
    meaning_across: float = 0.0
    same_language: float = 0.0


FEATURES = tuple(field.name for field in fields(Features))


def evidence(hits: Sequence[Hit], question: str, language: str) -> list[Features]:
    """The features of each hit beside the others.

    A hit that words did not find has a BM25 score below all that they found, taken as 0; one without a vector
    is taken to be as near as half of the others are.
    """
    known = [hit.cosine for hit in hits if hit.cosine is not None]
    best, middle = (max(known), median(known)) if known else (0.0, 0.0)
    most = max((hit.bm25 or 0.0 for hit in hits), default=0.0)
    script = dominant_script(question)
    close = _closeness(hits, question)
    found = []
    for hit in hits:
        words, near = _relative(hit.bm25, most), close.get(hit.passage.id, 0.0)
        meaning = (middle if hit.cosine is None else hit.cosine) - best
        if _base(hit.passage.language) == _base(language):
            features = Features(words=words, closeness=near, meaning=meaning, same_language=1.0)
        elif _script(hit.passage) == script:
            features = Features(words_across=words, closeness_across=near, meaning_across=meaning)
        else:
            features = Features(words_foreign=words, meaning_across=meaning)
        found.append(features)
    return found


def _closeness(hits: Sequence[Hit], question: str) -> dict[str, float]:
    """By passage, for the best by words and the best by meaning; the others are not worth the time."""
    looked_at = {hit.passage.id: hit.passage for kind in ("bm25", "cosine") for hit in _best(hits, kind)}
    names = sorted(looked_at)
    return dict(zip(names, closeness(question, [looked_at[name] for name in names]), strict=True))


def _best(hits: Sequence[Hit], kind: str) -> list[Hit]:
    """The best by BM25 or cosine, whatever order they came in."""
    known = [hit for hit in hits if getattr(hit, kind) is not None]
    return sorted(known, key=lambda hit: (-getattr(hit, kind), hit.passage.id))[:LOOKED_AT]


def _relative(bm25: float | None, most: float) -> float:
    """A BM25 score as a share of the best one's, from 0 to 1; 1 where there are none to compare."""
    return (bm25 or 0.0) / most if most > 0 else 1.0


def _base(language: str) -> str:
    return language.split("-")[0]


def _script(passage: Passage) -> str | None:
    return dominant_script(passage.text[:SCRIPT_SAMPLE])


SCRIPT_SAMPLE = 100
"""Characters of a passage that tell its script."""
