"""A random BERT with a tokenizer of words: an encoder in milliseconds."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["query", "passage", ":", *(f"w{number}" for number in range(40))]


def _tokenizer() -> Tokenizer:
    """`[CLS] text [SEP]`, one token a word."""
    ids = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _save_encoder(folder: Path, **settings: Any) -> Path:
    """A random encoder of at most 20 tokens as transformers saves it, with files of sentence-transformers.

    Args:
        settings: `pooling` ("mean", "cls"), `prompts`, `max_seq_length`, `modules`: what the files say; without any
            there are no such files.
    """
    import torch
    from transformers import BertConfig, BertModel

    torch.set_num_threads(1)  # threads only wait for each other in a model this small
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=20,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"pad_token": "[PAD]"}')
    if settings:
        _save_settings(folder, **settings)
    return folder


def _save_settings(
    folder: Path,
    pooling: str = "mean",
    prompts: dict[str, str] | None = None,
    max_seq_length: int | None = None,
    modules: tuple[str, ...] = ("Transformer", "Pooling"),
) -> None:
    paths = {"Transformer": "", "Pooling": "1_Pooling"}
    listed = [
        {"type": f"sentence_transformers.models.{name}", "path": paths.get(name, name)} for name in modules
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    chosen = {
        f"pooling_mode_{name}": name.startswith(pooling)
        for name in ("cls_token", "mean_tokens", "max_tokens")
    }
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(chosen))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts or {}}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_seq_length}))


def _shared(value: Any) -> Any:
    """A fixture that is always this value: tests cannot import from here."""
    return pytest.fixture(scope="session")(lambda: value)


save_encoder = _shared(_save_encoder)
make_tokenizer = _shared(_tokenizer)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder with mean pooling and the prompts `query: ` and `passage: `."""
    return _save_encoder(
        tmp_path_factory.mktemp("encoder"), prompts={"query": "query: ", "passage": "passage: "}
    )
