"""Labelled windows: answers stand where the text says, in the windows the reader would make."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.training.examples import Example
from fundstelle.training.recipes import Recipe
from fundstelle.training.windows import groups

RECIPE = Recipe(max_seq_length=48, stride=12, max_question_length=16, null_windows=None)


@pytest.fixture(scope="module")
def tokenizer(encoder: Path) -> ReaderTokenizer:
    backend = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    return ReaderTokenizer(backend, cls_token="<s>", pad_token="<pad>", max_length=160)


def _text(tokenizer: ReaderTokenizer, ids: list[int]) -> str:
    return "".join(tokenizer.backend.id_to_token(one) for one in ids).replace("▁", " ").strip()


@given(words=st.lists(st.sampled_from(["rom", "oslo", "a1", "bc"]), min_size=1, max_size=40), data=st.data())
def test_every_labelled_span_is_the_answer(
    tokenizer: ReaderTokenizer, words: list[str], data: st.DataObject
) -> None:
    """Wherever a window holds the answer whole, its labels decode to the answer; elsewhere they are the null token."""
    context = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    start = len(" ".join(words[:first])) + (first > 0)
    answer = (start, start + len(words[first]))
    (group,) = groups([Example("d", "who", context, answer)], tokenizer, RECIPE)
    assert any(window.answered for window in group)
    for window in group:
        if window.answered:
            assert _text(tokenizer, window.input_ids[window.start : window.end + 1].tolist()) == words[first]
        else:
            assert window.start == window.end == window.null == 0


def test_windows_without_the_answer_are_limited(tokenizer: ReaderTokenizer) -> None:
    """As many windows without the answer are kept as the recipe says, and negatives give one each."""
    context = " ".join(["rom"] + ["bc"] * 60)
    recipe = RECIPE.with_changes({"null_windows": 1})
    (group,) = groups([Example("d", "who", context, (0, 3), ("oslo bc",))], tokenizer, recipe)
    assert [window.answered for window in group] == [True, False, False]


def test_a_step_sets_where_windows_start(tokenizer: ReaderTokenizer) -> None:
    """FARM's doc_stride is the distance of windows, whatever the question's length."""
    context = "abcdefghijklmnopqrstuvwxyz" * 6
    recipe = RECIPE.with_changes({"step": 10})
    (group,) = groups([Example("d", "oslo?", context, None)], tokenizer, recipe)
    starts = [window.input_ids[window.offset : window.offset + 3].tolist() for window in group[:3]]
    ids = tokenizer.encode([context])[0].ids
    assert starts == [ids[i : i + 3] for i in (0, 10, 20)]
