"""Recipes: written beside the weights, read back, refused where they make no sense."""

from pathlib import Path

import pytest

from fundstelle.training.recipes import DEEPSET, RECIPES, Recipe, changes_of, recipe_of


def test_a_recipe_comes_back_from_its_file(tmp_path: Path) -> None:
    """What is saved beside the weights is the recipe, whole."""
    recipe = Recipe(steps=7, learning_rate=3e-5)
    recipe.save(tmp_path)
    assert recipe_of(str(tmp_path / "recipe.json")) == recipe


def test_the_rate_rises_holds_and_falls_to_zero() -> None:
    """The learning rate peaks after the warm-up, holds, and ends near 0."""
    recipe = Recipe(learning_rate=1.0, warmup=0.1, decay=0.2)
    rates = [recipe.rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:81] == [1.0] * 72
    assert rates[-1] == pytest.approx(0.05)
    assert rates == sorted(rates[:10]) + rates[10:80] + sorted(rates[80:], reverse=True)


def test_the_model_cards_recipe_is_the_model_cards() -> None:
    """Batches of 22 x 4, two epochs, windows of 256 that start 128 apart, learning rate 2e-5."""
    assert RECIPES["deepset"] is DEEPSET
    assert (DEEPSET.windows_per_step, DEEPSET.epochs, DEEPSET.learning_rate) == (88, 2.0, 2e-5)
    assert (DEEPSET.max_seq_length, DEEPSET.step) == (256, 128)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Recipe(windows_per_step=4), "not both"),
        (lambda: Recipe(warmup=0.6, decay=0.6), "more than all steps"),
        (lambda: Recipe(shares={"one": 0.6, "two": 0.6}), "more than all questions"),
        (lambda: Recipe().with_changes({"learning": 1}), "unknown"),
        (lambda: Recipe(steps=20.5), "steps is 20.5, and has to be a whole number or null"),  # type: ignore[arg-type]
        (lambda: Recipe(seed=True), "seed is true, and has to be a whole number"),
        (lambda: Recipe(warmup="high"), 'warmup is "high", and has to be a number'),  # type: ignore[arg-type]
        (lambda: Recipe(freeze_embeddings="no"), "has to be true or false"),  # type: ignore[arg-type]
        (lambda: Recipe(shares="towers"), "shares is .*, and has to be numbers by name"),  # type: ignore[arg-type]
        (lambda: Recipe(shares={"towers": "half"}), "shares is"),  # type: ignore[dict-item]
        (lambda: recipe_of("nobody's"), "There is no recipe"),
    ],
)
def test_what_is_no_recipe_is_refused(make: object, said: str) -> None:
    """Contradictions and unknown names are errors that say so."""
    assert callable(make)
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("learning_rate=.001", 0.001),
        ("learning_rate=3e-5", 3e-5),
        ("steps=2e1", 20),
        ("steps=null", None),
        ("dropout=None", None),
        ("freeze_embeddings=False", False),
        ("unanswerable=true", True),
        ('shares={"towers": 0.5}', {"towers": 0.5}),
        ("name=my recipe", "my recipe"),
    ],
)
def test_settings_are_read_as_people_write_them(setting: str, value: object) -> None:
    """Numbers, truth and nothing, whether written as in JSON or as in Python."""
    changes = changes_of([setting])
    ((name, read),) = changes.items()
    assert (type(read), read) == (type(value), value)
    assert getattr(Recipe().with_changes(changes), name) == value
