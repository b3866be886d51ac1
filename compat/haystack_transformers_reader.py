"""Haystack 1's `TransformersReader`."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from fundstelle.compat.haystack_reading import BaseReader, softened, whereabouts
from fundstelle.compat.haystack_schema import Answer, Document, Span, no_answer
from fundstelle.compat.transformers import QuestionAnsweringPipeline


class TransformersReader(BaseReader):
    """Reads with the `question-answering` pipeline, one document at a time.

    Args:
        model_name_or_path, tokenizer: see `fundstelle.compat.opening.open_reader`; `model` is the older name.
        top_k, top_k_per_candidate: answers at most: in all, of a document.
        return_no_answers: let "no answer" compete; it is an `Answer` with the text "".
        max_seq_len, doc_stride: of a window in tokens, and what neighbouring windows share.
        context_window_size: characters shown on either side of an answer.
        strict: see `fundstelle.compat.haystack`; the pipeline is as strict.
        use_gpu, devices, batch_size, options: as for `FARMReader`.
    """

    def __init__(
        self,
        model_name_or_path: Any = None,
        model_version: str | None = None,
        tokenizer: Any = None,
        use_gpu: bool = True,
        top_k: int = 10,
        top_k_per_candidate: int = 3,
        return_no_answers: bool = False,
        max_seq_len: int = 256,
        doc_stride: int = 128,
        batch_size: int | None = None,
        *,
        context_window_size: int = 70,
        devices: Sequence[Any] | None = None,
        model: Any = None,
        strict: bool = True,
        **options: Any,
    ) -> None:
        self.top_k, self.top_k_per_candidate = top_k, top_k_per_candidate
        self.return_no_answers, self.strict = return_no_answers, strict
        self.no_answer_without_documents = 1.0 if return_no_answers else None
        self.context_window_size = context_window_size
        self.model = QuestionAnsweringPipeline(
            model if model_name_or_path is None else model_name_or_path,
            tokenizer,
            **whereabouts(use_gpu, devices, model_version, options),
            max_seq_len=max_seq_len,
            doc_stride=doc_stride,
            batch_size=batch_size,
            strict=strict,
        )

    def _answers(self, asked: Sequence[tuple[str, list[Document]]]) -> list[tuple[list[Answer], float]]:
        examples = [
            {"question": query, "context": document.content}
            for query, documents in asked
            for document in documents
        ]
        # strict=False always weighs "no answer", which there takes no answer's place
        mended = not self.strict
        found = self.model(
            examples,
            top_k=self.top_k_per_candidate + mended,
            handle_impossible_answer=self.return_no_answers or mended,
        )
        read = iter([found] if len(examples) == 1 else found)
        return [
            self._ranked(list(zip(documents, islice(read, len(documents)), strict=True)))
            for _, documents in asked
        ]

    def _ranked(self, read: Sequence[tuple[Document, Any]]) -> tuple[list[Answer], float]:
        """The answers of one question's documents, best first, and the gap to no answer."""
        answers, best_of_all, gaps = [], 0.0, []
        for document, found in read:
            found = found if isinstance(found, list) else [found]
            spans = [each for each in found if each["answer"]][: self.top_k_per_candidate]
            none = sum(each["score"] for each in found if not each["answer"])
            best = max((each["score"] for each in spans), default=0.0)
            best_of_all = max(best_of_all, best)
            gaps.append(none - best if self.strict else best - none)
            answers += [self._answer(document, each) for each in spans]
        gap = max(gaps)
        if self.return_no_answers:
            none = best_of_all - gap
            answers.append(no_answer(softened(none) if self.strict else none))
        return sorted(answers, reverse=True), gap

    def _answer(self, document: Document, found: dict[str, Any]) -> Answer:
        start, end = found["start"], found["end"]
        low = max(start - self.context_window_size, 0)
        return Answer(
            found["answer"],
            score=found["score"],
            context=document.content[low : end + self.context_window_size],
            offsets_in_document=[Span(start, end)],
            offsets_in_context=[Span(start - low, end - low)],
            document_ids=[str(document.id)],
        )
