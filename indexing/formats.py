"""Files to documents: which reader is for which file, and one sentence for each that cannot be read."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePath

from fundstelle.indexing.documents import SourceDocument, identifier
from fundstelle.indexing.extract import Extract, storable, title_of_name
from fundstelle.indexing.files import MAX_FILE_BYTES, ReadingError, digest_bytes, read_bytes
from fundstelle.indexing.hypertext import read_html
from fundstelle.indexing.mail import Mail, read_eml, read_msg
from fundstelle.indexing.markup import read_markdown, read_text
from fundstelle.indexing.office import read_docx, read_pptx
from fundstelle.indexing.pdf import read_pdf
from fundstelle.indexing.records import read_json, read_jsonl
from fundstelle.indexing.tables import read_csv, read_tsv, read_xlsx

MAX_CHARACTERS = 100_000_000
"""Texts above this are refused, however small the file they were packed in."""

_SINGLE: dict[str, Callable[[bytes], Extract]] = {
    **dict.fromkeys((".txt", ".text", ".rst", ".log"), read_text),
    **dict.fromkeys((".md", ".markdown"), read_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    ".docx": read_docx,
    ".pdf": read_pdf,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
}
_SEVERAL: dict[str, Callable[[bytes], list[Extract]]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".json": read_json,
    **dict.fromkeys((".jsonl", ".ndjson"), read_jsonl),
}
_MAIL: dict[str, Callable[[bytes], Mail]] = {".eml": read_eml, ".msg": read_msg}

SUFFIXES = frozenset(_SINGLE | _SEVERAL | _MAIL)
"""The file types that can be read, as lower-case endings with their dot."""

_SUCCESSORS = {".doc": ".docx", ".ppt": ".pptx", ".xls": ".xlsx", ".rtf": ".docx", ".odt": ".docx"}


def read(
    path: Path, source: str, *, max_bytes: int = MAX_FILE_BYTES, max_characters: int = MAX_CHARACTERS
) -> list[SourceDocument]:
    """The documents in a file, at least one, none without text.

    Their `content_hash` is that of the file's bytes. Their language is "und" unless the file names it.

    Args:
        source: the name of the file in the store, see `source_name`. If it holds several documents, each gets
            its place behind it, counted from 1: `faq.jsonl#3`; a mail's attachments come after its body.

    Raises:
        ReadingError: with the reason, in one sentence.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in SUFFIXES and not path.is_dir():
        raise ReadingError(_unknown(suffix))
    data = read_bytes(path, max_bytes)
    extracts = _extract(path.name, data)
    if sum(len(extract.text) for extract in extracts) > max_characters:
        raise ReadingError(
            f"The text in the file has more than {max_characters:,} characters, which is the limit; split the file."
        )
    documents = list(_documents(extracts, source, digest_bytes(data)))
    if not documents:
        raise ReadingError("There is no text in the file.")
    return documents


def _unknown(suffix: str) -> str:
    if successor := _SUCCESSORS.get(suffix):
        return f"Files of type {suffix} cannot be read; save it as {successor}."
    kind = f"of type {suffix}" if suffix else "without an ending"
    return f"Files {kind} cannot be read; those that can are: {' '.join(sorted(SUFFIXES))}."


def _extract(name: str, data: bytes) -> list[Extract]:
    """What the reader for files called `name` finds; whatever it may raise becomes a sentence."""
    suffix = PurePath(name).suffix.lower()
    try:
        if suffix in _MAIL:
            return _with_attachments(*_MAIL[suffix](data))
        return _SEVERAL[suffix](data) if suffix in _SEVERAL else [_SINGLE[suffix](data)]
    except (ReadingError, MemoryError):
        raise
    except Exception as error:  # the libraries raise anything on files made to confuse them
        detail = " ".join(str(error).split())[:120] or type(error).__name__
        raise ReadingError(f"The file is damaged or not what its name says ({suffix}: {detail}).") from error


def _with_attachments(message: Extract, attachments: Iterable[tuple[str, bytes]]) -> list[Extract]:
    """A mail and what is attached to it, one level deep; what of it cannot be read is named in its metadata."""
    documents: list[Extract] = []
    unread: list[str] = []
    for name, data in attachments:
        if PurePath(name).suffix.lower() not in SUFFIXES - _MAIL.keys():
            unread.append(name)
            continue
        try:
            documents += [
                replace(extract, title=extract.title or title_of_name(name))
                for extract in _extract(name, data)
            ]
        except ReadingError:
            unread.append(name)
    meta = {**message.meta, "unread_attachments": ", ".join(unread)} if unread else message.meta
    return [replace(message, meta=meta), *documents]


def _documents(extracts: list[Extract], source: str, content_hash: str) -> Iterable[SourceDocument]:
    for number, extract in enumerate(extracts, 1):
        if extract.text.strip():
            name = source if len(extracts) == 1 else f"{source}#{number}"
            yield SourceDocument(
                id=identifier(name),
                text=storable(extract.text),
                source=name,
                origin=source,
                title=extract.title or title_of_name(source),
                language=extract.language,
                pages=extract.pages,
                meta=extract.meta,
                content_hash=content_hash,
            )
