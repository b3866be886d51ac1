"""Texts become windows: whole where they fit, in equal pieces with the prefix where they do not."""

from collections.abc import Callable
from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from fundstelle.encoder.windows import Windows

CLS, SEP = 2, 3


def words(count: int) -> str:
    return " ".join(f"w{number % 40}" for number in range(count))


def test_a_text_that_fits_is_one_window(make_tokenizer: Callable[[], Tokenizer]) -> None:
    """Special tokens, prefix and text, as the tokenizer itself has it."""
    tokenizer = make_tokenizer()
    (window,) = Windows(make_tokenizer(), 20, 0).cut(["w1 w2 w3"], "passage: ")
    assert window.text == 0 and list(window.ids) == tokenizer.encode("passage: w1 w2 w3").ids


def test_each_piece_begins_with_the_prefix(make_tokenizer: Callable[[], Tokenizer]) -> None:
    """A long text is cut by tokens into pieces of like length; none is lost, and each has prefix and special tokens."""
    tokenizer = make_tokenizer()
    prefix = tokenizer.encode("passage:", add_special_tokens=False).ids
    windows = Windows(make_tokenizer(), 20, 0).cut([words(50)], "passage: ")
    pieces = [list(window.ids) for window in windows]
    assert all(len(piece) <= 20 and piece[0] == CLS and piece[-1] == SEP for piece in pieces)
    assert all(piece[1 : 1 + len(prefix)] == prefix for piece in pieces)
    inner = [token for piece in pieces for token in piece[1 + len(prefix) : -1]]
    assert inner == tokenizer.encode(words(50), add_special_tokens=False).ids
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(6, 30), st.sampled_from(["", "query: "]))
def test_no_token_is_lost(lengths: list[int], room: int, prefix: str) -> None:
    """Whatever the lengths, every text has windows, in order, that hold all its tokens and fit."""
    tokenizer = _tokenizer()
    found = Windows(_tokenizer(), room, 0).cut([words(length) for length in lengths], prefix)
    assert [text for text, _ in groupby(found, key=lambda window: window.text)] == list(range(len(lengths)))
    opening = len(tokenizer.encode(prefix, add_special_tokens=False).ids)
    for number, length in enumerate(lengths):
        own = [window.ids for window in found if window.text == number]
        assert all(len(ids) <= room for ids in own)
        assert sum(len(ids) - 2 - opening for ids in own) == length


def _tokenizer() -> Tokenizer:
    from tokenizers import models, pre_tokenizers, processors

    ids = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "query", ":"])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def test_batches_are_padded_and_masked(make_tokenizer: Callable[[], Tokenizer]) -> None:
    """Windows are padded to the longest; the mask covers exactly their tokens."""
    cutter = Windows(make_tokenizer(), 20, 7)
    batch = cutter.collate(cutter.cut(["w1", "w1 w2 w3"], ""))
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.input_ids[0, 3:].tolist() == [7, 7] and batch.token_type_ids is None
    assert batch.input_ids.dtype == np.int64


def test_text_that_is_no_unicode_is_encoded(make_tokenizer: Callable[[], Tokenizer]) -> None:
    """Half of a surrogate pair, which tokenizers refuse, costs nothing."""
    (window,) = Windows(make_tokenizer(), 20, 0).cut(["w1 \ud800 w2"], "")
    assert len(window.ids) == 5
