"""How good a calibration is: on held-out questions, or on those it was fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

from fundstelle.evaluation.calibration import expected_calibration_error
from fundstelle.evaluation.judging import is_right
from fundstelle.pipelines.merge import merge
from fundstelle.reader.confidence import Calibration
from fundstelle.training.observations import Observation
from fundstelle.training.stopping import read_at_stop, saving, stops


@dataclass(frozen=True, slots=True)
class Trial:
    """The best answer to a question: its probability, whether it is right, and whether there was one to find."""

    probability: float
    right: bool
    no_answer_probability: float
    answered: bool


def trial_of(one: Observation, calibration: Calibration) -> Trial:
    """Read as by default, with early stop. A right answer from an unexpected paragraph counts as one to find."""
    merged = merge(one.hits, read_at_stop(one, calibration), calibration)
    best = merged.findings[0] if merged.findings else None
    right = best is not None and is_right(best.best.text, one.golds)
    probability = best.probability if best else 0.0
    return Trial(probability, right, merged.no_answer_probability, one.answered or right)


def best_threshold(trials: Sequence[Trial]) -> float:
    """The threshold, in hundredths, at which most questions are dealt with rightly; the lowest of equals.

    Rightly is a right answer at or above it, or none given where there is none to find.
    """
    return max((hundredth / 100 for hundredth in range(100)), key=lambda least: _dealt_with(trials, least))


def _dealt_with(trials: Sequence[Trial], least: float) -> float:
    """The share of questions that are dealt with rightly."""
    good = sum(one.right if one.probability >= least else not one.answered for one in trials)
    return good / max(len(trials), 1)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Shares of 1 over all questions.

    right: best answers that are right. error, no_answer_error: expected calibration error (15 bins) of the
    best answer's probability and of the no-answer probability. dealt_with: right answers at or above the
    threshold, or rightly none. read, changed: passages read with early stop, best answers changed by it.
    """

    questions: int
    right: float
    error: float
    no_answer_error: float
    dealt_with: float
    read: float
    changed: float


def judge(observations: Sequence[Observation], calibration: Calibration) -> Judgement:
    """Measures a calibration on observations. ValueError if there are none."""
    if not observations:
        raise ValueError("There are no observations to judge a calibration by.")
    trials = [trial_of(one, calibration) for one in observations]
    right = [float(one.right) for one in trials]
    absent = [float(not one.answered) for one in trials]
    saved = saving([stops(one, calibration) for one in observations], calibration.stop)
    return Judgement(
        questions=len(trials),
        right=sum(right) / len(trials),
        error=expected_calibration_error([one.probability for one in trials], right),
        no_answer_error=expected_calibration_error([one.no_answer_probability for one in trials], absent),
        dealt_with=_dealt_with(trials, calibration.threshold),
        read=saved.read,
        changed=saved.changed,
    )


def by_retriever(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    """The observations of each retriever apart."""
    kinds = dict.fromkeys(one.retriever for one in observations)
    return {kind: [one for one in observations if one.retriever == kind] for kind in kinds}


def describe(judgement: Judgement) -> str:
    """The judgement in one line."""
    return (
        f"{judgement.questions} questions: best answer right {judgement.right:.1%}, calibration error "
        f"{judgement.error:.3f} (no answer {judgement.no_answer_error:.3f}), dealt with rightly at the "
        f"threshold {judgement.dealt_with:.1%}; early stop reads {judgement.read:.1%} of the passages and "
        f"changes {judgement.changed:.2%} of the best answers"
    )
