"""What the command line says to people."""

import pytest

from fundstelle.cli.display import show_result
from fundstelle.pipelines.answers import QueryResult


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
    times = {"retrieve_ms": 1.0, "read_ms": 1.0, "total_ms": 2.0}
    show_result(QueryResult("Who?", "en", (), probability, (), times))
    assert said in capsys.readouterr().out
