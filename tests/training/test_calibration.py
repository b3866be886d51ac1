"""Fitting: what made the data is found again, and what is fitted does what it promises."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.merge import evidence_of
from fundstelle.pipelines.reading import Asked, read_all
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span, Text
from fundstelle.training.calibration import fit
from fundstelle.training.judging import Trial, best_threshold, describe, judge
from fundstelle.training.observations import Observation
from fundstelle.training.stopping import CHANGED_AT_MOST, fit_stop, read_at_stop, saving, stops

TRUE = Calibration(intercept=-2.5, margin=0.6, evidence=4.0, support=0.5)


def observation(number: int, chooser: random.Random) -> Observation:
    """A question whose right answer is drawn with the probabilities that `TRUE` gives to each."""
    scores = sorted((chooser.uniform(5, 20) for _ in range(8)), reverse=True)
    hits = [
        Hit(Passage(f"{number}-{rank}", f"d{rank}", f"answer{rank}", 0, "s"), score)
        for rank, score in enumerate(scores)
    ]
    margins = [chooser.gauss(2 if rank == 0 else -2, 4) for rank in range(8)]
    logits = [TRUE.logit(margin, evidence_of(hit, hits)) for margin, hit in zip(margins, hits, strict=True)]
    right = chooser.choices([*range(8), None], [*TRUE.shares(logits), 1 - sum(TRUE.shares(logits))])[0]
    return Observation(
        "made up",
        f"question {number}",
        right is not None,
        () if right is None else (f"answer{right}",),
        tuple(hits),
        tuple(
            Reading(hit.passage.id, (Span(0, 7, margin),), 0.0)
            for hit, margin in zip(hits, margins, strict=True)
        ),
    )


@pytest.fixture(scope="module")
def observations() -> list[Observation]:
    chooser = random.Random(7)
    return [observation(number, chooser) for number in range(1500)]


@pytest.fixture(scope="module")
def fitted(observations: list[Observation]) -> Calibration:
    return fit(observations[:1000])


def test_the_weights_that_made_the_data_are_found_again(fitted: Calibration) -> None:
    """On a thousand questions each weight comes back within its standard error, about."""
    assert fitted.intercept == pytest.approx(TRUE.intercept, abs=0.4)
    assert fitted.margin == pytest.approx(TRUE.margin, abs=0.08)
    assert fitted.evidence == pytest.approx(TRUE.evidence, abs=0.8)


def test_probabilities_hold_on_held_out_questions(
    observations: list[Observation], fitted: Calibration
) -> None:
    """Both probabilities mean what they say on questions that were not fitted on; others do worse."""
    judgement = judge(observations[1000:], fitted)
    assert judgement.error < 0.08
    assert judgement.no_answer_error < 0.08
    bold = judge(observations[1000:], replace(fitted, intercept=fitted.intercept + 3, no_answer=3.0))
    assert bold.error > 2 * judgement.error
    assert bold.no_answer_error > judgement.no_answer_error
    assert f"{judgement.error:.3f}" in describe(judgement)


def test_the_threshold_deals_with_most_questions_rightly(
    observations: list[Observation], fitted: Calibration
) -> None:
    """No other threshold is better on the questions it was fitted on."""
    best = judge(observations[:1000], fitted).dealt_with
    for threshold in (0.0, 0.3, 0.7):
        assert judge(observations[:1000], replace(fitted, threshold=threshold)).dealt_with <= best


def test_the_stop_is_as_early_as_allowed(observations: list[Observation], fitted: Calibration) -> None:
    """Stopping changes no more best answers than allowed, saves reading, and a bit earlier would change more."""
    found = [stops(one, fitted) for one in observations[:1000]]
    saved = saving(found, fitted.stop)
    assert saved.changed < saved.expected <= CHANGED_AT_MOST
    assert saved.read < 1
    assert saving(found, fitted.stop - 0.1).expected > CHANGED_AT_MOST


def test_stops_are_where_the_pipeline_stops(observations: list[Observation], fitted: Calibration) -> None:
    """The simulated stop is the place where the pipeline itself stops reading the same passages."""
    for one in observations[:100]:
        asked = Asked(one.question, one.hits)
        read_all([asked], Remembered(one, fitted), fitted)
        simulated = next(stop for stop in stops(one, fitted) if stop.lead >= fitted.stop)
        assert simulated.read == len(asked.readings)
        assert read_at_stop(one, fitted) == asked.readings


class Remembered:
    """A reader that says again what was observed of passages read one by one."""

    def __init__(self, one: Observation, calibration: Calibration) -> None:
        self.calibration = calibration
        self._readings = {reading.passage_id: reading for reading in one.readings}

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        return [[self._readings[text.id] for text in texts] for _, texts in requests]


def test_passages_without_a_span_are_read_to_the_end(fitted: Calibration) -> None:
    """Where nothing is found, there is no answer to be sure of, and reading goes on."""
    hits = tuple(Hit(Passage(f"p{rank}", "d", "...", 0, "s"), 1.0) for rank in range(8))
    empty = tuple(Reading(hit.passage.id, (), 0.0) for hit in hits)
    assert len(read_at_stop(Observation("made up", "?", False, (), hits, empty), fitted)) == 8


def test_nothing_to_learn_from_is_said(observations: list[Observation]) -> None:
    """Questions whose answers are all wrong fit nothing."""
    with pytest.raises(ValueError, match="right and wrong"):
        fit([replace(one, golds=()) for one in observations[:20]])
    with pytest.raises(ValueError, match="no observations"):
        judge([], TRUE)


def test_a_question_without_hits_changes_nothing(fitted: Calibration) -> None:
    """Nothing retrieved is no answer for certain, and reads nothing."""
    nothing = Observation("made up", "?", False, (), (), ())
    assert judge([nothing], fitted).no_answer_error == 0.0
    assert stops(nothing, fitted) == []
    assert fit_stop([nothing], fitted) == math.inf


def test_a_threshold_weighs_wrong_answers_against_lost_ones() -> None:
    """It lies above the wrong answers to questions without one, and below the right ones."""
    trials = [Trial(0.2, False, 0.8, False), Trial(0.3, False, 0.8, False), Trial(0.6, True, 0.1, True)]
    assert 0.3 < best_threshold(trials) <= 0.6
    assert best_threshold([]) == 0.0
