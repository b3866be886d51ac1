"""Recipes: every hyper-parameter of a training, written beside the weights that came of it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, get_args

FILE_NAME = "recipe.json"
_KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: 'a text, with quotes where it reads as a number: "3"',
    dict[str, float]: 'numbers by name, as in {"squad": 0.5}',
    NoneType: "null",
}
_PYTHON = {"True": True, "False": False, "None": None}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a reader is trained.

    Attributes:
        learning_rate: its peak; `warmup` and `decay` are the shares of all steps in which it rises from and
            falls to 0, linearly. In between it is constant, so that a training can be made longer later.
        epochs: passes over the data; `steps`, where given, wins.
        windows_per_step, tokens_per_step: windows of one update, or padded tokens, one of the two. An update
            is the same whatever a device takes at once.
        max_seq_length, stride, max_question_length: in tokens, as the reader has them; `stride` is shared by
            neighbouring windows.
        step: tokens from one window's start to the next's, FARM's `doc_stride`; where given, it replaces `stride`.
        dropout: of hidden states and attention; None leaves the model's own.
        freeze_embeddings: leave word embeddings as they are.
        negatives: passages that our retriever finds for a question and that do not answer it, per question, on
            average.
        null_windows: windows of the question's own passage that do not hold the answer, per question, at most;
            None takes all.
        shared: weight, 0 to 1, of the loss that is normalised over all windows of a question (Clark and
            Gardner, 2018), beside that of each window alone.
        balance: exponent on the size of files larger than the middle one: 1 takes them whole, 0 takes no more of
            them than of that.
        shares: of an epoch's questions, by the name of a file without its ending, where a file shall have another
            share than `balance` gives it.
        questions: of an epoch, at most; None takes as many as `balance` gives.
        unanswerable: take questions that the data mark as answered by nothing.
        distilled: weight, 0 to 1, of what a teacher says beside what is right, where a teacher is given.
        temperature: by which logits of teacher and student are divided before they are compared, so that what the
            teacher holds for second best counts.
        switched, switching: share of the English examples that are code-switched, where dictionaries are given, and
            share of their words that are replaced.
    """

    name: str = "fundstelle"
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    decay: float = 0.3
    epochs: float = 1.0
    steps: int | None = None
    windows_per_step: int | None = None
    tokens_per_step: int | None = 6144
    max_gradient: float = 1.0
    max_seq_length: int = 256
    stride: int = 96
    step: int | None = None
    max_question_length: int = 64
    dropout: float | None = 0.0
    freeze_embeddings: bool = True
    negatives: float = 0.5
    null_windows: int | None = 1
    shared: float = 0.5
    balance: float = 0.6
    shares: dict[str, float] = field(default_factory=dict)
    questions: int | None = None
    unanswerable: bool = True
    distilled: float = 0.5
    temperature: float = 2.0
    switched: float = 0.4
    switching: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.type)
        if (self.windows_per_step is None) == (self.tokens_per_step is None):
            raise ValueError("Give windows_per_step or tokens_per_step, and not both.")
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup} and decay {self.decay} are more than all steps together.")
        if sum(self.shares.values()) > 1:
            raise ValueError(f"The shares {self.shares} are more than all questions together.")
        if self.temperature <= 0:
            raise ValueError(
                f"temperature is {self.temperature}: logits are divided by it, so it is above 0."
            )

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of an update, counted from 0, of `steps` in all."""
        rising = (step + 1) / max(1.0, self.warmup * steps)
        falling = (steps - step) / max(1.0, self.decay * steps)
        return self.learning_rate * min(1.0, rising, falling)

    def save(self, folder: Path) -> None:
        (folder / FILE_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """From a file that `save` wrote. ValueError for names that are no hyper-parameter."""
        return cls(**_known(json.loads(path.read_text(encoding="utf-8")), path))

    def with_changes(self, changes: dict[str, Any]) -> "Recipe":
        """Some hyper-parameters changed. ValueError for names that are none."""
        return replace(self, **_known(changes, "These changes"))


def changes_of(settings: Iterable[str]) -> dict[str, Any]:
    """Hyper-parameters from texts like "steps=2000". ValueError where one is not of that form."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, found, value = setting.partition("=")
        if not found:
            raise ValueError(f"--set {setting}: write NAME=VALUE, as in --set steps=2000.")
        values[name] = _value(value)
    return values


def _value(text: str) -> Any:
    """Numbers, true, false and null as JSON or Python has them; anything else is a text."""
    if text in _PYTHON:
        return _PYTHON[text]
    for read in (json.loads, float):  # JSON has no .001
        try:
            value = read(text)
        except ValueError:
            continue
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return text


def _check(name: str, value: Any, kind: Any) -> None:
    """ValueError where a hyper-parameter is not of its kind."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if not any(_fits(value, one) for one in kinds):
        wanted = " or ".join(_KINDS[one] for one in kinds)
        raise ValueError(f"{name} is {json.dumps(value, default=repr)}, and has to be {wanted}.")


def _fits(value: Any, kind: Any) -> bool:
    """True and false are no numbers, although they are to Python; whole numbers are numbers."""
    if kind == dict[str, float]:
        return isinstance(value, dict) and all(_fits(each, float) for each in value.values())
    return type(value) is kind or (kind is float and type(value) is int)


def _known(values: dict[str, Any], where: object) -> dict[str, Any]:
    names = {one.name for one in fields(Recipe)}
    if unknown := values.keys() - names:
        raise ValueError(f"{where}: unknown {sorted(unknown)}; a recipe has {sorted(names)}.")
    return values


DEEPSET = Recipe(
    name="deepset",
    learning_rate=2e-5,
    warmup=0.2,
    decay=0.8,
    epochs=2.0,
    windows_per_step=22 * 4,
    tokens_per_step=None,
    max_seq_length=256,
    step=128,
    dropout=None,
    freeze_embeddings=False,
    negatives=0,
    null_windows=None,
    shared=0.0,
    balance=1.0,
    switched=0.0,
)
"""What the model card of deepset/xlm-roberta-base-squad2 states: batches of 22, 4 accumulated, 2 epochs, windows of
256 that start 128 tokens apart, learning rate 2e-5, warmed up for a fifth of the steps."""

RECIPES: dict[str, Recipe] = {"fundstelle": Recipe(), "deepset": DEEPSET}


def recipe_of(name: str) -> Recipe:
    """A recipe by its name, or from a file. ValueError where there is neither."""
    if name in RECIPES:
        return RECIPES[name]
    if Path(name).is_file():
        return Recipe.load(Path(name))
    raise ValueError(f"There is no recipe {name}: take one of {', '.join(RECIPES)}, or a recipe.json.")
