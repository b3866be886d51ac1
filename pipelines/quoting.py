"""From a finding to the answer that is shown: its text, its context, its page, its support."""

from dataclasses import dataclass, field

from fundstelle.indexing.documents import DocumentRecord, Passage, page_of
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.answers import Answer, Support
from fundstelle.pipelines.contexts import CONTEXT_SIZE, Context, around, context_of, reaches_beyond
from fundstelle.pipelines.merge import Candidate, Finding

LARGEST_DOCUMENT = 2000
"""Passages, about 1.5 MB of text: in longer documents, looking for neighbours would take longer than reading."""


@dataclass(slots=True)
class Quoter:
    """Quotes findings of one question, asking the store for each document once at most.

    Contexts end where their passages do if there is no store, or the document has more than
    `LARGEST_DOCUMENT` passages.
    """

    store: PassageStore | None = None
    context_size: int = CONTEXT_SIZE
    _records: dict[str, DocumentRecord | None] = field(default_factory=dict)
    _passages: dict[str, list[Passage]] = field(default_factory=dict)

    def answer(self, finding: Finding) -> Answer:
        best, passage = finding.best, finding.best.hit.passage
        context = self._context(best)
        return Answer(
            text=best.text,
            probability=finding.probability,
            document_id=passage.document_id,
            source=passage.source,
            start=best.start,
            end=best.end,
            page=self._page(best),
            language=passage.language,
            passage_id=passage.id,
            context=context.text,
            context_start=context.start,
            reader_score=best.span.score,
            null_score=best.null_score,
            retriever_score=best.hit.score,
            bm25=best.hit.bm25,
            cosine=best.hit.cosine,
            support=_support_of(finding),
        )

    def _context(self, place: Candidate) -> Context:
        """The text around the place, taken from neighbouring passages where its own does not suffice."""
        passage, size = place.hit.passage, self.context_size
        passages = [passage]
        if reaches_beyond(place.start, place.end, passage, size):
            found = around(self._passages_of(passage), place.start - size, place.end + size)
            passages = found if passage in found else passages  # it may be gone meanwhile
        return context_of(place.start, place.end, passages, size)

    def _page(self, place: Candidate) -> int | None:
        """The page on which the place starts; its passage may have begun on an earlier one."""
        passage = place.hit.passage
        if passage.page is None:
            return None
        record = self._record_of(passage)
        return page_of(record.pages, place.start) if record and record.pages else passage.page

    def _record_of(self, passage: Passage) -> DocumentRecord | None:
        name = passage.document_id
        if self.store and name not in self._records:
            self._records[name] = self.store.record(name)
        return self._records.get(name)

    def _passages_of(self, passage: Passage) -> list[Passage]:
        """The passages of the passage's document in order; none of a document that is too long."""
        name, record = passage.document_id, self._record_of(passage)
        if self.store is None or record is None or record.passages > LARGEST_DOCUMENT:
            return []
        if name not in self._passages:
            self._passages[name] = list(self.store.passages(name))
        return self._passages[name]


def _support_of(finding: Finding) -> tuple[Support, ...]:
    others = zip(finding.places[1:], finding.probabilities[1:], strict=True)
    return tuple(
        Support(
            document_id=place.hit.passage.document_id,
            source=place.hit.passage.source,
            start=place.start,
            end=place.end,
            probability=probability,
        )
        for place, probability in others
    )
