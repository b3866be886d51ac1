"""DOCX and PPTX.

Read with python-docx and python-pptx themselves: the converters of Haystack built on them answer every error with
an empty list, and leave out tables on slides, speaker's notes, footnotes and text that was inserted with tracking.
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fundstelle.indexing.archives import check_office
from fundstelle.indexing.extract import Extract, join_pages, one_line

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BLANKS = {
    f"{_W}tab": "\t",
    f"{_W}br": "\n",
    f"{_W}cr": "\n",
    f"{_W}noBreakHyphen": "\u2011",
    f"{_W}softHyphen": "\xad",
}
_PAGE_BREAK = "\f"  # cannot occur in XML, so it can stand for a break until pages are told apart
_SILENT = frozenset(
    (
        f"{_W}txbxContent",
        f"{_W}moveFrom",
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    )
)
_CONTROLS = frozenset((f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml"))
_NO_TITLE = re.compile(
    r"(untitled|unbenannt|word document|powerpoint presentation|document|presentation)?\s*\d*"
    r"|microsoft \w+ - .*|.*\.(docx?|pptx?|xlsx?|pdf|rtf|odt|tex|dvi|indd)",
    re.IGNORECASE,
)


def meaningful(title: object) -> str:
    """A title from a file's properties, or "" where it is one that programs fill in by themselves."""
    title = one_line(title if isinstance(title, str) else "")
    return "" if _NO_TITLE.fullmatch(title) else title


def read_docx(data: bytes) -> Extract:
    """Paragraphs, table rows, text boxes and notes, a line each; pages as the program last laid them out."""
    import docx

    check_office(data)
    document = docx.Document(io.BytesIO(data))
    lines = [*_blocks(document.element.body), *_notes(document.part)]
    pages = "\n".join(lines).split(_PAGE_BREAK)
    text, starts = join_pages(pages, between="")
    title = meaningful(document.core_properties.title) or _first_heading(document)
    return Extract(text, title=title, pages=starts if len(pages) > 1 else ())


def _blocks(container: Any) -> Iterator[str]:
    """The text of each paragraph and table row under `container`, in order, and of the text boxes in them."""
    for element in container:
        if element.tag == f"{_W}p":
            yield _paragraph(element)
            for box in _boxes(element):
                yield from _blocks(box)
        elif element.tag == f"{_W}tbl":
            yield from _rows(element)
        elif element.tag not in _SILENT:
            yield from _blocks(element)


def _boxes(paragraph: Any) -> Iterator[Any]:
    for box in paragraph.iter(f"{_W}txbxContent"):
        if not any(ancestor.tag in _SILENT for ancestor in box.iterancestors()):
            yield box


def _rows(table: Any) -> Iterator[str]:
    for row in _parts(table, f"{_W}tr"):
        cells = ("\n".join(_blocks(cell)).strip() for cell in _parts(row, f"{_W}tc"))
        yield " | ".join(cell for cell in cells if cell)


def _parts(element: Any, tag: str) -> Iterator[Any]:
    """The rows of a table or the cells of a row, also those that stand in the controls of a form."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _CONTROLS:
            yield from _parts(child, tag)


def _notes(part: Any) -> Iterator[str]:
    """Footnotes and endnotes, which stand in files of their own."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for relation in part.rels.values():
        if relation.reltype.endswith(("/footnotes", "/endnotes")) and not relation.is_external:
            lines = _blocks(etree.fromstring(relation.target_part.blob, parser))
            yield from (line for line in lines if line.strip())


def _paragraph(element: Any) -> str:
    return "".join(_characters(element))


def _characters(element: Any) -> Iterator[str]:
    """The text in a paragraph: tracked insertions included, deletions and text boxes left out."""
    for child in element:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag == f"{_W}lastRenderedPageBreak":
            yield _PAGE_BREAK
        elif child.tag in _BLANKS:
            yield "" if child.get(f"{_W}type") == "page" else _BLANKS[child.tag]
        elif child.tag not in _SILENT and not child.tag.endswith("}pPr"):
            yield from _characters(child)


def _first_heading(document: Any) -> str:
    for paragraph in document.paragraphs:
        name = paragraph.style.name if paragraph.style is not None else ""
        if name and name.startswith(("Title", "Heading")) and paragraph.text.strip():
            return one_line(paragraph.text)
    return ""


def read_pptx(data: bytes) -> Extract:
    """Slides as pages: their text, tables and speaker's notes, in the order of the presentation."""
    import pptx

    check_office(data)
    presentation = pptx.Presentation(io.BytesIO(data))
    text, starts = join_pages("\n".join(_slide(slide)) for slide in presentation.slides)
    title = meaningful(presentation.core_properties.title) or _slide_title(presentation.slides)
    return Extract(text, title=title, pages=starts)


def _slide(slide: Any) -> Iterator[str]:
    yield from _shapes(slide.shapes)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
        yield notes.text


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shapes(shape.shapes)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield " | ".join(text for cell in row.cells if (text := cell.text.strip()))
        elif shape.has_text_frame and (text := shape.text_frame.text.strip()):
            yield text.replace("\v", "\n")


def _slide_title(slides: Iterable[Any]) -> str:
    for slide in slides:
        if slide.shapes.title is not None and (title := one_line(slide.shapes.title.text)):
            return title
    return ""
