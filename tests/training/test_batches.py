"""Updates and passes: every group once an epoch, whatever a device takes at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.training.batches import collate, passes, updates
from fundstelle.training.recipes import Recipe
from fundstelle.training.windows import Group, LabelledWindow


def _window(length: int) -> LabelledWindow:
    return LabelledWindow(
        np.arange(length, dtype=np.int32), np.zeros(length, np.int8), 2, length - 3, 0, 2, 3
    )


def _groups(sizes: list[list[int]]) -> list[Group]:
    return [tuple(_window(length) for length in lengths) for lengths in sizes]


SIZES = st.lists(st.lists(st.integers(6, 40), min_size=1, max_size=3), min_size=1, max_size=60)


@given(sizes=SIZES, budget=st.integers(40, 400), epoch=st.integers(0, 3))
def test_an_epoch_takes_every_group_once(sizes: list[list[int]], budget: int, epoch: int) -> None:
    """No question is lost or doubled, and no update is above its tokens unless one question alone is."""
    groups, recipe = _groups(sizes), Recipe(tokens_per_step=budget)
    found = updates(groups, recipe, epoch)
    assert sorted(index for update in found for index in update) == list(range(len(groups)))
    for update in found:
        padded = sum(len(sizes[index]) * max(sizes[index]) for index in update)
        assert padded <= budget or len(update) == 1
    assert found == updates(groups, recipe, epoch)


@given(sizes=SIZES, budget=st.integers(40, 400))
def test_passes_hold_whole_questions_within_the_budget(sizes: list[list[int]], budget: int) -> None:
    """A forward pass takes whole groups, and no more padded tokens than it may."""
    groups = _groups(sizes)
    portions = list(passes(groups, budget))
    assert sorted(map(id, (group for portion in portions for group in portion))) == sorted(map(id, groups))
    for portion in portions:
        windows = [window for group in portion for window in group]
        padded = len(windows) * max(len(window.input_ids) for window in windows)
        assert padded <= budget or len(portion) == 1


def test_padding_moves_labels_where_it_stands_in_front() -> None:
    """With left padding every index moves by the padding, and padding is never allowed."""
    groups = _groups([[6, 10]])
    left = collate(groups[0:1], 1, "left", False)
    assert left.start.tolist() == [6, 2]
    assert left.null.tolist() == [4, 0]
    assert left.allowed[0].tolist() == [False] * 4 + [True, False, True, True, True, False]
    assert left.attention_mask[0].tolist() == [0] * 4 + [1] * 6
    right = collate(groups[0:1], 1, "right", True)
    assert right.start.tolist() == [2, 2]
    assert right.group.tolist() == [0, 0]
    assert right.token_type_ids is not None
