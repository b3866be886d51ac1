"""A measure that treats all scripts alike; ours, never to be mixed up with the SQuAD 1.1 convention.

XQuAD is scored with the English SQuAD script, which sees a Chinese or Thai answer as one token and keeps its
full-width punctuation, so that one character too many costs all of F1. Here the normalisation is the same
(lower case, English articles), punctuation of every script goes, and each character of a script without
spaces is a token. On text in ASCII both measures agree.
"""

import re
from collections.abc import Sequence

from fundstelle.evaluation.overlap import Score, with_nothing
from fundstelle.evaluation.segments import segments, without_punctuation

_ARTICLES = re.compile(r"\b(a|an|the)\b")


def tokens(text: str) -> list[str]:
    return segments(_ARTICLES.sub(" ", without_punctuation(text.lower())))


def score(prediction: str, golds: Sequence[str]) -> Score:
    """Exact match and F1 by SQuAD 2.0's rules over our tokens."""
    return with_nothing(tokens(prediction), [tokens(gold) for gold in golds])
