"""What reading a format yields: a text, its title, where its pages start."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import PurePath

from fundstelle.indexing.documents import Meta


@dataclass(frozen=True, slots=True)
class Extract:
    """One document of a file before it has a name; fields as in `SourceDocument`."""

    text: str
    title: str = ""
    language: str = "und"
    pages: tuple[int, ...] = ()
    meta: Meta = field(default_factory=dict)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """`text` with a replacement character for each NUL and lone surrogate, which no store takes: offsets stay."""
    return _UNSTORABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """`text` as a title: on one line, of reasonable length."""
    return " ".join(storable(text).split())[:300]


def title_of_name(name: str) -> str:
    """A readable title made of a file name: `travel_costs-2024.md` is `travel costs 2024`."""
    return one_line(re.sub(r"[_\s]+|(?<=\w)-(?=\w)", " ", PurePath(name).stem))


def join_pages(pages: Iterable[str], between: str = "\n\n") -> tuple[str, tuple[int, ...]]:
    """The text of all `pages` and the offset each of them starts at."""
    parts: list[str] = []
    starts: list[int] = []
    position = 0
    for page in pages:
        starts.append(position)
        parts.append(page)
        position += len(page) + len(between)
    return between.join(parts), tuple(starts)


def plain_meta(values: Mapping[object, object]) -> Meta:
    """Metadata of values users can filter by: text, numbers and truth values; anything else becomes text."""
    return {storable(str(key)): _plain(value) for key, value in values.items() if value not in (None, "")}


def _plain(value: object) -> str | int | float | bool:
    match value:
        case bool():
            return value
        case int() if abs(value) < 1 << 63:
            return value
        case float() if isfinite(value):
            return value
        case str() | int() | float():
            return storable(str(value))
    return storable(json.dumps(value, ensure_ascii=False, default=str))
