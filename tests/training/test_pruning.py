"""Pruned vocabularies: what is kept reads as before, and nothing becomes unknown."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    XLMRobertaConfig,
    XLMRobertaForQuestionAnswering,
)

from fundstelle.indexing.documents import Passage
from fundstelle.reader.reader import Reader
from fundstelle.training.pruning import growth, main, prune

WORDS = ["tower", "river", "bridge", "old", "the", "is", "tow", "riv", "er"]
LETTERS = "abcdefghijklmnopqrstuvwxyz.?"
TEXTS = ["the tower is old.", "is the river old?"]


def xlmr(folder: Path) -> Path:
    """A random XLM-R with a Unigram vocabulary, whose padding is not piece 0."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    words = [(f"▁{word}", -3.0) for word in WORDS] + [(word, -4.0) for word in WORDS]
    smallest = [*f"▁{LETTERS}", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = [*((one, 0.0) for one in specials), *words, *((one, -9.0) for one in smallest)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(specials)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    config = XLMRobertaConfig(**_sizes(tokenizer), pad_token_id=1, type_vocab_size=1)
    return _save(folder, XLMRobertaForQuestionAnswering(config), tokenizer, "<s>", "<pad>")


def bert(folder: Path) -> Path:
    """A random BERT with a WordPiece vocabulary, whose special tokens stand at its end."""
    pieces = [*WORDS, *(f"##{word}" for word in WORDS), *LETTERS, *(f"##{one}" for one in LETTERS)]
    pieces += ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece({one: i for i, one in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(pieces[-4:])
    cls, sep = (("[CLS]", pieces.index("[CLS]")), ("[SEP]", pieces.index("[SEP]")))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    config = BertConfig(**_sizes(tokenizer), pad_token_id=pieces.index("[PAD]"))
    return _save(folder, BertForQuestionAnswering(config), tokenizer, "[CLS]", "[PAD]")


def _sizes(tokenizer: Tokenizer) -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "vocab_size": tokenizer.get_vocab_size() + 5,  # rows that no piece has, as e5 has them
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 200,
        "initializer_range": 0.2,
    }


def _save(folder: Path, model: Any, tokenizer: Tokenizer, cls: str, pad: str) -> Path:
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"cls_token": cls, "pad_token": pad}))
    return folder


@pytest.fixture(params=[xlmr, bert], ids=["unigram", "wordpiece"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder: Path = request.param(tmp_path / "model")
    return folder


def scores(folder: Path) -> list[float]:
    """Null and span scores of a text and a shorter one, which is padded."""
    passages = [Passage(str(i), "d", text, 0, "s") for i, text in enumerate([TEXTS[0], "the tower."])]
    with Reader.load(folder, device="cpu", dtype="float32") as reader:
        readings = reader.read(TEXTS[1], passages)
    return [score for one in readings for score in (one.null_score, *(span.score for span in one.spans))]


def test_texts_whose_pieces_were_kept_read_as_before(model: Path, tmp_path: Path) -> None:
    """The same scores from a smaller table, in which every piece has another number."""
    kept = prune(model, tmp_path / "pruned", TEXTS)
    before, after = (Tokenizer.from_file(str(one / "tokenizer.json")) for one in (model, tmp_path / "pruned"))
    assert after.get_vocab_size() == len(kept) < before.get_vocab_size()
    assert scores(tmp_path / "pruned") == pytest.approx(scores(model), abs=1e-5)


def test_nothing_becomes_unknown(model: Path, tmp_path: Path) -> None:
    """Words that were left out are written with smaller pieces, and the text is longer by as much as is said."""
    prune(model, tmp_path / "pruned", TEXTS)
    before, after = (Tokenizer.from_file(str(one / "tokenizer.json")) for one in (model, tmp_path / "pruned"))
    text = "the bridge is old."
    pieces = after.encode(text).tokens
    assert not {"<unk>", "[UNK]"} & set(pieces)
    assert growth(before, after, [text]) > 0
    assert growth(before, after, TEXTS) == 0


def test_bytes_are_kept(tmp_path: Path) -> None:
    """A vocabulary that spells unknown characters by their bytes still does."""
    folder = xlmr(tmp_path / "model")
    prune(folder, tmp_path / "pruned", TEXTS)
    after = Tokenizer.from_file(str(tmp_path / "pruned" / "tokenizer.json"))
    assert after.encode("ß", add_special_tokens=False).tokens == ["▁", "<0xC3>", "<0x9F>"]


def test_rare_pieces_can_be_left_out(model: Path, tmp_path: Path) -> None:
    """Those that the texts have less often than `least` times."""
    few = prune(model, tmp_path / "few", [*TEXTS, TEXTS[0]], least=3)
    assert len(few) < len(prune(model, tmp_path / "many", TEXTS))


def test_the_command_says_what_it_costs(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pieces before and after, and how much longer the texts of each other file became."""
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    (tmp_path / "other.txt").write_text("the bridge.\n")
    folder, out = str(model), str(tmp_path / "pruned")
    main(
        [
            folder,
            out,
            str(tmp_path / "texts.txt"),
            "--check",
            str(tmp_path / "texts.txt"),
            str(tmp_path / "other.txt"),
        ]
    )
    said = capsys.readouterr().out.splitlines()
    assert "pieces before" in said[0]
    assert said[1] == "texts.txt: 0.00% more tokens"
    assert float(said[2].split()[1].rstrip("%")) > 0


def test_older_models_are_pruned_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a tokenizer.json, what transformers makes of vocab.txt is what stood before."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS]
    pieces += [f"##{one}" for one in LETTERS]
    tokenizer = Tokenizer(models.WordPiece({one: i for i, one in enumerate(pieces)}, unk_token="[UNK]"))
    folder = tmp_path / "older"
    BertForQuestionAnswering(BertConfig(**_sizes(tokenizer))).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    (tmp_path / "texts.txt").write_text(TEXTS[0], encoding="utf-8")
    main([str(folder), str(tmp_path / "out"), str(tmp_path / "texts.txt")])
    assert capsys.readouterr().out.startswith(f"{len(pieces)} pieces before")


def test_other_vocabularies_are_refused(tmp_path: Path) -> None:
    """The merges of byte-pair encoding hang together: a sentence, not a broken tokenizer."""
    folder = bert(tmp_path / "model")
    vocabulary = {one: i for i, one in enumerate(["[CLS]", "[PAD]", *LETTERS])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.post_processor = processors.BertProcessing(("[CLS]", 0), ("[CLS]", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ValueError, match="kind BPE cannot be pruned"):
        prune(folder, tmp_path / "pruned", TEXTS)
