"""Trains a sentence encoder on questions and the passages that answer them.

    python -m fundstelle.training.contrast FILE... --from ENCODER --out FOLDER [--set NAME=VALUE]...
        [--held-out FILE]... [--dictionary INDEX]...

A question's own passage must be nearer to it than those of the update's other questions (InfoNCE; van den Oord et al.,
2018, "Representation Learning with Contrastive Predictive Coding"; multilingual-e5 was fine-tuned so, Wang et al.,
2024). Files are in SQuAD format; dictionaries give code-switched copies, so that a question finds its passage in
another language. ENCODER and FOLDER are folders of transformers; what sentence-transformers keeps beside the weights
is taken along, and a training that was broken off in FOLDER is gone on with.

`fundstelle.training.encoders` makes a bundle of it, and `fundstelle.training.fusion` weighs its cosines anew.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from tokenizers import Tokenizer

from fundstelle.encoder import hub
from fundstelle.encoder.torch_engine import POOLING
from fundstelle.reader.batches import plan
from fundstelle.reader.torch_engine import pick_device, pick_dtype
from fundstelle.training import attention, checkpoints, logs
from fundstelle.training.batches import endless
from fundstelle.training.checkpoints import Checkpoint
from fundstelle.training.contrast_pairs import Pair, pairs, updates
from fundstelle.training.examples import Example, draw, load_source
from fundstelle.training.leaks import HeldOut
from fundstelle.training.models import prepare, save_model, save_settings
from fundstelle.training.recipes import Recipe, changes_of
from fundstelle.training.reporting import existing_folder, reported
from fundstelle.training.switching import switch_by
from fundstelle.training.weights import MasterWeights

CONTRAST = Recipe(
    name="contrast",
    learning_rate=2e-5,
    warmup=0.1,
    decay=0.9,
    windows_per_step=48,
    tokens_per_step=None,
    negatives=0,
    temperature=0.02,
)
"""`windows_per_step` are pairs of an update, `temperature` divides cosines; what is a reader's alone has no effect."""

CHECKPOINT_EVERY = 50
TOKENS_AT_ONCE = 6144


class Contrast:
    """Trains `model`, whose tokens are pooled by `pool`, on pairs; leaves log and checkpoint in the folder `out`."""

    def __init__(self, model: Any, pool: Any, found: Sequence[Pair], recipe: Recipe, out: Path) -> None:
        an_epoch = len(updates(found, recipe, 0))
        if not an_epoch:
            raise ValueError("There is nothing to tell apart: give files with several answered paragraphs.")
        self.model = model
        self.weights = MasterWeights(model.named_parameters(), recipe.weight_decay)
        self.steps = recipe.steps or max(1, round(recipe.epochs * an_epoch))
        self._pool, self._pairs, self._recipe, self._out = pool, found, recipe, out

    def run(self, checkpoint_every: int = CHECKPOINT_EVERY) -> Iterator[dict[str, float]]:
        """Every update from the last checkpoint on, as it is done: number, loss, share of questions whose passage was
        the nearest, gradient, seconds.
        """
        done = self._resume()
        remaining = islice(endless(self._pairs, self._recipe, updates), done, self.steps)
        for step, update in enumerate(remaining, done):
            began = perf_counter()
            figures = self._update(step, update)
            figures = {"step": step + 1, **figures, "seconds": round(perf_counter() - began, 3)}
            logs.append(self._out, figures)
            if step + 1 == self.steps or (step + 1) % checkpoint_every == 0:
                Checkpoint(step + 1, self.weights.state(), asdict(self._recipe)).save(self._out)
            yield figures

    def cost(self, update: Sequence[Pair]) -> tuple[torch.Tensor, float]:
        """The mean loss of an update's questions, and the share of them whose own passage was the nearest."""
        questions = self._vectors([one.question for one in update])
        passages = self._vectors([one.passage for one in update])
        cosines = questions @ passages.T
        own = torch.arange(len(update), device=cosines.device)
        cost = torch.nn.functional.cross_entropy(cosines / self._recipe.temperature, own)
        return cost, float((cosines.argmax(1) == own).float().mean())

    def _update(self, step: int, update: Sequence[Pair]) -> dict[str, float]:
        torch.manual_seed(self._recipe.seed * 1_000_003 + step)  # dropout is the same after a resumption
        cost, nearest = self.cost(update)
        cost.backward()  # type: ignore[no-untyped-call]
        rate = self._recipe.rate(step, self.steps)
        gradient = self.weights.step(rate, 1.0, self._recipe.max_gradient)
        return {"loss": float(cost.detach()), "nearest": nearest, "gradient": gradient}

    def _vectors(self, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """(texts, width) float32 of length 1, in the order of the texts, which run by like length."""
        portions = plan([len(text) for text in texts], TOKENS_AT_ONCE)
        vectors = torch.cat([self._forward([texts[place] for place in portion]) for portion in portions])
        back = torch.tensor([place for portion in portions for place in portion]).argsort()
        return torch.nn.functional.normalize(vectors[back.to(vectors.device)], dim=1)

    def _forward(self, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        device = next(self.model.parameters()).device
        ids = [torch.tensor(text) for text in texts]
        padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True).to(device)  # what pads is masked
        lengths = torch.tensor([len(text) for text in texts])
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long().to(device)
        hidden = self.model(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        vectors: torch.Tensor = self._pool(hidden, mask)
        return vectors

    def _resume(self) -> int:
        found = checkpoints.load(self._out, self._recipe)
        done = found.step if found else 0
        if found:
            self.weights.restore(found.weights)
        self._recipe.save(self._out)
        logs.forget(self._out, done)
        return done


def train(
    files: Sequence[Path],
    source: Path,
    out: Path,
    recipe: Recipe = CONTRAST,
    *,
    held_out: Sequence[Path] = (),
    dictionaries: Sequence[Path] = (),
    device: str | None = None,
    dtype: str | None = None,
) -> Iterator[dict[str, float]]:
    """Train the encoder in `source` and leave it in `out`; gives the figures of each update.

    Raises:
        DatasetError: a file cannot be used.
        ValueError: there is nothing to tell apart, or `out` holds another training.
    """
    place = pick_device(device)
    kind = pick_dtype(dtype, place)
    prefixes = hub.read_recipe(source.name, source)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    found = list(pairs(_examples(files, recipe, held_out, dictionaries), tokenizer, prefixes, recipe))
    out.mkdir(parents=True, exist_ok=True)
    model = _load(source, recipe, kind, place)
    training = Contrast(model, POOLING[prefixes.pooling], found, recipe, out)
    yield from training.run()
    _save(training, source, out)


def _examples(
    files: Sequence[Path], recipe: Recipe, held_out: Sequence[Path], dictionaries: Sequence[Path]
) -> Iterator[Example]:
    known = HeldOut.of_files(held_out)
    drawn = draw([load_source(file, known, False) for file in files], recipe)
    return switch_by(drawn, recipe, dictionaries)


def _load(source: Path, recipe: Recipe, dtype: torch.dtype, device: torch.device) -> Any:
    torch.manual_seed(recipe.seed)
    model = prepare(hub.load_model(source, dtype=dtype, **attention.chosen(device)), recipe, device)
    for name, one in model.named_parameters():
        if "pooler" in name:  # vectors do not depend on it
            one.requires_grad_(False)
    return model


def _save(training: Contrast, source: Path, out: Path) -> None:
    """The folder of `source` with the new weights; what was not trained is as it was there, in float32."""
    old = hub.load_model(source, dtype=torch.float32).state_dict()
    save_model(training.model, old | dict(training.weights.named()), out)
    save_settings(source, out)


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="fundstelle.training.contrast", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("files", type=Path, nargs="+", help="training data in SQuAD format")
    parser.add_argument(
        "--from", type=existing_folder, required=True, dest="source", help="an encoder's folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument(
        "--held-out", type=Path, action="append", default=[], help="evaluation data to keep out"
    )
    parser.add_argument("--dictionary", type=Path, action="append", default=[], help="FreeDict .index files")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change the recipe")
    options = parser.parse_args(arguments)
    figures = train(
        options.files,
        options.source,
        options.out,
        CONTRAST.with_changes(changes_of(options.set)),
        held_out=options.held_out,
        dictionaries=options.dictionary,
    )
    for one in figures:
        print(" ".join(f"{name} {value:.4g}" for name, value in one.items()), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
