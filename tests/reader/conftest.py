"""Tiny tokenizers, a scripted engine and a random BERT: everything a reader is made of, in milliseconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from fundstelle.reader.engine import Batch, Logits
from fundstelle.reader.reader import Reader
from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.tokenization import ReaderTokenizer

WORDS = [
    "who",
    "is",
    "the",
    "son",
    "of",
    "john",
    "##son",
    "in",
    "paris",
    "and",
    "rome",
    "19",
    "##20",
    "river",
    "w1",
    "w2",
    "w3",
    "w4",
    "w5",
    "w6",
    "w7",
    "w8",
    "w9",
]
PUNCTUATION = list(".,?!()\"'")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PIECES = [
    "▁who",
    "▁is",
    "▁the",
    "▁son",
    "▁of",
    "▁john",
    "son",
    "▁in",
    "▁paris",
    "▁river",
    "s",
    "suff",
    "ix",
    "▁",
    "東京",
    "東",
    "京",
    "は",
    "首都",
    "の",
    "日本",
    "。",
    "กา",
    "ร",
    "การ",
    "ศึก",
    "ษา",
    "123",
    "...",
    "fi",
    ".",
    ",",
    "(",
    ")",
    "서울",
    "에서",
    "में",
    "ी",
    "ह",
    "हि",
    "न्",
    "दी",
    "é",
    "e",
    "́",
]


@dataclass(frozen=True)
class Passage:
    """What a reader reads."""

    id: str
    text: str


def _wordpiece() -> Tokenizer:
    """A BERT-like tokenizer: [CLS] question [SEP] passage [SEP], token types 0 and 1."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *PUNCTUATION]
    vocabulary += [
        piece for letter in LETTERS for piece in (letter, f"##{letter}") if piece not in vocabulary
    ]
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def _unigram() -> Tokenizer:
    """An XLM-R-like tokenizer: NFKC, "▁" for spaces, <s> question </s></s> passage </s>, no token types."""
    vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(piece, -1.0 - len(piece) / 10) for piece in PIECES]
    vocabulary += [(letter, -9.0) for letter in LETTERS if letter not in PIECES]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _bert_like(**changes: Any) -> ReaderTokenizer:
    """The WordPiece tokenizer as a reader sees it."""
    parts = {"cls_token": "[CLS]", "pad_token": "[PAD]", "max_length": 64, "token_types": True}
    return ReaderTokenizer(_wordpiece(), **(parts | changes))


def _xlmr_like(**changes: Any) -> ReaderTokenizer:
    """The Unigram tokenizer as a reader sees it."""
    parts = {"cls_token": "<s>", "pad_token": "<pad>", "max_length": 64}
    return ReaderTokenizer(_unigram(), **(parts | changes))


@dataclass
class ScriptedEngine:
    """Gives each token the logits that `starts` and `ends` name for its id; records what it was given."""

    starts: Mapping[int, float] = field(default_factory=dict)
    ends: Mapping[int, float] = field(default_factory=dict)
    default: float = -10.0
    batches: list[Batch] = field(default_factory=list)
    closed: bool = False

    @property
    def description(self) -> str:
        return "scripted"

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        self.batches.append(batch)
        return self._look_up(batch, self.starts), self._look_up(batch, self.ends)

    def close(self) -> None:
        self.closed = True

    def _look_up(self, batch: Batch, table: Mapping[int, float]) -> Logits:
        look = np.vectorize(lambda id: table.get(int(id), self.default), otypes=[np.float32])
        logits: Logits = look(batch.input_ids)
        return logits


def _scripted(
    tokenizer: ReaderTokenizer,
    starts: Mapping[str, float],
    ends: Mapping[str, float],
    default: float = -10.0,
    **settings: Any,
) -> Reader:
    """A reader whose model gives the named pieces these logits, and every other piece `default`."""

    def by_id(logits: Mapping[str, float]) -> dict[int, float]:
        ids = {piece: tokenizer.backend.token_to_id(piece) for piece in logits}
        assert None not in ids.values(), ids
        return {ids[piece]: value for piece, value in logits.items()}

    engine = ScriptedEngine(by_id(starts), by_id(ends), default)
    return Reader(engine, tokenizer, ReaderSettings(**({"max_question_length": 16} | settings)))


def _texts(reader: Reader, question: str, passage: str) -> list[str]:
    """The spans' texts of one passage, best first."""
    (reading,) = reader.read(question, [Passage("p", passage)])
    return [passage[span.start : span.end] for span in reading.spans]


def _save_tokenizer(folder: Path, tokenizer: Tokenizer, **config: Any) -> None:
    """A tokenizer's files as transformers saves them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **config})
    )


def _shared(value: Any) -> Any:
    """A fixture that is always this value: tests cannot import from here."""
    return pytest.fixture(scope="session")(lambda: value)


bert_like = _shared(_bert_like)
xlmr_like = _shared(_xlmr_like)
engine_like = _shared(ScriptedEngine)
scripted = _shared(_scripted)
texts = _shared(_texts)
passage = _shared(Passage)
save_tokenizer = _shared(_save_tokenizer)
wordpiece = _shared(_wordpiece)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random BERT for question answering, 2 layers of 32, at most 64 tokens."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    torch.set_num_threads(1)  # threads only wait for each other in a model this small
    folder = tmp_path_factory.mktemp("tiny-bert")
    tokenizer = _wordpiece()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    _save_tokenizer(folder, tokenizer, cls_token="[CLS]", pad_token="[PAD]", model_max_length=64)
    return folder
