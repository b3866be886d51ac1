"""Question and passage to windows."""

import itertools
import logging
from typing import Any

import numpy as np
import pytest

from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.windows import Shape, encode_passages, encode_question, split

WORDS = " ".join(f"w{1 + i % 9}" for i in range(100))


def windows(tokenizer: Any, question: str, text: str, **settings: Any) -> list[Any]:
    """The windows of one passage."""
    shape = Shape.of(ReaderSettings(**settings), tokenizer)
    (passage,) = encode_passages([(0, 0)], [text], tokenizer)
    return list(
        split(encode_question(question, tokenizer, shape.max_question_length), passage, tokenizer, shape)
    )


def test_a_window_is_what_the_tokenizer_makes_of_the_pair(bert_like: Any, xlmr_like: Any) -> None:
    """Ids and token types of a window equal the tokenizer's own for question and passage."""
    for tokenizer in (bert_like(), xlmr_like()):
        (window,) = windows(tokenizer, "who is the son", "john in paris", max_question_length=8)
        pair = tokenizer.backend.encode("who is the son", "john in paris")
        assert window.input_ids.tolist() == pair.ids
        assert window.token_type_ids.tolist() == pair.type_ids
        assert pair.sequence_ids[window.offset : window.offset + window.count] == [1] * window.count


def test_windows_cover_the_passage_and_share_the_stride(bert_like: Any) -> None:
    """Every token of the passage is in a window; neighbours share `stride` tokens; none is too long."""
    found = windows(bert_like(), "who", WORDS, max_seq_length=24, stride=8, max_question_length=4)
    assert all(len(window.input_ids) <= 24 for window in found)
    assert found[0].first == 0
    assert found[-1].first + found[-1].count == len(found[0].passage.ids)
    for left, right in itertools.pairwise(found):
        assert left.first + left.count - right.first == 8


def test_a_stride_of_0_is_a_stride_of_0(bert_like: Any) -> None:
    """Without shared tokens each token is in one window."""
    found = windows(bert_like(), "who", WORDS, max_seq_length=24, stride=0, max_question_length=4)
    assert sum(window.count for window in found) == len(found[0].passage.ids)


@pytest.mark.parametrize("length", [126, 150, 200, 300, 600])
def test_a_long_question_is_cut_and_the_passage_is_not(
    length: int, bert_like: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the passage is split: all windows carry one question, cut at its maximum with a warning."""
    question = " ".join(["w1"] * length)
    with caplog.at_level(logging.WARNING):
        found = windows(
            bert_like(max_length=512), question, WORDS, max_seq_length=128, stride=32, max_question_length=64
        )
    assert f"{length} tokens and is cut at 64" in caplog.text
    assert {tuple(window.input_ids[:66]) for window in found} == {tuple(found[0].input_ids[:66])}
    assert all(window.offset == 66 for window in found)


@pytest.mark.parametrize(("length", "stride"), [(256, 188), (180, 128), (384, 320), (68, 0), (0, 0)])
def test_a_stride_without_room_is_an_error(length: int, stride: int, bert_like: Any) -> None:
    """Settings that leave no room for the passage are refused at once, in words that say what to change."""
    with pytest.raises(ValueError, match="lower stride or max_question_length"):
        Shape.of(
            ReaderSettings(max_seq_length=length, stride=stride, max_question_length=65),
            bert_like(max_length=512),
        )


def test_a_window_longer_than_the_model_is_an_error(bert_like: Any) -> None:
    """max_seq_length is held against the model's maximum; left out, it fits."""
    with pytest.raises(ValueError, match="reads at most 64 tokens"):
        Shape.of(ReaderSettings(max_seq_length=65, max_question_length=8), bert_like(max_length=64))
    assert Shape.of(ReaderSettings(max_question_length=8), bert_like(max_length=64)).max_seq_length == 64
    assert Shape.of(ReaderSettings(), bert_like(max_length=512)) == Shape(256, 94, 64)


def test_the_null_answer_is_found_by_id(bert_like: Any, xlmr_like: Any) -> None:
    """The null answer is the CLS token wherever it stands, and position 0 for a model without one."""
    left = bert_like(padding_side="left")
    (window,) = windows(left, "who", "john", max_question_length=4)
    assert window.input_ids[window.null] == left.cls_id
    (window,) = windows(xlmr_like(), "who", "john", max_question_length=4)
    assert window.null == 0


def test_cls_at_the_end(wordpiece: Any) -> None:
    """A tokenizer that puts CLS last, as XLNet's does, has its null answer there."""
    from tokenizers import processors

    from fundstelle.reader.tokenization import ReaderTokenizer

    backend = wordpiece()
    backend.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]",
        pair="$A:0 [SEP]:0 $B:1 [SEP]:1 [CLS]:2",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer = ReaderTokenizer(backend, cls_token="[CLS]", padding_side="left")
    (window,) = windows(tokenizer, "who", "john in paris")
    assert window.null == len(window.input_ids) - 1
    assert window.offset == 0
    assert window.token_type_ids.tolist() == [0, 0, 0, 0, 1, 1, 2]


def test_a_tokenizer_without_special_tokens(wordpiece: Any) -> None:
    """A model without CLS and separators is read too; its null answer is position 0."""
    from tokenizers import processors

    from fundstelle.reader.tokenization import ReaderTokenizer

    backend = wordpiece()
    backend.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    tokenizer = ReaderTokenizer(backend)
    (window,) = windows(tokenizer, "who", "john in paris")
    assert (window.null, window.offset, len(window.input_ids)) == (0, 1, 4)


def test_left_padding_tokenizers_read_the_passage_first(bert_like: Any) -> None:
    """With a left-padding tokenizer the passage stands before the question, and only its tokens are answers."""
    tokenizer = bert_like(padding_side="left")
    (window,) = windows(tokenizer, "who is", "john in paris", max_question_length=4)
    assert window.input_ids.tolist() == tokenizer.backend.encode("john in paris", "who is").ids
    assert np.array_equal(window.input_ids[window.offset : window.offset + window.count], window.passage.ids)


def test_bare_space_pieces_take_the_character_they_belong_to(xlmr_like: Any) -> None:
    """A bare "▁", whose offset covers the next character, ends before it and starts at it."""
    tokenizer = xlmr_like()
    (passage,) = encode_passages([(0, 0)], ["paris suffix"], tokenizer)
    tokens = passage.encoding.tokens
    bare = tokens.index("▁", 1)
    assert passage.encoding.offsets[bare] == (5, 6) or passage.encoding.offsets[bare] == (6, 7)
    assert passage.starts[bare] == 6
    assert passage.ends[bare] == 5


@pytest.mark.parametrize("text", ["john", " john  in\tparis ", "\u200bjohn\u200b\u200b paris", "\n\n"])
def test_tokens_are_cut_to_what_can_be_seen(text: str) -> None:
    """Whatever range a token has, blanks at its edges go, and a token of blanks alone ends before it starts."""
    from fundstelle.reader.windows import _without_blanks
    from fundstelle.reader.words import BLANK

    ranges = [(a, b) for a in range(len(text)) for b in range(a + 1, len(text) + 1)]
    starts, ends = _without_blanks(text, np.array(ranges))
    for (a, b), start, end in zip(ranges, starts, ends, strict=True):
        seen = [i for i in range(a, b) if not BLANK.match(text[i])]
        assert (start, end) == (seen[0], seen[-1] + 1) if seen else start >= end
