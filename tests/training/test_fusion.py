"""Fitting the fusion: it finds the weights that made the data, and nothing where there is nothing to find."""

import random
from pathlib import Path

import pytest

from fundstelle.pipelines.fusion import FEATURES, Fusion
from fundstelle.training.fusion import Contest, first_right, fit, main, read_back, save

TRUE = Fusion(
    meaning_alone=75.0,
    words=4.0,
    words_across=2.0,
    words_foreign=0.0,
    closeness=0.0,
    closeness_across=0.0,
    meaning=60.0,
    meaning_across=90.0,
    same_language=-2.0,
)


def contests(count: int, foreign: int = 0, seed: int = 0) -> list[Contest]:
    """Contests in which the right passage is drawn with the probabilities that `TRUE` gives.

    The first `foreign` of them have words of another script in common.
    """
    chance = random.Random(seed)
    made = []
    for number in range(count):
        rows = []
        for _ in range(12):
            words, meaning, own = chance.random(), -0.1 * chance.random(), chance.random() < 0.5
            row = dict.fromkeys(FEATURES, 0.0)
            row["words" if own else "words_across"] = words
            row["meaning" if own else "meaning_across"] = meaning
            row["same_language"] = float(own)
            row["words_foreign"] = 1.0 if number < foreign else 0.0
            rows.append(tuple(row.values()))
        weights = [2.718281828 ** TRUE.value(row) for row in rows]
        chosen = chance.choices(range(len(rows)), weights)[0]
        right = tuple(place == chosen for place in range(len(rows)))
        made.append(Contest("one" if number % 2 else "two", tuple(rows), right))
    return made


def test_the_fit_finds_the_weights_that_made_the_data() -> None:
    """With enough questions each weight comes out near the true one, and what is never seen stays 0."""
    found = fit(contests(3000))
    for name in ("words", "words_across", "meaning", "meaning_across", "same_language"):
        assert getattr(found, name) == pytest.approx(getattr(TRUE, name), rel=0.25)
    assert found.words_foreign == 0.0


def test_a_feature_of_a_few_questions_gets_no_weight() -> None:
    """What fewer than one question in a hundred shows would be noise."""
    assert fit(contests(400, foreign=3)).words_foreign == 0.0


def test_each_data_set_counts_as_much_as_any_other() -> None:
    """A hundred questions that say the same as one more of their data set's change nothing."""
    once = contests(40)
    repeated = [*once, *[one for one in once if one.dataset == "one"] * 5]
    assert fit(repeated).words == pytest.approx(fit(once).words, rel=1e-3)


def test_nothing_observed_is_refused() -> None:
    """The error says what is needed."""
    with pytest.raises(ValueError, match="observe more files"):
        fit([])


def test_the_command_fits_what_was_observed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without files it fits observations made before, writes the weights and says how good they are."""
    seen = contests(60)
    save(iter(seen[:20]), tmp_path / "contests.jsonl")
    save(iter(seen[20:]), tmp_path / "contests.jsonl")
    assert read_back(tmp_path / "contests.jsonl") == seen
    main(["--observations", str(tmp_path / "contests.jsonl"), "--out", str(tmp_path)])
    assert Fusion.load(tmp_path) == fit(seen)
    assert first_right(seen, fit(seen)).keys() == {"one", "two"}
    assert "best passage right" in capsys.readouterr().out
