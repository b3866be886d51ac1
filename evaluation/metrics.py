"""Metric names as users write them: `squad`, `squad1`, `mlqa:de`, `auto`."""

from collections.abc import Mapping

from fundstelle.evaluation import mlqa, squad2
from fundstelle.evaluation.datasets import Dataset
from fundstelle.evaluation.overlap import Metric
from fundstelle.evaluation.squad2 import Figures
from fundstelle.indexing.languages import checked

NAMES = "squad, squad1, mlqa:LANG (for example mlqa:de) or auto"


class MetricError(ValueError):
    """A metric's name means nothing, or does not fit the file."""


def resolve(name: str, dataset: Dataset) -> str:
    """`name` if it is a metric; for `auto`, `mlqa:LANG` where the file is named as MLQA's, else `squad`.

    `squad` is SQuAD 2.0's measure. On files whose questions all have an answer, as XQuAD's do, it gives the
    figures of the SQuAD 1.1 convention.

    Raises:
        MetricError: there is no such metric.
        ValueError: what follows `mlqa:` is no code of a language.
    """
    if name == "auto":
        named_mlqa = "mlqa" in dataset.name.lower() or "context-" in dataset.name
        return f"mlqa:{dataset.language}" if named_mlqa and dataset.language != "und" else "squad"
    kind, _, language = name.partition(":")
    if name in ("squad", "squad1"):
        return name
    if kind == "mlqa" and language:
        return f"mlqa:{checked(language)}"
    raise MetricError(f"There is no metric {name!r}; choose {NAMES}.")


def metric(name: str) -> Metric:
    """The measure of one question under a resolved name."""
    kind, _, language = name.partition(":")
    if kind == "mlqa":
        return mlqa.metric(language)
    return squad2.score_v1 if kind == "squad1" else squad2.score


def official(
    name: str,
    dataset: Dataset,
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float] | None = None,
    na_threshold: float = 1.0,
) -> Figures:
    """The official script's figures under its names; no-answer values belong to `squad` alone.

    Raises:
        MetricError: the metric cannot judge this file or these arguments.
    """
    kind, _, language = name.partition(":")
    if kind == "squad":
        return squad2.evaluate(dataset, predictions, na_probs, na_threshold)
    if na_probs is not None:
        raise MetricError(f"No-answer values go with --metric squad; {name} knows no unanswerable questions.")
    if dataset.has_unanswerable:
        raise MetricError(
            f"{dataset.name} has questions without an answer, which {name} cannot judge; use squad."
        )
    if kind == "squad1":
        return squad2.evaluate_v1(dataset, predictions)
    return mlqa.evaluate(dataset, predictions, language.partition("-")[0])


def remarks(dataset: Dataset, predictions: Mapping[str, str]) -> list[str]:
    """Sentences on what a user should know about these predictions beside the figures."""
    known = {question.id for question in dataset.questions}
    missing = [identity for identity in known if identity not in predictions]
    unknown = [identity for identity in predictions if identity not in known]
    found = []
    if missing:
        found.append(f"{len(missing)} of {len(known)} questions have no prediction and count as wrong.")
    if unknown:
        found.append(
            f"{len(unknown)} predictions are for questions that the file has not, as {unknown[0]!r}."
        )
    if dataset.notes:
        found.append(
            f"{len(dataset.notes)} wrong answer_start, which do not matter here: {dataset.notes[0]}."
        )
    return found
