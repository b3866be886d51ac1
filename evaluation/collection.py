"""The contexts of a data set as one collection, and which of its passages hold a question's answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from fundstelle.evaluation.datasets import Dataset, Question
from fundstelle.evaluation.retrieval import Ranks
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.languages import detect
from fundstelle.indexing.passages import split
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.indexing.vector_jobs import add_vectors
from fundstelle.indexing.vectors import PassageEncoder

AROUND = 30
"""Characters on each side of an answer that a passage of a foreign collection must share to be the place."""


class Places(Protocol):
    """Knows where in a collection the answers to a question stand."""

    def ranks(self, question: Question, passages: Sequence[Passage]) -> tuple[Ranks, int | None]:
        """Ranks of the passages that hold an answer, and the rank of the right paragraph among documents."""


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """Places in a collection made of the data set's contexts, each context one document."""

    passages: dict[str, list[Passage]]  # by context

    def ranks(self, question: Question, passages: Sequence[Passage]) -> tuple[Ranks, int | None]:
        ranks = {passage.id: rank for rank, passage in enumerate(passages, 1)}
        right = self.passages[question.context]
        holding = [ranks.get(passage.id) for passage in right if _holds(passage, question)]
        documents = list(dict.fromkeys(passage.document_id for passage in passages))
        wanted = right[0].document_id if right else ""
        return holding, documents.index(wanted) + 1 if wanted in documents else None


@dataclass(frozen=True, slots=True)
class ForeignPlaces:
    """Places in a collection made elsewhere, known by their text: one right place a question."""

    def ranks(self, question: Question, passages: Sequence[Passage]) -> tuple[Ranks, int | None]:
        ranked = enumerate(passages, 1)
        rank = next((rank for rank, passage in ranked if _quotes(passage, question)), None)
        documents: dict[str, bool] = {}
        for passage in passages:
            shared = documents.get(passage.document_id, False) or _shares_text(passage, question.context)
            documents[passage.document_id] = shared
        paragraph = next((place for place, right in enumerate(documents.values(), 1) if right), None)
        return [rank], paragraph


@contextmanager
def opened(
    dataset: Dataset, address: str | None, tokenizer: Path, encoder: PassageEncoder | None = None
) -> Iterator[tuple[PassageStore, Places]]:
    """The store at `address`, or without one a fresh store of the data set's contexts, with vectors by `encoder`.

    `tokenizer` is the reader's `tokenizer.json`, by which the contexts are split into passages.
    """
    if address is None:
        with temporary(dataset, TokenCounter.load(tokenizer), encoder) as fresh:
            yield fresh
    else:
        with open_store(address, create=False, read_only=True) as store:
            yield store, ForeignPlaces()


@contextmanager
def temporary(
    dataset: Dataset, counter: TokenCounter, encoder: PassageEncoder | None = None
) -> Iterator[tuple[PassageStore, Places]]:
    """A store of the data set's contexts, gone afterwards; titles stay out: only texts are searched."""
    with TemporaryDirectory(prefix="fundstelle-") as folder, EmbeddedStore.open(folder) as store:
        documents = {context: _analysed(context, dataset, counter) for context in dataset.contexts}
        store.write(documents.values())
        store.commit()
        if encoder is not None:
            add_vectors(store, encoder)
        yield store, OwnPlaces({context: list(one.passages) for context, one in documents.items()})


def _analysed(context: str, dataset: Dataset, counter: TokenCounter) -> AnalysedDocument:
    source = f"{dataset.name}/{identifier(context)}"
    language = dataset.language if dataset.language != "und" else detect(context)
    document = SourceDocument(identifier(source), context, source, source, language=language)
    passages = split(document, counter)
    terms = [index_terms(passage.text, passage.language) for passage in passages]
    return AnalysedDocument(document, passages, terms, [""] * len(passages))


def _holds(passage: Passage, question: Question) -> bool:
    """Whether any gold answer stands in the passage, at least in part."""
    end = passage.start + len(passage.text)
    return any(gold.start < end and passage.start < gold.start + len(gold.text) for gold in question.golds)


def _quotes(passage: Passage, question: Question) -> bool:
    """Whether the passage has a gold answer together with the text around it."""
    text = _flat(passage.text)
    context = question.context
    around = (
        context[max(0, gold.start - AROUND) : gold.start + len(gold.text) + AROUND] for gold in question.golds
    )
    return any(_flat(piece) in text for piece in around)


def _shares_text(passage: Passage, context: str) -> bool:
    text, other = _flat(passage.text), _flat(context)
    return text in other or other in text


def _flat(text: str) -> str:
    return " ".join(text.split())
