"""One model from several of the same origin: the mean of their weights.

    python -m fundstelle.training.averaging FOLDER FOLDER ... --out FOLDER [--shares 0.5 0.3 0.2]

Trainings that started from the same weights end in one valley, and its middle is better than its walls: the mean
answers better than any of them, at the cost of one (Wortsman et al., 2022, "Model soups"). It works for stages that
followed one another as well, and for the last states of one training (Izmailov et al., 2018, "Averaging Weights
Leads to Wider Optima and Better Generalization"). Models of different origin have nothing in common to average.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering

from fundstelle.encoder import hub
from fundstelle.reader.hub import load_tokenizer
from fundstelle.training.models import save_model, save_settings, save_tokenizer
from fundstelle.training.reporting import existing_folder, reported

SOURCES = "averaged.json"


def average(folders: Sequence[Path], out: Path, shares: Sequence[float] | None = None) -> None:
    """Write the weighted mean of readers, or of encoders, as a transformers folder.

    Weights that are the same in all of them, as frozen embeddings are, stay the same to the last bit.

    Args:
        folders: of models with the same weights by name and shape; configuration and tokenizer are the first one's.
        shares: of each, adding up to 1; equal unless given. `averaged.json` names folders and shares.

    Raises:
        ValueError: the models differ in shape, or the shares are not one a folder and 1 together.
        OSError: a folder holds no model.
    """
    shares = shares or [1 / len(folders)] * len(folders)
    if len(shares) != len(folders) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            f"Give {len(folders)} shares that add up to 1, one a folder; these are {list(shares)}."
        )
    model = _load(folders[0])
    first = {name: one for name, one in model.state_dict().items() if one.is_floating_point()}
    total, common = {name: shares[0] * one for name, one in first.items()}, set(first)
    for folder, share in zip(folders[1:], shares[1:], strict=True):
        weights = _weights(folder, first)
        common = {name for name in common if torch.equal(first[name], weights[name])}
        for name, one in total.items():
            one += share * weights[name]
    out.mkdir(parents=True, exist_ok=True)
    save_model(model, total | {name: first[name] for name in common}, out)
    if _reads(folders[0]):
        save_tokenizer(load_tokenizer(str(folders[0]), model, {}), str(folders[0]), out)
    else:
        save_settings(folders[0], out)
    content: defaultdict[str, float] = defaultdict(float)
    for name, share in zip(_names(folders), shares, strict=True):
        content[name] += share
    (out / SOURCES).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _names(folders: Sequence[Path]) -> list[str]:
    """As much of the end of each path as tells different folders apart: mostly the last name."""
    parts = [folder.absolute().parts for folder in folders]
    ends = ([str(Path(*one[-depth:])) for one in parts] for depth in range(1, max(map(len, parts)) + 1))
    return next(names for names in ends if len(set(names)) == len(set(parts)))


def _reads(folder: Path) -> bool:
    """Whether a folder's model is a reader; else it is an encoder."""
    kinds = AutoConfig.from_pretrained(folder).architectures or []
    return any("ForQuestionAnswering" in kind for kind in kinds)


def _load(folder: Path) -> Any:
    if _reads(folder):
        return AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    return hub.load_model(folder, dtype=torch.float32)


def _weights(folder: Path, like: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A model's weights by name. ValueError where they are not shaped as those of `like`."""
    weights: dict[str, torch.Tensor] = _load(folder).state_dict()
    wrong = [name for name, one in like.items() if name not in weights or weights[name].shape != one.shape]
    if wrong:
        raise ValueError(
            f"{folder} is a model of another shape ({', '.join(wrong[:3])}): it cannot be averaged."
        )
    return weights


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.averaging", description=__doc__)
    parser.add_argument("folders", type=existing_folder, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shares", type=float, nargs="+")
    options = parser.parse_args(arguments)
    average(options.folders, options.out, options.shares)


if __name__ == "__main__":
    main()
