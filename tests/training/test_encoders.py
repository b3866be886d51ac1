"""What is packed of an encoder, the light engine runs: torch's vectors, over a reader's embeddings."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering, BertModel

from fundstelle.encoder import Encoder, bundle, loading
from fundstelle.encoder.encoder import Parts
from fundstelle.reader import bundle as reader_bundle
from fundstelle.reader import light
from fundstelle.training.encoders import main, pack_encoder
from fundstelle.training.packing import pack_reader

LETTERS = "".join(map(chr, range(33, 125)))
TEXTS = [LETTERS[:20], LETTERS[40:45], LETTERS[::3], "a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder with the prefixes of e5, as transformers and sentence-transformers save it."""
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=96,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    model = BertModel(config)
    model.save_pretrained(folder)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"cls_token": "<s>", "pad_token": "<pad>"}')
    prompts = {"prompts": {"query": "q: ", "passage": "p: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture(scope="module")
def reader(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a reader over the encoder's embeddings, which the encoder then has at 4 bits, too."""
    model = BertModel.from_pretrained(folder)
    reading = BertForQuestionAnswering(model.config)
    reading.bert.embeddings.load_state_dict(model.embeddings.state_dict())
    source, out = tmp_path_factory.mktemp("reader"), tmp_path_factory.mktemp("bundle")
    reading.save_pretrained(source)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (source / name).write_bytes((folder / name).read_bytes())
    pack_reader(source, out)
    table = reader_bundle.Embeddings.open(out / reader_bundle.EMBEDDINGS)[np.arange(96)]
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(torch.from_numpy(table))
    model.save_pretrained(folder)
    return out


@pytest.fixture(scope="module")
def packed(folder: Path, reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoder packed in float32."""
    out = tmp_path_factory.mktemp("float32")
    pack_encoder(folder, out, reader=reader, name="small", licence="CC0-1.0")
    return out


def opened(bundled: Path, reader: Path, exact: bool) -> Encoder:
    """The packed encoder over the embeddings of `reader`, which need not be the package's."""

    def load() -> Parts:
        return bundle.load(bundled, bundle.Config.read(bundled), exact=exact, reader=reader)

    return Encoder(bundle.Config.read(bundled).description, load)


def test_torch_and_the_light_engine_agree(folder: Path, reader: Path, packed: Path) -> None:
    """In float32 both give the same vectors, for queries and passages of any length, whatever the batch."""
    light_vectors = opened(packed, reader, exact=True)
    torch_vectors = Encoder.load(folder, device="cpu", dtype="float32")
    for texts in (TEXTS, TEXTS[:1], [LETTERS * 3]):
        for mine, reference in (
            (light_vectors.queries(texts), torch_vectors.queries(texts)),
            (light_vectors.passages(texts), torch_vectors.passages(texts)),
        ):
            assert np.allclose(mine, reference, atol=1e-4)


@pytest.mark.parametrize("instructions", [True, False])
def test_8_bits_give_nearly_the_same(
    folder: Path, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instructions: bool
) -> None:
    """Packed by the command line in 8 bits, the layers are small and the vectors near those of float32."""
    paragraphs = [
        {
            "context": LETTERS[i:] * 2,
            "qas": [{"question": LETTERS[:-i:3], "id": str(i), "answers": [], "is_impossible": True}],
        }
        for i in range(2, 50, 2)
    ]
    questions = tmp_path / "squad.json"
    questions.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    out = tmp_path / "bundle"
    main([str(folder), str(out), "--reader", str(reader), "--calibrate", str(questions), "--licence", "MIT"])
    monkeypatch.setattr(light, "multiplies_bytes", lambda: instructions)
    small = opened(out, reader, exact=False)
    reference = Encoder.load(folder, device="cpu", dtype="float32").passages(TEXTS)
    assert (small.passages(TEXTS) * reference).sum(1).min() > 0.98
    assert bundle.Config.read(out).precision == "int8"
    assert (out / bundle.LAYERS_DATA).stat().st_size < (folder / "model.safetensors").stat().st_size / 3


def test_a_bundle_says_what_it_is(folder: Path, packed: Path) -> None:
    """Name, prefixes, width and digests are there, the embeddings are not; the revision is that of its parts."""
    config = bundle.Config.read(packed)
    assert (config.name, config.query_prefix, config.passage_prefix) == ("small", "q: ", "p: ")
    assert (config.width, config.max_length, config.licence) == (64, 128, "CC0-1.0")
    assert {path.name for path in packed.iterdir()} == {bundle.LAYERS, bundle.LAYERS_DATA, bundle.CONFIG}
    description, _, _ = loading.find(packed, device=None, dtype=None, hub={}, changes={})
    assert description.revision == config.revision and len(config.revision) == 16


def test_embeddings_of_another_reader_are_refused(folder: Path, reader: Path, tmp_path: Path) -> None:
    """An encoder whose word embeddings are not the reader's cannot share its table."""
    model = BertModel.from_pretrained(folder)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1.1)
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="cannot share one table"):
        pack_encoder(tmp_path, tmp_path / "out", reader=reader)
    other = BertModel(BertConfig(vocab_size=50, hidden_size=64, num_hidden_layers=1, num_attention_heads=4))
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match="50, 64"):
        pack_encoder(tmp_path / "other", tmp_path / "out", reader=reader)
