"""What packing writes, the light engine runs: the same logits as torch, in float32 and nearly so in 8 bits."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch
from fundstelle.training.packing import main, pack_reader

PIECES = 96


def save_reader(folder: Path) -> None:
    """A small random BERT with a tokenizer of one-letter pieces, as transformers saves them."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=PIECES,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=300,
        initializer_range=0.2,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *map(chr, range(32, 32 + PIECES - 4))]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"cls_token": "<s>", "pad_token": "<pad>"}')


def save_questions(file: Path) -> Path:
    """A SQuAD file with a few questions."""
    questions = [{"question": f"what is {i}?", "id": str(i), "answers": []} for i in range(12)]
    paragraphs = [{"context": "nothing but words and 12 numbers. " * 20, "qas": questions}]
    file.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    return file


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    save_reader(folder)
    return folder


@pytest.fixture(scope="module")
def packed(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader packed in float32."""
    out = tmp_path_factory.mktemp("float32")
    pack_reader(reader, out, name="small", licence="CC0-1.0")
    return out


def batch(*lengths: int) -> Batch:
    """Random windows of these lengths, padded to the longest."""
    ids = np.random.default_rng(sum(lengths)).integers(4, PIECES, (len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    return Batch(np.where(mask, ids, 1), mask)


def expected(reader: Path, packed: Path, windows: Batch) -> tuple[np.ndarray, np.ndarray]:
    """What torch says with the embeddings that the bundle has."""
    model = BertForQuestionAnswering.from_pretrained(reader).eval()
    table = Embeddings.open(packed / bundle.EMBEDDINGS)[np.arange(PIECES)]
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(torch.from_numpy(table))
        output = model(torch.from_numpy(windows.input_ids), torch.from_numpy(windows.attention_mask))
    return output.start_logits.numpy(), output.end_logits.numpy()


@pytest.mark.parametrize("lengths", [(1,), (7,), (40, 3, 17), (5,) * 9, (300, 299)])
def test_torch_and_the_light_engine_agree(reader: Path, packed: Path, lengths: tuple[int, ...]) -> None:
    """On the same float32 weights both engines' logits differ by at most 1e-3, whatever the shape."""
    windows = batch(*lengths)
    mine = bundle.load_engine(packed, exact=True).logits(windows)
    for logits, reference in zip(mine, expected(reader, packed, windows), strict=True):
        assert logits.dtype == np.float32
        assert np.abs(logits - reference)[windows.attention_mask == 1].max() < 1e-3


def test_a_bundle_in_8_bits_reads_nearly_the_same(reader: Path, tmp_path: Path) -> None:
    """Quantised layers are a third of the size at most, and their logits follow those of torch closely."""
    out, questions = tmp_path / "bundle", save_questions(tmp_path / "squad.json")
    main([str(reader), str(out), "--calibrate", str(questions), "--name", "small", "--licence", "CC0-1.0"])
    loaded, windows = bundle.load(out), batch(60, 31)
    assert loaded.config.precision == "int8"
    assert "int8" in loaded.engine.description
    for logits, reference in zip(loaded.engine.logits(windows), expected(reader, out, windows), strict=True):
        assert np.corrcoef(logits.ravel(), reference.ravel())[0, 1] > 0.95
    assert (out / bundle.LAYERS_DATA).stat().st_size < sum(
        weights.numel() * 4 for name, weights in _weights(reader).items() if "word_embeddings" not in name
    ) / 3


def _weights(reader: Path) -> dict[str, torch.Tensor]:
    return BertForQuestionAnswering.from_pretrained(reader).state_dict()


def test_a_bundle_says_what_it_is(packed: Path) -> None:
    """config.json has name, licence, precision, the longest window, and every data file's true digest."""
    config = bundle.Config.read(packed)
    assert (config.name, config.licence, config.precision) == ("small", "CC0-1.0", "float32")
    assert config.max_length == 300
    written = {file.name for file in packed.iterdir()} - {bundle.CONFIG}
    assert set(config.sha256) == written
    for name, digest in config.sha256.items():
        assert hashlib.sha256((packed / name).read_bytes()).hexdigest() == digest


def test_files_without_questions_cannot_calibrate(reader: Path, tmp_path: Path) -> None:
    """Calibrating on nothing is an error that says what is missing, and no quantisation of noise."""
    empty = tmp_path / "empty.json"
    empty.write_text('{"data": []}')
    with pytest.raises(ValueError, match="SQuAD files with questions"):
        pack_reader(reader, tmp_path / "bundle", calibrate=[empty])
