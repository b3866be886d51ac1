"""How much of each file an epoch takes."""

from fundstelle.training.examples import Example, Source, draw, quotas


def test_small_files_are_taken_whole_and_large_ones_in_part() -> None:
    """Files up to the middle one give everything, larger ones the share that the balance leaves."""
    assert quotas([100, 400, 1600], 0.5) == [100, 400, 800]
    assert quotas([100, 400, 1600], 1.0) == [100, 400, 1600]
    assert quotas([100, 400, 1600], 0.0) == [100, 400, 400]
    assert quotas([], 0.5) == []


def test_a_draw_is_the_same_for_the_same_seed() -> None:
    """Examples come in a random order that the seed decides, none twice."""
    source = Source("d", tuple(Example("d", str(i), "c", None) for i in range(50)), 0)
    drawn = draw([source], 1.0, seed=3)
    assert sorted(int(one.question) for one in drawn) == list(range(50))
    assert drawn == draw([source], 1.0, seed=3)
    assert drawn != draw([source], 1.0, seed=4)
