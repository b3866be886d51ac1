"""How early reading may stop: as early as leaves nearly every best answer what it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from fundstelle.pipelines.merge import evidence_of, merge
from fundstelle.pipelines.sameness import answer_key
from fundstelle.pipelines.stopping import next_group
from fundstelle.reader.confidence import Calibration
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


def stops(one: Observation, calibration: Calibration) -> list[Stop]:
    """Every place where reading may stop, in order, the last one after everything was read."""
    final = _best(one, len(one.hits), calibration)
    found, read = [], 0
    while read < len(one.hits):
        read = min(read + next_group(read), len(one.hits))
        logit, text = _best(one, read, calibration)
        if read < len(one.hits):
            unread = calibration.logit(0.0, evidence_of(one.hits[read], one.hits))
            found.append(Stop(read, logit - unread, text == final[1]))
    return [*found, Stop(read, inf, True)] if read else []


def read_of(one: Observation, calibration: Calibration) -> int:
    """How many passages are read before the calibration says stop."""
    return next((stop.read for stop in stops(one, calibration) if stop.lead >= calibration.stop), 0)


def _best(one: Observation, read: int, calibration: Calibration) -> tuple[float, str]:
    findings = merge(one.hits, one.readings[:read], calibration).findings
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
