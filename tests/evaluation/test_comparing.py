"""Two runs side by side."""

import pytest

from fundstelle.evaluation.comparing import compare
from fundstelle.evaluation.datasets import DatasetError
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run


def run(name: str, *scores: float, first: int = 0) -> Run:
    rows = [
        Row(str(number), "de", "?", ("x",), prediction="x", exact=float(score == 1), f1=score)
        for number, score in enumerate(scores, first)
    ]
    return Run(name, rows, {"task": "read"})


def test_questions_are_matched_by_id_within_a_set() -> None:
    """The same ids in two languages stay apart, and both together are compared too."""
    before = [run("de", 0, 0.5), run("en", 1, 1)]
    after = [run("en", 1, 0.5), run("de", 1, 1)]
    found = {(one.name, one.figure): one.difference for one in compare(before, after)}
    assert found["de", "f1"].mean == 75 and found["en", "f1"].mean == -25
    assert found["all", "f1"].mean == 25 and found["all", "f1"].questions == 4


def test_questions_of_one_run_alone_are_left_out_and_counted() -> None:
    """Only shared questions are compared."""
    (one, *_) = compare([run("de", 1, 0, 0)], [run("de", 0, 0, 0, first=1)])
    assert one.difference.questions == 2 and one.only_one == 2


def test_rankings_are_compared_where_both_have_them() -> None:
    """Runs of the retriever are compared by their ranks and not by answers they have not given."""
    rows = [[Row("a", "de", "?", ("x",), passage_ranks=(rank,))] for rank in (2, 1)]
    found = {one.figure: one.difference.mean for one in compare(*([Run("de", one, {})] for one in rows))}
    assert found == {"success@1": 100, "success@10": 0, "MRR": 50}


@pytest.mark.parametrize("other", [run("fr", 1), run("de", 1, first=9)])
def test_runs_without_a_common_question_are_refused(other: Run) -> None:
    """There is nothing to compare between different questions."""
    with pytest.raises(DatasetError, match="no run over the same questions"):
        compare([run("de", 1)], [other])
