"""The reader as a whole, on scripted engines."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.reader.reader import Reader
from fundstelle.reader.readings import Reading
from fundstelle.reader.settings import ReaderSettings

QUESTIONS = ["who is the son", "who", "is john in rome and paris"]
PASSAGES = [
    "john johnson is in paris",
    "",
    " \t\u200b",
    "the river. " * 12,
    "the son of john is in rome, and the river is in paris (rome)",
    "w1 w2 w3 w4 w5",
]


def test_one_reading_per_passage_in_order(scripted: Any, bert_like: Any, passage: Any) -> None:
    """Blank passages keep their place, with no span and a null score of 0."""
    reader = scripted(bert_like(), {"paris": 5.0}, {"paris": 5.0})
    readings = reader.read("who", [passage(str(i), text) for i, text in enumerate(PASSAGES)])
    assert [reading.passage_id for reading in readings] == [str(i) for i in range(len(PASSAGES))]
    assert [bool(reading.spans) for reading in readings] == [True, False, False, True, True, True]
    assert readings[1].null_score == readings[2].null_score == 0.0


def test_nothing_to_read(scripted: Any, bert_like: Any, passage: Any) -> None:
    """No request, no passage and no question are answered without the model."""
    reader = scripted(bert_like(), {}, {})
    assert reader.read_batch([]) == []
    assert reader.read("who", []) == []
    (reading,) = reader.read(" ", [passage("p", "john")])
    assert (reading.spans, reading.null_score) == ((), 0.0)
    assert reader.engine.batches == []


def test_the_null_score_is_the_least_of_the_windows(engine_like: Any, bert_like: Any, passage: Any) -> None:
    """A passage's null score is the minimum over its windows of start + end logit at CLS."""

    tokenizer = bert_like()
    marked = tokenizer.backend.token_to_id("w5")

    class Falling(engine_like):  # type: ignore[misc]
        def logits(self, batch: Any) -> Any:
            start, end = super().logits(batch)
            start[:, 0] = [3.0 if marked in row else -4.0 for row in batch.input_ids]
            end[:, 0] = 1.0
            return start, end

    reader = Reader(Falling(), tokenizer, ReaderSettings(max_seq_length=12, max_question_length=2, stride=0))
    text = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w1 w2 w3 w4 w6"
    (reading,) = reader.read("who", [passage("p", text)])
    assert reading.null_score == -3.0
    (reading,) = reader.read("who", [passage("p", "w5 w6")])
    assert reading.null_score == 4.0


def test_a_span_of_two_windows_is_one_span(scripted: Any, bert_like: Any, texts: Any) -> None:
    """What overlapping windows both find is reported once."""
    reader = scripted(
        bert_like(), {"paris": 5.0}, {"paris": 5.0}, max_seq_length=16, stride=8, max_question_length=2
    )
    assert texts(reader, "who", "w1 w2 w3 w4 w5 w6 w7 paris w8 w9 w1 w2 w3 w4 w5 w6").count("paris") == 1


def test_question_and_special_tokens_are_no_answers(scripted: Any, bert_like: Any, texts: Any) -> None:
    """However good the logits of the question's tokens, answers are of the passage, left padding or right."""
    for side in ("right", "left"):
        reader = scripted(bert_like(padding_side=side), {"who": 9.0, "rome": 1.0}, {"is": 9.0, "rome": 1.0})
        assert texts(reader, "who is", "john in rome")[0] == "rome"
        longer = "john in rome w1 w2 w3 w4 w5 w6 w7"
        (one, two) = reader.read("who is", [_P("1", "john in rome"), _P("2", longer)])
        assert [one.spans[0], two.spans[0]] == [reader.read("who is", [_P("x", longer)])[0].spans[0]] * 2


class _P:
    def __init__(self, id: str, text: str) -> None:
        self.id, self.text = id, text


def test_the_whole_word_is_answered(scripted: Any, bert_like: Any, texts: Any) -> None:
    """A span on "##son" of "johnson" is "johnson"; with align_to_words off it is "son" (peers' D11)."""
    reader = scripted(bert_like(), {"##son": 5.0}, {"##son": 5.0})
    assert texts(reader, "who", "the johnson river")[0] == "johnson"
    assert texts(reader.with_settings(align_to_words=False), "who", "the johnson river")[0] == "son"


def test_a_bare_space_piece_adds_no_stray_letter(scripted: Any, xlmr_like: Any, texts: Any) -> None:
    """A span that ends on a bare "▁" never ends in the next word, and one may start there (peers' D11)."""
    reader = scripted(xlmr_like(), {"▁paris": 5.0}, {"▁": 6.0, "▁paris": 4.0})
    for aligned in (True, False):
        with_setting = reader.with_settings(align_to_words=aligned)
        assert texts(with_setting, "who", "in paris suffix")[0] == "paris"
    reader = scripted(xlmr_like(), {"▁": 5.0}, {"ix": 5.0})
    assert texts(reader, "who", "in paris suffix")[0] == "suffix"


def test_offsets_survive_changes_of_width(scripted: Any, xlmr_like: Any, texts: Any) -> None:
    """Full-width digits, ligatures and ellipses change width under NFKC; answers are what stands in the text."""
    reader = scripted(xlmr_like(), {"123": 5.0}, {"123": 5.0})
    assert texts(reader, "who", "in paris …１２３ of")[0] == "１２３"
    reader = scripted(xlmr_like(), {"fi": 5.0}, {"fi": 5.0})
    assert texts(reader, "who", "… ﬁ the")[0] == "ﬁ"


def test_characters_in_scripts_without_spaces(scripted: Any, xlmr_like: Any, texts: Any) -> None:
    """東京 of 東京は is answered as it is, not with all that follows."""
    reader = scripted(xlmr_like(), {"東京": 5.0}, {"東京": 5.0})
    assert texts(reader, "who", "日本の首都は東京は")[0] == "東京"


def test_ranking_is_by_what_the_model_says(scripted: Any, bert_like: Any, passage: Any) -> None:
    """Adding 5 to every logit of a passage changes no margin: passages compare (peers' D6)."""
    plain = scripted(bert_like(), {"paris": 3.0, "[CLS]": 0.0}, {"paris": 3.0, "[CLS]": 0.0})
    lifted = scripted(bert_like(), {"paris": 8.0, "[CLS]": 5.0}, {"paris": 8.0, "[CLS]": 5.0}, default=-5.0)
    margins = []
    for reader in (plain, lifted):
        (reading,) = reader.read("who", [passage("p", "john in paris")])
        margins.append(reading.spans[0].score - reading.null_score)
    assert margins[0] == margins[1] == 6.0


def test_top_k_0_gives_null_scores_alone(scripted: Any, bert_like: Any, passage: Any) -> None:
    """None and 0 mean what they say."""
    reader = scripted(bert_like(), {"[CLS]": 2.0}, {"[CLS]": 2.0}, top_k=0)
    (reading,) = reader.read("who", [passage("p", "john in paris")])
    assert (reading.spans, reading.null_score) == ((), 4.0)


@pytest.mark.parametrize(
    "wrong", [{"top_k": -1}, {"max_answer_length": 0}, {"stride": -1}, {"token_budget": 0}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    """Impossible settings raise ValueError with the setting's name."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReaderSettings(**wrong)


def test_logits_that_are_no_numbers_are_an_error(scripted: Any, bert_like: Any, passage: Any) -> None:
    """A model that overflows is not read as if it had answered."""
    reader = scripted(bert_like(), {"paris": float("nan")}, {})
    with pytest.raises(FloatingPointError, match="float32"):
        reader.read("who", [passage("p", "john in paris")])


def test_memory_is_bounded_by_the_group(scripted: Any, bert_like: Any, passage: Any) -> None:
    """No more passages are tokenised ahead than two groups, however many there are (peers' D14)."""
    reader = scripted(bert_like(), {}, {}, group_size=4)
    made = 0

    def many() -> Any:
        nonlocal made
        for i in range(100):
            made += 1
            yield passage(str(i), "john in paris")

    class Lazy(list[Any]):
        def __iter__(self) -> Any:
            return many()

    found = reader.window_logits([("who", Lazy())])
    next(found)
    assert made <= 8 + 1
    assert sum(1 for _ in found) == 99


def test_a_single_group_wakes_no_thread(
    scripted: Any, bert_like: Any, passage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokenising ahead starts where there is something ahead: a few passages are read in the caller's thread."""
    reader = scripted(bert_like(), {"john": 1.0}, {"john": 1.0}, group_size=2)
    used = []
    monkeypatch.setattr("fundstelle.reader.reader.prefetch", lambda groups: used.append(1) or groups)
    few = reader.read("who", [passage("a", "john"), passage("b", "john")])
    assert not used
    many = reader.read("who", [passage(name, "john") for name in "abc"])
    assert used
    assert many[:2] == few


def test_readings_from_many_threads(scripted: Any, bert_like: Any, passage: Any) -> None:
    """A reader may be used from several threads at once."""
    reader = scripted(bert_like(), {"paris": 5.0}, {"paris": 5.0})
    expected = reader.read("who", [passage("p", "john in paris")])
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(reader.read("who", [passage("p", "john in paris")])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_closing_closes_the_engine(scripted: Any, bert_like: Any) -> None:
    """Leaving the context frees the model."""
    with scripted(bert_like(), {}, {}) as reader:
        reader.warm_up()
    assert reader.engine.closed


@pytest.fixture(scope="module")
def random_reader(tiny_bert: Any) -> Reader:
    """A random BERT in float32 with windows so small that passages take several."""
    return Reader.load(
        tiny_bert, device="cpu", dtype="float32", max_seq_length=24, stride=6, max_question_length=10
    )


@pytest.fixture(scope="module")
def one_by_one(random_reader: Reader) -> dict[tuple[str, str], Reading]:
    """Every question read on every passage alone, a window at a time."""
    alone = random_reader.with_settings(token_budget=1, group_size=1)
    return {
        (question, text): alone.read(question, [_P("p", text)])[0]
        for question in QUESTIONS
        for text in PASSAGES
    }


@settings(max_examples=10, deadline=None)
@given(st.permutations(QUESTIONS), st.permutations(PASSAGES), st.integers(1, 400), st.integers(1, 20))
def test_order_and_batching_change_nothing(
    random_reader: Reader,
    one_by_one: dict[tuple[str, str], Reading],
    questions: list[str],
    passages: list[str],
    budget: int,
    group: int,
) -> None:
    """Permuted requests in any batches give the same spans and, within 1e-4, the same scores."""
    reader = random_reader.with_settings(token_budget=budget, group_size=group)
    requests = [(question, [_P("p", text) for text in passages]) for question in questions]
    for question, readings in zip(questions, reader.read_batch(requests), strict=True):
        for text, reading in zip(passages, readings, strict=True):
            alone = one_by_one[question, text]
            assert [(s.start, s.end) for s in reading.spans] == [(s.start, s.end) for s in alone.spans]
            assert np.allclose([s.score for s in reading.spans], [s.score for s in alone.spans], atol=1e-4)
            assert abs(reading.null_score - alone.null_score) < 1e-4
