"""What the command line says to people."""

import pytest

from fundstelle.cli.display import show_result
from fundstelle.pipelines.answers import Answer, QueryResult

TIMES = {"retrieve_ms": 1.0, "read_ms": 1.0, "total_ms": 2.0}


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.61, "No answer found (probability of none: 61%)."),
        (0.25, "No answer is sure enough: --threshold 0 shows"),
    ],
)
def test_no_answer_and_none_that_is_sure_enough_are_told_apart(
    probability: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question that nothing answers is not spoken of like one that several places compete for."""
    show_result(QueryResult("Who?", "en", (), probability, (), TIMES))
    assert said in capsys.readouterr().out


def test_answers_are_shown_as_they_are_copied(capsys: pytest.CaptureFixture[str]) -> None:
    """No line ends in blanks, long paths stay on one line, and "…" stands only where something was left out."""
    source = "a folder/" * 12 + "contract.md"
    text = "The notice is two weeks. " * 8
    answer = Answer("two weeks", 0.9, "d1", source, 14, 23, 3, "en", "p1", text, 0, 8.0, 0.0, 1.0)
    show_result(QueryResult("How long?", "en", (answer,), 0.02, (), TIMES))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert f"    {source}, page 3, characters 14-23" in lines
    assert "  two weeks  90%" in lines
    quotation = lines[2 : lines.index(f"    {source}, page 3, characters 14-23")]
    assert quotation[0].startswith("    The notice is two weeks. The")
    assert quotation[-1].endswith(" two weeks.…")
