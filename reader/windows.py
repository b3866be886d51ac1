"""Question and passages to windows: what one forward pass of the model sees."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.words import BLANK

Integers = NDArray[np.int64]
logger = logging.getLogger(__name__)

_USUAL_LENGTH = 256
_USUAL_STRIDE = 96


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths that hold for every window of a reader, in tokens."""

    max_seq_length: int
    stride: int
    max_question_length: int

    @classmethod
    def of(cls, settings: ReaderSettings, tokenizer: ReaderTokenizer) -> "Shape":
        """Check the settings against the model and fill in what suits it.

        Raises:
            ValueError: windows longer than the model takes, or no room for the passage.
        """
        length = settings.max_seq_length
        length = min(_USUAL_LENGTH, tokenizer.max_length) if length is None else length
        if length > tokenizer.max_length:
            raise ValueError(
                f"max_seq_length is {length}, but the model reads at most {tokenizer.max_length} tokens: "
                "lower it."
            )
        question = settings.max_question_length
        room = length - question - tokenizer.template.size
        stride = min(_USUAL_STRIDE, room // 2) if settings.stride is None else settings.stride
        if room < 1 or stride >= room:
            raise ValueError(
                f"A question of {question} tokens leaves {room} of {length} tokens for the passage, of which "
                f"{stride} would be shared: raise max_seq_length, or lower stride or max_question_length."
            )
        return cls(length, stride, question)


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """A passage's tokens. Arrays are (tokens,).

    Attributes:
        request, position: which passage of which request this is.
        ids: token ids.
        starts, ends: the characters of each token, `[start, end)`, without blanks. A blank token starts
            at the next visible character and ends at the one before: it may begin a span, not end it.
        encoding: what the tokenizer gave, for those who need its own idea of offsets and words.
    """

    request: int
    position: int
    text: str
    ids: Integers
    starts: Integers
    ends: Integers
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Window:
    """One question with one piece of a passage, as the model reads it. Arrays are (length,).

    Attributes:
        offset: index of the piece's first token in the window.
        first, count: the piece is tokens `[first, first + count)` of the passage.
        null: index of the token whose logits say "no answer here".
    """

    passage: EncodedPassage
    input_ids: Integers
    token_type_ids: Integers
    offset: int
    first: int
    count: int
    null: int


def encode_question(question: str, tokenizer: ReaderTokenizer, max_question_length: int) -> Integers:
    """The question's token ids, cut at `max_question_length` with a warning in the log."""
    ids = tokenizer.encode([question.strip()])[0].ids
    if len(ids) > max_question_length:
        logger.warning(
            "The question has %d tokens and is cut at %d: ask shorter, or raise max_question_length.",
            len(ids),
            max_question_length,
        )
    return np.asarray(ids[:max_question_length], dtype=np.int64)


def encode_passages(
    keys: Sequence[tuple[int, int]], texts: Sequence[str], tokenizer: ReaderTokenizer
) -> list[EncodedPassage]:
    """Tokenise passages in one call; `keys` says which passage of which request each text is."""
    encodings = tokenizer.encode(texts)
    return [
        _encoded(key, text, encoding, tokenizer.blank_ids)
        for key, text, encoding in zip(keys, texts, encodings, strict=True)
    ]


def _encoded(
    key: tuple[int, int], text: str, encoding: Encoding, blank_ids: frozenset[int]
) -> EncodedPassage:
    ids = np.asarray(encoding.ids, dtype=np.int64)
    offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    starts, ends = _without_blanks(text, offsets)
    blank = np.isin(ids, list(blank_ids)) | (starts >= ends)
    ends[blank] = 0  # the end of whatever comes before
    return EncodedPassage(
        *key, text, ids, np.maximum.accumulate(starts), np.maximum.accumulate(ends), encoding
    )


def _without_blanks(text: str, offsets: Integers) -> tuple[Integers, Integers]:
    """Token borders moved inwards past blanks; a token of nothing else ends before it starts."""
    runs = np.asarray([run.span() for run in BLANK.finditer(text)], dtype=np.int64).reshape(-1, 2)
    starts, ends = offsets[:, 0].copy(), offsets[:, 1].copy()
    if len(runs):
        within = runs[np.searchsorted(runs[:, 0], starts, side="right") - 1]  # the last that starts before
        starts = np.where((within[:, 0] <= starts) & (starts < within[:, 1]), within[:, 1], starts)
        within = runs[
            np.minimum(np.searchsorted(runs[:, 1], ends), len(runs) - 1)
        ]  # the first that ends after
        ends = np.where((within[:, 0] < ends) & (ends <= within[:, 1]), within[:, 0], ends)
    return starts, ends


def split(
    question: Integers, passage: EncodedPassage, tokenizer: ReaderTokenizer, shape: Shape
) -> Iterator[Window]:
    """Windows over the whole passage, in order; neighbours share `stride` tokens.

    Raises:
        ValueError: the question leaves no room for more than the shared tokens.
    """
    room = shape.max_seq_length - len(question) - tokenizer.template.size
    if shape.stride >= room:
        raise ValueError(f"{room} tokens are left for the passage, and stride is {shape.stride}: lower it.")
    first = 0
    while True:
        yield _window(question, passage, first, min(room, len(passage.ids) - first), tokenizer)
        if first + room >= len(passage.ids):
            return
        first += room - shape.stride


def _window(
    question: Integers, passage: EncodedPassage, first: int, count: int, tokenizer: ReaderTokenizer
) -> Window:
    template, piece = tokenizer.template, passage.ids[first : first + count]
    former, latter = (question, piece) if tokenizer.question_first else (piece, question)
    parts = (
        _specials(template.prefix),
        _typed(former, template.types[0]),
        _specials(template.between),
        _typed(latter, template.types[1]),
        _specials(template.suffix),
    )
    ids, types = np.concatenate(parts, axis=1)
    offset = sum(part.shape[1] for part in parts[: 3 if tokenizer.question_first else 1])
    return Window(passage, ids, types, offset, first, count, _null(ids, tokenizer.cls_id))


def _specials(pieces: tuple[tuple[int, int], ...]) -> Integers:
    """Ids and type ids, (2, tokens)."""
    return np.asarray(pieces, dtype=np.int64).reshape(-1, 2).T


def _typed(ids: Integers, kind: int) -> Integers:
    return np.stack((ids, np.full_like(ids, kind)))


def _null(ids: Integers, cls_id: int | None) -> int:
    """Where the null answer is: the CLS token, wherever it stands; position 0 where there is none."""
    found = () if cls_id is None else np.flatnonzero(ids == cls_id).tolist()
    return int(found[0]) if found else 0
