"""The data of indexing: documents as users gave them and the passages they are searched by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

Meta = Mapping[str, str | int | float | bool]


def identifier(*parts: object) -> str:
    """A short stable name for anything made of `parts`: 32 hexadecimal digits."""
    return blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A text as read from a file. Every offset in this project is a character position in such a `text`.

    Attributes:
        id: `identifier(source)`: the same file always has the same id.
        text: the whole text, never normalised; offsets are half-open ranges of its code points.
        source: path or URL; a record of a file with several documents is named `file.jsonl#3`.
        origin: the file `source` was read from; equals `source` for files of one document.
        title: what people call it, or "".
        language: BCP 47 code of most of the text, or "und".
        pages: start offset of each page in `text`; empty where the format has no pages.
        meta: values users filter by.
        content_hash: digest of the file's bytes, of the recipe that indexed them, and of how many documents they are.
    """

    id: str
    text: str
    source: str
    origin: str
    title: str = ""
    language: str = "und"
    pages: tuple[int, ...] = ()
    meta: Meta = field(default_factory=dict)
    content_hash: str = ""

    def page_of(self, offset: int) -> int | None:
        """The page, counted from 1, that holds the character at `offset`; None where there are no pages."""
        return page_of(self.pages, offset)


@dataclass(frozen=True, slots=True)
class Passage:
    """What is indexed and retrieved: `document.text[start : start + len(text)] == text`.

    The passages of a document, in order, are its whole text: nothing is left out and nothing doubled,
    so a store keeps passages only and joins them to show a document.

    Attributes:
        id: `identifier(document_id, start)`.
        page: page of the passage's first character, from 1; None where the format has no pages.
    """

    id: str
    document_id: str
    text: str
    start: int
    source: str
    language: str = "und"
    title: str = ""
    page: int | None = None
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnalysedDocument:
    """A document ready to be written: its passages and, for each, the index terms of text and title.

    `terms[i]` and `title_terms[i]` are the terms of `passages[i]`, in order, joined by single spaces.
    """

    document: SourceDocument
    passages: Sequence[Passage]
    terms: Sequence[str]
    title_terms: Sequence[str]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What a store knows about a document without its text."""

    id: str
    source: str
    origin: str
    title: str
    language: str
    pages: tuple[int, ...]
    meta: Meta
    content_hash: str
    characters: int
    passages: int

    def with_text(self, text: str) -> SourceDocument:
        """The document again, from its record and its text."""
        return SourceDocument(
            id=self.id,
            text=text,
            source=self.source,
            origin=self.origin,
            title=self.title,
            language=self.language,
            pages=self.pages,
            meta=self.meta,
            content_hash=self.content_hash,
        )


def page_of(pages: Sequence[int], offset: int) -> int | None:
    """The number, from 1, of the last page that starts at or before `offset`."""
    return sum(start <= offset for start in pages) or None
