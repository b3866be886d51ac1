"""What packing writes, the light engine runs: the same logits as torch, in float32 and nearly so in 8 bits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering

from fundstelle.reader import bundle, light
from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch
from fundstelle.training.exporting import export_layers
from fundstelle.training.packing import pack_reader
from fundstelle.training.quantising import (
    HELD_OUT,
    STRENGTHS,
    calibration_windows,
    divergence,
    quantise_at,
)
from fundstelle.training.releasing import TOLERATED, bearable, behind_activation, released

PIECES = 96


def save_reader(folder: Path, seed: int = 0) -> None:
    """A small random BERT with a tokenizer of one-letter pieces, as transformers saves them."""
    torch.manual_seed(seed)
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
    letters = "".join(map(chr, range(32, 32 + PIECES - 4)))
    paragraphs = [
        {"context": letters[i:] * 3, "qas": [_unanswerable(str(i), letters[::-3])]} for i in range(0, 48, 2)
    ]
    file.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    return file


def _unanswerable(identity: str, question: str) -> dict[str, Any]:
    return {"question": question, "id": identity, "answers": [], "is_impossible": True}


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
    mine = bundle.load(packed, exact=True).engine.logits(windows)
    for logits, reference in zip(mine, expected(reader, packed, windows), strict=True):
        assert logits.dtype == np.float32
        assert np.abs(logits - reference)[windows.attention_mask == 1].max() < 1e-3


@pytest.fixture(scope="module")
def quantised(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader packed in 8 bits."""
    out = tmp_path_factory.mktemp("int8")
    questions = save_questions(out / "squad.json")
    pack_reader(reader, out / "bundle", calibrate=[questions], name="small")
    return out / "bundle"


@pytest.mark.parametrize("instructions", [True, False])
def test_a_bundle_in_8_bits_reads_nearly_the_same(
    reader: Path, quantised: Path, monkeypatch: pytest.MonkeyPatch, instructions: bool
) -> None:
    """Quantised layers give nearly torch's logits, computed in 8 bits or widened as the processor likes it."""
    monkeypatch.setattr(light, "multiplies_bytes", lambda: instructions)
    loaded, windows = bundle.load(quantised), batch(60, 31)
    assert loaded.config.precision == "int8"
    assert ("int8" in loaded.engine.description) == instructions  # the rest as it likes: f32 or bf16
    wanted, shown = expected(reader, quantised, windows), windows.attention_mask == 1
    for logits, reference in zip(loaded.engine.logits(windows), wanted, strict=True):
        assert np.corrcoef(logits[shown], reference[shown])[0, 1] > 0.95


def test_a_bundle_in_8_bits_says_what_that_costs(quantised: Path) -> None:
    """config.json has the divergence from float32 for every strength of smoothing tried; the least was taken."""
    found = json.loads((quantised / bundle.CONFIG).read_text())["quantisation"]
    assert {float(strength) for strength in found["divergences"]} == set(STRENGTHS)
    assert found["divergences"][str(found["strength"])] == min(found["divergences"].values())
    assert 0 < min(found["divergences"].values()) < 0.1
    assert found["divergence"] <= max(TOLERATED, min(found["divergences"].values()))


@pytest.fixture(scope="module")
def everything(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Layers in which everything is taken to 8 bits that NNCF would take."""
    layers = export_layers(BertForQuestionAnswering.from_pretrained(reader))
    return quantise_at(layers, np.zeros((PIECES, 64), np.float32), [batch(9)])


def test_what_comes_out_of_activation_functions_can_stay_as_it_is(everything: Any) -> None:
    """Released, no quantiser stands behind an activation function but for those kept; others do their work."""
    named = [node.get_type_name() for node in everything.get_ops()]
    assert named.count("Gelu") == 2
    behind = [node.get_friendly_name() for node in light.quantisers(everything) if behind_activation(node)]
    assert len(behind) == 2
    for kept in ([], behind[:1], behind):
        left = light.quantisers(released(everything, kept))
        assert [node.get_friendly_name() for node in left if behind_activation(node)] == kept
        assert len(left) - len(kept) >= 7  # into attention, out of it, into the feed-forward layer, logits


@pytest.mark.parametrize(("tolerated", "kept"), [(0.0, []), (1.0, [0]), (2.5, [0]), (3.0, [0, 1])])
def test_as_much_stays_at_8_bits_as_can_be_borne(everything: Any, tolerated: float, kept: list[int]) -> None:
    """The least harmful stay, as many as the tolerated cost allows, wherever in the layers they are."""
    names = [node.get_friendly_name() for node in light.quantisers(everything) if behind_activation(node)]

    def cost(layers: Any) -> float:
        """1 for the last, 2 for the first."""
        left = {node.get_friendly_name() for node in light.quantisers(layers)}
        return sum(harm for harm, name in enumerate(reversed(names), 1) if name in left)

    assert bearable(everything, cost, tolerated) == {list(reversed(names))[place] for place in kept}


def test_divergence_is_in_nats() -> None:
    """Nothing from itself; ln 2 of a coin that falls one way from a fair one, over start and end on the mean."""
    fair, bent = np.log([[0.5, 0.5], [0.5, 0.5]]), np.log([[1.0, 1e-300], [0.5, 0.5]])
    assert divergence([fair], [fair]) == 0
    assert divergence([bent], [fair]) == pytest.approx(np.log(2) / 2)


def test_a_bundle_in_8_bits_is_small(reader: Path, quantised: Path) -> None:
    """Quantised layers take a third of the space at most that they take in float32."""
    layers = [size for name, size in _sizes(reader).items() if "word_embeddings" not in name]
    assert (quantised / bundle.LAYERS_DATA).stat().st_size < sum(layers) / 3


def _sizes(reader: Path) -> dict[str, int]:
    weights = BertForQuestionAnswering.from_pretrained(reader).state_dict()
    return {name: tensor.numel() * 4 for name, tensor in weights.items()}


def test_a_bundle_says_what_it_is(packed: Path) -> None:
    """config.json has name, licence, precision, the longest window, and every data file's true digest."""
    config = bundle.Config.read(packed)
    assert (config.name, config.licence, config.precision) == ("small", "CC0-1.0", "float32")
    assert config.max_length == 300
    written = {file.name for file in packed.iterdir()} - {bundle.CONFIG}
    assert set(config.sha256) == written
    for name, digest in config.sha256.items():
        assert hashlib.sha256((packed / name).read_bytes()).hexdigest() == digest


def test_packing_over_a_bundle_in_use_leaves_its_readers_alone(reader: Path, tmp_path: Path) -> None:
    """A reader that has a bundle open goes on with the weights it opened; who opens it anew gets the new ones."""
    pack_reader(reader, tmp_path)
    open_before, windows = bundle.load_engine(tmp_path, exact=True), batch(20, 9)
    before = open_before.logits(batch(5))
    files = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    save_reader(tmp_path / "other", seed=1)
    pack_reader(tmp_path / "other", tmp_path, name="other")
    assert all((tmp_path / name).stat().st_ino != number for name, number in files.items())
    assert {file.name for file in tmp_path.iterdir()} == files.keys() | {"other"}
    for logits, same in zip(open_before.logits(batch(5)), before, strict=True):
        assert np.array_equal(logits, same)
    wanted = expected(tmp_path / "other", tmp_path, windows)
    new = bundle.load_engine(tmp_path, exact=True).logits(windows)
    assert all(
        np.abs(a - b)[windows.attention_mask == 1].max() < 1e-3 for a, b in zip(new, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"data": []}', "holds no question"),
        ('{"questions": []}', "not in SQuAD format"),
        ('[{"question": "q", "context": "c"}]', "not in SQuAD format"),
        ('{"data": []}\n{"data": []}', "is not JSON"),
        (None, "SQuAD files with more questions"),
    ],
)
def test_files_that_cannot_calibrate_are_refused_first(
    reader: Path, tmp_path: Path, content: str | None, said: str
) -> None:
    """An error says what is wrong with the questions before the model is exported, and nothing is written."""
    file = tmp_path / "questions.json"
    file.write_text(content or json.dumps(_squad([_unanswerable("1", "?")])))
    with pytest.raises(ValueError, match=said):
        pack_reader(reader, tmp_path / "bundle", calibrate=[file])
    assert not (tmp_path / "bundle").exists()


def _squad(questions: list[dict[str, Any]], context: str = "abc" * 200) -> dict[str, Any]:
    return {"data": [{"title": "", "paragraphs": [{"context": context, "qas": questions}]}]}


@pytest.mark.parametrize(("max_length", "length", "asked"), [(512, 256, 64), (160, 160, 64), (90, 90, 45)])
def test_windows_to_calibrate_on_are_those_that_are_read(
    reader: Path, tmp_path: Path, max_length: int, length: int, asked: int
) -> None:
    """No longer than the model takes, and a question of many words is cut, as the reader cuts it."""
    file = tmp_path / "questions.json"
    questions = [_unanswerable(str(number), "xyz" * 200) for number in range(HELD_OUT)]
    file.write_text(json.dumps(_squad(questions)), encoding="utf-8-sig")
    tokenizer = Tokenizer.from_file(str(reader / "tokenizer.json"))
    windows = calibration_windows([file], tokenizer, max_length=max_length, count=HELD_OUT)
    letters = {tokenizer.token_to_id(letter) for letter in "xyz"}
    assert [window.input_ids.shape for window in windows] == [(1, length)] * HELD_OUT
    for window in windows:
        assert abs(sum(number in letters for number in window.input_ids[0].tolist()) - asked) <= 1
