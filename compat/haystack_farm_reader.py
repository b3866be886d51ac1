"""Haystack 1's `FARMReader`."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fundstelle.compat.farm import AdaptiveModel, Inferencer
from fundstelle.compat.farm_head import QuestionAnsweringHead
from fundstelle.compat.farm_inputs import Basket
from fundstelle.compat.farm_results import QACandidate, QAPred
from fundstelle.compat.haystack_reading import BaseReader, softened, whereabouts
from fundstelle.compat.haystack_schema import Answer, Document, Span, no_answer
from fundstelle.compat.opening import open_reader


class FARMReader(BaseReader):
    """Reads with FARM's prediction head.

    Args:
        model_name_or_path: see `fundstelle.compat.opening.open_reader`; by default the bundled reader.
        context_window_size: characters shown around an answer.
        batch_size: windows in a batch; None: as many as suit the reader. It changes no result.
        use_gpu, devices: run on the best device there is, or on the first of `devices`.
        no_ans_boost: added to the score of "no answer".
        return_no_answer: let "no answer" compete; it is an `Answer` with the text "".
        top_k, top_k_per_candidate, top_k_per_sample: answers at most: in all, of a document, of a window.
        max_seq_len, doc_stride, max_query_length: as in `fundstelle.compat.farm.Inferencer`.
        duplicate_filtering: see `QuestionAnsweringHead`.
        use_confidence_scores: scores from 0 to 1 instead of sums of logits.
        confidence_threshold: least score of an answer.
        strict: see `fundstelle.compat.haystack`.
        options: `dtype` and what says where a model comes from, also in `model_kwargs`. Others that
            Haystack had, such as `num_processes` or `progress_bar`, change nothing.

    Raises:
        ValueError: lengths do not fit, or the model is no extractive QA model.
    """

    def __init__(
        self,
        model_name_or_path: Any = None,
        model_version: str | None = None,
        context_window_size: int = 150,
        batch_size: int | None = None,
        use_gpu: bool = True,
        devices: Sequence[Any] | None = None,
        no_ans_boost: float = 0.0,
        return_no_answer: bool = False,
        top_k: int = 10,
        top_k_per_candidate: int = 3,
        top_k_per_sample: int = 1,
        *,
        max_seq_len: int = 256,
        doc_stride: int = 128,
        max_query_length: int = 64,
        duplicate_filtering: int = 0,
        use_confidence_scores: bool = True,
        confidence_threshold: float | None = None,
        strict: bool = True,
        **options: Any,
    ) -> None:
        head = QuestionAnsweringHead(
            no_ans_boost=no_ans_boost,
            context_window_size=context_window_size,
            n_best=top_k_per_candidate + 1,
            n_best_per_sample=top_k_per_sample,
            duplicate_filtering=duplicate_filtering,
            use_confidence_scores_for_ranking=use_confidence_scores and strict,
        )
        reader = open_reader(model_name_or_path, **whereabouts(use_gpu, devices, model_version, options))
        self.inferencer = Inferencer(
            AdaptiveModel(reader, head),
            batch_size=batch_size,
            max_seq_len=max_seq_len,
            doc_stride=doc_stride,
            max_query_length=max_query_length,
        )
        self.top_k, self.top_k_per_candidate = top_k, top_k_per_candidate
        self.return_no_answer, self.strict = return_no_answer, strict
        sure = 1.0 if use_confidence_scores else 1024.0
        self.no_answer_without_documents = sure if return_no_answer else None
        self.use_confidence_scores, self.confidence_threshold = use_confidence_scores, confidence_threshold

    def _answers(self, asked: Sequence[tuple[str, list[Document]]]) -> list[tuple[list[Answer], float]]:
        baskets = [
            Basket(str(document.id), i, None, query, document.content, None)
            for i, (query, documents) in enumerate(asked)
            for document in documents
        ]
        preds = iter(self.inferencer.read(baskets))
        groups = [list(islice(preds, len(documents))) for _, documents in asked]
        return [self._ranked(group) for group in groups]

    def _ranked(self, preds: Sequence[QAPred]) -> tuple[list[Answer], float]:
        """The answers of one question's documents, best first, and the gap to no answer."""
        found = [(pred, each) for pred in preds for each in islice(_spans(pred), self.top_k_per_candidate)]
        gap = max(pred.no_answer_gap for pred in preds)
        best = max((each.score for pred in preds for each in _spans(pred)), default=0.0)
        if self.strict or not self.use_confidence_scores:
            none = max(best, 0.0) - gap
            scores = [each.confidence if self.use_confidence_scores else each.score for _, each in found]
            none = softened(none) if self.use_confidence_scores else none
        else:
            scores, none = self._probabilities(found)
        answers = [_answer(pred, each, score) for (pred, each), score in zip(found, scores, strict=True)]
        if self.return_no_answer:
            answers.append(no_answer(none))
        least = self.confidence_threshold
        sure = (each for each in answers if least is None or (each.score or 0.0) >= least)
        return sorted(sure, reverse=True), gap

    def _probabilities(self, found: Sequence[tuple[QAPred, QACandidate]]) -> tuple[list[float], float]:
        """Calibrated probabilities of rival answers, and of there being none."""
        calibration = self.inferencer.model.reader.calibration
        boost = self.inferencer.model.prediction_heads[0].no_ans_boost
        logits = [calibration.logit(each.score - pred.null_score - boost) for pred, each in found]
        return calibration.shares(logits), calibration.no_answer_probability(logits)


def _spans(pred: QAPred) -> Iterator[QACandidate]:
    return (each for each in pred.prediction if each.is_answer)


def _answer(pred: QAPred, found: QACandidate, score: float) -> Answer:
    start, end, low = found.offset_answer_start, found.offset_answer_end, found.offset_context_window_start
    return Answer(
        found.answer,
        score=score,
        context=found.context_window,
        offsets_in_document=[Span(start, end)],
        offsets_in_context=[Span(start - low, end - low)],
        document_ids=[str(pred.id)],
    )
