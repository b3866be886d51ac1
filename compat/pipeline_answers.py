"""The parameters of the transformers pipeline, and the answers it made of the windows of a context."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from fundstelle.compat.candidates import LogShares, best_pairs, shares
from fundstelle.reader.reader import WindowLogits
from fundstelle.reader.spans import separate_spans, without_overlap

Answer = dict[str, Any]
"""`{"score", "start", "end", "answer"}`, where `answer == context[start:end]`."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The pipeline's parameters; lengths in tokens. None: what the original took.

    Attributes:
        top_k: answers per example at most.
        doc_stride: tokens that neighbouring windows share.
        max_question_len: a longer question is cut there, if not `strict` (the original ignored it).
        batch_size: windows in a batch; None: as many as suit the reader. It changes no result.
    """

    top_k: int = 1
    doc_stride: int | None = None
    max_answer_len: int = 15
    max_seq_len: int | None = None
    max_question_len: int = 64
    handle_impossible_answer: bool = False
    align_to_words: bool = True
    batch_size: int | None = None
    strict: bool = True

    def __post_init__(self) -> None:
        for name in ("top_k", "max_answer_len"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} parameter should be >= 1 (got {getattr(self, name)})")

    def with_changes(self, changes: dict[str, Any]) -> "Choices":
        """Those of `changes` that are parameters and not None; `topk` is the old name of `top_k`."""
        if changes.get("topk") is not None and changes.get("top_k") is None:
            warnings.warn("topk is the old name of top_k", UserWarning, stacklevel=4)
            changes = changes | {"top_k": changes["topk"]}
        names = {field.name for field in fields(self)}
        return replace(
            self, **{name: value for name, value in changes.items() if name in names and value is not None}
        )


def best_answers(context: str, windows: Sequence[WindowLogits], choices: Choices) -> list[Answer]:
    """The best answers of one context, best first."""
    likely = shares(windows, together=not choices.strict)
    find = _merged if choices.strict else _separate
    answers = find(context, windows, likely, choices)
    if choices.handle_impossible_answer:
        null = min((float(np.exp(each.null)) for each in likely), default=1.0)
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
    return sorted(answers, key=lambda answer: answer["score"], reverse=True)[: choices.top_k]


def _merged(
    context: str, windows: Sequence[WindowLogits], likely: Sequence[LogShares], choices: Choices
) -> list[Answer]:
    """Answers by their text, as the original merged them: scores added, the place of the first."""
    count = choices.top_k * 2 + 10 if choices.align_to_words else choices.top_k
    answers: dict[str, Answer] = {}
    for found, share in zip(windows, likely, strict=True):
        for score, first, last in best_pairs(share.start, share.end, count, choices.max_answer_len):
            start, end = _border(found, first, last, choices.align_to_words)
            answer = {"score": 0.0, "start": start, "end": end, "answer": context[start:end]}
            answers.setdefault(context[start:end].lower(), answer)["score"] += float(np.exp(score))
    return list(answers.values())


def _border(found: WindowLogits, first: int, last: int, align_to_words: bool) -> tuple[int, int]:
    """Characters from the first to the last token, or from and to the borders of the tokenizer's words.

    A word that the window cuts is as long as what the window holds of it.
    """
    low, high = found.window.first, found.window.first + found.window.count
    encoding: Any = found.window.passage.encoding
    begin, end = low + first, low + last
    if align_to_words:
        first_word, last_word = (_word(encoding, token) for token in (begin, end))
        if first_word and last_word:
            begin, end = max(first_word[0], low), min(last_word[1], high) - 1
    return encoding.token_to_chars(begin)[0], encoding.token_to_chars(end)[1]


def _word(encoding: Any, token: int) -> tuple[int, int] | None:
    """The tokens `[first, behind)` of the word that holds a token; None where the tokenizer has no words."""
    word = encoding.token_to_word(token)
    return None if word is None else encoding.word_to_tokens(word)


def _separate(
    context: str, windows: Sequence[WindowLogits], likely: Sequence[LogShares], choices: Choices
) -> list[Answer]:
    """Answers by their place, none overlapping another."""
    spans = (
        span
        for found, share in zip(windows, likely, strict=True)
        for span in separate_spans(
            context,
            *found.characters,
            share.start.astype(np.float32),
            share.end.astype(np.float32),
            top_k=choices.top_k,
            max_answer_length=choices.max_answer_len,
            align_to_words=choices.align_to_words,
        )
    )
    return [
        {
            "score": float(np.exp(span.score)),
            "start": span.start,
            "end": span.end,
            "answer": context[span.start : span.end],
        }
        for span in without_overlap(spans, choices.top_k)
    ]
