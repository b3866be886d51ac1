"""HTML: the text a reader came for, without the menus around it.

Taken by structure rather than by a classifier of articles: on manuals, `trafilatura` (measured on the Debian
handbook) drops lists, headings and code, half of the text, and an answer that was dropped cannot be found.
"""

import re
from collections.abc import Iterator
from typing import Any

from fundstelle.indexing.decoding import decode
from fundstelle.indexing.extract import Extract, one_line
from fundstelle.indexing.files import ReadingError

# A declaration that can be read as ASCII is not in UTF-16, so that one is not believed.
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*(?!utf-?16)([\w.:-]{1,40})""", re.IGNORECASE
)
_INVISIBLE = (
    "//script|//style|//template|//noscript|//svg|//iframe|//object|//select|//textarea|//head"
    "|//button[not(ancestor::*[self::h1|self::h2|self::h3|self::h4|self::h5|self::h6|self::summary])]"
    "|//*[@hidden]|//*[@aria-hidden='true']|//*[contains(translate(@style,' ',''),'display:none')]"
    "|//comment()|//processing-instruction()"
)
_AROUND = (
    "//nav|//*[@role='navigation' or @role='banner' or @role='contentinfo' or @role='search']"
    "|//*[self::header or self::footer][not(ancestor::*[self::main|self::article|self::section|self::blockquote])]"
)
_NEVER_TEXT = re.compile(
    r"(?<![^\s_-])(cookies?|breadcrumbs?|navbar|pagination|footer)(?![^\s_-])", re.IGNORECASE
)
_MENU = re.compile(
    r"(?<![^\s_-])(doc)?(nav(igation|bar|header|footer|links)?|menu|sidebar|toolbar|toc|breadcrumbs?|pagination)"
    r"(?![^\s_-])",
    re.IGNORECASE,
)
_PARAGRAPHS = re.compile(
    "address|article|aside|blockquote|body|caption|details|dialog|div|dl|fieldset|figcaption|figure|footer|form|"
    "h[1-6r]|header|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|ul"
)
_LINES = frozenset(("br", "dd", "dt", "li", "tr"))
_CELLS = frozenset(("td", "th"))


def read_html(data: bytes) -> Extract:
    """The visible text of the page's main part: paragraphs apart, list items and table rows on lines of their own."""
    declared = _DECLARED.search(data[:4096])
    return extract_html(decode(data, declared[1].decode("ascii") if declared else None))


def extract_html(source: str) -> Extract:
    """As `read_html`, from a page that is decoded already."""
    from lxml import etree, html  # type: ignore[import-untyped]

    # libxml2 takes bytes whose encoding it is told.
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(source.encode("utf-8"), parser=parser)
    except etree.ParserError:  # nothing but comments, or nothing at all
        return Extract("")
    if any("Excessive depth" in entry.message for entry in parser.error_log):  # the rest is missing
        raise ReadingError("The HTML is nested too deeply to be read whole; save its text from a browser.")
    title = one_line(root.findtext(".//title") or "")
    _drop(root.xpath(_INVISIBLE))
    for element in root.xpath("//body//*[@role='main']"):  # as pages say it that are older than the tag
        element.tag = "main"
    heading = root.find(".//h1")
    title = title or one_line("" if heading is None else heading.text_content())
    everything = _text(root)
    _drop(root.xpath(_AROUND))
    _drop(list(_menus(root)))
    return Extract(_text(_main(root)) or everything, title=title)


def _drop(elements: list[Any]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _menus(root: Any) -> Iterator[Any]:
    """Small parts of the page that are menus by their name, or outside its main part by being made of links."""
    lengths = _lengths(root)
    for element in root.iter("div", "ul", "ol", "section", "aside", "table", "p", "dl", "form"):
        if (length := lengths[element]) * 3 < lengths[root] and element.find(".//main") is None:
            names = f"{element.get('class', '')} {element.get('id', '')}"
            links = list(element.iter("a"))
            linked = sum(lengths[link] for link in links) / (length or 1)
            inside = next(element.iterancestors("main", "article"), None) is not None
            if (
                (_NEVER_TEXT.search(names) and not inside)  # a page on cookies has a section called so
                or (_MENU.search(names) and linked > 0.3)  # some call a box of text a sidebar
                or (len(links) > 3 and linked > 0.7 and not inside)
            ):
                yield element


def _lengths(root: Any) -> dict[Any, int]:
    """How much text is in each element, summed from the inside outwards: unclosed tags nest deeply."""
    lengths: dict[Any, int] = {}
    for element in reversed(list(root.iter())):
        inside = sum(lengths[child] + len((child.tail or "").strip()) for child in element)
        lengths[element] = len((element.text or "").strip()) + inside
    return lengths


def _main(root: Any) -> Any:
    """The element that holds the page's own text: its one <main>, or its one <article> if that is most of it."""
    mains = root.findall(".//main")
    if len(mains) == 1:
        return mains[0]
    articles = root.findall(".//article")
    if len(articles) == 1 and (lengths := _lengths(root))[articles[0]] * 2 > lengths[root]:
        return articles[0]
    return root


def _text(root: Any) -> str:
    from lxml import etree

    page = _Page()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            page.open(element.tag)
            page.write(element.text)
        else:
            page.close(element.tag)
            if element is not root:
                page.write(element.tail)
    return "".join(page.parts)


class _Page:
    """Text as a browser lays it out: runs of blanks are one space, blocks are apart."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._breaks = 0  # line ends owed before the next text
        self._space = False
        self._row = -1  # number of parts before this table row, if in one
        self._cell = False  # a cell with text has ended in this row
        self._verbatim = 0

    def open(self, tag: str) -> None:
        self._border(tag)
        self._verbatim += tag == "pre"
        if tag == "tr":
            self._row, self._cell = len(self.parts), False

    def close(self, tag: str) -> None:
        self._border(tag)
        self._verbatim -= tag == "pre"
        if tag in _CELLS:
            self._cell |= len(self.parts) > self._row
            self._breaks = min(self._breaks, 1)
        elif tag == "tr":
            self._row, self._cell = -1, False

    def _border(self, tag: str) -> None:
        begins_row = self._row == len(self.parts)
        if tag in _LINES or (begins_row and tag != "table"):
            self._breaks = max(self._breaks, 1)
        elif _PARAGRAPHS.fullmatch(tag):
            self._breaks = 2

    def write(self, text: str | None) -> None:
        if not text:
            return
        shown = text if self._verbatim else re.sub("[ \t\r\n\f]+", " ", text)
        if not shown.strip():
            self._space = True
            return
        if self.parts:
            owed = " | " if self._cell else "\n" * self._breaks
            self.parts.append(owed or (" " if self._space or shown[0] == " " else ""))
        self.parts.append(shown.strip("\r\n") if self._verbatim else shown.strip(" "))
        self._breaks, self._cell, self._space = 0, False, shown[-1] == " "
