"""How early reading may stop: as early as leaves nearly every best answer what it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.reading import Asked
from fundstelle.pipelines.sameness import answer_key
from fundstelle.pipelines.stopping import settled, unread_logit
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading
from fundstelle.training.observations import Observation

CHANGED_AT_MOST = 0.005
"""Share of questions whose best answer may be another one because reading stopped early."""

_LEADS = [lead / 10 for lead in range(0, 301)]


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where the reading of a question may stop.

    lead: how far the best answer's logit is above that of a span with margin 0 in the next passage.
    same: whether the best answer is the one that reading everything gives.
    """

    read: int
    lead: float
    same: bool


def looks(one: Observation) -> Iterator[list[Reading]]:
    """What has been read at each look at the answers: the pipeline's own steps, replayed."""
    known = {reading.passage_id: reading for reading in one.readings}
    asked = Asked(one.question, one.hits)
    while taken := asked.next_runs():
        asked.readings += [known[passage.id] for run in taken for passage in run.passages]
        yield list(asked.readings)


def stops(one: Observation, calibration: Calibration) -> list[Stop]:
    """Every place where reading may stop, in order, the last one after everything was read."""
    final = _best(one, one.readings, calibration)
    found = []
    for readings in looks(one):
        logit, text = _best(one, readings, calibration)
        unread = unread_logit(one.hits, readings, calibration)
        lead = inf if unread is None else logit - unread
        found.append(Stop(len(readings), lead, text == final[1]))
    return found


def read_at_stop(one: Observation, calibration: Calibration) -> list[Reading]:
    """What is read before the calibration says stop."""
    readings: list[Reading] = []
    for readings in looks(one):
        if settled(one.hits, readings, calibration):
            break
    return readings


def _best(one: Observation, readings: Sequence[Reading], calibration: Calibration) -> tuple[float, str]:
    findings = merge(one.hits, readings, calibration).findings
    if not findings:
        return -inf, ""
    return findings[0].logit, answer_key(findings[0].best.text, findings[0].best.hit.passage.language)


@dataclass(frozen=True, slots=True)
class Saving:
    """What stopping at a lead does: the share of passages that are read, of best answers that change.

    expected: the share that is to be expected of other questions, by the rule of succession: none of a
    hundred changed does not mean that none ever will.
    """

    read: float
    changed: float
    expected: float


def saving(questions: Sequence[Sequence[Stop]], lead: float) -> Saving:
    """Over questions as `stops` gives them."""
    taken = [next(stop for stop in stops if stop.lead >= lead) for stops in questions if stops]
    every = sum(stops[-1].read for stops in questions if stops)
    if not taken:
        return Saving(1.0, 0.0, 0.5)
    changed = sum(not stop.same for stop in taken)
    read = sum(stop.read for stop in taken) / every
    return Saving(read, changed / len(taken), (changed + 1) / (len(taken) + 2))


def fit_stop(observations: Sequence[Observation], calibration: Calibration) -> float:
    """The smallest lead from which on `CHANGED_AT_MOST` of best answers are expected to change; inf if none is."""
    questions = [stops(one, calibration) for one in observations]
    stop = inf
    for lead in reversed(_LEADS):
        if saving(questions, lead).expected > CHANGED_AT_MOST:
            break
        stop = lead
    return stop
