"""Windows to batches."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.reader.batches import collate, plan
from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.windows import Shape, encode_passages, encode_question, split


@given(st.lists(st.integers(1, 300)), st.integers(1, 2000))
def test_every_window_once_and_within_the_budget(lengths: list[int], budget: int) -> None:
    """Each window is in one batch; no batch is over budget with its padding, save a single window."""
    batches = plan(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


def test_like_lengths_stand_together() -> None:
    """One long window does not pad the short ones, as it would in the order given (peers' D3)."""
    lengths = [13] * 5 + [357] + [13] * 4
    assert plan(lengths, 357) == [[5], [0, 1, 2, 3, 4, 6, 7, 8, 9]]


def test_padding_is_masked_on_the_tokenizers_side(bert_like: Any) -> None:
    """Padding has the pad id and mask 0, on the right or on the left as the tokenizer says."""
    for side in ("right", "left"):
        tokenizer = bert_like(padding_side=side)
        shape = Shape.of(ReaderSettings(max_question_length=4), tokenizer)
        passages = encode_passages([(0, 0), (0, 1)], ["john", "john in paris and rome"], tokenizer)
        question = encode_question("who", tokenizer, 4)
        windows = [window for passage in passages for window in split(question, passage, tokenizer, shape)]
        batch = collate(windows, tokenizer.pad_id, side, token_types=True)
        short = len(windows[0].input_ids)
        place = slice(None, short) if side == "right" else slice(-short, None)
        assert batch.input_ids[0, place].tolist() == windows[0].input_ids.tolist()
        assert batch.attention_mask[0].sum() == short
        assert batch.attention_mask[0, place].all()
        assert np.all(batch.input_ids[0][batch.attention_mask[0] == 0] == tokenizer.pad_id)
        assert batch.token_type_ids is not None
        assert collate(windows, 0, side, token_types=False).token_type_ids is None
