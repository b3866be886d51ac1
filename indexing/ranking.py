"""A question as weighted terms: the part of BM25 that every store shares.

A passage of language l scores, summed over the terms t of the question that it holds,

    weight(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average_length))

with k1 = 1.2, b = 0.75 and

    weight(t) = count of t in the question * term_weight(t) * ln(1 + (N - n + 0.5) / (n + 0.5))

where N counts the passages in language l and n those of them that hold t. Stores compute inverse document
frequencies over the whole collection instead, so each divides its own out again: boost(t) = weight(t) /
own_idf(t). Then a language that is rare in the collection is searched as well as if it stood alone.

Source: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: BM25 and Beyond, with Lucene's
never-negative inverse document frequency.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from fundstelle.indexing.analysis import analyse, analysis_language, term_weight
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Hit

MAX_TERMS = 32
"""Terms of a question that are searched per language: the weightiest; more cost time and change no answer."""

LONGEST_QUESTION = 20_000
"""Characters of a question that are analysed."""

DIGITS = 3
"""Decimals of a score: sums in single precision differ in the last ones with the order of segments."""


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
    counts = _per_analysis(languages)
    weights: dict[str, float] = {}
    for language, terms in _variants(question, languages).items():
        weights |= _weights(terms, counts[language], passages_with)
    return weights


def question_terms(question: str, languages: Mapping[str, int]) -> list[str]:
    """Every term that `weighted_terms` asks about, for stores that count many terms in one request."""
    return sorted({term for terms in _variants(question, languages).values() for term in terms})


def best_first(hits_up_to: Callable[[int], list[Hit]], top_k: int) -> list[Hit]:
    """The best `top_k` hits; ties, which may reach beyond the last rank, in the order of the passages' ids.

    Args:
        hits_up_to: gives the best so many hits, in any order of equal ones; fewer where there are no more.
    """
    limit = top_k + 8
    while True:
        hits = [_rounded(hit) for hit in hits_up_to(limit)]
        if len(hits) < limit or hits[-1].score < hits[top_k - 1].score:
            return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:top_k]
        limit *= 2


def _rounded(hit: Hit) -> Hit:
    score = round(hit.score, DIGITS)
    return Hit(hit.passage, score, bm25=score)


def _per_analysis(languages: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for language, passages in languages.items():
        counts[analysis_language(language)] += passages
    return counts


def _variants(question: str, languages: Collection[str]) -> dict[str, Counter[str]]:
    """How often the question has each term, as read in each language.

    Parts of words are searched in the question's own language alone, or in all if the collection does not have it:
    elsewhere only whole words, mostly names, mean something.
    """
    question = question[:LONGEST_QUESTION]
    read_in = {analysis_language(language) for language in languages}
    own = analysis_language(detect(question, among=languages)) if len(read_in) > 1 else ""
    everywhere = own not in read_in
    return {
        language: Counter(analyse(question, language, parts=everywhere or language == own))
        for language in sorted(read_in)
    }


def _weights(terms: Counter[str], passages: int, passages_with: Callable[[str], int]) -> dict[str, float]:
    weights = {}
    for term, count in terms.items():
        if containing := passages_with(term):
            rarity = inverse_document_frequency(passages, min(containing, passages))
            weights[term] = count * rarity * term_weight(term)
    heaviest = sorted(weights, key=lambda term: (-weights[term], term))[:MAX_TERMS]
    return {term: weights[term] for term in heaviest}
