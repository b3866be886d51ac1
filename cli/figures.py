"""What `fundstelle eval` shows on a terminal: progress with rate and time left, tables of figures."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fundstelle.evaluation.comparing import Comparison
from fundstelle.evaluation.figures import figures
from fundstelle.evaluation.runs import Run
from fundstelle.evaluation.squad2 import Figures

T = TypeVar("T")

ANSWERS = {
    "exact": "EM",
    "f1": "F1",
    "segmented_f1": "segmented F1",
    "abstaining_f1": "abstaining F1",
    "best_f1": "best F1",
    "ceiling_f1": "ceiling F1",
    "top_5_exact": "top-5 EM",
    "no_answer_precision": "no answer P",
    "no_answer_recall": "no answer R",
    "ece": "ECE",
    "passages_read_mean": "passages read",
    "total_ms_median": "median ms",
}
RANKINGS = {
    "paragraph@1": "paragraph@1",
    "paragraph@10": "paragraph@10",
    "recall@1": "recall@1",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "MRR": "MRR",
    "nDCG@10": "nDCG@10",
    "misses": "misses",
}
SIDES = {
    "paragraph@1": "right paragraph first, %",
    "paragraph@10": "among the first ten, %",
    "MRR": "reciprocal rank of the passage, %",
    "f1": "F1, %",
    "right": "best answer right, %",
    "ece": "calibration error",
    "passages_read_mean": "passages read",
}
"""Figures by which retrievers are compared."""

SMALL = {"ece"}

SIDE_BY_SIDE = 4
"""Runs that stand beside each other on a screen of 80 columns; more stand below each other."""


class Rate(ProgressColumn):
    """Questions a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


def progress(items: Iterable[T], name: str, total: int) -> Iterator[T]:
    """Pass `items` on under a progress bar on standard error; silently where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield from bar.track(items, total=total, description=name)


def show_runs(runs: Sequence[Run]) -> None:
    """One table of answers and one of rankings, or retrievers side by side; figures that no run has stay away."""
    if len({run.settings.get("retriever") for run in runs}) > 1:
        show_side_by_side(runs)
        return
    console = console_for_tables()
    found = [(run.name, figures(run.rows)) for run in runs]
    for headings in (ANSWERS, RANKINGS):
        filled = [name for name in headings if any(name in one for _, one in found)]
        if filled:
            names = {"questions": "questions"} | {name: headings[name] for name in filled}
            lines = [
                [heading, *(_cell(name, one.get(name)) for _, one in found)]
                for name, heading in names.items()
            ]
            console.print(_table([["set", *(name for name, _ in found)], *lines], len(runs) > SIDE_BY_SIDE))


def show_side_by_side(runs: Sequence[Run]) -> None:
    """A table a figure: a line a set, a column a retriever; then means within and across languages."""
    console = console_for_tables()
    found: dict[str, dict[str, Figures]] = {}
    for run in runs:
        found.setdefault(str(run.settings["set"]), {})[str(run.settings["retriever"])] = figures(run.rows)
    across = {str(run.settings["set"]) for run in runs if ">" in str(run.settings["pair"])}
    kinds = list(dict.fromkeys(str(run.settings["retriever"]) for run in runs))
    for name, heading in SIDES.items():
        values = {
            place: [by_kind.get(kind, {}).get(name) for kind in kinds] for place, by_kind in found.items()
        }
        if any(value is not None for line in values.values() for value in line):
            lines = [[place, *(_cell(name, value) for value in line)] for place, line in values.items()]
            lines += _means(name, values, across)
            console.print(_table([[heading, *kinds], *lines], turned=False))


def _means(
    name: str, values: Mapping[str, Sequence[float | None]], across: Collection[str]
) -> list[list[str]]:
    """Lines of means: over sets in one language, and over pairs of languages."""
    lines = []
    for heading, wanted in (("mean within a language", False), ("mean across languages", True)):
        part = [line for place, line in values.items() if (place in across) is wanted]
        if len(part) > 1:
            columns = zip(*part, strict=True)
            known = [[value for value in column if value is not None] for column in columns]
            means = [fmean(column) if len(column) == len(part) else None for column in known]
            lines.append([heading, *(_cell(name, mean) for mean in means)])
    return lines


def _table(lines: Sequence[Sequence[str]], turned: bool) -> Table:
    """The first line heads the table; `turned` makes lines of its columns."""
    heading, *rest = zip(*lines, strict=True) if turned else lines
    table = Table(box=box.SIMPLE_HEAD)
    for place, name in enumerate(heading):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for line in rest:
        table.add_row(*line)
    return table


def show_comparisons(comparisons: Sequence[Comparison], first: Path, second: Path) -> None:
    """Differences in points, with their 95 % intervals."""
    console = console_for_tables()
    table = Table(
        "set", "figure", "questions", "difference", "95 % interval", "p", title=f"{second} less {first}"
    )
    for one in comparisons:
        gap = one.difference
        table.add_row(
            one.name,
            one.figure,
            f"{gap.questions:,}",
            f"{gap.mean:+.2f}",
            f"{gap.low:+.2f} to {gap.high:+.2f}",
            f"{gap.p_value:.4f}",
            style="bold" if gap.low > 0 or gap.high < 0 else "",
        )
    console.print(table)
    lost = sum({one.name: one.only_one for one in comparisons if one.name != "all"}.values())
    if lost:
        console.print(f"{lost} questions are in one of the runs alone and were left out.")


def console_for_tables() -> Console:
    """Standard output; wide enough for any table where nobody's screen limits it."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def _cell(name: str, value: float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if name in SMALL else f"{value:.1f}"
