"""Line charts and reliability diagrams as inline SVG: they follow the page's colours and need no library."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10

from markupsafe import Markup

from fundstelle.evaluation.calibration import Bin

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 44
COLOURS = 8
"""Series are drawn in the page's colours `--s0` to `--s7`, then over again."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A labelled range with its ticks; `logarithmic` spreads small values."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where `value` lies between `low` (0) and `high` (1)."""
        if self.logarithmic:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Series:
    """A named line through points."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


PERCENT = Axis("", 0, 100, (0, 20, 40, 60, 80, 100))
PROBABILITY = Axis("probability", 0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1))


def lines(title: str, series: Sequence[Series], x: Axis, y: Axis) -> Markup:
    """A line chart with its legend below."""
    paths = Markup("").join(
        Markup(
            '<polyline class="line" style="stroke:var(--s{})" {} points="{}"><title>{}</title></polyline>'
        ).format(
            number % COLOURS,
            Markup('stroke-dasharray="5 4"') if one.dashed else "",
            " ".join(f"{_x(x, a):.1f},{_y(y, b):.1f}" for a, b in one.points),
            one.name,
        )
        for number, one in enumerate(series)
    )
    return _figure(title, _frame(x, y) + paths, _legend(series))


def reliability(title: str, bins: Sequence[Bin]) -> Markup:
    """Accuracy against probability, the diagonal of perfect calibration, and how full each bin is."""
    x, y = PROBABILITY, Axis("share that is right", 0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1))
    fullest = max((one.count for one in bins), default=0) or 1
    bars = Markup("").join(_bar(x, y, one, fullest) for one in bins if one.count)
    diagonal = Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        _x(x, 0), _y(y, 0), _x(x, 1), _y(y, 1)
    )
    legend = Markup(
        '<figcaption><span><i style="background:var(--s0)"></i>share right, darker where more questions are'
        '</span><span><i class="dash"></i>perfect</span></figcaption>'
    )
    return _figure(title, _frame(x, y) + bars + diagonal, legend)


def _bar(x: Axis, y: Axis, one: Bin, fullest: int) -> Markup:
    left, right, top = _x(x, one.low) + 1, _x(x, one.high) - 1, _y(y, one.accuracy)
    return Markup(
        '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}">'
        "<title>{:.2f} to {:.2f}: {} questions, probability {:.2f}, right {:.2f}</title></rect>"
    ).format(
        left,
        min(top, _y(y, 0) - 1),
        right - left,
        max(1.0, _y(y, 0) - top),
        0.3 + 0.7 * one.count / fullest,
        one.low,
        one.high,
        one.count,
        one.probability,
        one.accuracy,
    )


def _figure(title: str, body: Markup, legend: Markup) -> Markup:
    return Markup(
        '<figure><h4>{}</h4><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>{}</figure>'
    ).format(title, WIDTH, HEIGHT, title, body, legend)


def _legend(series: Sequence[Series]) -> Markup:
    entries = Markup("").join(
        Markup('<span><i style="background:var(--s{})"></i>{}</span>').format(number % COLOURS, one.name)
        for number, one in enumerate(series)
    )
    return Markup("<figcaption>{}</figcaption>").format(entries)


def _frame(x: Axis, y: Axis) -> Markup:
    """Grid lines, ticks and labels."""
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    labels = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
        middle_x, HEIGHT - 6, x.label
    )
    labels += Markup('<text transform="translate(12 {}) rotate(-90)" text-anchor="middle">{}</text>').format(
        middle_y, y.label
    )
    return Markup("").join([*_horizontal(y), *_vertical(x)]) + labels


def _horizontal(y: Axis) -> Iterator[Markup]:
    for tick in y.ticks:
        at = _y(y, tick)
        yield Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
            '<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
        ).format(LEFT, WIDTH - RIGHT, at, at, LEFT - 6, at + 4, tick)


def _vertical(x: Axis) -> Iterator[Markup]:
    for tick in x.ticks:
        at = _x(x, tick)
        yield Markup(
            '<line class="grid" y1="{}" y2="{}" x1="{:.1f}" x2="{:.1f}"/>'
            '<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>'
        ).format(TOP, HEIGHT - BOTTOM, at, at, at, HEIGHT - BOTTOM + 16, tick)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)
