"""What `fundstelle eval` shows on a terminal."""

from pathlib import Path

import pytest

from fundstelle.cli.figures import SIDE_BY_SIDE, progress, show_comparisons, show_runs
from fundstelle.evaluation.comparing import compare
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run


def run(name: str, f1: float) -> Run:
    return Run(
        name, [Row(str(at), "de", "?", ("x",), prediction="x", f1=f1) for at in range(3)], {"task": "read"}
    )


def test_few_runs_stand_beside_each_other_and_many_below(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever way a table is turned, it holds every run's name and figures."""
    for count in (1, SIDE_BY_SIDE + 1):
        show_runs([run(f"set{number}", number / 10) for number in range(count)])
        lines = capsys.readouterr().out.splitlines()
        heading = next(line for line in lines if "set0" in line or "questions" in line)
        assert ("set0" in heading) == (count <= SIDE_BY_SIDE)
        assert all(any(f"{number * 10:.1f}" in line for line in lines) for number in range(count))


def test_retrievers_are_compared_within_and_across_languages(capsys: pytest.CaptureFixture[str]) -> None:
    """A table a figure, a line a set, a column a retriever; means keep pairs of languages apart."""
    runs = []
    for place, pair, rank in (("a", "en", 1), ("b", "de", 1), ("b@a", "de>en", 2), ("a@b", "en>de", 1)):
        for kind in ("bm25", "hybrid"):
            row = Row("1", pair, "?", ("x",), passage_ranks=(rank,), paragraph_rank=rank)
            settings = {"task": "search", "set": place, "pair": pair, "retriever": kind}
            runs.append(Run(f"{place}/{kind}", [row], settings))
    show_runs(runs)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["b@a", "0.0", "0.0"] in lines and ["a@b", "100.0", "100.0"] in lines
    assert ["mean", "within", "a", "language", "100.0", "100.0"] in lines
    assert ["mean", "across", "languages", "50.0", "50.0"] in lines


def test_a_comparison_names_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    """Differences come with their intervals and the number of questions left out."""
    show_comparisons(compare([run("a", 0.5)], [Run("a", run("a", 1).rows[:2], {})]), Path("one"), Path("two"))
    shown = capsys.readouterr().out
    assert "+50.00" in shown and "+50.00 to +50.00" in shown and "two less one" in shown
    assert "1 questions are in one of the runs alone" in shown


def test_progress_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Items pass in order, and nothing is drawn where there is no terminal."""
    assert list(progress(range(5), "set", 5)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""
