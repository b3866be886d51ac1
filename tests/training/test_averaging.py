"""Averaging: the mean of models of one shape, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, BertConfig, BertForQuestionAnswering

from fundstelle.encoder.hub import load_model, read_recipe
from fundstelle.training.averaging import SOURCES, average, main


def model(folder: Path, seed: int, width: int = 32) -> Path:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=40, hidden_size=width, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(TOKENIZER, encoding="utf-8")
    return folder


TOKENIZER = json.dumps(
    {
        "version": "1.0",
        "added_tokens": [],
        "post_processor": None,
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, "unk_token": "[UNK]"},
    }
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForQuestionAnswering.from_pretrained(folder).state_dict())


def test_every_weight_is_the_mean(tmp_path: Path) -> None:
    """By the shares that are given, equal ones unless any are; and what it was made of is written down."""
    one, two = model(tmp_path / "one", 1), model(tmp_path / "two", 2)
    average([one, two], tmp_path / "equal")
    main([str(one), str(two), "--out", str(tmp_path / "mostly"), "--shares", "0.75", "0.25"])
    first, second = weights(one), weights(two)
    for folder, share in (("equal", 0.5), ("mostly", 0.75)):
        for name, found in weights(tmp_path / folder).items():
            torch.testing.assert_close(found, share * first[name] + (1 - share) * second[name])
    assert json.loads((tmp_path / "mostly" / SOURCES).read_text()) == {"one": 0.75, "two": 0.25}


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """What it was made of names every folder, by its parents too where needed; one given twice has both shares."""
    one, two, three = (model(tmp_path / place / "best", 1) for place in ("first", "second", "third"))
    average([one, two, three, one], tmp_path / "mean", [0.5, 0.25, 0.125, 0.125])
    made_of = json.loads((tmp_path / "mean" / SOURCES).read_text())
    assert made_of == {"first/best": 0.625, "second/best": 0.25, "third/best": 0.125}


def test_what_all_have_in_common_stays_as_it_is(tmp_path: Path) -> None:
    """Frozen weights are not rounded anew: a third thrice is not quite one."""
    folders = [model(tmp_path / str(seed), seed) for seed in range(3)]
    frozen = weights(folders[0])["bert.embeddings.word_embeddings.weight"]
    for folder in folders[1:]:
        reader = AutoModelForQuestionAnswering.from_pretrained(folder)
        with torch.no_grad():
            reader.get_input_embeddings().weight.copy_(frozen)
        reader.save_pretrained(folder)
    average(folders, tmp_path / "mean")
    found = weights(tmp_path / "mean")["bert.embeddings.word_embeddings.weight"]
    assert torch.equal(found, frozen)


def test_encoders_are_averaged_too(encoder: Path, tmp_path: Path) -> None:
    """Tokenizer and prefixes come along, even those of the folder's name; the recipe of its training does not."""
    encoder, other = (Path(shutil.copytree(encoder, tmp_path / name)) for name in ("e5", "other"))
    (encoder / "recipe.json").write_text("{}")
    changed = load_model(encoder, dtype=torch.float32)
    with torch.no_grad():
        changed.encoder.layer[0].output.dense.weight.add_(1.0)
    changed.save_pretrained(other)
    average([encoder, other], tmp_path / "mean", [0.75, 0.25])
    name = "encoder.layer.0.output.dense.weight"
    old, mean = (
        load_model(folder, dtype=torch.float32).state_dict()[name] for folder in (encoder, tmp_path / "mean")
    )
    torch.testing.assert_close(mean, old + 0.25)
    assert read_recipe("mean", tmp_path / "mean").query_prefix == "query: "
    assert (tmp_path / "mean" / "tokenizer.json").read_bytes() == (encoder / "tokenizer.json").read_bytes()
    assert not (tmp_path / "mean" / "recipe.json").exists()


def test_what_cannot_be_averaged_is_refused(tmp_path: Path) -> None:
    """Models of another shape, shares that are too many or not 1 together: a sentence, and nothing is written."""
    one, other = model(tmp_path / "one", 1), model(tmp_path / "other", 1, width=16)
    with pytest.raises(ValueError, match="another shape"):
        average([one, other], tmp_path / "out")
    for shares in ([0.5, 0.6], [1.0]):
        with pytest.raises(ValueError, match="add up to 1"):
            average([one, one], tmp_path / "out", shares)
    assert not (tmp_path / "out").exists()


def test_a_reader_and_an_encoder_have_no_mean(encoder: Path, tmp_path: Path) -> None:
    """Whichever comes first: neither is given a made-up head, nor loses its own."""
    reader = model(tmp_path / "reader", 1)
    for folders in ([reader, encoder], [encoder, reader]):
        with pytest.raises(ValueError, match="another shape"):
            average(folders, tmp_path / "out")
