"""Checkpoints: a training that is killed at any moment goes on from the last one."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fundstelle.training.recipes import Recipe

FILE_NAME = "checkpoint.pt"
_LENGTH = ("steps", "epochs")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """After `step` updates: the state of `MasterWeights`, the recipe it was made with, and the best weights so far
    where they are validated: see `trainer.Best`.
    """

    step: int
    weights: dict[str, Any]
    recipe: dict[str, Any]
    best: dict[str, Any] | None = None

    def save(self, folder: Path) -> None:
        """Written aside and renamed, so that there always is a whole one."""
        aside = folder / (FILE_NAME + ".part")
        content = {"step": self.step, "weights": self.weights, "recipe": self.recipe, "best": self.best}
        torch.save(content, aside)
        os.replace(aside, folder / FILE_NAME)


def load(folder: Path, recipe: Recipe) -> Checkpoint | None:
    """The folder's checkpoint; None where there is none.

    A training may be made longer or shorter, not otherwise changed: ValueError where the recipe is another.
    """
    if not (folder / FILE_NAME).is_file():
        return None
    found = Checkpoint(**torch.load(folder / FILE_NAME, map_location="cpu", weights_only=True))
    now, before = (
        asdict(recipe),
        asdict(Recipe().with_changes(found.recipe)),
    )  # it may be of an earlier version
    changed = [name for name in now if name not in _LENGTH and now[name] != before[name]]
    if changed:
        raise ValueError(
            f"{folder} holds a training with other {', '.join(changed)}: train into another folder, "
            "or start from its weights."
        )
    return found
