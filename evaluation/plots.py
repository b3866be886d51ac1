"""Diagrams as PNG for slides and papers; needs matplotlib, the extra `fundstelle[report]`."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

from fundstelle.evaluation import calibration, thresholds
from fundstelle.evaluation.figures import CUTS, outcomes, ranking_figures, trials
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INSTALL = "For the diagrams as PNG install matplotlib: pip install 'fundstelle[report]'."


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write(runs: Sequence[Run], folder: Path) -> list[Path]:
    """`<run>.png` for every run that has probabilities or ranks: all its diagrams side by side.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; see `available`.
    """
    return [path for run in runs if (path := _write(run, folder))]


def _write(run: Run, folder: Path) -> Path | None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawings = []
    if outcomes(run.rows)[0]:
        drawings += [draw_reliability, draw_thresholds]
    if any(row.passage_ranks for row in run.rows):
        drawings.append(draw_recall)
    if not drawings:
        return None
    figure = Figure(figsize=(4.8 * len(drawings), 4.2), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    for place, draw in enumerate(drawings, 1):
        draw(figure.add_subplot(1, len(drawings), place), run.rows)
    figure.suptitle(f"{run.name} ({run.task})")
    path = folder / f"{run.name.replace('/', '.')}.png"
    with catch_warnings():
        filterwarnings("ignore", "Glyph", UserWarning)  # matplotlib's font has no letters for some file names
        figure.savefig(path)
    return path


def draw_reliability(axes: "Axes", rows: Sequence[Row]) -> None:
    """Accuracy in bins of probability, beside the diagonal of perfect calibration."""
    bins = [one for one in calibration.reliability(*outcomes(rows)) if one.count]
    widths = [one.high - one.low for one in bins]
    fullest = max(one.count for one in bins)
    shades = [(0.17, 0.37, 0.68, 0.3 + 0.7 * one.count / fullest) for one in bins]
    axes.bar([one.low for one in bins], [one.accuracy for one in bins], widths, align="edge", color=shades)
    axes.plot([0, 1], [0, 1], "--", color="grey")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that is right")
    axes.set_title(f"Reliability, ECE {calibration.error_of(bins):.3f}", fontsize="medium")


def draw_thresholds(axes: "Axes", rows: Sequence[Row]) -> None:
    """EM, F1 and the share answered against the least probability of an answer."""
    points = thresholds.curve(trials(rows))
    at = [one.threshold for one in points]
    axes.plot(at, [100 * one.f1 for one in points], label="F1")
    axes.plot(at, [100 * one.exact for one in points], label="EM")
    axes.plot(at, [100 * one.answered for one in points], "--", label="answered")
    axes.set(xlim=(0, 1), ylim=(0, 100), xlabel="least probability of an answer", ylabel="%")
    axes.set_title("EM and F1 against threshold", fontsize="medium")
    axes.legend()


def draw_recall(axes: "Axes", rows: Sequence[Row]) -> None:
    """Recall of passages that hold an answer against the passages looked at."""
    found = ranking_figures([row for row in rows if row.passage_ranks])
    cuts = [k for k in CUTS if f"recall@{k}" in found]
    axes.plot(cuts, [found[f"recall@{k}"] for k in cuts], "o-", label="recall")
    axes.plot(cuts, [found[f"paragraph@{k}"] for k in cuts], "s--", label="right paragraph")
    axes.set(xscale="log", xlabel="passages retrieved", ylabel="%")
    axes.set_xticks(cuts, [str(k) for k in cuts])
    axes.minorticks_off()
    axes.set_title("Recall", fontsize="medium")
    axes.legend()
