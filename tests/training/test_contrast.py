"""An encoder trained on questions and passages: what belongs together comes near, and a broken training goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from fundstelle.encoder import Encoder
from fundstelle.encoder.hub import Recipe as Prefixes
from fundstelle.encoder.hub import load_model, read_recipe
from fundstelle.training.contrast import CONTRAST, Contrast, main, train
from fundstelle.training.contrast_pairs import Pair, pairs, updates
from fundstelle.training.examples import Example

SMALL = CONTRAST.with_changes(
    {"learning_rate": 3e-3, "steps": 30, "windows_per_step": 8, "max_seq_length": 48, "balance": 1.0}
)
PREFIXES = Prefixes("mean", "q: ", "p: ", None)


@pytest.fixture
def source(encoder: Path, tmp_path: Path) -> Path:
    """The random encoder in a folder whose name gives it e5's prefixes."""
    folder = tmp_path / "small-e5"
    folder.mkdir()
    for file in encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def nearest(folder: Path, cities: Path) -> float:
    """The share of questions whose own passage has the largest cosine."""
    paragraphs = json.loads(cities.read_text())["data"][0]["paragraphs"]
    with Encoder.load(str(folder), device="cpu", dtype="float32") as encoder:
        questions = encoder.queries([one["qas"][0]["question"] for one in paragraphs])
        passages = encoder.passages([one["context"] for one in paragraphs])
    found = torch.tensor(questions) @ torch.tensor(passages).T
    return float((found.argmax(1) == torch.arange(len(paragraphs))).float().mean())


def test_questions_come_near_their_passages(source: Path, cities: Path, tmp_path: Path) -> None:
    """The loss falls, and afterwards every question finds its passage, which a random encoder does not know."""
    out = tmp_path / "out"
    figures = list(train([cities], source, out, SMALL, device="cpu", dtype="float32"))
    assert [one["step"] for one in figures] == list(range(1, 31))
    assert figures[-1]["loss"] < figures[0]["loss"] / 4
    assert nearest(source, cities) < nearest(out, cities) == 1.0


def test_what_is_not_trained_stays_as_it_was(source: Path, cities: Path, tmp_path: Path) -> None:
    """Frozen embeddings to the last bit, although it was computed in bfloat16; tokenizer and prefixes come along."""
    out = tmp_path / "out"
    list(train([cities], source, out, SMALL.with_changes({"steps": 2}), device="cpu", dtype="bfloat16"))
    old, new = (load_model(folder).state_dict() for folder in (source, out))
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(old[name], new[name])
    assert not torch.equal(
        old["encoder.layer.0.output.dense.weight"], new["encoder.layer.0.output.dense.weight"]
    )
    assert read_recipe("another name", out) == read_recipe(source.name, source)
    assert read_recipe("another name", out).query_prefix == "query: "
    assert (out / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_broken_training_goes_on(dropout: float, source: Path, cities: Path, tmp_path: Path) -> None:
    """Stopped after a checkpoint and begun again, it ends with the weights and the log of one that ran through."""
    recipe = SMALL.with_changes({"steps": 6, "dropout": dropout})
    for name, stops in (("whole", ()), ("broken", (3, 5))):
        out = tmp_path / name
        out.mkdir()
        for stop in (*stops, 99):
            training = contrast(source, cities, recipe, out)
            for figures in training.run(checkpoint_every=2):
                if figures["step"] == stop:
                    break
        weights = dict(training.weights.named())
        if name == "whole":
            wanted = {key: one.clone() for key, one in weights.items()}
    assert all(torch.equal(one, wanted[key]) for key, one in weights.items())
    logs = [
        [json.loads(line)["loss"] for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "broken")
    ]
    assert logs[0] == logs[1]


def test_another_recipe_in_the_same_folder_is_refused(source: Path, cities: Path, tmp_path: Path) -> None:
    """And the recipe of what is there stays."""
    out = tmp_path / "out"
    recipe = SMALL.with_changes({"steps": 2})
    list(train([cities], source, out, recipe, device="cpu", dtype="float32"))
    before = (out / "recipe.json").read_text()
    with pytest.raises(ValueError, match="other learning_rate"):
        other = recipe.with_changes({"learning_rate": 1e-5})
        list(train([cities], source, out, other, device="cpu", dtype="float32"))
    assert (out / "recipe.json").read_text() == before


def test_a_number_format_that_does_not_exist_is_one_sentence(
    source: Path, cities: Path, tmp_path: Path
) -> None:
    """Said before anything is drawn."""
    with pytest.raises(ValueError, match="dtype must be"):
        list(train([cities], source, tmp_path / "out", SMALL, device="cpu", dtype="bf16"))


def contrast(source: Path, cities: Path, recipe: object, out: Path) -> Contrast:
    from fundstelle.encoder.torch_engine import POOLING
    from fundstelle.training.contrast import _examples, _load

    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    found = list(pairs(_examples([cities], recipe, (), ()), tokenizer, PREFIXES, recipe))  # type: ignore[arg-type]
    return Contrast(
        _load(source, recipe, torch.float32, torch.device("cpu")), POOLING["mean"], found, recipe, out
    )  # type: ignore[arg-type]


def test_a_long_passage_is_cut_around_the_answer(encoder: Path) -> None:
    """What answers is in the tokens that are kept, wherever it stands; short passages stay whole."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    recipe = CONTRAST.with_changes({"max_seq_length": 40, "max_question_length": 12})
    for before, after in ((0, 300), (150, 150), (300, 0), (3, 3)):
        context = "a " * before + "wien bern riga" + " a" * after
        start = context.index("wien")
        example = Example("d", "rom oslo?" * 9, context, (start, start + 4))
        (one,) = pairs([example], tokenizer, PREFIXES, recipe)
        words = [tokenizer.id_to_token(number) for number in one.passage]
        assert len(one.question) == 12
        assert len(one.passage) <= 40
        assert {"▁wien", "▁bern", "▁riga"} <= set(words)
        assert words[:3] == ["<s>", "▁", "p"]
        assert words.count("a") == 6 or before + after == 300


def test_questions_that_nothing_answers_are_left_out(encoder: Path) -> None:
    """There is no passage that they belong to."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    assert list(pairs([Example("d", "who?", "rom", None)], tokenizer, PREFIXES, CONTRAST)) == []


def test_no_update_holds_a_passage_twice() -> None:
    """Updates are of one file, hold no passage twice, and leave out what has nothing to be told from."""
    found = [Pair(name, f"{name}{i % 5}", (i,), (i,)) for name in "ab" for i in range(12)]
    found.append(Pair("alone", "x", (0,), (0,)))
    cut = updates(found, CONTRAST.with_changes({"windows_per_step": 4}), 0)
    assert cut
    for update in cut:
        assert len({found[index].dataset for index in update}) == 1
        assert len({found[index].context for index in update}) == len(update) > 1
    seen = [index for update in cut for index in update]
    assert len(seen) == len(set(seen)) and len(found) - 1 not in seen
    assert updates(found, CONTRAST, 0) == updates(found, CONTRAST, 0) != updates(found, CONTRAST, 1)


def test_nothing_to_tell_apart_is_refused(source: Path, squad: Callable[..., Path], tmp_path: Path) -> None:
    """One paragraph alone says so in a sentence."""
    file = squad(tmp_path / "one.json", [("rom is old", [("what is old?", "rom")])])
    with pytest.raises(ValueError, match="nothing to tell apart"):
        list(train([file], source, tmp_path / "out", SMALL))


def test_the_command_trains(
    source: Path, cities: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options arrive, and each update has a line."""
    out = tmp_path / "out"
    main([str(cities), "--from", str(source), "--out", str(out), "--set", "steps=2"])
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["step", "1"],
        ["step", "2"],
    ]
    assert json.loads((out / "recipe.json").read_text())["steps"] == 2
