"""Could one set of layers embed and read, trained for both at once?

    python benchmarks/two_heads.py ENCODER READER TRAINING_FILE... --judged xquad.en.json xquad.de.json --out FOLDER
        [--steps 200] [--share 0.5] [--weight 1.0] [--drawn 6000] [--questions 150]

ENCODER and READER are folders in transformers' format, the one fine-tuned from the other. The layers start at `share`
the reader's and for the rest the encoder's. Each update adds up the gradients of two losses on questions of the same
draw: the reader's, and, times `weight`, the encoder's, by which a question's own passage is to be the nearest.
Printed is what `one_pass.py` prints, before and after: how often a question's paragraph is the nearest of the file's,
and F1 of the best answer in the right paragraph. The judged files are kept out of the training.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from machine import describe
from one_pass import judged, mix, save
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from fundstelle.encoder.hub import E5_PREFIXES
from fundstelle.encoder.hub import Recipe as Prefixes
from fundstelle.encoder.torch_engine import POOLING
from fundstelle.evaluation.datasets import load
from fundstelle.reader.dtypes import fastest_dtype
from fundstelle.reader.hub import load_tokenizer
from fundstelle.reader.torch_engine import pick_device
from fundstelle.training import batches, contrast_pairs
from fundstelle.training.contrast import CONTRAST, Contrast
from fundstelle.training.examples import Example, draw, load_source
from fundstelle.training.leaks import HeldOut
from fundstelle.training.models import load_model
from fundstelle.training.recipes import Recipe
from fundstelle.training.trainer import Trainer
from fundstelle.training.weights import MasterWeights
from fundstelle.training.windows import groups

READING = Recipe(name="two heads", learning_rate=5e-5, tokens_per_step=3072, windows_per_step=None)
PAIRS = 24
"""Questions and passages of an update."""


def examples(options: argparse.Namespace, recipe: Recipe) -> list[Example]:
    held_out = HeldOut.of_files(options.judged)
    return draw([load_source(file, held_out) for file in options.files], recipe)


def train(
    folder: Path, drawn: Sequence[Example], recipe: Recipe, steps: int, weight: float, out: Path
) -> None:
    """Both losses at once, on the reader in `folder`; leaves a reader and an encoder in `out`."""
    place = pick_device(None)
    model = load_model(str(folder), recipe, getattr(torch, fastest_dtype(place)), place)
    tokenizer = load_tokenizer(str(folder), model, {})
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pairing = CONTRAST.with_changes({"windows_per_step": PAIRS})
    pairs = list(contrast_pairs.pairs(drawn, pieces, Prefixes("mean", *E5_PREFIXES, None), pairing))
    questions = list(groups(drawn, tokenizer, recipe))
    reading = Trainer(model, tokenizer, questions, recipe, out)
    embedding = Contrast(model.base_model, POOLING["mean"], pairs, pairing, out)
    weights = MasterWeights(model.named_parameters(), recipe.weight_decay)
    both = zip(
        batches.endless(questions, recipe, batches.updates),
        batches.endless(pairs, pairing, contrast_pairs.updates),
        strict=False,
    )
    for step, (asked, paired) in enumerate(islice(both, steps)):
        read = _read(reading, asked)
        cost, first = embedding.cost(paired)
        (weight * cost).backward()  # type: ignore[no-untyped-call]
        weights.step(recipe.rate(step, steps), 1.0, recipe.max_gradient)
        print(
            f"update {step + 1}: reading {read:.3f}, embedding {float(cost.detach()):.3f}, first {first:.2f}",
            flush=True,
        )
    _save(folder, dict(weights.named()), out)


def _read(reading: Trainer, asked: Sequence[Any]) -> float:
    """Gradients of the mean loss of the windows, and that loss."""
    windows = sum(len(group) for group in asked)
    total = 0.0
    for portion in batches.passes(asked, 6144):
        cost, _ = reading.cost(portion)
        (cost / windows).backward()  # type: ignore[no-untyped-call]
        total += float(cost.detach()) / windows
    return total


def _save(folder: Path, trained: dict[str, torch.Tensor], out: Path) -> None:
    whole = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    whole.load_state_dict(dict(whole.state_dict()) | trained)
    save(whole, folder, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("reader", type=Path)
    parser.add_argument("files", type=Path, nargs="+", help="training data, SQuAD files")
    parser.add_argument("--judged", type=Path, nargs="+", required=True, help="evaluation data, SQuAD files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.5, help="of the reader in the layers at the start")
    parser.add_argument("--weight", type=float, default=1.0, help="of the encoder's loss beside the reader's")
    parser.add_argument("--drawn", type=int, default=6000, help="questions trained on, at most")
    parser.add_argument("--questions", type=int, default=150, help="of each judged file")
    options = parser.parse_args()
    print(describe(), "nearest paragraph right / F1 of the answer, by file", sep="\n", flush=True)
    files = [load(file) for file in options.judged]
    recipe = READING.with_changes({"questions": options.drawn, "steps": options.steps})
    before, after = options.out / "before", options.out / "after"
    mix(options.encoder, options.reader, options.share, before)
    train(before / "reader", examples(options, recipe), recipe, options.steps, options.weight, after)
    for name, folder in (("before", before), ("after", after)):
        print(f"{name:8}", judged(files, options.questions, folder), flush=True)


if __name__ == "__main__":
    main()
