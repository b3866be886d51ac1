"""One training from files to weights: `fundstelle train` is this."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from fundstelle.indexing.tokens import TokenCounter
from fundstelle.reader.hub import called, load_tokenizer
from fundstelle.reader.hub import load_model as load_reader
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.torch_engine import pick_device, pick_dtype
from fundstelle.training import checkpoints
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
from fundstelle.training.whole import write_lines
from fundstelle.training.windows import groups

EXAMPLES = "examples.jsonl"
DATA = "data.json"
DRAWING = ("unanswerable", "negatives", "balance", "shares", "questions", "switched", "switching", "seed")
"""The hyper-parameters by which examples are drawn."""


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
    device = _own_device(order.device)
    dtype = pick_dtype(order.dtype, device)
    model = load_model(order.model, order.recipe, dtype, device)
    tokenizer = load_tokenizer(order.model, model, {})
    with PartialState(cpu=device.type == "cpu").main_process_first():
        examples = _examples(order, tokenizer)
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


def _own_device(name: str | None) -> torch.device:
    """Where this process trains: of several, started by torchrun, each has a GPU of its own."""
    device = pick_device(name)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # accelerate takes the current one
    state = PartialState(cpu=device.type == "cpu")
    own: torch.device = state.device if state.num_processes > 1 else device
    return own


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
    if not _are_drawn(order):
        held_out = HeldOut.of_files([*order.held_out, *order.validation])
        sources = [load_source(file, held_out, order.recipe.unanswerable) for file in order.files]
        how = order.recipe
        drawn = draw(sources, how)
        path.unlink(missing_ok=True)  # never are there others than the data beside them describe
        _write_data(order, sources, drawn)
        mined = mine(drawn, _counter(tokenizer), how.negatives, how.seed) if how.negatives else drawn
        _write_examples(switch_by(mined, how, order.dictionaries), path)
    return list(_read_examples(path))


def _are_drawn(order: Order) -> bool:
    """Whether this training's examples are there. ValueError where what is there was trained on others."""
    if not (order.out / DATA).is_file():
        return False
    before = _read_data(order).get("made_from", {})  # an earlier version did not say
    now = _made_from(order)
    changed = [name for name in now if name in before and before[name] != now[name]]
    begun = any((order.out / name).is_file() for name in (checkpoints.FILE_NAME, "model.safetensors"))
    if changed and begun:
        raise ValueError(
            f"{order.out} holds a training with other {', '.join(changed)}: train into another folder."
        )
    return (begun or before == now) and (order.out / EXAMPLES).is_file()


def _made_from(order: Order) -> dict[str, Any]:
    """What may not change under a training: all that decides what its examples are, and what is learnt of them."""
    recipe = asdict(order.recipe)
    return {
        "start": called(order.model),
        "files": [[file.stem, digest(file)] for file in order.files],
        "held_out": sorted(map(digest, order.held_out)),
        "validation": sorted(map(digest, order.validation)),
        "dictionaries": [digest(file) for file in order.dictionaries],
        "teacher": order.teacher and called(order.teacher),
        **{name: recipe[name] for name in DRAWING},
    }


def _counter(tokenizer: ReaderTokenizer) -> TokenCounter:
    if tokenizer.path is None:
        raise ValueError("Negatives need a model with a tokenizer.json: train with negatives=0.")
    return TokenCounter.load(tokenizer.path)


def _write_examples(examples: Iterable[Example], path: Path) -> None:
    write_lines(path, (json.dumps(asdict(one), ensure_ascii=False) for one in examples))


def _read_examples(path: Path) -> Iterable[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            answer = tuple(values["answer"]) if values["answer"] else None
            yield Example(**values | {"answer": answer, "negatives": tuple(values["negatives"])})


def _write_data(order: Order, sources: Sequence[Source], drawn: Sequence[Example]) -> None:
    """What was trained on: files with their digests, questions of each, how many of them were drawn, and what was
    left out as a leak.
    """
    counts = Counter(one.dataset for one in drawn)
    files = [
        {
            "name": source.name,
            "sha256": digest(file),
            "licence": order.licences.get(source.name, "unknown"),
            "questions": len(source.examples),
            "questions_trained_on": counts[source.name],
            "left_out_as_evaluation_data": source.leaked,
        }
        for file, source in zip(order.files, sources, strict=True)
    ]
    content: dict[str, Any] = {"version": version("fundstelle"), "start": called(order.model), "files": files}
    if order.teacher:
        content["teacher"] = called(order.teacher)
    if order.dictionaries and order.recipe.switched:
        content["dictionaries"] = [file.stem for file in order.dictionaries]
    content["made_from"] = _made_from(order)
    write_lines(order.out / DATA, [json.dumps(content, indent=1)])


def _read_data(order: Order) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((order.out / DATA).read_text(encoding="utf-8"))
    return content


def _save(trainer: Trainer, order: Order) -> None:
    trained = trainer.best.weights or dict(trainer.weights.named())
    save_model(trainer.model, frozen_weights(trainer.model, order.model) | trained, order.out)
    save_tokenizer(trainer.tokenizer, order.model, order.out)
    write_card(order.out, order.recipe, _read_data(order))
