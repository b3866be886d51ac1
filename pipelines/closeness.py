"""How much of a question one sentence of a passage has.

BM25 counts words wherever they stand in a passage, and relative to the best hit. Who asks mostly has one sentence in
mind: of passages that are alike in BM25 and meaning the right one is likelier that with most of the question's words in
one sentence, rare words above all. (That words count more where they stand together is old: Tao and Zhai, 2007.)
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import regex

from fundstelle.indexing.analysis import analyse, analysis_language, term_weight
from fundstelle.indexing.documents import Passage

_SENTENCE_END = regex.compile(r"(?<=[.!?।॥。！？؟۔։።\n])")
"""Full stops of many scripts. Abbreviations and numbers are cut as well, which costs less than to know them."""

Terms = frozenset[str]


def closeness(question: str, passages: Sequence[Passage]) -> list[float]:
    """For each passage, the largest share of the question's terms, by weight, that one of its sentences has: 0 to 1.

    A term weighs what it does in BM25, with its document frequency among the passages of the same language.
    """
    found = [0.0] * len(passages)
    by_language: dict[str, list[int]] = defaultdict(list)
    for place, passage in enumerate(passages):
        by_language[analysis_language(passage.language)].append(place)
    for language, places in by_language.items():
        terms = frozenset(analyse(question, language))
        sentences = [_sentences(passages[place].text, language, terms) for place in places]
        weights = _weights(terms, [frozenset().union(*each) for each in sentences])
        for place, each in zip(places, sentences, strict=True):
            found[place] = max(math.fsum(weights[term] for term in sentence) for sentence in each)
    return found


def _sentences(text: str, language: str, terms: Terms) -> list[Terms]:
    """Of each sentence, the question's terms in it."""
    return [terms.intersection(analyse(sentence, language)) for sentence in _SENTENCE_END.split(text)]


def _weights(terms: Terms, passages: Sequence[Terms]) -> dict[str, float]:
    """Each term's share of the question: BM25's inverse document frequency, with 1 as the sum of all."""
    frequencies = Counter(term for passage in passages for term in passage)
    weights = {
        term: term_weight(term)
        * math.log(1 + (len(passages) - frequencies[term] + 0.5) / (frequencies[term] + 0.5))
        for term in terms
    }
    whole = math.fsum(weights.values())  # the same in any order, as sets have none
    return {term: weight / whole for term, weight in weights.items()}
