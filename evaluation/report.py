"""The report: one self-contained HTML page about all runs below a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fundstelle.evaluation import calibration, charts, excerpts, thresholds
from fundstelle.evaluation.figures import by_language, figures, outcomes, trials
from fundstelle.evaluation.retrieval import recall_at
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run
from fundstelle.evaluation.squad2 import Figures

WORST, MOST = 12, 100
"""Errors shown of each run, and misses at most: those never found are all listed, up to `MOST`."""

DEPTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a table: its name, what heads it, what it means, digits after the point."""

    name: str
    heading: str
    meaning: str
    digits: int = 1


ANSWERS = (
    Column("exact", "EM", "exact match of the answer given, by the run's metric, %"),
    Column("f1", "F1", "F1 of the answer given, by the run's metric, %"),
    Column("segmented_exact", "EM segmented", "EM with punctuation of every script dropped (ours), %"),
    Column("segmented_f1", "F1 segmented", "F1 by characters where a script has no spaces (ours), %"),
    Column("HasAns_f1", "F1 answerable", "F1 over questions that have an answer, %"),
    Column("NoAns_exact", "EM unanswerable", "share of unanswerable questions left unanswered, %"),
    Column("abstaining_f1", "F1 abstaining", "F1 when null odds above 0 mean no answer, %"),
    Column("best_f1", "best F1", "F1 at the best threshold of null odds, chosen on this very set, %"),
    Column("top_3_exact", "EM top 3", "one of the first three answers matches exactly, %"),
    Column("top_5_exact", "EM top 5", "one of the first five answers matches exactly, %"),
    Column(
        "ceiling_f1",
        "F1 ceiling",
        "F1 of the best span of the right paragraph alone, answerable questions, %",
    ),
    Column("loss_f1", "F1 lost", "the ceiling less F1 of the best answer over the collection, points"),
    Column("no_answer_precision", "no answer P", "precision of saying no answer, %"),
    Column("no_answer_recall", "no answer R", "recall of saying no answer, %"),
    Column(
        "right",
        "right",
        "the best span is a gold answer, border words aside (F1 segmented of 0.5 or more), %",
    ),
    Column("ece", "ECE", "expected calibration error of the best answer's probability, 15 bins", 3),
    Column("passages_read_mean", "passages read", "passages read a question"),
    Column("total_ms_median", "ms", "median time a question, milliseconds"),
)
RANKINGS = (
    Column("paragraph@1", "paragraph @1", "the first document is the right paragraph, %"),
    Column("paragraph@10", "paragraph @10", "the right paragraph is among the first ten documents, %"),
    Column("recall@1", "recall @1", "passages with a gold answer that are at rank 1, %"),
    Column("recall@5", "recall @5", "passages with a gold answer that are among the first 5, %"),
    Column("recall@10", "recall @10", "passages with a gold answer that are among the first 10, %"),
    Column("recall@100", "recall @100", "passages with a gold answer that are among the first 100, %"),
    Column("success@10", "success @10", "any passage with a gold answer is among the first 10, %"),
    Column("MRR", "MRR", "mean of 1 / rank of the first passage with a gold answer, x 100"),
    Column("nDCG@10", "nDCG @10", "normalised discounted gain over the first 10, x 100"),
    Column("misses", "misses", "questions whose answer was in no passage retrieved", 0),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Lines of figures, one for each run and, where a run has several languages, for each of them."""

    title: str
    columns: Sequence[Column]
    lines: Sequence[tuple[str, str, str, Figures]]  # name, language, metric, figures

    @property
    def measured(self) -> bool:
        """Whether any line has a metric: a retriever has none."""
        return any(metric for _, _, metric, _ in self.lines)


@dataclass(frozen=True, slots=True)
class Section:
    """All about one run."""

    run: Run
    settings: str
    charts: Sequence[Markup]
    errors: Sequence[tuple[Row, Sequence[excerpts.Excerpt]]]
    misses: Sequence[tuple[Row, Sequence[excerpts.Excerpt]]]


def html(runs: Sequence[Run], title: str = "Evaluation") -> str:
    """The whole page: styles, tables, diagrams and quotations in one file that needs nothing else."""
    source = files("fundstelle.evaluation").joinpath("report.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(
        title=title,
        tables=[
            table
            for table in (_table("Answers", ANSWERS, runs), _table("Retrieval", RANKINGS, runs))
            if table
        ],
        recall=_recall(runs),
        sections=[section(run) for run in runs],
        cell=cell,
    )


def section(run: Run) -> Section:
    """The diagrams of a run, its worst errors and what it did not find."""
    return Section(
        run,
        json.dumps(run.settings, ensure_ascii=False, indent=1),
        diagrams(run.rows),
        [(row, excerpts.excerpts(row)) for row in worst(run.rows)],
        [(row, excerpts.excerpts(row)) for row in missed(run.rows)],
    )


def diagrams(rows: Sequence[Row]) -> list[Markup]:
    """Reliability and the price of abstaining, where the rows have probabilities."""
    probabilities, right = outcomes(rows)
    if not probabilities:
        return []
    bins = calibration.reliability(probabilities, right)
    error = calibration.error_of(bins)
    points = thresholds.curve(trials(rows))
    series = [
        charts.Series("F1", [(one.threshold, 100 * one.f1) for one in points]),
        charts.Series("EM", [(one.threshold, 100 * one.exact) for one in points]),
        charts.Series("answered", [(one.threshold, 100 * one.answered) for one in points], dashed=True),
    ]
    x = charts.Axis("least probability of an answer", 0, 1, charts.PROBABILITY.ticks)
    return [
        charts.reliability(f"Reliability, expected calibration error {error:.3f}", bins),
        charts.lines("EM and F1 against threshold, %", series, x, charts.PERCENT),
    ]


def worst(rows: Sequence[Row], count: int = WORST) -> list[Row]:
    """Answers that share nothing with a gold answer, the surest first."""
    wrong = [row for row in rows if row.prediction and row.f1 == 0]
    return sorted(wrong, key=lambda row: -(row.probability or 0.0))[:count]


def missed(rows: Sequence[Row], count: int = WORST) -> list[Row]:
    """Questions whose passage came late or never: those never found, then the latest, `count` or more."""
    late = [row for row in rows if row.passage_ranks and 1 not in row.passage_ranks]
    never = [row for row in late if not any(row.passage_ranks)]
    found = [row for row in late if any(row.passage_ranks)]
    found.sort(key=lambda row: -min(rank for rank in row.passage_ranks if rank))
    return [*never[:MOST], *found][: max(count, min(len(never), MOST))]


def cell(column: Column, values: Figures) -> str:
    """A figure as it stands in a table; nothing where the run has not measured it."""
    value = values.get(column.name)
    return "" if value is None else f"{value:,.{column.digits}f}"


def _table(title: str, columns: Sequence[Column], runs: Sequence[Run]) -> Table | None:
    lines = []
    for run in runs:
        metric = str(run.settings.get("metric", "")) if columns is ANSWERS else ""
        languages = by_language(run.rows)
        whole = "all" if len(languages) > 1 else next(iter(languages), "")
        lines.append((f"{run.name}", whole, metric, figures(run.rows)))
        if len(languages) > 1:
            lines += [(run.name, language, metric, values) for language, values in languages.items()]
    split = any("NoAns_f1" in values for *_, values in lines)
    filled = [
        column
        for column in columns
        if any(column.name in values for *_, values in lines) and (split or column.name != "HasAns_f1")
    ]
    kept = [line for line in lines if any(column.name in line[3] for column in filled)]
    return Table(title, filled, kept) if filled else None


def _recall(runs: Sequence[Run]) -> Markup | None:
    """Recall against the number of passages looked at, a line for each run that retrieved."""
    series = [
        charts.Series(run.name, [(k, 100 * _mean_recall(ranked, k)) for k in DEPTHS if k <= _deepest(run)])
        for run in runs
        if (ranked := [row for row in run.rows if row.passage_ranks])
    ]
    if not series:
        return None
    lowest = min(value for one in series for _, value in one.points)
    floor = min(90, int(lowest // 10) * 10)
    y = charts.Axis("recall, %", floor, 100, range(floor, 101, 10 if floor < 60 else 5))
    x = charts.Axis(
        "passages retrieved", 1, max(k for one in series for k, _ in one.points), (1, 2, 5, 10, 20, 50, 100)
    )
    shown = charts.Axis(
        x.label, x.low, x.high, [tick for tick in x.ticks if tick <= x.high], logarithmic=True
    )
    return charts.lines("Recall of passages that hold an answer", series, shown, y)


def _deepest(run: Run) -> int:
    """How many passages the run looked at."""
    stated = run.settings.get("top_k" if run.task == "search" else "retriever_top_k", 20)
    return max(2, int(stated))


def _mean_recall(rows: Sequence[Row], k: int) -> float:
    return sum(recall_at(row.passage_ranks, k) for row in rows) / len(rows)
