"""One training from files to weights: `fundstelle train` is this."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from fundstelle.indexing.tokens import TokenCounter
from fundstelle.reader.dtypes import fastest_dtype
from fundstelle.reader.hub import called, load_tokenizer
from fundstelle.reader.hub import load_model as load_reader
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.torch_engine import pick_device
from fundstelle.training.card import write_card
from fundstelle.training.examples import Example, Source, draw, load_source
from fundstelle.training.leaks import HeldOut
from fundstelle.training.models import frozen_weights, load_model, save_model, save_tokenizer
from fundstelle.training.negatives import mine
from fundstelle.training.packing import digest
from fundstelle.training.recipes import Recipe
from fundstelle.training.switching import switch_by
from fundstelle.training.trainer import USUAL, Progress, Schedule, Trainer
from fundstelle.training.validation import Validation
from fundstelle.training.windows import groups

EXAMPLES = "examples.jsonl"
DATA = "data.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What to train on what.

    model: an encoder or a reader, by folder or hub name.
    files: training data in SQuAD format; held_out: evaluation data, of which nothing may be trained on.
    validation: data on which F1 is followed; the best weights are kept. Held out as well.
    licences: of each file, by its stem, for the model card.
    dictionaries: from English, for code-switching: the `.index` files of FreeDict.
    teacher: a reader with the model's tokenizer that is learnt from as well, by folder or hub name.
    out: folder of the weights, the log and the checkpoint; a training that stands there is gone on with.
    """

    model: str
    files: Sequence[Path]
    out: Path
    recipe: Recipe
    held_out: Sequence[Path] = ()
    licences: Mapping[str, str] = field(default_factory=dict)
    dictionaries: Sequence[Path] = ()
    device: str | None = None
    dtype: str | None = None
    tokens_at_once: int | None = None
    schedule: Schedule = USUAL
    validation: Sequence[Path] = ()
    teacher: str | None = None


def train(order: Order, watch: Callable[[Progress], None] = lambda _: None) -> Path:
    """Train, and leave a transformers folder at `order.out`; returns it.

    Raises:
        DatasetError: a file cannot be used.
        ValueError: the recipe does not fit the model, or the folder holds another training.
    """
    order.out.mkdir(parents=True, exist_ok=True)
    device = pick_device(order.device)
    dtype = getattr(torch, order.dtype or fastest_dtype(device))
    model = load_model(order.model, order.recipe, dtype, device)
    tokenizer = load_tokenizer(order.model, model, {})
    with PartialState(cpu=device.type == "cpu").main_process_first():
        examples = _examples(order, tokenizer)
    order.recipe.save(order.out)
    trainer = Trainer(
        model,
        tokenizer,
        list(groups(examples, tokenizer, order.recipe)),
        order.recipe,
        order.out,
        tokens_at_once=order.tokens_at_once or (6144 if device.type == "cpu" else 32768),
        schedule=order.schedule,
        validate=Validation(order.validation, tokenizer) if order.validation else None,
        teacher=_teacher(order, tokenizer, dtype, device) if order.teacher else None,
    )
    for progress in trainer.run():
        watch(progress)
    if trainer.accelerator.is_main_process:
        _save(trainer, order)
    return order.out


def _teacher(order: Order, tokenizer: ReaderTokenizer, dtype: torch.dtype, device: torch.device) -> Any:
    """The teacher, which learns nothing itself. ValueError where it reads other pieces than the model."""
    name = str(order.teacher)
    teacher = load_reader(name, {})
    backend = load_tokenizer(name, teacher, {}).backend
    if backend.get_vocab() != tokenizer.backend.get_vocab():
        raise ValueError(
            f"{name} has another vocabulary than {order.model}: a teacher needs the same tokenizer."
        )
    return teacher.to(device, dtype).eval().requires_grad_(False)


def _examples(order: Order, tokenizer: ReaderTokenizer) -> list[Example]:
    """The examples of this training: drawn once, then kept beside the weights for all who want to see them."""
    path = order.out / EXAMPLES
    if not path.is_file():
        held_out = HeldOut.of_files([*order.held_out, *order.validation])
        sources = [load_source(file, held_out, order.recipe.unanswerable) for file in order.files]
        how = order.recipe
        drawn: Iterable[Example] = draw(sources, how)
        if how.negatives:
            drawn = mine(list(drawn), _counter(tokenizer), how.negatives, how.seed)
        _write_examples(switch_by(drawn, how, order.dictionaries), path)
        _write_data(order, sources)
    return list(_read_examples(path))


def _counter(tokenizer: ReaderTokenizer) -> TokenCounter:
    if tokenizer.path is None:
        raise ValueError("Negatives need a model with a tokenizer.json: train with negatives=0.")
    return TokenCounter.load(tokenizer.path)


def _write_examples(examples: Iterable[Example], path: Path) -> None:
    """Written aside and renamed, so that a file that is there is whole."""
    aside = path.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as file:
        for one in examples:
            file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
    aside.replace(path)


def _read_examples(path: Path) -> Iterable[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            answer = tuple(values["answer"]) if values["answer"] else None
            yield Example(**values | {"answer": answer, "negatives": tuple(values["negatives"])})


def _write_data(order: Order, sources: Sequence[Source]) -> None:
    """What was trained on: files with their digests, questions of each, and what was left out as a leak."""
    files = [
        {
            "name": source.name,
            "sha256": digest(file),
            "licence": order.licences.get(source.name, "unknown"),
            "questions": len(source.examples),
            "left_out_as_evaluation_data": source.leaked,
        }
        for file, source in zip(order.files, sources, strict=True)
    ]
    content = {"version": version("fundstelle"), "start": called(order.model), "files": files}
    if order.teacher:
        content["teacher"] = called(order.teacher)
    (order.out / DATA).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _save(trainer: Trainer, order: Order) -> None:
    trained = trainer.best or dict(trainer.weights.named())
    save_model(trainer.model, frozen_weights(trainer.model, order.model) | trained, order.out)
    save_tokenizer(trainer.tokenizer, order.model, order.out)
    write_card(order.out, order.recipe, json.loads((order.out / DATA).read_text(encoding="utf-8")))
