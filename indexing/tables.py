"""Tables as text: XLSX and CSV, a row a line, each value beside the name of its column.

A passage may hold row 200 alone: without its heading a number there answers nothing.
"""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import islice

from fundstelle.indexing.archives import check_office
from fundstelle.indexing.decoding import decode
from fundstelle.indexing.extract import Extract, join_pages, one_line, plain_meta

Row = Sequence[str]
_TEXT_COLUMNS = ("text", "content")
_SAMPLE = 100_000


def read_xlsx(data: bytes) -> Extract:
    """All visible sheets, each a page under its name; formulas as the values last computed."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    check_office(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions, which hold no text
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        tables = [(sheet.title, list(_cells(sheet))) for sheet in sheets]
    pages = [f"{name}\n\n{render(rows)}" for name, rows in tables if rows]
    text, starts = join_pages(pages)
    return Extract(text, title=one_line(book.properties.title or ""), pages=starts)


def _cells(sheet: object) -> Iterator[Row]:
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # what files claim about their size is often wrong
    for row in sheet.iter_rows(values_only=True):  # type: ignore[attr-defined]
        cells = [_cell(value) for value in row]
        if any(cells):
            yield cells


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case float() if value.is_integer():
            return str(int(value))
    return str(value).strip()


def read_csv(data: bytes) -> list[Extract]:
    """One document for each row where a column is called `text`; otherwise the whole table as one.

    A column `title` is the title; other columns become metadata.
    """
    text = decode(data)
    return _records(text, _delimiter(text))


def read_tsv(data: bytes) -> list[Extract]:
    """As `read_csv`, cut at tabs alone: there may be one column, with commas in it."""
    return _records(decode(data), "\t")


def _records(text: str, delimiter: str) -> list[Extract]:
    rows = [row for row in _cut(text, delimiter) if any(row)]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    column = next((header.index(name) for name in _TEXT_COLUMNS if name in header), None)
    if column is None:
        return [Extract(render(rows))]
    return [_record(rows[0], _fitted(row, len(header), delimiter), column) for row in rows[1:]]


def _cut(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(len(text) + 1)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _fitted(row: Row, width: int, delimiter: str) -> Row:
    """`row` with what is beyond its last column put back into that: a value was not quoted."""
    if len(row) <= width:
        return row
    return [*row[: width - 1], delimiter.join(row[width - 1 :]).rstrip(delimiter)]


def _record(header: Row, row: Row, column: int) -> Extract:
    values: dict[object, object] = dict(zip(header, row, strict=False))
    text = values.pop(header[column], "")
    title = next(
        (values.pop(name) for name in header if name.strip().lower() == "title" and name in values), ""
    )
    return Extract(str(text), title=one_line(str(title)), meta=plain_meta(values))


def _delimiter(text: str) -> str:
    """The character that cuts most of the first rows into the same number of columns, the more the better."""
    best, agreed = ",", (0.0, 0)
    for delimiter in ",;\t|":
        rows = list(islice(_cut(text[:_SAMPLE], delimiter), 20))
        if len(text) > _SAMPLE:
            rows = rows[:-1]  # the sample may end within the last
        widths = [len(row) for row in rows if row]
        for width, count in Counter(widths).items():
            if width > 1 and count * 2 > len(widths) and (count / len(widths), width) > agreed:
                best, agreed = delimiter, (count / len(widths), width)
    return best


def render(rows: Sequence[Row]) -> str:
    """Rows as lines of `column: value` where the first row names the columns, otherwise of values alone."""
    if not _has_header(rows):
        return "\n".join(_line(row) for row in rows)
    header = rows[0]
    return "\n".join([_line(header), *(_line(_named(header, row)) for row in rows[1:])])


def _line(values: Iterable[str]) -> str:
    return " | ".join(value for value in values if value)


def _named(header: Row, row: Row) -> Iterator[str]:
    for index, value in enumerate(row):
        yield f"{header[index]}: {value}" if value and index < len(header) and header[index] else value


def _has_header(rows: Sequence[Row]) -> bool:
    if len(rows) < 2:
        return False
    names = [name for name in rows[0] if name]
    return len(names) > 1 and len(set(names)) == len(names) and not any(_is_number(name) for name in names)


def _is_number(text: str) -> bool:
    return not any(character.isalpha() for character in text)
