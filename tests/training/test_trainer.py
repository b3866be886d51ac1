"""Training: it learns, it goes on where it was killed, and updates do not depend on the device's size."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForQuestionAnswering

from fundstelle.reader.hub import load_tokenizer
from fundstelle.reader.reader import Reader
from fundstelle.training import session
from fundstelle.training import trainer as loop
from fundstelle.training.examples import Example
from fundstelle.training.models import load_model
from fundstelle.training.recipes import Recipe
from fundstelle.training.session import Order, train
from fundstelle.training.trainer import Progress, Schedule, Trainer
from fundstelle.training.windows import groups

RECIPE = Recipe(
    steps=12, tokens_per_step=300, max_seq_length=96, max_question_length=40, stride=24, learning_rate=1e-3
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # threads only wait for each other in a model this small


def _order(encoder: Path, data: Path, out: Path, recipe: Recipe = RECIPE, **more: object) -> Order:
    return Order(str(encoder), [data], out, recipe, device="cpu", dtype="float32", **more)  # type: ignore[arg-type]


def _losses(out: Path) -> list[float]:
    lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines if "loss" in line]


@pytest.fixture(scope="module")
def trained(encoder: Path, cities: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed training of twelve updates."""
    return train(_order(encoder, cities, tmp_path_factory.mktemp("trained") / "out"))


def test_a_training_leaves_a_reader_that_transformers_loads(trained: Path) -> None:
    """The folder is a transformers model, and a reader of ours, with recipe, data and card beside it."""
    model, report = AutoModelForQuestionAnswering.from_pretrained(trained, output_loading_info=True)
    assert not report["missing_keys"]
    assert model.dtype == torch.float32
    with Reader.load(str(trained), device="cpu", dtype="float32") as reader:
        reader.warm_up()
    assert json.loads((trained / "recipe.json").read_text())["steps"] == 12
    data = json.loads((trained / "data.json").read_text())
    assert [(one["questions"], one["questions_trained_on"]) for one in data["files"]] == [(16, 16)]
    assert "cities" in (trained / "README.md").read_text(encoding="utf-8")


def test_it_learns(encoder: Path, cities: Path, tmp_path: Path) -> None:
    """The loss of a small set falls to a fraction of what it was."""
    recipe = RECIPE.with_changes(
        {"steps": 120, "learning_rate": 3e-3, "freeze_embeddings": False, "decay": 0.0}
    )
    losses = _losses(train(_order(encoder, cities, tmp_path / "out", recipe)))
    assert sum(losses[-10:]) < 0.35 * sum(losses[:10])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_frozen_embeddings_stay_as_they_were(encoder: Path, cities: Path, tmp_path: Path, dtype: str) -> None:
    """Word embeddings are to the bit those of the encoder, whatever is computed in; everything else has moved."""
    order = replace(_order(encoder, cities, tmp_path / "out"), dtype=dtype)
    name = "bert.embeddings.word_embeddings.weight"
    before = AutoModelForQuestionAnswering.from_pretrained(encoder).state_dict()
    after = AutoModelForQuestionAnswering.from_pretrained(train(order)).state_dict()
    assert torch.equal(before[name], after[name])
    layer = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(before[layer], after[layer])


def test_an_update_does_not_depend_on_what_a_device_takes_at_once(
    encoder: Path, cities: Path, trained: Path, tmp_path: Path
) -> None:
    """Many small passes make the weights that few large ones make."""
    small = train(_order(encoder, cities, tmp_path / "out", tokens_at_once=100))
    assert _losses(small) == pytest.approx(_losses(trained), rel=1e-4)


def test_a_teacher_is_learnt_from(encoder: Path, cities: Path, trained: Path, tmp_path: Path) -> None:
    """Learning from a teacher alone, a student comes to say what the teacher says; the card names the teacher."""
    changes = {"distilled": 1.0, "steps": 60, "decay": 0.0, "learning_rate": 3e-3}
    order = _order(encoder, cities, tmp_path / "out", RECIPE.with_changes(changes), teacher=str(trained))
    losses = _losses(train(order))
    assert sum(losses[-5:]) < 0.2 * sum(losses[:5])
    assert "Taught by `out`" in (tmp_path / "out" / "README.md").read_text()


def test_a_teacher_of_another_vocabulary_is_refused(
    encoder: Path, cities: Path, trained: Path, tmp_path: Path
) -> None:
    """Its token ids mean other pieces: a sentence, before anything is trained."""
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    text = (other / "tokenizer.json").read_text(encoding="utf-8")
    (other / "tokenizer.json").write_text(text.replace('"x"', '"ß"'), encoding="utf-8")
    with pytest.raises(ValueError, match="another vocabulary"):
        train(_order(encoder, cities, tmp_path / "out", teacher=str(other)))


def test_questions_that_nothing_answers_can_be_left_out(encoder: Path, cities: Path, tmp_path: Path) -> None:
    """Half of the questions here."""
    recipe = RECIPE.with_changes({"unanswerable": False, "steps": 1})
    train(_order(encoder, cities, tmp_path / "out", recipe))
    assert json.loads((tmp_path / "out" / "data.json").read_text())["files"][0]["questions"] == 8


SCRIPT = """
import sys, torch
from pathlib import Path
from fundstelle.training.recipes import Recipe
from fundstelle.training.session import Order, train
from fundstelle.training.trainer import Schedule
torch.set_num_threads(1)
encoder, data, out, recipe = sys.argv[1:]
print("ready", flush=True)
train(Order(encoder, [Path(data)], Path(out), Recipe.load(Path(recipe)), device="cpu", dtype="float32",
            tokens_at_once=100, schedule=Schedule(checkpoint_every=2)), lambda now: print(now.step, flush=True))
"""


def test_two_processes_train_as_one_does(encoder: Path, cities: Path, trained: Path, tmp_path: Path) -> None:
    """Under torchrun, each computes a share of every update: the losses and the weights of a single one."""
    RECIPE.save(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    run += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", str(tmp_path / "script.py")]
    given = [encoder, cities, tmp_path / "out", tmp_path / "recipe.json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*run, *map(str, given)], check=True, env=environment, capture_output=True)
    assert _losses(tmp_path / "out") == pytest.approx(_losses(trained), rel=1e-4)
    assert torch.allclose(_margins(tmp_path / "out"), _margins(trained), atol=1e-3)


def test_a_killed_training_goes_on_to_the_same_losses(
    encoder: Path, cities: Path, trained: Path, tmp_path: Path
) -> None:
    """kill -9 in mid-training, then the same order again: the loss curve and the weights of an undisturbed run."""
    out = tmp_path / "out"
    RECIPE.save(tmp_path)
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        str(encoder),
        str(cities),
        str(out),
        str(tmp_path / "recipe.json"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "7":
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL
    assert not (out / "model.safetensors").exists()
    train(_order(encoder, cities, out, schedule=Schedule(checkpoint_every=2)))
    assert _losses(out) == pytest.approx(_losses(trained), rel=1e-5)
    assert torch.allclose(_margins(out), _margins(trained), atol=1e-4)


def _margins(folder: Path) -> torch.Tensor:
    """Logits relative to the null token's; their level is no matter of training, only of rounding."""
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    with torch.no_grad():
        output = model(torch.arange(4, 40)[None])
    logits = torch.stack((output.start_logits, output.end_logits))
    return logits - logits[..., :1]


def test_another_recipe_in_the_same_folder_is_refused(encoder: Path, cities: Path, trained: Path) -> None:
    """A checkpoint is gone on with by the recipe that made it, longer or shorter, and by no other, which leaves the
    folder as it is.
    """
    before = (trained / "recipe.json").read_text()
    with pytest.raises(ValueError, match="learning_rate"):
        train(_order(encoder, cities, trained, RECIPE.with_changes({"learning_rate": 1e-5})))
    assert (trained / "recipe.json").read_text() == before


def test_a_finished_training_can_be_made_longer(encoder: Path, cities: Path, tmp_path: Path) -> None:
    """More steps in the same folder go on from where the shorter training ended."""
    recipe = RECIPE.with_changes({"steps": 3})
    train(_order(encoder, cities, tmp_path / "out", recipe))
    train(_order(encoder, cities, tmp_path / "out", recipe.with_changes({"steps": 5})))
    assert len(_losses(tmp_path / "out")) == 5


def test_validation_keeps_the_best_and_stops_early(
    encoder: Path, cities: Path, tmp_path: Path, squad: object
) -> None:
    """With a patience of one, training ends at the first validation that brings no improvement."""
    assert callable(squad)
    other = squad(tmp_path / "valid.json", [("The mayor of Paris is Anne.", [("Who is it?", "Anne")])])
    recipe = RECIPE.with_changes({"learning_rate": 0.0})
    order = _order(encoder, cities, tmp_path / "out", recipe, schedule=Schedule(2, 2, 1), validation=[other])
    train(order)
    lines = (tmp_path / "out" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines if "validation" in line] == [2, 4]


class Killed(Exception):
    """Breaks a training off."""


def _killed_after(step: int) -> Callable[[Progress], None]:
    def watch(now: Progress) -> None:
        if now.step == step:
            raise Killed

    return watch


def _weights(folder: Path) -> torch.Tensor:
    return load_file(folder / "model.safetensors")["bert.encoder.layer.0.attention.self.query.weight"]


def _validated(out: Path) -> list[int]:
    lines = map(json.loads, (out / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [line["step"] for line in lines if "validation" in line]


@pytest.fixture
def validated(
    encoder: Path, cities: Path, squad: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Trains 8 updates into a folder of that name, where the figures of validations are given."""
    other = squad(tmp_path / "valid.json", [("The mayor of Paris is Anne.", [("Who is it?", "Anne")])])

    def run(name: str, *figures: float, patience: int | None = None, killed: int = 0, steps: int = 8) -> Path:
        following = iter(figures)
        monkeypatch.setattr(session, "Validation", lambda *_: lambda _: next(following))
        recipe, schedule = RECIPE.with_changes({"steps": steps}), Schedule(2, 2, patience)
        order = _order(encoder, cities, tmp_path / name, recipe, schedule=schedule, validation=[other])
        return train(order, _killed_after(killed))

    return run


def test_the_best_weights_outlive_the_process(validated: Callable[..., Path], tmp_path: Path) -> None:
    """A training that was broken off after its best validation ends with the same weights as an undisturbed one."""
    whole = _weights(validated("whole", 0.3, 0.9, 0.5, 0.2))
    with pytest.raises(Killed):
        validated("broken", 0.3, 0.9, 0.5, killed=7)
    assert torch.equal(_weights(validated("broken", 0.2)), whole)
    assert not torch.equal(_weights(validated("last", 0.1, 0.2, 0.3, 0.4)), whole)


def test_a_finished_training_stays_as_it_is(validated: Callable[..., Path]) -> None:
    """The same command again leaves the best weights, and a training that stopped early does not go on."""
    best = _weights(validated("out", 0.9, 0.5, patience=1))
    out = validated("out", patience=1)
    assert torch.equal(_weights(out), best)
    assert _validated(out) == [2, 4]
    assert _validated(validated("out", 0.4, 0.3, patience=3)) == [2, 4, 6, 8]
    assert torch.equal(_weights(out), best)
    assert not torch.equal(_weights(validated("out", 0.95, patience=None, steps=10)), best)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"held_out": "again"}, "held_out"),
        ({"validation": "again"}, "validation"),
        ({"files": "again"}, "files"),
        ({"model": "again"}, "start"),
        ({"teacher": "again"}, "teacher"),
        ({"recipe": RECIPE.with_changes({"unanswerable": False})}, "unanswerable"),
    ],
)
def test_other_data_in_the_same_folder_are_refused(
    more: dict[str, object], said: str, encoder: Path, cities: Path, trained: Path, tmp_path: Path
) -> None:
    """What a training learns from does not change under it, nor does the folder."""
    shutil.copytree(encoder, tmp_path / "again")
    shutil.copy(cities, tmp_path / "again.json")
    given = {
        name: value if value != "again"
        else str(tmp_path / "again") if name in ("model", "teacher")
        else [tmp_path / "again.json"]
        for name, value in more.items()
    }  # fmt: skip
    before = {file.name: file.read_bytes() for file in trained.iterdir()}
    with pytest.raises(ValueError, match=f"holds a training with other {said}: train into another folder"):
        train(replace(_order(encoder, cities, trained), **given))  # type: ignore[arg-type]
    assert {file.name: file.read_bytes() for file in trained.iterdir()} == before


def test_before_the_first_checkpoint_examples_are_drawn_anew(
    encoder: Path, cities: Path, tmp_path: Path
) -> None:
    """What was broken off early and is begun again with other data or another recipe trains on these."""
    order = _order(encoder, cities, tmp_path / "out", RECIPE.with_changes({"steps": 2}))
    with pytest.raises(ValueError, match="nothing to train on"):
        train(replace(order, held_out=[cities]))
    with pytest.raises(Killed):
        train(order, _killed_after(1))
    examples = tmp_path / "out" / "examples.jsonl"
    assert len(examples.read_text().splitlines()) == 16
    train(replace(order, recipe=order.recipe.with_changes({"unanswerable": False})))
    assert len(examples.read_text().splitlines()) == 8


def test_a_kill_while_examples_are_written_harms_nothing(
    encoder: Path, cities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun again, all of them are written, and what they were drawn from stands beside them."""
    order = _order(encoder, cities, tmp_path / "out", RECIPE.with_changes({"steps": 1, "balance": 0.5}))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(session, "_write_examples", killed)
        train(order)
    out = train(order)
    assert len((out / "examples.jsonl").read_text().splitlines()) == 16
    assert json.loads((out / "data.json").read_text())["files"][0]["name"] == "cities"


def test_the_part_of_a_file_that_was_drawn_is_counted(encoder: Path, cities: Path, tmp_path: Path) -> None:
    """An epoch of five questions is stated as five of the file's sixteen."""
    out = train(_order(encoder, cities, tmp_path / "out", RECIPE.with_changes({"steps": 1, "questions": 5})))
    (file,) = json.loads((out / "data.json").read_text())["files"]
    assert (file["questions"], file["questions_trained_on"]) == (16, 5)


@pytest.mark.parametrize(
    ("more", "said"), [({"dtype": "bf16"}, "dtype must be"), ({"device": "gpu"}, "no device gpu")]
)
def test_what_cannot_be_computed_in_is_one_sentence(
    more: dict[str, str], said: str, encoder: Path, cities: Path, tmp_path: Path
) -> None:
    """A number format or a device that does not exist."""
    with pytest.raises(ValueError, match=said):
        train(replace(_order(encoder, cities, tmp_path / "out"), **more))  # type: ignore[arg-type]


def test_the_float32_copies_are_of_the_prepared_model(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preparing a model moves it to the process's GPU and gives it the first process's weights: these are trained."""

    def prepared(_: object, model: torch.nn.Module) -> torch.nn.Module:
        with torch.no_grad():
            for one in model.parameters():
                one.zero_()
        return model

    monkeypatch.setattr(loop.Accelerator, "prepare_model", prepared)
    model = load_model(str(encoder), RECIPE, torch.float32, torch.device("cpu"))
    tokenizer = load_tokenizer(str(encoder), model, {})
    examples = [Example("d", "Who?", "The mayor is Ada.", (13, 16))]
    trainer = Trainer(model, tokenizer, list(groups(examples, tokenizer, RECIPE)), RECIPE, tmp_path)
    assert not any(one.any() for _, one in trainer.weights.named())


@pytest.mark.parametrize(("processes", "device"), [(1, "cuda:1"), (2, "cuda:0")])
def test_each_of_several_processes_has_a_gpu_of_its_own(
    processes: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process trains on the GPU that was named, which is made the current one; several share out what there is."""
    current: list[torch.device] = []
    state = SimpleNamespace(device=torch.device("cuda:0"), num_processes=processes)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(session, "PartialState", lambda cpu: state)
    assert session._own_device("cuda:1") == torch.device(device)
    assert current == [torch.device("cuda:1")]
