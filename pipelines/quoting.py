"""From a place in a passage to what is shown of it: the context and the page."""

from dataclasses import dataclass, field

from fundstelle.indexing.documents import DocumentRecord, Passage, page_of
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.contexts import Context, around, context_of, reaches_beyond
from fundstelle.pipelines.merge import Candidate


@dataclass(slots=True)
class Quoter:
    """Looks up what surrounds places of one question, asking the store for each document once at most."""

    store: PassageStore
    context_size: int
    _records: dict[str, DocumentRecord | None] = field(default_factory=dict)

    def context(self, place: Candidate) -> Context:
        """The text around the place, taken from neighbouring passages where its own does not suffice."""
        passage, size = place.hit.passage, self.context_size
        passages = [passage]
        if reaches_beyond(place.start, place.end, passage, size):
            passages = self._neighbours(passage, place.start - size, place.end + size)
        return context_of(place.start, place.end, passages, size)

    def page(self, place: Candidate) -> int | None:
        """The page on which the place starts; the passage may have begun on an earlier one."""
        passage = place.hit.passage
        if passage.page is None:
            return None
        name = passage.document_id
        if name not in self._records:
            self._records[name] = self.store.record(name)
        record = self._records[name]
        return page_of(record.pages, place.start) if record and record.pages else passage.page

    def _neighbours(self, passage: Passage, start: int, end: int) -> list[Passage]:
        """Passages of the document that reach into `[start, end)`; the hit itself if it is gone meanwhile."""
        found = around(self.store.passages(passage.document_id), start, end)
        return found if passage in found else [passage]
