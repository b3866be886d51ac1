"""How much of each file an epoch takes."""

import pytest

from fundstelle.training.examples import Example, Source, draw, quotas
from fundstelle.training.recipes import Recipe


def test_small_files_are_taken_whole_and_large_ones_in_part() -> None:
    """Files up to the middle one give everything, larger ones the share that the balance leaves."""
    assert quotas([100, 400, 1600], 0.5) == [100, 400, 800]
    assert quotas([100, 400, 1600], 1.0) == [100, 400, 1600]
    assert quotas([100, 400, 1600], 0.0) == [100, 400, 400]
    assert quotas([], 0.5) == []


def test_of_an_even_number_of_files_the_smaller_half_is_taken_whole() -> None:
    """The middle one is the largest of the smaller half, so that balance matters between two files already."""
    assert quotas([100, 400], 0.5) == [100, 200]
    assert quotas([100, 1600, 1600, 100], 0.5) == [100, 400, 400, 100]


def test_a_file_can_be_given_a_share_and_an_epoch_a_size() -> None:
    """What is not given a share divides the rest as it would divide the whole; no file gives more than it has."""
    assert quotas([100, 400, 1600], 1.0, questions=210) == [10, 40, 160]
    assert quotas([100, 400, 1600], 1.0, questions=5000) == [100, 400, 1600]
    assert quotas([100, 400, 1600], 1.0, [None, None, 0.5], questions=200) == [20, 80, 100]
    assert quotas([100, 400, 1600], 1.0, [0.9, None, None], questions=1000) == [100, 20, 80]
    assert quotas([100], 1.0, [1.0]) == [100]
    assert quotas([100], 1.0, questions=0) == [0]


def test_a_share_for_no_file_is_refused() -> None:
    """A name that is none of the files' is an error that lists them."""
    source = Source("d", (Example("d", "q", "c", None),), 0)
    with pytest.raises(ValueError, match="no file squad, only d"):
        draw([source], Recipe(shares={"squad": 0.5}))


def test_a_draw_is_the_same_for_the_same_seed() -> None:
    """Examples come in a random order that the seed decides, none twice."""
    source = Source("d", tuple(Example("d", str(i), "c", None) for i in range(50)), 0)
    drawn = draw([source], Recipe(seed=3))
    assert sorted(int(one.question) for one in drawn) == list(range(50))
    assert drawn == draw([source], Recipe(seed=3))
    assert drawn != draw([source], Recipe(seed=4))
