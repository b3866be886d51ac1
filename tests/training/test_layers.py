"""Layers apart from their embeddings, and put together again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForQuestionAnswering, BertConfig, BertForQuestionAnswering

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings, pack
from fundstelle.training.layers import assemble, main

NAME = "bert.embeddings.word_embeddings.weight"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle's embeddings and tokenizer, 40 pieces of 32 numbers."""
    folder = tmp_path_factory.mktemp("bundle")
    table = np.random.default_rng(0).normal(size=(40, 32)).astype(np.float32)
    np.save(folder / bundle.EMBEDDINGS, pack(table))
    for file in (bundle.TOKENIZER, bundle.TOKENIZER_CONFIG):
        (folder / file).write_text("{}")
    return folder


def _model(pieces: int = 40) -> BertForQuestionAnswering:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=pieces, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    return BertForQuestionAnswering(config)


def test_layers_and_embeddings_make_the_model_they_came_from(bundled: Path, tmp_path: Path) -> None:
    """Taken apart and assembled, a model is what it was up to the rounding of float16."""
    embeddings = Embeddings.open(bundled / bundle.EMBEDDINGS)
    model = _model()
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(torch.from_numpy(embeddings[np.arange(40)]))
    model.save_pretrained(tmp_path / "whole")
    main(["extract", str(tmp_path / "whole"), str(tmp_path / "layers")])
    layers = load_file(tmp_path / "layers" / "layers.safetensors")
    assert layers.keys() == model.state_dict().keys() - {NAME}
    assemble(tmp_path / "layers", tmp_path / "again", bundled)
    again = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "again").state_dict()
    for name, weight in model.state_dict().items():
        assert torch.allclose(again[name], weight, atol=1e-3), name
    assert torch.equal(again[NAME], model.state_dict()[NAME])


def test_another_models_embeddings_are_refused(bundled: Path, tmp_path: Path) -> None:
    """Layers of a model with another vocabulary are told apart by its size."""
    _model(pieces=50).save_pretrained(tmp_path / "whole")
    main(["extract", str(tmp_path / "whole"), str(tmp_path / "layers")])
    with pytest.raises(ValueError, match="needs 50 embeddings of 32"):
        assemble(tmp_path / "layers", tmp_path / "again", bundled)
