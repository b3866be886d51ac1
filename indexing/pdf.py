"""PDF, through PDFium, the engine of Chrome.

Measured on manuals in German, Russian, Japanese and Chinese: 30 pages in 0.3 to 0.5 s, where `pypdf` takes
3 to 8 s and `pdfminer.six` 4 to 60 s; `pypdf` also loses the blanks between Latin words in Japanese ones.
Only where marks are placed over and under letters one by one does PDFium lose their order: of the words of
Thai pages it keeps 50 to 74 % and of Arabic ones 79 to 92 %, `pypdf` 84 to 90 % and 93 to 99 %. So pages in
such scripts, and no others, are read once more with `pypdf`.

A PDF knows lines, not paragraphs. Lines that fill the width of the page are joined to the next one, without
a blank between characters of scripts that use none, and words that were hyphenated are made whole: that is
the text of the document, and offsets count in it.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unicodedata import east_asian_width

from fundstelle.indexing.extract import Extract, join_pages
from fundstelle.indexing.files import ReadingError
from fundstelle.indexing.office import meaningful

_HYPHENATED = re.compile(r"(\w+)\x02(\w+)")
_LINE_END = re.compile(r"\r\n?|\n")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
)
_IDEOGRAPHIC = re.compile(r"[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NEW_ITEM = re.compile(r"([•‣▪●○◦–—*·-]|\(?\w{1,3}[.)]|\d+(\.\d+)+\.?)\s")
_PLACED_MARKS = re.compile(
    r"[\u0600-\u06ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ufb50-\ufdff\ufe70-\ufefc]"
)
_GLUED = re.compile(r"(?<=[\u0620-\u06ff])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?=[\u0620-\u06ff])")
_MAX_SLOW_PAGES = 300  # a minute or so; further pages stay as PDFium reads them
_TAIL = 2048  # readers look for the end mark in the last 1024 bytes; some programs write a little behind it
_PASSWORD_ERROR = 4
_FULL = 0.72  # of the usual width: lines of a proportional script that are equally wide differ in characters
_MIN_WIDTH = 30  # columns; narrower pages are lists or tables, whose lines stay as they are


def read_pdf(data: bytes) -> Extract:
    """The text layer of all pages."""
    import pypdfium2  # type: ignore[import-untyped]

    if b"%PDF-" not in data[:1024]:
        raise ReadingError("The file is named .pdf and is not a PDF.")
    if b"%%EOF" not in data[-_TAIL:]:
        raise ReadingError("The PDF is cut off, its end is missing; copy or download it again.")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise ReadingError("The PDF is protected by a password; save a copy without one.") from error
        raise ReadingError("The PDF is damaged; open it in a viewer and print it to a new PDF.") from error
    with document:
        pages = _pages(document, data)
        running = _running_lines(pages)
        text, starts = join_pages(_mend_words([_layout(page, running) for page in pages]))
        title = meaningful(document.get_metadata_value("Title"))
    if not text.strip():
        raise ReadingError("The PDF has no text layer, it is most likely scanned; run it through OCR first.")
    return Extract(text, title=title, pages=starts)


def _pages(document: Any, data: bytes) -> list[str]:
    pages = [_page(document[number]) for number in range(len(document))]
    misplaced = [
        number for number, text in enumerate(pages) if len(_PLACED_MARKS.findall(text)) * 5 > len(text)
    ]
    for number, text in _read_slowly(data, misplaced[:_MAX_SLOW_PAGES]):
        pages[number] = text
    return [_LINE_END.sub("\n", text) for text in pages]


def _page(page: Any) -> str:
    layer = page.get_textpage()
    text: str = layer.get_text_bounded(errors="replace")
    layer.close()
    page.close()
    return text


def _read_slowly(data: bytes, numbers: list[int]) -> Iterator[tuple[int, str]]:
    if not numbers:
        return
    from pypdf import PdfReader

    try:
        reader = PdfReader(io.BytesIO(data))
        for number in numbers:
            yield number, _GLUED.sub(" ", reader.pages[number].extract_text())
    except MemoryError:
        raise
    except Exception:  # it is the pickier of the two, and the other has read the pages
        return


def _running_lines(pages: list[str]) -> set[str]:
    """The headers and footers: first and last lines that other pages have, too, but for their numbers."""
    edges = [{_unnumbered(lines[0]), _unnumbered(lines[-1])} for page in pages if (lines := page.split("\n"))]
    seen = Counter(line for edge in edges for line in edge if line)
    return {line for line, count in seen.items() if count > 1}


def _unnumbered(line: str) -> str:
    return re.sub(r"\d+", "#", line.strip())


def _layout(page: str, running: set[str]) -> str:
    """The lines of a page with the wrapped ones joined; PDFium itself has joined hyphenated ones by U+0002."""
    pieces = [piece.strip(" ") for piece in re.split("([\n\x02])", page)]
    lines, ends = pieces[::2], pieces[1::2]
    widths = sorted(width for line in lines if (width := _width(line)))
    usual = widths[len(widths) * 9 // 10] if widths else 0
    full = usual * _FULL if usual >= _MIN_WIDTH else float("inf")
    parts = lines[:1]
    for line, end, following in zip(lines, ends, lines[1:], strict=False):
        ends_here = _NEW_ITEM.match(following) or not running.isdisjoint(map(_unnumbered, (line, following)))
        wraps = end == "\n" and _width(line) >= full and following and not ends_here
        parts += [_glue(line, following) if wraps else end, following]
    return "".join(parts).strip("\n")


def _width(line: str) -> int:
    return len(line) if line.isascii() else sum(2 if east_asian_width(c) in "WF" else 1 for c in line)


def _glue(line: str, following: str) -> str:
    """What stood between two joined lines; ideographs take no blank even beside digits and Latin letters."""
    edges = line[-1], following[0]
    return "" if all(map(_UNSPACED.match, edges)) or any(map(_IDEOGRAPHIC.match, edges)) else " "


def _mend_words(pages: list[str]) -> list[str]:
    """Words cut at a line end, which PDFium marks with U+0002, in the form in which the document has them elsewhere."""
    words = {word for page in pages for word in re.findall(r"\w+(?:-\w+)*", page)}

    def mend(cut: re.Match[str]) -> str:
        hyphened, whole = f"{cut[1]}-{cut[2]}", cut[1] + cut[2]
        if whole in words:
            return whole
        return hyphened if hyphened in words or not cut[2][0].islower() else whole

    return [_HYPHENATED.sub(mend, page).replace("\x02", "-") for page in pages]
