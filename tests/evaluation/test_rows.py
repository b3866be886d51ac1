"""Rows on disk."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.datasets import DatasetError
from fundstelle.evaluation.rows import Quotation, Row, read_rows, write_rows

ROWS = st.builds(
    Row,
    id=st.text(),
    language=st.sampled_from(["de", "th"]),
    question=st.text(),
    gold=st.lists(st.text(), max_size=2).map(tuple),
    prediction=st.none() | st.text(),
    f1=st.floats(0, 1),
    null_odds=st.none() | st.floats(-50, 50),
    quotation=st.none() | st.builds(Quotation, st.text(), st.integers(0, 9), st.integers(0, 9)),
    passage_ranks=st.lists(st.none() | st.integers(1, 9), max_size=3).map(tuple),
    timings=st.just({"read_ms": 1.5}),
)


@given(rows=st.lists(ROWS, max_size=4))
def test_rows_come_back_as_they_were(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is written is read back equal, in order, line breaks in texts included."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_rows(path, rows)
    assert read_rows(path) == rows


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a"}', '{"id": "a", "colour": "red"}'])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    """The number of a bad line is said."""
    path = tmp_path / "rows.jsonl"
    write_rows(path, [Row("a", "de", "?", ())])
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(DatasetError, match=r"rows\.jsonl, line 2: not a row"):
        read_rows(path)
