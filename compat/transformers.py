"""The `question-answering` pipeline that transformers removed in version 5.3: same calls, same results.

With `strict=True`, the default, answers, offsets and scores are those of transformers 4.57. `strict=False`
mends what loses answers there:

- an answer is found where it stands and as often as it stands (strict: answers of the same text, whatever
  their case, are one, with their scores added up and the place of the first);
- answers do not overlap, so that `top_k` gives that many different ones;
- windows of a long context compare with each other (strict: a window without the answer may outdo the one
  that has it, since each window's scores are shares of its own);
- answers start and end with a visible character, and in scripts without spaces they are not stretched to
  the next blank.

In either case a question that is too long is cut with a warning, where the original failed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from fundstelle.compat.bundled import BundledModel, BundledTokenizer, is_bundle
from fundstelle.compat.library_windows import LibraryReader
from fundstelle.compat.opening import HUB_OPTIONS, Context, open_reader
from fundstelle.compat.pipeline_answers import Answer, Choices, best_answers
from fundstelle.compat.pipeline_inputs import SquadExample, create_sample, examples
from fundstelle.reader.reader import Reader, WindowLogits

__all__ = [
    "AutoModelForQuestionAnswering",
    "AutoTokenizer",
    "QuestionAnsweringPipeline",
    "SquadExample",
    "pipeline",
]

_TASK = "question-answering"
_GROUP = 256
"""Examples of a list that are read together."""


class QuestionAnsweringPipeline:
    """Answers questions about contexts.

    Args:
        model, tokenizer: as in `pipeline`; or an open `fundstelle.reader.Reader` as the model.
        device, dtype: where and in what a torch model runs; see `fundstelle.compat.opening.open_reader`.
        parameters: defaults for calls, as `fundstelle.compat.pipeline_answers.Choices` lists them.
    """

    task = _TASK
    default_input_names = "question,context"

    def __init__(
        self,
        model: Any = None,
        tokenizer: Any = None,
        *,
        device: Any = None,
        dtype: Any = None,
        hub: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        self.reader = open_reader(model, tokenizer, device=device, dtype=dtype, hub=hub)
        self._model, self._tokenizer, self._hub = model, tokenizer, hub or {}
        self._choices = Choices().with_changes(parameters)

    @property
    def model(self) -> Any:
        """What reads: a transformers model; for the bundled reader a `BundledModel`."""
        if is_bundle(self._model):
            return BundledModel(self.reader)
        named = isinstance(self._model, (str, Path))
        return getattr(self.reader.engine, "model", None) if named else self._model

    @cached_property
    def tokenizer(self) -> Any:
        """A transformers tokenizer, loaded when it is first asked for; for the bundled reader its own."""
        given = self._model if self._tokenizer is None else self._tokenizer
        if is_bundle(given) or isinstance(given, (Reader, BundledModel)):
            return BundledTokenizer(self.reader)
        named = isinstance(given, (str, Path))
        return AutoTokenizer.from_pretrained(given, **self._hub) if named else given

    @property
    def device(self) -> Any:
        """Where it reads: a `torch.device`, or "cpu" without torch."""
        return getattr(self.reader.engine, "device", "cpu")

    create_sample = staticmethod(create_sample)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Ask; the forms of input are those of `fundstelle.compat.pipeline_inputs.examples`.

        Keyword arguments are input (`question`, `context`) and parameters, as
        `fundstelle.compat.pipeline_answers.Choices` lists them.

        Returns:
            For one example a dictionary where there is one answer, and a list where there are several or
            none; for several examples a list of these; for a generator or a torch dataset a generator of these,
            which takes `batch_size` examples at a time, by default one. "No answer", with
            `handle_impossible_answer`, is the answer "" from 0 to 0.

        Raises:
            KeyError, ValueError: the input is none, or a parameter is out of range.
        """
        choices = self._choices.with_changes(named)
        asked = examples(*args, **named)
        if isinstance(asked, SquadExample):
            return next(self._answers([asked], choices, 1))
        if isinstance(asked, list):
            return list(self._answers(asked, choices, _GROUP))
        return self._answers(asked, choices, choices.batch_size or 1)

    def predict(self, X: Any) -> Any:
        """The same as calling it."""
        return self(X)

    def transform(self, X: Any) -> Any:
        """The same as calling it."""
        return self(X)

    def _answers(
        self, asked: Iterable[SquadExample], choices: Choices, size: int
    ) -> Iterator[Answer | list[Answer]]:
        """Answers to each example, of which `size` are read together."""
        reader = _settled(self.reader, choices)
        asked = iter(asked)
        while group := list(islice(asked, size)):
            requests = [
                (each.question_text, [Context(str(i), each.context_text)]) for i, each in enumerate(group)
            ]
            windows: defaultdict[int, list[WindowLogits]] = defaultdict(list)
            for found in reader.window_logits(requests):
                windows[found.window.passage.request].append(found)
            for i, each in enumerate(group):
                ordered = sorted(windows[i], key=lambda found: found.window.first)
                answers = best_answers(each.context_text, ordered, choices)
                yield answers[0] if len(answers) == 1 else answers


def _settled(reader: Reader, choices: Choices) -> Reader:
    """The reader with windows as the parameters say."""
    length = min(reader.tokenizer.max_length, 384) if choices.max_seq_len is None else choices.max_seq_len
    stride = min(length // 2, 128) if choices.doc_stride is None else choices.doc_stride
    if stride > length:
        raise ValueError(f"`doc_stride` ({stride}) is larger than `max_seq_len` ({length})")
    room = length - reader.tokenizer.template.size - stride - 1
    if room < 1:
        raise ValueError(f"doc_stride {stride} leaves no room for a question in {length} tokens: lower it.")
    settings = replace(
        reader.settings,
        max_seq_length=length,
        stride=stride,
        max_question_length=room if choices.strict else min(room, choices.max_question_len),
        token_budget=reader.settings.token_budget
        if choices.batch_size is None
        else choices.batch_size * length,
    )
    kind = LibraryReader if choices.strict else Reader
    return kind(reader.engine, reader.tokenizer, settings, calibration=reader.calibration, name=reader.name)


def pipeline(
    task: str | None = None,
    model: Any = None,
    config: Any = None,
    tokenizer: Any = None,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    device: Any = None,
    dtype: Any = None,
    trust_remote_code: bool | None = None,
    model_kwargs: dict[str, Any] | None = None,
    **parameters: Any,
) -> QuestionAnsweringPipeline:
    """A pipeline for the task "question-answering".

    Args:
        task: "question-answering", or None.
        model, tokenizer: see `fundstelle.compat.opening.open_reader`; by default the bundled reader.
        revision, token, trust_remote_code: passed to the hub, and of `model_kwargs` what says where a model is.
        device, dtype: where and in what it runs (`torch_dtype` is the older name); float32 by default.
        parameters: defaults for calls, as `fundstelle.compat.pipeline_answers.Choices` lists them. What does
            not concern this task, such as `framework` or `use_fast`, changes nothing.

    Raises:
        KeyError: another task; transformers still has those.
    """
    if task not in (None, _TASK):
        raise KeyError(f"This pipeline is for {_TASK!r}; import pipeline from transformers for {task!r}.")
    access = {"revision": revision, "token": token, "trust_remote_code": trust_remote_code} | (
        model_kwargs or {}
    )
    hub = {name: access[name] for name in HUB_OPTIONS if access.get(name) is not None}
    dtype = next(
        (value for value in (dtype, parameters.get("torch_dtype"), access.get("torch_dtype")) if value), None
    )
    return QuestionAnsweringPipeline(model, tokenizer, device=device, dtype=dtype, hub=hub, **parameters)


class AutoModelForQuestionAnswering:
    """Loads a model by name: the bundled one without torch, others by transformers."""

    @classmethod
    def from_pretrained(cls, name: str | Path | None = None, **options: Any) -> Any:
        """A model that is called with token ids and gives `start_logits` and `end_logits`."""
        if is_bundle(name):
            return BundledModel.from_pretrained(name)
        import transformers

        return transformers.AutoModelForQuestionAnswering.from_pretrained(str(name), **options)


class AutoTokenizer:
    """Loads a tokenizer by name: the bundled one without torch, others by transformers."""

    @classmethod
    def from_pretrained(cls, name: str | Path | None = None, **options: Any) -> Any:
        """A tokenizer that is called with a question and a context."""
        if is_bundle(name):
            return BundledTokenizer.from_pretrained(name)
        import transformers

        return transformers.AutoTokenizer.from_pretrained(name, **options)
