"""Hard negatives come from our own retriever and do not answer."""

from pathlib import Path

from fundstelle.indexing.tokens import TokenCounter
from fundstelle.training.examples import Example, load_source
from fundstelle.training.leaks import HeldOut
from fundstelle.training.negatives import mine


def _examples(cities: Path) -> list[Example]:
    return list(load_source(cities, HeldOut([])).examples)


def test_negatives_are_found_and_do_not_hold_the_answer(encoder: Path, cities: Path) -> None:
    """Each answerable question gets a passage of another paragraph, unanswerable ones none, in the same order."""
    examples = _examples(cities)
    mined = list(mine(examples, TokenCounter.load(encoder / "tokenizer.json"), 1.0))
    assert [one.question for one in mined] == [one.question for one in examples]
    for one in mined:
        assert len(one.negatives) == (1 if one.answer else 0)
        for text in one.negatives:
            assert text not in one.context
            assert one.answer_text not in text


def test_a_share_is_an_average(encoder: Path, cities: Path) -> None:
    """Half a negative a question is one for every other question, the same ones for the same seed."""
    examples = _examples(cities) * 4
    counter = TokenCounter.load(encoder / "tokenizer.json")
    counts = [len(one.negatives) for one in mine(examples, counter, 0.5, seed=1)]
    assert 0 < sum(counts) < sum(one.answer is not None for one in examples)
    assert counts == [len(one.negatives) for one in mine(examples, counter, 0.5, seed=1)]
