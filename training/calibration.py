"""Fits the probabilities of a reader's answers: `calibration.json` beside its weights.

`fundstelle calibrate` reads the questions that it is fitted on and saves it. It is fitted again whenever the weights of
the reader, of the encoder or of fusion change; one calibration serves all three retrievers, whose evidence is in one
unit.

The model (see `fundstelle.reader.confidence`) is a conditional logit over a question's answers and "none of
them": its weights are those that make right answers likeliest, then moved and scaled so that the best
answer's probability holds. "The collection does not answer" is a logistic regression on top of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch

from fundstelle.evaluation.judging import is_right
from fundstelle.pipelines.merge import Candidate, candidates, evidence_of, grouped, merge, without_overlaps
from fundstelle.reader.confidence import Calibration
from fundstelle.training.fitting import log_sum_exp, minimise
from fundstelle.training.judging import best_threshold, trial_of
from fundstelle.training.observations import Observation
from fundstelle.training.stopping import fit_stop, read_at_stop

_NEUTRAL = Calibration(intercept=0.0, margin=1.0, evidence=0.0)


@dataclass(frozen=True, slots=True)
class Design:
    """Observations as tensors: spans in answers in questions, each numbered from 0.

    margins, evidence: (spans,) float64. answer_of: (spans,) the answer that a span gives. question_of:
    (answers,). right: (answers,) bool. questions: how many.
    """

    margins: torch.Tensor
    evidence: torch.Tensor
    answer_of: torch.Tensor
    question_of: torch.Tensor
    right: torch.Tensor
    questions: int

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> "Design":
        spans: list[tuple[float, float, int]] = []
        answers: list[tuple[int, bool]] = []
        for number, one in enumerate(observations):
            for places in _answers(one):
                spans += [
                    (_margin(place), evidence_of(place.hit, one.hits), len(answers)) for place in places
                ]
                answers.append((number, is_right(places[0].text, one.golds)))
        margins, evidence, answer_of = zip(*spans, strict=True)
        question_of, right = zip(*answers, strict=True)
        return cls(
            torch.tensor(margins, dtype=torch.float64),
            torch.tensor(evidence, dtype=torch.float64),
            torch.tensor(answer_of),
            torch.tensor(question_of),
            torch.tensor(right),
            len(observations),
        )


def _answers(one: Observation) -> list[list[Candidate]]:
    return grouped(without_overlaps(candidates(one.hits, one.readings, _NEUTRAL)))


def _margin(place: Candidate) -> float:
    return place.span.score - place.null_score


def fit(observations: Sequence[Observation]) -> Calibration:
    """The calibration that makes the observations likeliest, with its threshold and its early stop.

    Raises:
        ValueError: there is nothing to learn from: no answers, or all of them right or all wrong.
    """
    design = Design.of(observations)
    if not design.right.any() or design.right.all():
        raise ValueError("A calibration needs right and wrong answers: observe more questions.")
    calibration = _fit_answers(design)
    calibration = replace(calibration, stop=fit_stop(observations, calibration))
    calibration = _fit_no_answer(calibration, observations)
    threshold = best_threshold([trial_of(one, calibration) for one in observations])
    return _rounded(replace(calibration, threshold=threshold))


def _rounded(calibration: Calibration) -> Calibration:
    """Four digits: more would say more than was measured."""
    return Calibration(**{name: round(value, 4) for name, value in asdict(calibration).items()})


def _fit_answers(design: Design) -> Calibration:
    """First what ranks answers: the weights that make the right ones likeliest among all."""
    weights = torch.tensor([-2.0, 0.5, 2.0, 0.0], dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        answers = _logits(design, *weights)
        everything = log_sum_exp(answers, design.question_of, design.questions, with_zero=True)
        right = torch.where(design.right, answers, -torch.inf)
        chosen = log_sum_exp(right, design.question_of, design.questions)
        return (everything - torch.where(chosen.isfinite(), chosen, 0.0)).mean() + 1e-4 * weights[3] ** 2

    minimise(weights, loss)
    intercept, margin, evidence, support = weights.tolist()
    shift, scale = _fit_best(design, _logits(design, *weights).detach())
    return Calibration(
        intercept=shift + scale * intercept,
        margin=scale * margin,
        evidence=scale * evidence,
        support=torch.sigmoid(torch.tensor(support)).item(),
    )


def _fit_best(design: Design, logits: torch.Tensor) -> tuple[float, float]:
    """Then how sure to be of the best one: how far to move and by how much to scale all logits.

    Several answers to a question can be right ("1987", "in 1987"), and the first fit shares the
    probability among them; what is shown is whether the best one is.
    """
    best = _first_of_largest(logits, design)
    weights = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        moved = weights[0] + weights[1] * logits
        everything = log_sum_exp(moved, design.question_of, design.questions, with_zero=True)
        share = moved[best] - everything[design.question_of[best]]
        wrong = torch.log(-torch.expm1(share.clamp(max=-1e-12)))
        return -torch.where(design.right[best], share, wrong).mean()

    minimise(weights, loss)
    shift, scale = weights.tolist()
    return shift, scale


def _first_of_largest(logits: torch.Tensor, design: Design) -> torch.Tensor:
    """The number of the best answer of each question that has any."""
    largest = torch.full((design.questions,), -torch.inf, dtype=logits.dtype)
    largest = largest.scatter_reduce(0, design.question_of, logits, "amax")
    best: dict[int, int] = {}
    for answer in torch.nonzero(logits == largest[design.question_of])[:, 0].tolist():
        best.setdefault(int(design.question_of[answer]), answer)
    return torch.tensor(list(best.values()))


def _logits(
    design: Design,
    intercept: torch.Tensor,
    margin: torch.Tensor,
    evidence: torch.Tensor,
    support: torch.Tensor,
) -> torch.Tensor:
    """(answers,) logits: those of the spans, combined as `Calibration.combined` has it.

    `support` is the logit of `Calibration.support`, so that it stays between 0 and 1.
    """
    spans = intercept + margin * design.margins + evidence * design.evidence
    count = len(design.question_of)
    best = torch.full((count,), -torch.inf, dtype=spans.dtype)
    best = best.scatter_reduce(0, design.answer_of, spans, "amax")
    return best + torch.sigmoid(support) * (log_sum_exp(spans, design.answer_of, count) - best)


def _fit_no_answer(calibration: Calibration, observations: Sequence[Observation]) -> Calibration:
    """Logistic regression of "the collection does not answer" on the odds that no span is right."""
    odds, absent = [], []
    for one in observations:
        findings = merge(one.hits, read_at_stop(one, calibration), calibration).findings
        if findings:
            odds.append(-torch.logsumexp(torch.tensor([each.logit for each in findings]), 0).item())
            absent.append(not one.answered and not is_right(findings[0].best.text, one.golds))
    inputs, target = torch.tensor(odds, dtype=torch.float64), torch.tensor(absent, dtype=torch.float64)
    weights = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    minimise(
        weights,
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(
            weights[0] + weights[1] * inputs, target
        ),
    )
    return replace(calibration, no_answer_intercept=weights[0].item(), no_answer=weights[1].item())
