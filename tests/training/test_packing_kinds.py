"""Models of every kind that people have, packed, read as they do by torch; what cannot be packed says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from typer.testing import CliRunner

from fundstelle.cli.commands import app
from fundstelle.indexing.documents import Passage
from fundstelle.reader import bundle
from fundstelle.reader.confidence import FILE_NAME, Calibration
from fundstelle.reader.reader import Reader
from fundstelle.training.packing import pack_reader

LETTERS = "▁abcdefghijklmnopqrstuvwxyz.?"
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
SIZES = {
    "vocab_size": 64,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 300,
    "initializer_range": 0.2,
    "pad_token_id": 1,
    "cls_token_id": 0,
    "bos_token_id": 0,
    "sep_token_id": 2,
    "eos_token_id": 2,
}
KINDS: dict[str, dict[str, Any]] = {
    "Bert": {},
    "Electra": {"embedding_size": 32},
    "Albert": {"embedding_size": 32},
    "Roberta": {"type_vocab_size": 1},
    "XLMRoberta": {"type_vocab_size": 1},
    "DistilBert": {},
    "MPNet": {},
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 32},
}
TEXTS = ["the tower is old.", "a long text about a tower. " * 6, ""]


def save(folder: Path, kind: str, **roles: str) -> Path:
    """A small random reader of that kind whose tokenizer tells question and passage apart."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES | KINDS.get(kind, {}))
    getattr(transformers, f"{kind}ForQuestionAnswering")(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in (*SPECIALS, *LETTERS)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"cls_token": "<s>", "pad_token": "<pad>"} | roles
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder


def scores(model: Path) -> list[float]:
    """Null and span scores of every text, in float32."""
    passages = [Passage(str(i), "d", text, 0, "s") for i, text in enumerate(TEXTS)]
    with Reader.load(model, dtype="float32") as reader:
        readings = reader.read("is the tower old?", passages)
    return [score for one in readings for score in (one.null_score, *(span.score for span in one.spans))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_model_reads_as_it_does_by_torch(kind: str, tmp_path: Path) -> None:
    """The same spans with the same scores, whatever the model does with masks, types and widths."""
    folder = save(tmp_path / "model", kind)
    pack_reader(folder, tmp_path / "packed")
    assert scores(tmp_path / "packed") == pytest.approx(scores(folder), abs=0.01)


def test_token_types_reach_a_packed_model(tmp_path: Path) -> None:
    """A model that tells question from passage by them is told."""
    folder = save(tmp_path / "model", "Bert")
    pack_reader(folder, tmp_path / "packed")
    with Reader.load(tmp_path / "packed") as packed:
        assert packed.tokenizer.token_types
    (folder / "tokenizer.json").write_text(
        (folder / "tokenizer.json").read_text().replace('"type_id": 1', '"type_id": 0')
    )
    assert scores(tmp_path / "packed") != pytest.approx(scores(folder), abs=0.01)


def test_a_model_at_8_bits_takes_token_types(tmp_path: Path, squad: Callable[..., Path]) -> None:
    """It is calibrated on windows that have them."""
    folder = save(tmp_path / "model", "Bert")
    questions = [(f"is {letter} old?", letter) for letter in "tower"]
    paragraphs = [(f"the tower number {letter} is old.", questions) for letter in "abcdef"]
    pack_reader(folder, tmp_path / "packed", calibrate=[squad(tmp_path / "squad.json", paragraphs)])
    assert bundle.Config.read(tmp_path / "packed").precision == "int8"
    assert len(scores(tmp_path / "packed")) == len(scores(folder))


def test_a_model_that_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    """Layers that give other logits than the model are not written: here the mask of local attention is lost."""
    folder = save(tmp_path / "model", "ModernBert")
    with pytest.raises(ValueError, match="ModernBertForQuestionAnswering cannot be exported"):
        pack_reader(folder, tmp_path / "packed")
    assert not list((tmp_path / "packed").iterdir())


def test_a_model_that_reads_padding_first_is_refused(tmp_path: Path) -> None:
    """Packed layers count positions from the left."""
    folder = save(tmp_path / "model", "Bert", padding_side="left")
    with pytest.raises(ValueError, match="padding before text"):
        pack_reader(folder, tmp_path / "packed")


def test_a_model_is_not_packed_over_itself(tmp_path: Path) -> None:
    """Its config.json would be lost."""
    folder = save(tmp_path / "model", "Bert")
    before = (folder / "config.json").read_bytes()
    with pytest.raises(ValueError, match="a folder of its own"):
        pack_reader(folder, folder)
    assert (folder / "config.json").read_bytes() == before


def test_roles_in_two_files_become_one(tmp_path: Path) -> None:
    """Older models name special tokens in special_tokens_map.json; the packed one keeps the names."""
    folder = save(tmp_path / "model", "Bert")
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 128}')
    (folder / "special_tokens_map.json").write_text(
        '{"cls_token": {"content": "</s>"}, "pad_token": "<pad>"}'
    )
    pack_reader(folder, tmp_path / "packed")
    with Reader.load(tmp_path / "packed") as packed:
        assert packed.tokenizer.cls_id == SPECIALS.index("</s>")
        assert packed.tokenizer.max_length == 128


def test_fitted_probabilities_come_along(tmp_path: Path) -> None:
    """A calibration beside the weights is the packed reader's as well."""
    folder = save(tmp_path / "model", "Bert")
    fitted = Calibration()
    fitted.save(folder)
    pack_reader(folder, tmp_path / "packed")
    assert (tmp_path / "packed" / FILE_NAME).read_bytes() == (folder / FILE_NAME).read_bytes()


def test_the_command_packs_and_says_what_next(tmp_path: Path) -> None:
    """`fundstelle pack` writes a reader and names the command to try it with."""
    folder = save(tmp_path / "model", "Bert")
    out = tmp_path / "packed"
    result = CliRunner().invoke(app, ["pack", str(folder), str(out), "--name", "small"])
    assert result.exit_code == 0, result.output
    assert f"--reader {out}" in result.output
    assert bundle.Config.read(out).name == "small"


def test_the_command_explains_what_it_cannot_pack(tmp_path: Path) -> None:
    """A folder without a model is one sentence and status 2, not a traceback."""
    result = CliRunner().invoke(app, ["pack", str(tmp_path), str(tmp_path / "packed")])
    assert result.exit_code == 2
    assert str(tmp_path) in result.output
