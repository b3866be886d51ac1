"""A question as weighted terms: the part of BM25 that every store shares.

A passage of language l scores  sum over terms t of  weight(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * dl / avgdl))
with k1 = 1.2, b = 0.75 and weight(t) = count of t in the question * ln(1 + (N - n + 0.5) / (n + 0.5)), where N counts
the passages of that language and n those of them that hold t. Stores compute inverse document frequencies over the
whole collection instead, so each divides its own out again: boost(t) = weight(t) / own_idf(t). Then a language that
is rare in the collection is searched as well as if it stood alone.

Source: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: BM25 and Beyond, with Lucene's
never-negative inverse document frequency.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping

from fundstelle.indexing.analysis import analyse, analysis_language

MAX_TERMS = 128
"""Terms of a question that are searched per language: the weightiest; more cost time and change no answer."""

LONGEST_QUESTION = 20_000
"""Characters of a question that are analysed."""


def inverse_document_frequency(passages: int, containing: int) -> float:
    """ln(1 + (N - n + 0.5) / (n + 0.5)): how telling a term is that `containing` of `passages` hold."""
    return math.log(1 + (passages - containing + 0.5) / (containing + 0.5))


def weighted_terms(
    question: str, languages: Mapping[str, int], passages_with: Callable[[str], int]
) -> dict[str, float]:
    """The terms of `question` in every language of the collection, with their weights.

    Args:
        languages: passages per BCP 47 code.
        passages_with: the number of passages that hold a term (0: the term is left out).
    """
    weights: dict[str, float] = {}
    for language, passages in _per_analysis(languages).items():
        weights |= _weights(question, language, passages, passages_with)
    return weights


def _per_analysis(languages: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for language, passages in languages.items():
        counts[analysis_language(language)] += passages
    return counts


def _weights(
    question: str, language: str, passages: int, passages_with: Callable[[str], int]
) -> dict[str, float]:
    weights = {}
    for term, count in Counter(analyse(question[:LONGEST_QUESTION], language)).items():
        if containing := passages_with(term):
            weights[term] = count * inverse_document_frequency(passages, min(containing, passages))
    heaviest = sorted(weights, key=lambda term: (-weights[term], term))[:MAX_TERMS]
    return {term: weights[term] for term in heaviest}
