"""Windows exactly as the library `tokenizers` cuts them, which is what the transformers pipeline gave its models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fundstelle.reader.batches import padding
from fundstelle.reader.engine import Batch
from fundstelle.reader.reader import Reader
from fundstelle.reader.windows import Integers, Window


class LibraryReader(Reader):
    """A reader that shares two habits of the library: they change scores, so parity needs them.

    Blanks around a question stay, and may be a token. And where a tokenizer gives question and passage the
    same token type, 0, the passage's tokens have type 1 in every window but the first; a model that knows
    two types is told so.
    """

    def _question(self, question: str) -> Integers:
        ids = self.tokenizer.encode([question])[0].ids
        if len(ids) > self._shape.max_question_length:
            return super()._question(question)  # it warns and cuts; the original failed
        return np.asarray(ids, dtype=np.int64)

    def _collate(self, windows: Sequence[Window]) -> Batch:
        batch = super()._collate(windows)
        tokenizer = self.tokenizer
        if tokenizer.token_types or tokenizer.type_count < 2 or not tokenizer.question_first:
            return batch
        width = batch.input_ids.shape[1]
        types = np.zeros_like(batch.input_ids)
        for row, window in enumerate(windows):
            start = padding(window, width, tokenizer.padding_side) + window.offset
            types[row, start : start + window.count] = window.first > 0
        return replace(batch, token_type_ids=types)
