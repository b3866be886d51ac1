"""FARM's `Inferencer` for question answering, with the inputs and outputs that its versions had.

`inference_from_dicts` without `rest_api_schema` gives the shape of FARM 0.8; `rest_api_schema=True` that of
0.4.3, for which model cards are written, and `rest_api_schema=False` 0.4.3's answers with their tokens.
Either accepts questions in both shapes. `doc_stride` is the step between windows, as it was in FARM.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

from fundstelle.compat.farm_head import QuestionAnsweringHead
from fundstelle.compat.farm_inputs import Basket, QAInput, Question, baskets, file_to_dicts
from fundstelle.compat.farm_results import QACandidate, QAPred, candidates
from fundstelle.compat.opening import HUB_OPTIONS, Context, open_reader
from fundstelle.compat.transformers import AutoTokenizer
from fundstelle.reader.reader import Reader, WindowLogits

__all__ = [
    "AdaptiveModel",
    "Inferencer",
    "QACandidate",
    "QAInferencer",
    "QAInput",
    "QAPred",
    "Question",
    "QuestionAnsweringHead",
    "Tokenizer",
]
_TASK = "question_answering"


class AdaptiveModel:
    """A reader with FARM's prediction head: settings of `prediction_heads[0]` count from the next call."""

    def __init__(self, reader: Reader, head: QuestionAnsweringHead | None = None) -> None:
        self.reader = reader
        self.prediction_heads = [head or QuestionAnsweringHead()]

    @classmethod
    def convert_from_transformers(
        cls,
        model_name_or_path: Any = None,
        device: Any = "cpu",
        revision: str | None = None,
        task_type: str | None = _TASK,
        processor: Any = None,
        **options: Any,
    ) -> Self:
        """A model by name, or the bundled one. `processor` means nothing here.

        Raises:
            ValueError: `task_type` is another than "question_answering", or the model is for another.
        """
        _check_task(task_type)
        hub = {name: options[name] for name in HUB_OPTIONS if options.get(name) is not None}
        if revision is not None:
            hub["revision"] = revision
        return cls(open_reader(model_name_or_path, device=device, dtype=options.get("dtype"), hub=hub))


class Tokenizer:
    """Loads a tokenizer by name: the bundled one without torch, others by transformers."""

    @classmethod
    def load(cls, pretrained_model_name_or_path: Any = None, **options: Any) -> Any:
        """A tokenizer that is called with texts; FARM's own options mean nothing here."""
        access = {name: options[name] for name in HUB_OPTIONS if options.get(name) is not None}
        return AutoTokenizer.from_pretrained(pretrained_model_name_or_path, **access)


class Inferencer:
    """Answers questions about texts.

    Args:
        model: what `AdaptiveModel.convert_from_transformers` gave, or an open reader.
        batch_size: windows in a batch; None: as many as suit the reader. It changes no result.
        max_seq_len, max_query_length: of a window and of a question, in tokens; longer questions are cut.
        doc_stride: tokens from the start of a window of a text to the start of the next.

    Raises:
        ValueError: the lengths do not fit each other or the model.
    """

    def __init__(
        self,
        model: AdaptiveModel | Reader,
        processor: Any = None,
        task_type: str | None = _TASK,
        batch_size: int | None = None,
        *,
        max_seq_len: int = 256,
        doc_stride: int = 128,
        max_query_length: int = 64,
        **ignored: Any,
    ) -> None:
        _check_task(task_type)
        self.model = AdaptiveModel(model) if isinstance(model, Reader) else model
        self.batch_size = batch_size
        self.max_seq_len, self.doc_stride, self.max_query_length = max_seq_len, doc_stride, max_query_length
        room = max_seq_len - max_query_length - self._reader.tokenizer.template.size
        if not 0 < doc_stride <= room:
            raise ValueError(
                f"doc_stride is {doc_stride}, but max_seq_len {max_seq_len} and max_query_length "
                f"{max_query_length} leave {room} tokens for a text: lower it."
            )

    @classmethod
    def load(
        cls,
        model_name_or_path: Any = None,
        revision: str | None = None,
        batch_size: int | None = None,
        gpu: bool = False,
        task_type: str | None = _TASK,
        *,
        max_seq_len: int = 256,
        doc_stride: int = 128,
        **options: Any,
    ) -> Self:
        """Open a model by name, or the bundled one.

        Args:
            gpu: run on the best device there is instead of the processor.
            options: `max_query_length`; `dtype` (float32 by default); of hub access see
                `fundstelle.compat.opening.HUB_OPTIONS`. Others that FARM had, such as `num_processes`,
                `return_class_probs` or `disable_tqdm`, change nothing.

        Raises:
            ValueError: another task than "question_answering", or lengths that do not fit.
        """
        model = AdaptiveModel.convert_from_transformers(
            model_name_or_path, None if gpu else "cpu", revision, task_type, **options
        )
        query_length = options.get("max_query_length", 64)
        return cls(
            model, None, task_type, batch_size,
            max_seq_len=max_seq_len, doc_stride=doc_stride, max_query_length=query_length,
        )  # fmt: skip

    @property
    def _reader(self) -> Reader:
        return self.model.reader

    def inference_from_dicts(
        self,
        dicts: Iterable[dict[str, Any]],
        return_json: bool = True,
        multiprocessing_chunksize: int | None = None,
        streaming: bool = False,
        rest_api_schema: bool | None = None,
        **ignored: Any,
    ) -> Any:
        """Answers to every question of every text, in order.

        Args:
            dicts: see `fundstelle.compat.farm_inputs.baskets`; with `streaming` it may be endless.
            return_json: False gives `QAPred` objects.
            multiprocessing_chunksize: questions that are read together when streaming; None: 64.
            streaming: give a generator that answers as it goes.
            rest_api_schema: the shape of the output (see the module).

        Raises:
            KeyError: an input lacks its text or its questions.
        """
        stream = self._stream(baskets(dicts), (multiprocessing_chunksize or 64) if streaming else None)
        shaped = (_shaped(pred, return_json, rest_api_schema) for pred in stream)
        return shaped if streaming else list(shaped)

    def inference_from_file(self, file: str | Path, **options: Any) -> Any:
        """The same for a SQuAD file, or a JSON file with a list of inputs."""
        return self.inference_from_dicts(file_to_dicts(file), **options)

    def inference_from_objects(self, objects: Sequence[QAInput], **options: Any) -> Any:
        """The same for `QAInput` objects."""
        return self.inference_from_dicts([each.to_dict() for each in objects], **options)

    def close_multiprocessing_pool(self, join: bool = False) -> None:
        """Nothing to close: there are no worker processes."""

    def _stream(self, asked: Iterator[Basket], size: int | None) -> Iterator[QAPred]:
        while group := list(islice(asked, size)):
            yield from self.read(group)

    def read(self, group: Sequence[Basket]) -> list[QAPred]:
        """What each text answers, in order.

        Questions of the same length share a reader, since overlap is what question and step leave.
        """
        by_length: defaultdict[int, list[int]] = defaultdict(list)
        for i, tokens in enumerate(self._question_lengths(group)):
            by_length[tokens].append(i)
        windows: dict[int, list[WindowLogits]] = {i: [] for i in range(len(group))}
        for tokens, members in by_length.items():
            requests = [(group[i].question, [Context(str(i), group[i].text)]) for i in members]
            for found in self._settled(tokens).window_logits(requests):
                windows[members[found.window.passage.request]].append(found)
        return [self._pred(basket, windows[i]) for i, basket in enumerate(group)]

    def _question_lengths(self, group: Sequence[Basket]) -> list[int]:
        """Tokens of each question; one that is too long has one more than `max_query_length`."""
        encodings = self._reader.tokenizer.encode([basket.question.strip() for basket in group])
        return [min(len(encoding.ids), self.max_query_length + 1) for encoding in encodings]

    def _settled(self, question_tokens: int) -> Reader:
        """The reader with windows `doc_stride` tokens apart for questions of this length."""
        length = max(min(question_tokens, self.max_query_length), 1)
        room = self.max_seq_len - length - self._reader.tokenizer.template.size
        changes = {} if self.batch_size is None else {"token_budget": self.batch_size * self.max_seq_len}
        return self._reader.with_settings(
            max_seq_length=self.max_seq_len,
            stride=room - self.doc_stride,
            max_question_length=length,
            **changes,
        )

    def _pred(self, basket: Basket, windows: Sequence[WindowLogits]) -> QAPred:
        head = self.model.prediction_heads[0]
        ranked = head.rank(sorted(windows, key=lambda found: found.window.first))
        return QAPred(
            id=basket.id,
            question_id=basket.question_id,
            document_id=basket.document_id,
            question=basket.question,
            context=basket.text,
            prediction=candidates(ranked, basket.text, head.context_window_size),
            no_answer_gap=ranked.no_ans_gap,
            null_score=ranked.null_score,
            ground_truth_answer=basket.labels,
            context_window_size=head.context_window_size,
        )


QAInferencer = Inferencer
"""The name under which later versions had it."""


def _shaped(pred: QAPred, return_json: bool, rest_api_schema: bool | None) -> Any:
    if not return_json:
        return pred
    if rest_api_schema is None:
        return pred.to_json()
    return pred.to_rest_json() if rest_api_schema else pred.to_token_json()


def _check_task(task_type: str | None) -> None:
    if task_type not in (None, _TASK):
        raise ValueError(f"Only task_type={_TASK!r} is supported here, not {task_type!r}.")
