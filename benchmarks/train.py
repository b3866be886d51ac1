"""How fast training goes beside a plain loop: the same model, the same questions, in turns.

    python benchmarks/train.py MODEL FILE... [--updates 4] [--rounds 5] [--plain-windows 24]

MODEL is an encoder or reader in transformers' format, FILEs are in SQuAD format. The plain loop is what a PyTorch
tutorial has: windows in random order padded to the full length, autocast to bfloat16, the model's own attention and
dropout, AdamW. Both freeze the word embeddings. Tokens are those of texts, without padding; seconds are of the clock;
medians over interleaved rounds.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from machine import describe
from transformers import AutoModelForQuestionAnswering

from fundstelle.reader.dtypes import fastest_dtype
from fundstelle.reader.hub import load_tokenizer
from fundstelle.training.batches import collate, updates
from fundstelle.training.examples import draw, load_source
from fundstelle.training.leaks import HeldOut
from fundstelle.training.models import load_model
from fundstelle.training.recipes import Recipe
from fundstelle.training.trainer import Trainer
from fundstelle.training.windows import Group, LabelledWindow, groups


def tokens_of(windows: Sequence[LabelledWindow]) -> int:
    return sum(len(window.input_ids) for window in windows)


class Ours:
    """The trainer, some updates at a time."""

    def __init__(self, model: str, found: Sequence[Group], recipe: Recipe, tokenizer: Any, out: Path) -> None:
        dtype = getattr(torch, fastest_dtype(torch.device("cpu")))
        self.trainer = Trainer(
            load_model(model, recipe, dtype, torch.device("cpu")), tokenizer, found, recipe, out
        )
        self.groups, self.order, self.step = found, updates(found, recipe, 0), 0

    def run(self) -> int:
        update = [self.groups[index] for index in self.order[self.step]]
        self.trainer._update(self.step, update)
        self.step += 1
        return tokens_of([window for group in update for window in group])


class Plain:
    """The tutorial's loop."""

    def __init__(
        self, model: str, found: Sequence[Group], recipe: Recipe, tokenizer: Any, windows: int
    ) -> None:
        self.model = AutoModelForQuestionAnswering.from_pretrained(model).train()
        self.model.get_input_embeddings().weight.requires_grad_(False)
        weights = [one for one in self.model.parameters() if one.requires_grad]
        self.optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate)
        self.windows = [window for group in found for window in group]
        random.Random(0).shuffle(self.windows)
        self.tokenizer, self.recipe, self.count, self.step = tokenizer, recipe, windows, 0

    def run(self) -> int:
        windows = self.windows[self.step * self.count :][: self.count]
        batch = collate([(one,) for one in windows], self.tokenizer.pad_id, "right", False)
        room = self.recipe.max_seq_length - batch.input_ids.shape[1]
        ids = torch.nn.functional.pad(batch.input_ids, (0, room), value=self.tokenizer.pad_id)
        mask = torch.nn.functional.pad(batch.attention_mask, (0, room))
        with torch.autocast("cpu", torch.bfloat16):
            output = self.model(
                input_ids=ids, attention_mask=mask, start_positions=batch.start, end_positions=batch.end
            )
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1
        return tokens_of(windows)


def speed(run: Callable[[], int], count: int) -> float:
    """Tokens a second."""
    began = time.perf_counter()
    tokens = sum(run() for _ in range(count))
    return tokens / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--updates", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain-windows", type=int, default=24)
    options = parser.parse_args()
    recipe = Recipe(steps=10_000, negatives=0, balance=1.0, questions=4000)
    model = AutoModelForQuestionAnswering.from_pretrained(options.model)
    tokenizer = load_tokenizer(options.model, model, {})
    sources = [load_source(file, HeldOut([])) for file in options.files]
    found = list(groups(draw(sources, recipe), tokenizer, recipe))
    with TemporaryDirectory() as folder:
        ours = Ours(options.model, found, recipe, tokenizer, Path(folder))
        plain = Plain(options.model, found, recipe, tokenizer, options.plain_windows)
        speed(ours.run, 1), speed(plain.run, 1)
        rates = [
            (speed(ours.run, options.updates), speed(plain.run, options.updates))
            for _ in range(options.rounds)
        ]
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(a / b for a, b in rates)
    print(describe())
    print(f"{'':12}{'tokens a second':>16}{'ratio':>8}")
    print(f"{'plain loop':12}{theirs:16,.0f}{1.0:8.2f}\n{'fundstelle':12}{mine:16,.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
