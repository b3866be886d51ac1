"""The page and the pictures, made of rows."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fundstelle.evaluation import plots, report
from fundstelle.evaluation.rows import Quotation, Row
from fundstelle.evaluation.runs import Run

CONTEXT = "Der <b>Rhein</b> & die Donau."


def answered(number: int, language: str = "de") -> Row:
    right = number % 2
    return Row(
        f"q{number}",
        language,
        "Wer <script>?",
        ("Rhein",),
        CONTEXT,
        (7,),
        prediction="Rhein" if right else "Donau",
        exact=right,
        f1=right,
        forced="Rhein" if right else "Donau",
        forced_exact=right,
        forced_f1=right,
        right=bool(right),
        probability=(number % 10) / 10,
        no_answer_probability=0.1,
        null_odds=-1.0,
        quotation=Quotation(CONTEXT, 7, 12) if right else Quotation(CONTEXT, 23, 28),
        timings={"total_ms": 5.0},
    )


def ranked(number: int) -> Row:
    ranks = (number,) if number < 4 else (None,)
    return Row(
        f"q{number}", "th", "ใคร", ("Rhein",), CONTEXT, (7,), passage_ranks=ranks, retrieved=("nicht",)
    )


READ = Run(
    "rivers",
    [answered(number, "de" if number < 10 else "fr") for number in range(20)],
    {"task": "read", "metric": "squad"},
)
SEARCH = Run("ไทย", [ranked(number) for number in range(1, 6)], {"task": "search", "top_k": 100})


class Balance(HTMLParser):
    """Keeps what is open, and every address the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "i"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "i":
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    """Every element is closed, and nothing is fetched from anywhere."""
    page = Balance()
    text = report.html([READ, SEARCH])
    page.feed(re.sub(r"<(line|rect)([^>]*)/>", r"<\1\2></\1>", text))
    assert page.open == [] and page.addresses == []
    assert "url(" not in text and "<script" not in text


def test_texts_are_quoted_and_not_interpreted() -> None:
    """What is markup in a text is shown as text, with the answers marked in it."""
    text = report.html([READ])
    assert "&lt;script&gt;" in text and "&lt;b&gt;" in text
    assert '<mark class="gold">Rhein</mark>' in text and '<mark class="found">Donau</mark>' in text


def test_tables_list_runs_and_their_languages() -> None:
    """A run of two languages has a line for all and one for each; columns nobody measured stay away."""
    text = report.html([READ])
    assert [language for language in ("all", "de", "fr") if f'aside">{language}</td>' in text] == [
        "all",
        "de",
        "fr",
    ]
    assert "<td>50.0</td>" in text and "recall@1" not in text


def test_worst_errors_are_the_surest() -> None:
    """Errors come by falling probability and are wrong; misses by falling rank, those never found first."""
    errors = report.worst(READ.rows)
    assert [row.f1 for row in errors] == [0] * len(errors)
    assert [row.probability for row in errors] == sorted(
        (row.probability or 0 for row in errors), reverse=True
    )
    assert [row.id for row in report.missed(SEARCH.rows)] == ["q4", "q5", "q3", "q2"]


def test_a_run_of_one_question_has_a_page() -> None:
    """The smallest run is shown without a fault."""
    assert "1 run, 1 questions" in report.html([Run("one", [answered(1)], {})])


def test_perfect_and_hopeless_rankings_have_a_diagram() -> None:
    """A retriever that finds everything at once, or nothing, is drawn too."""
    for rank in (1, None):
        rows = [Row("a", "de", "?", ("x",), "x", (0,), passage_ranks=(rank,), paragraph_rank=rank)]
        assert "<polyline" in report.html([Run("one", rows, {"task": "search", "top_k": 1})])


def test_pictures_are_png(tmp_path: Path) -> None:
    """Each run gets one PNG with the diagrams that its rows allow."""
    if not plots.available():
        pytest.skip("matplotlib (fundstelle[report]) is not installed")
    written = plots.write(
        [READ, SEARCH, Run("bare", [Row("a", "de", "?", ("x",), prediction="x")], {})], tmp_path
    )
    assert [path.name for path in written] == ["rivers.png", "ไทย.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
