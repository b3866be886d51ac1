"""Small data sets and a small model to train, made in code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel

CITIES = ["rom", "oslo", "wien", "bern", "riga", "kiew", "lima", "bonn"]
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
LETTERS = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!"


def _squad(path: Path, paragraphs: list[tuple[str, list[tuple[str, str | None]]]]) -> Path:
    """A SQuAD file of (context, [(question, answer or None)])."""
    made = [
        {
            "context": context,
            "qas": [
                {
                    "id": f"{number}-{place}",
                    "question": question,
                    "is_impossible": answer is None,
                    "answers": []
                    if answer is None
                    else [{"text": answer, "answer_start": context.index(answer)}],
                }
                for place, (question, answer) in enumerate(questions)
            ],
        }
        for number, (context, questions) in enumerate(paragraphs)
    ]
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "t", "paragraphs": made}]}))
    return path


@pytest.fixture(scope="session")
def squad() -> Callable[..., Path]:
    """Writes a SQuAD file: tests cannot import from here."""
    return _squad


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two questions on each of eight towns, one of which nothing answers."""
    paragraphs: list[Any] = [
        (
            f"The mayor of {city} is person{i}. It lies on river{i}.",
            [
                (f"Who is the mayor of {city}?", f"person{i}"),
                (f"How old is {city}?", None),
            ],
        )
        for i, city in enumerate(CITIES)
    ]
    return _squad(tmp_path_factory.mktemp("data") / "cities.json", paragraphs)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder without a head, 2 layers of 32, with a tokenizer of letters and the towns."""
    folder = tmp_path_factory.mktemp("encoder")
    pieces = [(piece, 0.0) for piece in SPECIALS] + [(letter, -9.0) for letter in LETTERS]
    pieces += [(f"▁{city}", -3.0) for city in CITIES]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "<s>", "pad_token": "<pad>"}'
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
