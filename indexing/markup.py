"""Plain text and Markdown: kept as they are written."""

import re

from fundstelle.indexing.decoding import decode
from fundstelle.indexing.extract import Extract, one_line

_FENCED = re.compile(r"^ {0,3}(```|~~~).*?(^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.MULTILINE | re.DOTALL)
_FRONT_TITLE = re.compile(r"""^title:[ \t]*(["']?)(.+?)\1[ \t\r]*$""", re.MULTILINE)
_HASHED = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_UNDERLINED = re.compile(r"^ {0,3}(\S.*)\n {0,3}(?:=+|-{2,})[ \t\r]*$", re.MULTILINE)
_HEAD = 100_000  # a first heading further down than this is no title


def read_text(data: bytes) -> Extract:
    """The text as it is; it has no title."""
    return Extract(decode(data))


def read_markdown(data: bytes) -> Extract:
    """The source as it is, marks included; the title is the front matter's or else the first heading."""
    text = decode(data)
    return Extract(text, title=_title(text[:_HEAD]))


def _title(text: str) -> str:
    front = _FRONT_MATTER.match(text)
    if front and (named := _FRONT_TITLE.search(front[1])):
        return one_line(named[2])
    body = _FENCED.sub("", text[front.end() :] if front else text)
    headings = [match for pattern in (_HASHED, _UNDERLINED) if (match := pattern.search(body))]
    first = min(headings, key=re.Match.start, default=None)
    return one_line(re.sub(r"[*`]", "", _opened(first[1]))) if first else ""


def _opened(heading: str) -> str:
    """A heading without the marks that may close it, which stand behind a space: "C#" keeps its own."""
    bare = heading.rstrip().rstrip("#")
    return bare if bare[-1:].isspace() else heading
