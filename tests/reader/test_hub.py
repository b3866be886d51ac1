"""Readers by folder or hub name."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

from fundstelle.reader import hub
from fundstelle.reader.loading import load_parts
from fundstelle.reader.parallel import ParallelEngine
from fundstelle.reader.reader import Reader

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def load(folder: Path, **changes: Any) -> Any:
    """A model's parts in float32 on the CPU."""
    options: dict[str, Any] = {"device": "cpu", "dtype": "float32", "compile": False, "hub": {}}
    return load_parts(folder, **(options | changes))


@pytest.fixture
def folder(tiny_bert: Path, tmp_path: Path) -> Path:
    """A copy of the random BERT's folder that a test may change."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def test_what_a_reader_must_know_is_found(tiny_bert: Path) -> None:
    """Maximum length, special tokens, token types and the tokenizer's file come with the model."""
    tokenizer = load(tiny_bert).tokenizer
    assert (tokenizer.max_length, tokenizer.cls_id, tokenizer.pad_id) == (64, 2, 0)
    assert tokenizer.token_types
    assert tokenizer.path == tiny_bert / "tokenizer.json"


def test_the_model_gets_token_types(tiny_bert: Path, passage: Any) -> None:
    """A BERT is told which tokens are the passage's (peers' D1)."""
    reader = Reader.load(tiny_bert, device="cpu", dtype="float32", max_question_length=8)
    seen: list[dict[str, Any]] = []
    model = reader.engine.model  # type: ignore[attr-defined]
    model.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs), with_kwargs=True)
    reader.read("who is", [passage("p", "john in paris")])
    assert sorted(seen[0]) == ["attention_mask", "input_ids", "token_type_ids"]
    assert seen[0]["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]


def test_a_model_without_token_types_gets_none(tmp_path: Path, wordpiece: Any, save_tokenizer: Any) -> None:
    """DistilBERT is not given what its tokenizer says of types and it would not take."""
    config = DistilBertConfig(
        vocab_size=120, dim=16, n_layers=1, n_heads=2, hidden_dim=16, max_position_embeddings=48
    )
    DistilBertForQuestionAnswering(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path, wordpiece(), cls_token="[CLS]")
    parts = load(tmp_path)
    assert not parts.tokenizer.token_types
    assert parts.tokenizer.max_length == 48


def test_positions_that_padding_takes_are_not_counted(
    tmp_path: Path, wordpiece: Any, save_tokenizer: Any
) -> None:
    """RoBERTa with 50 positions, of which 2 are before the first token's, reads 48 tokens (peers' D20)."""
    config = RobertaConfig(
        vocab_size=120, max_position_embeddings=50, pad_token_id=1, type_vocab_size=1, **SMALL
    )
    RobertaForQuestionAnswering(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path, wordpiece(), model_max_length=int(1e30))
    parts = load(tmp_path)
    assert parts.tokenizer.max_length == 48
    assert not parts.tokenizer.token_types
    with pytest.raises(ValueError, match="reads at most 48"):
        Reader(parts.engine, parts.tokenizer, hub_settings(49))
    reader = Reader(parts.engine, parts.tokenizer, hub_settings(48))
    reader.read("who", [_Long()])


def hub_settings(length: int) -> Any:
    """Windows of this length."""
    from fundstelle.reader.settings import ReaderSettings

    return ReaderSettings(max_seq_length=length, max_question_length=4, stride=0)


class _Long:
    id = "long"
    text = "w1 " * 200


def test_a_model_without_a_trained_last_layer_is_refused(
    tmp_path: Path, wordpiece: Any, save_tokenizer: Any
) -> None:
    """A masked language model would answer by chance; it is named as what it is."""
    BertForMaskedLM(BertConfig(vocab_size=120, **SMALL)).save_pretrained(tmp_path)
    save_tokenizer(tmp_path, wordpiece())
    with pytest.raises(ValueError, match="not trained for question answering"):
        load(tmp_path)


def test_a_slow_tokenizer_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without offsets there are no quotations: the message says what to do (peers' D21)."""
    (folder / "tokenizer.json").unlink()
    monkeypatch.setattr(hub.AutoTokenizer, "from_pretrained", lambda name, **access: object())
    with pytest.raises(ValueError, match="slow tokenizer"):
        load(folder)


def test_older_folders_with_a_vocabulary_alone(folder: Path, passage: Any) -> None:
    """A BERT saved with vocab.txt and no tokenizer.json is read through transformers' fast tokenizer."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    reader = Reader.load(folder, device="cpu", dtype="float32", max_question_length=8)
    assert reader.tokenizer.cls_id == 2
    assert reader.tokenizer_path is None
    assert reader.read("who", [passage("p", "john in paris")])[0].spans


def test_model_and_tokenizer_get_the_same_access(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revision, token and the like reach both model and tokenizer (peers' D12)."""
    seen: dict[str, dict[str, Any]] = {}
    find, load_model = hub.cached_file, hub.AutoModelForQuestionAnswering.from_pretrained

    def cached(name: str, file: str, **access: Any) -> Any:
        seen[file] = access
        return find(folder, file, _raise_exceptions_for_missing_entries=False)

    def model(name: str, **access: Any) -> Any:
        seen["model"] = access
        return load_model(folder, dtype="auto", output_loading_info=True)

    monkeypatch.setattr(hub, "cached_file", cached)
    monkeypatch.setattr(hub.AutoModelForQuestionAnswering, "from_pretrained", model)
    access = {"revision": "abc", "token": "secret", "cache_dir": "x", "local_files_only": True}
    load(Path("someone/model"), hub={**access, "trust_remote_code": False})
    for file in ("model", "tokenizer.json", "tokenizer_config.json", "calibration.json"):
        assert access.items() <= seen[file].items(), file


def test_a_calibration_beside_the_weights_is_used(folder: Path) -> None:
    """calibration.json in the model's folder is the reader's; without one it has the defaults."""
    from fundstelle.reader.confidence import Calibration

    assert load(folder).calibration == Calibration()
    Calibration(intercept=-3.5).save(folder)
    assert load(folder).calibration.intercept == -3.5


def test_several_devices_share_the_work(tiny_bert: Path, passage: Any) -> None:
    """Two devices, here twice the processor, give what one gives."""
    one = Reader.load(tiny_bert, device="cpu", dtype="float32", max_question_length=8)
    two = Reader.load(
        tiny_bert, device=["cpu", "cpu"], dtype="float32", max_question_length=8, token_budget=1
    )
    assert isinstance(two.engine, ParallelEngine)
    passages = [passage(str(i), "john in paris " * (i + 1)) for i in range(4)]
    for alone, shared in zip(one.read("who", passages), two.read("who", passages), strict=True):
        assert [(s.start, s.end) for s in alone.spans] == [(s.start, s.end) for s in shared.spans]
        assert np.isclose(alone.null_score, shared.null_score, atol=1e-4)
    two.close()


def test_several_batches_in_bfloat16(tiny_bert: Path, passage: Any) -> None:
    """Logits of any number of batches, in any dtype, come back as float32 on the processor (peers' D13)."""
    reader = Reader.load(tiny_bert, device="cpu", dtype="bfloat16", max_question_length=8, token_budget=1)
    passages = [passage(str(i), "john in paris") for i in range(3)]
    assert all(reading.spans for reading in reader.read("who", passages))
    assert reader.engine.description == "torch bfloat16 on cpu"
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("name", ["nobody/nothing", "a folder that is not there"])
def test_a_model_that_cannot_be_had_is_one_sentence(name: str, tmp_path: Path) -> None:
    """An OSError, as transformers has it, that names the model and says what to give instead."""
    wanted = name if "/" in name else str(tmp_path / name)
    with pytest.raises(
        FileNotFoundError, match=f"The model .*{name} cannot be loaded: .* Give the name"
    ) as error:
        load(Path(wanted), hub={"local_files_only": True})
    assert "\n" not in str(error.value)
