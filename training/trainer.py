"""The training loop: updates of the weights, logged, checkpointed, resumable."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]

from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.training import checkpoints, logs
from fundstelle.training.batches import collate, endless, passes, updates
from fundstelle.training.checkpoints import Checkpoint
from fundstelle.training.losses import distillation, loss
from fundstelle.training.recipes import Recipe
from fundstelle.training.weights import MasterWeights
from fundstelle.training.windows import Group

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """One update: its number from 1, of how many, the mean loss of its windows, the gradient's norm before it was
    cut, and how many windows and tokens it had in how many seconds.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    gradient: float
    windows: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """When what happens beside the updates, in updates."""

    checkpoint_every: int = 100
    validate_every: int = 500
    patience: int | None = None


USUAL = Schedule()


@dataclass(slots=True)
class Best:
    """The weights that validated best so far, their figure, and how many validations since were no better."""

    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    figure: float = float("-inf")
    since: int = 0

    def consider(self, figure: float, weights: Iterable[tuple[str, torch.Tensor]]) -> None:
        """A validation's figure, and the weights that it is of."""
        if figure > self.figure:
            self.weights = {name: one.clone() for name, one in weights}
            self.figure, self.since = figure, 0
        else:
            self.since += 1

    def state(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {"weights": self.weights, "figure": self.figure, "since": self.since}


class Trainer:
    """Trains `model` on groups of windows; everything it leaves behind is in the folder `out`.

    The same recipe, data and seed give the same weights, whether the training was interrupted or not (on one
    device; across devices and numbers of processes up to rounding).

    Args:
        model: gives `start_logits` and `end_logits`; its trainable weights are those that require gradients.
        tokens_at_once: padded tokens of one forward pass; updates do not depend on it.
        validate: gives a figure for the model as it is, bigger is better; asked every `validate_every` updates.
        teacher: a model over the same token ids, on the same device, whose logits are learnt from as well.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: ReaderTokenizer,
        groups: Sequence[Group],
        recipe: Recipe,
        out: Path,
        *,
        tokens_at_once: int = 6144,
        schedule: Schedule = USUAL,
        validate: Callable[[Any], float] | None = None,
        teacher: Any | None = None,
    ) -> None:
        if not groups:
            raise ValueError("There is nothing to train on: no example has a window that fits.")
        self.accelerator = Accelerator(cpu=next(model.parameters()).device.type == "cpu")
        self.model = model
        self._prepared: Any = self.accelerator.prepare_model(model)  # moves it, so the copies come after
        self.weights = MasterWeights(model.named_parameters(), recipe.weight_decay)
        self.recipe = recipe
        self.best = Best()
        self.tokenizer = tokenizer
        self._groups = groups
        self._out = out
        self._tokens_at_once = tokens_at_once
        self._schedule = schedule
        self._validate = validate
        self._teacher = teacher
        self.steps = recipe.steps or max(1, round(recipe.epochs * len(updates(groups, recipe, 0))))

    def run(self) -> Iterator[Progress]:
        """Every update from the last checkpoint on, as it is done; none where it has ended."""
        done = self._resume()
        end = done if self._exhausted else self.steps
        remaining = islice(endless(self._groups, self.recipe, updates), done, end)
        for step, update in enumerate(remaining, done):
            progress = self._update(step, update)
            self._log(asdict(progress))
            yield progress
            last = step + 1 == self.steps
            if self._validate and (last or (step + 1) % self._schedule.validate_every == 0):
                figure = float(self._validate(self.model))
                self._log({"step": step + 1, "validation": figure})
                self.best.consider(figure, self.weights.named())
                last = last or self._exhausted
            if last or (step + 1) % self._schedule.checkpoint_every == 0:
                self._checkpoint(step + 1)
            if last:
                return

    @property
    def _exhausted(self) -> bool:
        return self._schedule.patience is not None and self.best.since >= self._schedule.patience

    def _update(self, step: int, update: Sequence[Group]) -> Progress:
        began = perf_counter()
        torch.manual_seed(self.recipe.seed * 1_000_003 + step)  # dropout is the same after a resumption
        rate = self.recipe.rate(step, self.steps)
        windows = sum(len(group) for group in update)
        total, tokens = self._backward(list(passes(update, self._tokens_at_once)))
        gradient = self.weights.step(rate, self.accelerator.num_processes / windows, self.recipe.max_gradient)
        seconds = perf_counter() - began
        return Progress(
            step + 1, self.steps, total / windows, rate, gradient, windows, tokens, round(seconds, 3)
        )

    def _backward(self, portions: Sequence[Sequence[Group]]) -> tuple[float, int]:
        """Gradients of all portions, each process taking its share; the sum of losses, and padded tokens."""
        process, processes = self.accelerator.process_index, self.accelerator.num_processes
        own = [(portion, 1.0) for portion in portions[process::processes]] or [(portions[0], 0.0)]
        total = torch.zeros((), device=self.accelerator.device)
        tokens = 0
        for number, (portion, weight) in enumerate(own, 1):
            parallel = self.accelerator.no_sync(self._prepared) if number < len(own) else nullcontext()
            with parallel:
                cost, size = self.cost(portion)
                (cost * weight).backward()  # type: ignore[no-untyped-call]
            total += cost.detach() * weight
            tokens += size
        return float(self.accelerator.reduce(total)), tokens

    def cost(self, portion: Sequence[Group]) -> tuple[torch.Tensor, int]:
        """The sum of the losses of a portion's windows, and its padded tokens."""
        tokenizer = self.tokenizer
        batch = collate(portion, tokenizer.pad_id, tokenizer.padding_side, tokenizer.token_types)
        batch = batch.to(self.accelerator.device)
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None:
            inputs["token_type_ids"] = batch.token_type_ids
        logits = _logits(self._prepared(**inputs))
        cost = loss(*logits, batch, self.recipe.shared)
        if self._teacher is not None:
            with torch.no_grad():
                taught = _logits(self._teacher(**inputs))
            lesson = distillation(logits, taught, batch, self.recipe.temperature)
            cost = torch.lerp(cost, lesson, self.recipe.distilled)
        return cost, batch.input_ids.numel()

    def _resume(self) -> int:
        found = checkpoints.load(self._out, self.recipe)
        done = found.step if found else 0
        if found:
            self.weights.restore(found.weights)
            self.best = Best(**found.best or {})
            logger.info("resumed after %d updates", done)
        if self.accelerator.is_main_process:
            self.recipe.save(self._out)
            logs.forget(self._out, done)
        return done

    def _checkpoint(self, step: int) -> None:
        if self.accelerator.is_main_process:
            state, best = self.weights.state(), self.best.state()
            Checkpoint(step, state, asdict(self.recipe), best).save(self._out)

    def _log(self, values: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            logs.append(self._out, values)


def _logits(output: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Starts and ends, (windows, L) in float32."""
    return output.start_logits.float(), output.end_logits.float()
