"""Groups of windows to updates of the weights, and updates to what a device takes at once."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

import numpy as np
import torch

from fundstelle.training.recipes import Recipe
from fundstelle.training.windows import Group, LabelledWindow

POOL = 64  # updates among which groups of like length are sought

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """What one forward pass takes. Tensors are (windows, L), or (windows,) where one number a window is meant.

    allowed: where an answer may start and end: the passage's tokens and the null token.
    start, end, null: token indices. group: which question's a window is, from 0.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor | None
    allowed: torch.Tensor
    start: torch.Tensor
    end: torch.Tensor
    null: torch.Tensor
    group: torch.Tensor

    def to(self, device: torch.device) -> "TrainingBatch":
        """The same on another device."""
        names = (name for name in self.__slots__ if getattr(self, name) is not None)
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in names})


def endless(
    items: Sequence[Item],
    recipe: Recipe,
    cut: Callable[[Sequence[Item], Recipe, int], Sequence[Sequence[int]]],
) -> Iterator[list[Item]]:
    """What each update takes, epoch after epoch; `cut` gives an epoch's updates by index, as `updates` does."""
    return ([items[index] for index in update] for epoch in count() for update in cut(items, recipe, epoch))


def updates(groups: Sequence[Group], recipe: Recipe, epoch: int) -> list[list[int]]:
    """The groups of each update of an epoch, by index: at random, yet of like length, so that padding is rare."""
    chooser = random.Random(f"{recipe.seed} epoch {epoch}")
    order = list(range(len(groups)))
    chooser.shuffle(order)
    pools = _filled(order, groups, recipe, POOL)
    cut = [
        update
        for pool in pools
        for update in _filled(sorted(pool, key=lambda i: (_width(groups[i]), i)), groups, recipe, 1)
    ]
    chooser.shuffle(cut)
    return cut


def _filled(order: Sequence[int], groups: Sequence[Group], recipe: Recipe, times: int) -> list[list[int]]:
    """Indices in order, cut wherever `times` updates are full."""
    full = times * (recipe.tokens_per_step or recipe.windows_per_step or 1)
    cuts: list[list[int]] = []
    filled = full
    for index in order:
        size = _size(groups[index], recipe)
        if filled + size > full:
            cuts.append([])
            filled = 0
        cuts[-1].append(index)
        filled += size
    return cuts


def _size(group: Group, recipe: Recipe) -> int:
    return len(group) * _width(group) if recipe.tokens_per_step else len(group)


def _width(group: Group) -> int:
    return max(len(window.input_ids) for window in group)


def passes(update: Sequence[Group], tokens_at_once: int) -> Iterator[list[Group]]:
    """The groups of an update in portions of at most so many padded tokens; a group is never torn apart."""
    portion: list[Group] = []
    windows = width = 0
    for group in sorted(update, key=_width):
        width = max(width, _width(group))
        if portion and (windows + len(group)) * width > tokens_at_once:
            yield portion
            portion, windows = [], 0
        portion.append(group)
        windows += len(group)
    if portion:
        yield portion


def collate(groups: Sequence[Group], pad_id: int, padding_side: str, token_types: bool) -> TrainingBatch:
    """Pad the windows of all groups to the longest."""
    windows = [(number, window) for number, group in enumerate(groups) for window in group]
    width = max(len(window.input_ids) for _, window in windows)
    ids = np.full((len(windows), width), pad_id, dtype=np.int64)
    mask, types, allowed = np.zeros_like(ids), np.zeros_like(ids), np.zeros(ids.shape, dtype=bool)
    places = np.zeros((len(windows), 4), dtype=np.int64)
    for row, (number, window) in enumerate(windows):
        shift = width - len(window.input_ids) if padding_side == "left" else 0
        place = slice(shift, shift + len(window.input_ids))
        ids[row, place], types[row, place], mask[row, place] = window.input_ids, window.token_type_ids, 1
        allowed[row, shift + window.offset : shift + window.offset + window.count] = True
        allowed[row, shift + window.null] = True
        places[row] = *(shift + one for one in _places(window)), number
    start, end, null, group = (torch.from_numpy(column.copy()) for column in places.T)
    return TrainingBatch(
        torch.from_numpy(ids),
        torch.from_numpy(mask),
        torch.from_numpy(types) if token_types else None,
        torch.from_numpy(allowed),
        start,
        end,
        null,
        group,
    )


def _places(window: LabelledWindow) -> tuple[int, int, int]:
    return window.start, window.end, window.null
