"""Haystack 3 components of the indexing pipeline, for pipelines of a user's own and for YAML.

Documents travel as Haystack documents: `id` and `content` are the document's, `meta` holds what users filter
by and, above that, `source`, `origin`, `title`, `language` and `pages`. So do passages, with `document_id`,
`start` and `page` besides; their `pages` are the offsets in the document at which a page starts within them.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from haystack import Document, Pipeline, component, default_from_dict, default_to_dict
from haystack.core.serialization import allow_deserialization_module

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import Passage, SourceDocument, identifier
from fundstelle.indexing.files import source_name, walk
from fundstelle.indexing.formats import read
from fundstelle.indexing.languages import AUTO
from fundstelle.indexing.passages import PASSAGE_TOKENS
from fundstelle.indexing.preparation import Recipe, Splitting, passages_of, with_terms
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.worker import Failure
from fundstelle.indexing.workers import Workers

allow_deserialization_module("fundstelle")

_OF_DOCUMENTS = ("source", "origin", "title", "language", "pages")
_OF_PASSAGES = ("document_id", "start", "page")


@component
class FileReader:
    """Reads files, and those in folders, into documents; in worker processes, since files may be hostile.

    Args:
        base: the folder that sources are named from.
        workers: processes that read.
    """

    def __init__(self, base: str = ".", workers: int = 1) -> None:
        self.base = base
        self.workers = workers

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, base=self.base, workers=self.workers)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "FileReader":
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document], failures=list[dict[str, str]])
    def run(self, sources: list[str | Path]) -> dict[str, Any]:
        """The documents, and `{"source", "reason"}` for each file that cannot be read."""
        documents: list[Document] = []
        failures: list[dict[str, str]] = []
        with Workers(partial(_read_file, Path(self.base)), self.workers) as pool:
            for path, outcome in pool.map(walk(map(Path, sources))):
                if isinstance(outcome, Failure):
                    failures.append({"source": source_name(path, Path(self.base)), "reason": outcome.reason})
                else:
                    documents += map(_document_of, outcome)
        return {"documents": documents, "failures": failures}


@component
class PassageSplitter:
    """Splits documents into passages that fit the reader's window together with a question.

    Takes documents of `FileReader` and of any Haystack converter. Of the latter the source is `meta["file_path"]`
    or else the id, and form feeds end pages. They keep their ids, since files in two folders may have one path
    there. Haystack makes an id of the content, so a changed file is a new document: delete the old one, or give
    ids of your own.

    Args:
        tokenizer: path of the reader's `tokenizer.json`.
        tokens: the most a passage may have.
        language: BCP 47 code of all documents, or "auto".
    """

    def __init__(self, tokenizer: str, tokens: int = PASSAGE_TOKENS, language: str = AUTO) -> None:
        self.tokenizer = tokenizer
        self.tokens = tokens
        self.language = language
        self._recipe = Recipe(Splitting(Path(tokenizer), tokens), language)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, tokenizer=self.tokenizer, tokens=self.tokens, language=self.language)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PassageSplitter":
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """The passages of each document, in order; together they are its whole text."""
        passages: list[Document] = []
        for document in map(_source_document_of, documents):
            passages += (
                _document_of_passage(passage, document) for passage in passages_of(document, self._recipe)
            )
        return {"documents": passages}


@component
class PassageWriter:
    """Writes passages to a store, each document in the place of what the store had of it.

    Args:
        store: an open store, or the address of one, opened by `warm_up`; what is missing is made.
    """

    def __init__(self, store: PassageStore | str) -> None:
        self.address = store if isinstance(store, str) else store.address
        self.store = None if isinstance(store, str) else store

    def warm_up(self) -> None:
        self.store = self.store or open_store(self.address)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, store=self.address)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PassageWriter":
        return default_from_dict(cls, data)

    @component.output_types(documents_written=int, passages_written=int)
    def run(self, documents: list[Document]) -> dict[str, int]:
        """Write and commit `documents`, which are all passages of one or more documents.

        Raises:
            ValueError: some of a document's passages are missing.
        """
        self.warm_up()
        assert self.store is not None
        ordered = sorted(documents, key=_place)
        whole = [
            _whole_document(list(passages)) for _, passages in groupby(ordered, lambda one: _place(one)[0])
        ]
        self.store.write(with_terms(document, passages) for document, passages in whole)
        self.store.commit()
        return {"documents_written": len(whole), "passages_written": len(documents)}


def build_indexing_pipeline(
    store: PassageStore | str, tokenizer: str, base: str = ".", language: str = AUTO, workers: int = 1
) -> Pipeline:
    """`reader` -> `splitter` -> `writer`: run it with `{"reader": {"sources": [...]}}`."""
    pipeline = Pipeline()
    pipeline.add_component("reader", FileReader(base, workers))
    pipeline.add_component("splitter", PassageSplitter(tokenizer, language=language))
    pipeline.add_component("writer", PassageWriter(store))
    pipeline.connect("reader.documents", "splitter.documents")
    pipeline.connect("splitter.documents", "writer.documents")
    return pipeline


def _read_file(base: Path, path: Path) -> list[SourceDocument]:
    return read(path, source_name(path, base))


def _document_of(document: SourceDocument) -> Document:
    ours = {name: getattr(document, name) for name in _OF_DOCUMENTS}
    return Document(
        id=document.id,
        content=document.text,
        meta={**document.meta, **ours, "pages": list(document.pages)},
    )


def _source_document_of(document: Document) -> SourceDocument:
    text = document.content or ""
    meta = dict(document.meta)
    source = str(meta.get("source") or meta.get("file_path") or document.id)
    is_ours = {"source", "origin"} <= meta.keys()
    known: dict[str, Any] = {"source": source, "origin": document.id, "pages": _pages_by_form_feeds(text)}
    known |= {name: meta.pop(name) for name in _OF_DOCUMENTS if name in meta}
    name = identifier(source) if is_ours else document.id
    return SourceDocument(name, text, meta=_plain(meta), **{**known, "pages": tuple(known["pages"])})


def _pages_by_form_feeds(text: str) -> list[int]:
    ends = [position + 1 for position, character in enumerate(text) if character == "\f"]
    return [0, *ends] if ends else []


def _plain(meta: dict[str, Any]) -> dict[str, str | int | float | bool]:
    """The values that a store can filter by."""
    return {key: value for key, value in meta.items() if isinstance(value, str | int | float | bool)}


def _document_of_passage(passage: Passage, document: SourceDocument) -> Document:
    end = passage.start + len(passage.text)
    ours = {name: getattr(passage, name) for name in (*_OF_PASSAGES, "source", "title", "language")}
    pages = [page for page in document.pages if passage.start <= page < end]
    meta = {**passage.meta, **ours, "origin": document.origin, "pages": pages}
    return Document(id=passage.id, content=passage.text, meta=meta)


def _place(document: Document) -> tuple[str, int]:
    try:
        return str(document.meta["document_id"]), int(document.meta["start"])
    except KeyError as error:
        raise ValueError(
            f"Document {document.id} is no passage: its meta has no {error}. Split documents by PassageSplitter first."
        ) from error


def _whole_document(parts: Sequence[Document]) -> tuple[SourceDocument, list[Passage]]:
    """A document, and its passages, from Haystack's documents of all of them in order."""
    passages = [_passage_of(part) for part in parts]
    first, end = parts[0].meta, 0
    for passage in passages:
        if passage.start != end:
            raise ValueError(
                f"The text of {passage.source} from {end} to {passage.start} is missing or doubled; "
                "write all passages of a document together."
            )
        end += len(passage.text)
    document = SourceDocument(
        id=passages[0].document_id,
        text="".join(passage.text for passage in passages),
        source=passages[0].source,
        origin=str(first.get("origin", passages[0].source)),
        title=passages[0].title,
        pages=tuple(_pages_in(parts)),
        meta=passages[0].meta,
    )
    return document, passages


def _pages_in(parts: Iterable[Document]) -> list[int]:
    return [page for part in parts for page in part.meta.get("pages", ())]


def _passage_of(document: Document) -> Passage:
    meta = dict(document.meta)
    known = {name: meta.pop(name) for name in (*_OF_PASSAGES, "source", "title", "language") if name in meta}
    values = {key: value for key, value in _plain(meta).items() if key != "origin"}
    return Passage(id=document.id, text=document.content or "", meta=values, **known)
