"""Finding passages: by words (BM25), by meaning (vectors), or by both."""

from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Filters, Hit, PassageStore, StoreError, Vector
from fundstelle.indexing.vectors import PassageEncoder, check_space
from fundstelle.pipelines.fusion import Fusion

Kind = Literal["bm25", "dense", "hybrid"]
KINDS: tuple[Kind, ...] = get_args(Kind)

DEPTH = 60
"""Passages that words and meaning each put up for fusion, at least."""


class QueryEncoder(PassageEncoder, Protocol):
    """What retrieval needs of an encoder; `fundstelle.encoder.Encoder` is one."""

    def queries(self, texts: Sequence[str]) -> Vector: ...


class Retriever:
    """Finds the passages of one store.

    Args:
        store: where they are.
        kind: "bm25", "dense" or "hybrid"; None: hybrid as soon as the store has vectors, BM25 until then.
        encoder: the one that made the store's vectors, open or by folder or name; None: the bundled one. Its weights
            are loaded when first needed.
        fusion: how evidence is weighed; unless given, what stands beside the encoder's weights, or the bundled one's.

    Raises:
        ValueError: there is no such kind of retriever.
    """

    def __init__(
        self,
        store: PassageStore,
        kind: Kind | None = None,
        encoder: QueryEncoder | str | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        self.store = store
        self._wanted = checked(kind)
        self._model = encoder
        self._encoder: QueryEncoder | None = None
        self._fusion = fusion

    @property
    def kind(self) -> Kind:
        """What is used now."""
        return self._wanted or ("hybrid" if self.store.vector_space() else "bm25")

    @property
    def fusion(self) -> Fusion:
        """How evidence is weighed; the encoder is opened for it where need be, since only then its folder is known.

        Raises:
            StoreError: as for `retrieve`.
        """
        self._fusion = self._fusion or Fusion.load(getattr(self._opened(), "folder", None))
        return self._fusion

    def retrieve(
        self, questions: Sequence[str], top_k: int = 20, filters: Filters | None = None
    ) -> list[list[Hit]]:
        """For each question the `top_k` best passages, best first, with all evidence that was looked at.

        Raises:
            StoreError: the store has no vectors and the retriever needs them, or another encoder's.
        """
        kind = self.kind
        if kind == "bm25":
            return [Fusion.by_words(self.store.search(each, top_k, filters)) for each in questions]
        if kind == "dense":
            return [
                self.fusion.by_meaning(self.store.search_vectors(each, top_k, filters))
                for each in self._opened().queries(questions)
            ]
        languages = self.store.languages()
        return [
            self.fusion.by_both(hits, question, detect(question, among=languages))[:top_k]
            for question, hits in zip(
                questions, self.candidates(questions, max(DEPTH, 2 * top_k), filters), strict=True
            )
        ]

    def candidates(
        self, questions: Sequence[str], depth: int = DEPTH, filters: Filters | None = None
    ) -> list[list[Hit]]:
        """For each question what fusion chooses from: the `depth` best by words and by meaning, in no order."""
        vectors = self._opened().queries(questions)
        return [self._both(*one, depth, filters) for one in zip(questions, vectors, strict=True)]

    def _both(self, question: str, vector: Vector, depth: int, filters: Filters | None) -> list[Hit]:
        """What words and meaning find, each passage once with both kinds of evidence as far as they are known."""
        worded = self.store.search(question, depth, filters)
        near = {hit.passage.id: hit for hit in self.store.search_vectors(vector, depth, filters)}
        unknown = [hit.passage for hit in worded if hit.passage.id not in near]
        cosines = {hit.passage.id: hit.cosine for hit in near.values()}
        cosines |= dict(
            zip([passage.id for passage in unknown], self.store.cosines(vector, unknown), strict=True)
        )
        both = [Hit(hit.passage, hit.score, hit.bm25, cosines[hit.passage.id]) for hit in worded]
        known = {hit.passage.id for hit in worded}
        return both + [hit for name, hit in near.items() if name not in known]

    def _opened(self) -> QueryEncoder:
        """The encoder, once it is known that the store's vectors are its own."""
        if self._encoder is None:
            if self.store.vector_space() is None:
                raise StoreError(
                    f"{self.store.address} has no vectors to search by meaning. Make them with "
                    "`fundstelle index --vectors-only`, or search by words with --retriever bm25."
                )
            encoder = _open(self._model)
            check_space(self.store, encoder)
            self._encoder = encoder
        return self._encoder


def checked(kind: str | None) -> Kind | None:
    """The kind of retriever of that name; ValueError if there is none."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"{kind!r} is no retriever: choose one of {', '.join(KINDS)}.")
    return kind


def _open(encoder: QueryEncoder | str | None) -> QueryEncoder:
    if encoder is not None and not isinstance(encoder, str):
        return encoder
    from fundstelle.encoder import Encoder

    return Encoder.load(encoder)
