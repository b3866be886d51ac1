"""The reader: questions and their passages in, spans and null scores out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from fundstelle.reader.batches import collate, padding, plan
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.engine import Batch, Engine, Logits, StreamingEngine
from fundstelle.reader.prefetch import prefetch
from fundstelle.reader.readings import Reading, Span, Text
from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.spans import separate_spans, without_overlap
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.windows import Integers, Shape, Window, encode_passages, encode_question, split
from fundstelle.reader.words import BLANK

Request = tuple[str, Sequence[Text]]
"""A question and the passages it is asked of."""


@dataclass(frozen=True, slots=True)
class WindowLogits:
    """What the model says of one window: logits of its passage tokens, (count,), and of its null answer."""

    window: Window
    start: Logits
    end: Logits
    null_start: float
    null_end: float

    @property
    def null_score(self) -> float:
        """Start + end logit of the null answer."""
        return self.null_start + self.null_end

    @property
    def characters(self) -> tuple[Integers, Integers]:
        """Where in the passage's text each token starts and ends, both (count,)."""
        tokens = slice(self.window.first, self.window.first + self.window.count)
        return self.window.passage.starts[tokens], self.window.passage.ends[tokens]


class Reader:
    """Reads passages for answers to questions. Give it an engine, a tokenizer and settings, or `load` one.

    Reading does not change the reader: use it from as many threads as its engine allows.

    Raises:
        ValueError: the settings do not fit the model.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: ReaderTokenizer,
        settings: ReaderSettings | None = None,
        *,
        calibration: Calibration | None = None,
        name: str = "",
    ) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.settings = settings or ReaderSettings()
        self.calibration = calibration or Calibration()
        self.name = name
        self._shape = Shape.of(self.settings, tokenizer)

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        device: str | Sequence[str] | None = None,
        dtype: str | None = None,
        compile: bool = False,
        hub: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Self:
        """Open a reader: the bundled one (model None), or any extractive QA model by hub name or folder.

        Args:
            model: None, a folder, or a name on the Hugging Face hub.
            device: "cpu", "cuda", "cuda:1", "mps" or several of them; None: the best there is.
            dtype: "float32", "bfloat16", "float16"; None: what the device is fastest in.
            compile: let torch compile the model (pays after minutes of steady work).
            hub: `revision`, `cache_dir`, `token`, `local_files_only`, `subfolder`, `trust_remote_code`:
                passed to model and tokenizer alike.
            settings: fields of `ReaderSettings`.

        Raises:
            ValueError: the model is no extractive QA model, or the settings do not fit it.
            ModuleNotFoundError: the model needs torch and the extra `fundstelle[torch]` is not installed.
        """
        from fundstelle.reader.loading import load_parts

        chosen = ReaderSettings(**settings)
        parts = load_parts(model, device=device, dtype=dtype, compile=compile, hub=hub or {})
        return cls(parts.engine, parts.tokenizer, chosen, calibration=parts.calibration, name=parts.name)

    def with_settings(self, **changes: Any) -> "Reader":
        """A reader on the same engine with some `ReaderSettings` changed; closing one closes both."""
        settings = replace(self.settings, **changes)
        return Reader(self.engine, self.tokenizer, settings, calibration=self.calibration, name=self.name)

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        """One `Reading` per passage, in order. `read_batch` for several questions at once."""
        return self.read_batch([(question, passages)])[0]

    def read_batch(self, requests: Sequence[Request]) -> list[list[Reading]]:
        """One list of readings per request, in order; windows of all requests share batches.

        Passages and questions without a visible character are answered by no span and a null score of 0.
        """
        spans: defaultdict[tuple[int, int], list[Span]] = defaultdict(list)
        nulls: dict[tuple[int, int], float] = {}
        for found in self.window_logits(requests):
            key = (found.window.passage.request, found.window.passage.position)
            nulls[key] = min(nulls.get(key, found.null_score), found.null_score)
            spans[key] += self._spans(found)
        return [
            [
                Reading(passage.id, without_overlap(spans[i, k], self.settings.top_k), nulls.get((i, k), 0.0))
                for k, passage in enumerate(passages)
            ]
            for i, (_, passages) in enumerate(requests)
        ]

    def window_logits(self, requests: Sequence[Request]) -> Iterator[WindowLogits]:
        """What the model says of every window, in no particular order, as soon as its batch is done.

        Passages are tokenised in groups of `group_size`, so memory does not grow with the requests; while
        one group is in the model, the next is tokenised. A single group is read without a second thread:
        on a busy machine waiting for one costs more than a short passage does.

        Raises:
            FloatingPointError: the model gave a logit that is no number, as float16 may.
        """
        groups = self._groups(requests)
        if sum(len(passages) for _, passages in requests) > self.settings.group_size:
            groups = prefetch(groups)
        for windows in groups:
            plans = plan([len(window.input_ids) for window in windows], self.settings.token_budget)
            batches = [[windows[i] for i in indices] for indices in plans]
            stream = self._stream(self._collate(batch) for batch in batches)
            for batch, (start, end) in zip(batches, stream, strict=True):
                if np.isnan(start).any() or np.isnan(end).any():
                    raise FloatingPointError(
                        f"{self.name or 'The model'} gave logits that are no numbers; "
                        "load it with dtype='float32'."
                    )
                for row, window in enumerate(batch):
                    yield self._cut(window, start[row], end[row])

    def _groups(self, requests: Sequence[Request]) -> Iterator[list[Window]]:
        """The windows of up to `group_size` passages at a time."""
        questions: dict[int, Integers] = {}
        jobs = (
            (i, k, passage.text)
            for i, (question, passages) in enumerate(requests)
            if _visible(question)
            for k, passage in enumerate(passages)
            if _visible(passage.text)
        )
        while group := list(islice(jobs, self.settings.group_size)):
            for i in {i for i, _, _ in group} - questions.keys():
                questions[i] = self._question(requests[i][0])
            passages = encode_passages(
                [(i, k) for i, k, _ in group], [text for _, _, text in group], self.tokenizer
            )
            yield [
                window
                for passage in passages
                for window in split(questions[passage.request], passage, self.tokenizer, self._shape)
            ]

    def _question(self, question: str) -> Integers:
        return encode_question(question, self.tokenizer, self._shape.max_question_length)

    def _collate(self, windows: Sequence[Window]) -> Batch:
        tokenizer = self.tokenizer
        return collate(windows, tokenizer.pad_id, tokenizer.padding_side, tokenizer.token_types)

    def _stream(self, batches: Iterator[Batch]) -> Iterator[tuple[Logits, Logits]]:
        if isinstance(self.engine, StreamingEngine):
            return self.engine.stream(batches)
        return map(self.engine.logits, batches)

    def _cut(self, window: Window, start: Logits, end: Logits) -> WindowLogits:
        """A row of a batch less its padding, question and special tokens."""
        shift = padding(window, len(start), self.tokenizer.padding_side)
        piece = slice(shift + window.offset, shift + window.offset + window.count)
        null = shift + window.null
        return WindowLogits(window, start[piece], end[piece], float(start[null]), float(end[null]))

    def _spans(self, found: WindowLogits) -> Iterator[Span]:
        settings = self.settings
        return separate_spans(
            found.window.passage.text,
            *found.characters,
            found.start,
            found.end,
            top_k=settings.top_k,
            max_answer_length=settings.max_answer_length,
            align_to_words=settings.align_to_words,
        )

    @property
    def tokenizer_path(self) -> Path | None:
        """The `tokenizer.json` this reader counts tokens with; None for a tokenizer that has no file."""
        return self.tokenizer.path

    def warm_up(self) -> None:
        """Read one tiny passage, so that the first question does not pay for lazy set-up."""
        self.read("?", [_Sample("warm-up", "1")])

    def close(self) -> None:
        """Free the model's memory; reading afterwards is an error."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Sample:
    id: str
    text: str


def _visible(text: str) -> bool:
    return bool(text) and BLANK.fullmatch(text) is None
