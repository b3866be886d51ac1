"""The weighing of words and meaning."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.encoder import bundle
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.fusion import FEATURES, FILE_NAME, LOOKED_AT, Fusion, evidence
from fundstelle.reader.confidence import WORDS_ALONE

FUSION = Fusion(
    meaning_alone=100,
    words=4,
    words_across=2,
    words_foreign=0,
    closeness=5,
    closeness_across=1,
    meaning=50,
    meaning_across=90,
    same_language=-3,
)
TEXTS = {"en": "The bridge was opened.", "de": "Die Brücke wurde eröffnet.", "zh": "这座桥开放了。"}


def hit(
    name: str, bm25: float | None, cosine: float | None, language: str = "en", text: str | None = None
) -> Hit:
    passage = Passage(name, name, text or TEXTS[language], 0, name, language)
    return Hit(passage, bm25 if bm25 is not None else cosine or 0.0, bm25, cosine)


def order(hits: list[Hit], question: str = "When was the bridge opened?", language: str = "en") -> list[str]:
    return [one.passage.id for one in FUSION.by_both(hits, question, language)]


def test_either_evidence_decides_where_the_other_is_equal() -> None:
    """Of equal cosines the better BM25 score wins, of equal BM25 scores the better cosine."""
    assert order([hit("a", 5.0, 0.8), hit("b", 9.0, 0.8)]) == ["b", "a"]
    assert order([hit("a", 9.0, 0.80), hit("b", 9.0, 0.85)]) == ["b", "a"]


def test_words_of_another_script_do_not_count() -> None:
    """A number that a Chinese passage shares with an English question moves it no further up."""
    near, worded = hit("near", None, 0.851, "zh"), hit("worded", 9.0, 0.85, "zh")
    assert order([worded, near]) == ["near", "worded"]
    near, worded = hit("near", None, 0.851, "de"), hit("worded", 9.0, 0.85, "de")
    assert order([worded, near]) == ["worded", "near"]


def test_words_in_one_sentence_decide_where_the_rest_is_equal() -> None:
    """Of hits alike in BM25 and meaning the one wins of which one sentence has the question's words."""
    apart = hit("apart", 9.0, 0.8, text="The bridge is long. The market was opened.")
    together = hit("together", 9.0, 0.8, text="The bridge was opened. The market is long.")
    assert order([apart, together]) == ["together", "apart"]


def test_only_the_best_are_looked_at() -> None:
    """Sentences are read of the best by words and of the best by meaning, and of no others."""
    worded = [hit(f"w{number}", 50.0 - number, None) for number in range(LOOKED_AT + 2)]
    near = [hit(f"n{number}", None, 0.9 - number / 100) for number in range(LOOKED_AT + 2)]
    found = evidence(worded + near, "When was the bridge opened?", "en")
    shown = [one.closeness > 0 for one in found]
    assert shown == 2 * [*LOOKED_AT * [True], False, False]


def test_the_score_is_the_log_odds_against_the_best() -> None:
    """The best hit has 0, and the evidence of both kinds stays beside it."""
    first, second = FUSION.by_both([hit("a", 5.0, 0.8), hit("b", 10.0, 0.8)], "the bridge", "en")
    assert (first.score, first.odds, second.score) == (0.0, 0.0, pytest.approx(-2.0))
    assert (second.bm25, second.cosine) == (5.0, 0.8)


def test_unknown_evidence_is_taken_from_what_is_known() -> None:
    """Without a vector a passage is as near as half of the others; not found by words, it has none of them."""
    hits = [hit("a", 10.0, 0.9), hit("b", 10.0, None), hit("c", None, 0.7)]
    found = evidence(hits, "the bridge", "en")
    assert [one.meaning for one in found] == pytest.approx([0.0, -0.1, -0.2])
    assert [one.words for one in found] == [1.0, 1.0, 0.0]


def test_one_kind_of_evidence_keeps_the_order_and_the_score() -> None:
    """BM25 alone and cosine alone give log-odds, and change neither scores nor order."""
    worded = [hit("a", 8.0, None), hit("b", 4.0, None)]
    assert [(one.score, one.odds) for one in FUSION.by_words(worded)] == [(8.0, 0.0), (4.0, -WORDS_ALONE / 2)]
    near = [hit("a", None, 0.9), hit("b", None, 0.8)]
    odds = [one.odds for one in FUSION.by_meaning(near)]
    assert odds == pytest.approx([0.0, -0.1 * FUSION.meaning_alone])
    assert FUSION.by_both([], "?", "en") == FUSION.by_words([]) == FUSION.by_meaning([]) == []


@given(
    st.lists(
        st.tuples(st.none() | st.floats(0, 50), st.none() | st.floats(-1, 1), st.sampled_from([*TEXTS])),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
def test_every_hit_stays_and_their_order_does_not_matter(
    given_hits: list[tuple[float | None, float | None, str]], shuffler: object
) -> None:
    """Fusion loses no hit, starts at 0, descends, and does not depend on the order it is given."""
    hits = [hit(str(number), *each) for number, each in enumerate(given_hits)]
    ranked = FUSION.by_both(hits, "the bridge", "en")
    assert {one.passage.id for one in ranked} == {one.passage.id for one in hits}
    scores = [one.score for one in ranked]
    assert scores[0] == 0.0 and scores == sorted(scores, reverse=True)
    shuffler.shuffle(hits)  # type: ignore[attr-defined]
    assert FUSION.by_both(hits, "the bridge", "en") == ranked


def test_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    """What is written is read back, nothing there means the bundled encoder's, and a broken file says so."""
    assert Fusion.load(tmp_path) == Fusion.load(None) == Fusion.load(bundle.path())
    FUSION.save(tmp_path, {"questions": 3})
    assert Fusion.load(tmp_path) == FUSION
    assert FUSION.value([1.0] * len(FEATURES)) == 4 + 2 + 0 + 5 + 1 + 50 + 90 - 3
    for content in ("nonsense", '{"weights": {"words": "many"}}', '{"weights": {"words": 1}}', "[]"):
        (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match="does not hold a fusion"):
            Fusion.load(tmp_path)
