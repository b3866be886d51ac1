"""Encoders of transformers: the vectors are those of the model, whatever the batch."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fundstelle.encoder import Encoder, bundle, encoder

TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7 w8 w9", "", "w10 " * 17]
SaveEncoder = Callable[..., Path]


def loaded(folder: Path | str, **options: Any) -> Encoder:
    return Encoder.load(folder, device="cpu", dtype="float32", **options)


def expected(folder: Path, text: str, pooling: str = "mean") -> np.ndarray:
    """What transformers says of one text that fits a window."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    ids = torch.tensor([Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids])
    with torch.no_grad():
        hidden = BertModel.from_pretrained(folder).eval()(ids).last_hidden_state[0].numpy()
    vector = hidden.mean(0) if pooling == "mean" else hidden[0]
    return np.asarray(vector / np.linalg.norm(vector))


def test_vectors_are_the_models(folder: Path) -> None:
    """Query and passage have their own prefixes, tokens are averaged, and every vector has length 1."""
    with loaded(folder) as opened:
        queries, passages = opened.queries(TEXTS), opened.passages(TEXTS)
    assert queries.shape == passages.shape == (5, 32) and queries.dtype == np.float32
    for number, text in enumerate(TEXTS[:4]):
        assert np.allclose(queries[number], expected(folder, f"query: {text}"), atol=1e-5)
        assert np.allclose(passages[number], expected(folder, f"passage: {text}"), atol=1e-5)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)


def test_nothing_gives_no_vectors(folder: Path) -> None:
    """No texts give an array without rows."""
    assert loaded(folder).passages([]).shape == (0, 32)


def test_a_vector_does_not_depend_on_its_neighbours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text has the same vector alone, among many, and across groups."""
    monkeypatch.setattr(encoder, "GROUP_SIZE", 4)
    opened = loaded(folder)
    texts = [f"w{number % 13} " * (1 + number % 11) for number in range(50)]
    together = opened.passages(texts)
    for number in (0, 7, 23, 49):
        assert np.allclose(opened.passages([texts[number]])[0], together[number], atol=1e-5)


def test_a_long_passage_is_the_mean_of_its_pieces(folder: Path) -> None:
    """Each piece weighs as much as it has tokens, so that nothing of a long passage is lost."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    text = " ".join(f"w{number}" for number in range(40))
    tokenizer, model = (
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        BertModel.from_pretrained(folder).eval(),
    )
    inner = tokenizer.encode(text, add_special_tokens=False).ids
    prefix = tokenizer.encode("passage:", add_special_tokens=False).ids
    assert 20 - 2 - len(prefix) == 16
    sums = np.zeros(32)
    for start, end in ((0, 13), (13, 26), (26, 40)):
        with torch.no_grad():
            sums += (
                model(torch.tensor([[2, *prefix, *inner[start:end], 3]])).last_hidden_state[0].sum(0).numpy()
            )
    vector = loaded(folder).passages([text])[0]
    assert np.allclose(vector, sums / np.linalg.norm(sums), atol=1e-5)


def test_the_first_token_is_taken_where_the_files_say_so(save_encoder: SaveEncoder, tmp_path: Path) -> None:
    """Pooling "cls" is read from the folder; prompts that a folder does not name are none."""
    folder = save_encoder(tmp_path / "model", pooling="cls")
    assert np.allclose(loaded(folder).queries(["w1 w2"])[0], expected(folder, "w1 w2", "cls"), atol=1e-5)


def test_the_files_say_how_long_a_window_is(save_encoder: SaveEncoder, tmp_path: Path) -> None:
    """`max_seq_length` below the model's own limit makes more pieces."""
    short = loaded(save_encoder(tmp_path / "model", max_seq_length=6))
    text = "w1 w2 w3 w4 w5 w6 w7 w8"
    halves = short.passages(["w1 w2 w3 w4", "w5 w6 w7 w8"])
    whole = short.passages([text])[0]
    assert whole @ halves.sum(0) / np.linalg.norm(halves.sum(0)) > 0.99


def test_a_plain_model_is_averaged_without_prefix(save_encoder: SaveEncoder, tmp_path: Path) -> None:
    """Without files of sentence-transformers tokens are averaged and nothing stands before a text."""
    folder = save_encoder(tmp_path / "model")
    assert loaded(folder).prefix == ""
    assert np.allclose(loaded(folder).passages(["w1 w2"])[0], expected(folder, "w1 w2"), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("multilingual-e5-base", "passage: "), ("e5-mistral-instruct", ""), ("bge-m3", ""), ("the5th", "")],
)
def test_the_e5_family_has_its_prefixes(
    save_encoder: SaveEncoder, tmp_path: Path, name: str, prefix: str
) -> None:
    """Models of that family are known by name, since their folders do not say; prefixes may be given by hand."""
    folder = save_encoder(tmp_path / name)
    assert loaded(folder).prefix == prefix
    assert loaded(folder, passage_prefix="text: ").prefix == "text: "


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"pooling": "max"}, "only mean and cls"),
        ({"modules": ("Transformer", "Pooling", "Dense")}, "Dense, which cannot be run"),
    ],
)
def test_what_cannot_be_run_is_refused(
    save_encoder: SaveEncoder, tmp_path: Path, settings: dict[str, Any], reason: str
) -> None:
    """A model that needs more than is run here is an error with the reason, and never gives wrong vectors."""
    with pytest.raises(ValueError, match=reason):
        loaded(save_encoder(tmp_path / "model", **settings))


def test_names_of_the_hub_are_fetched(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and one kind of weights are asked for, the older kind only where the newer is missing."""
    from fundstelle.encoder import hub

    old = Path(shutil.copytree(folder, tmp_path / "old"))
    (old / "model.safetensors").rename(old / "pytorch_model.bin")
    asked: list[tuple[str, bool]] = []

    def fetch(name: str, *, allow_patterns: list[str], revision: str) -> str:
        assert revision == "main" and "*.json" in allow_patterns
        asked.append((name, "*.bin" in allow_patterns))
        return str(old if name == "some/old" else folder)

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    opened = loaded("some/model", hub={"revision": "main"})
    assert opened.name == "some/model" and opened.revision == loaded(folder).revision
    assert hub.folder_of("some/old", {"revision": "main"}) == old
    assert asked == [("some/model", False), ("some/old", False), ("some/old", True)]
    (old / "pytorch_model.bin").unlink()
    with pytest.raises(ValueError, match="no weights"):
        hub.folder_of("some/old", {"revision": "main"})


def test_an_encoder_knows_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is where the weights lie, for a name of the hub, too: what was fitted for an encoder stands beside them."""
    from fundstelle.encoder import hub

    monkeypatch.setattr(hub, "snapshot_download", lambda name, **options: str(folder))
    assert loaded("some/model").folder == loaded(folder).folder == loaded(str(folder)).folder == folder
    assert Encoder.load().folder == bundle.path()


def test_an_encoder_that_cannot_be_had_is_one_sentence() -> None:
    """The name, the reason, and what to give instead."""
    with pytest.raises(
        FileNotFoundError, match=r"The model nobody/nothing cannot be loaded: .* Give the name"
    ):
        loaded("nobody/nothing", hub={"local_files_only": True})


def test_a_model_that_lacks_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    """Layers that the file does not have are not made up."""
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = load_file(broken / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1" not in name}
    save_file(kept, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacks weights"):
        loaded(broken).passages(["w1"])


def test_the_revision_tells_encoders_apart(folder: Path, save_encoder: SaveEncoder, tmp_path: Path) -> None:
    """A copy has the same revision; other pooling, prompts or weights have another; the width is the model's."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert loaded(copy).revision == loaded(folder).revision and loaded(folder).width == 32
    others = [save_encoder(tmp_path / "cls", pooling="cls"), save_encoder(tmp_path / "bare")]
    (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes() + b" ")
    revisions = [loaded(other).revision for other in (folder, copy, *others)]
    assert len(set(revisions)) == 4


def test_several_threads_share_an_encoder(folder: Path) -> None:
    """Threads that use one encoder at once, from its very first text, each get their own vectors."""
    opened, reference = loaded(folder), loaded(folder).passages(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(opened.passages, [TEXTS] * 12):
            assert np.allclose(vectors, reference, atol=1e-5)


def test_vectors_that_are_no_numbers_are_an_error(folder: Path) -> None:
    """A model that overflows is named; nothing of it reaches a store."""

    class Broken:
        description = "broken"

        def vectors(self, batch: Any) -> np.ndarray:
            return np.full((len(batch.input_ids), 32), np.nan, np.float32)

        def close(self) -> None: ...

    opened = loaded(folder)
    parts = opened._parts()
    broken = Encoder(opened.description, lambda: replace(parts, engine=Broken()))
    with pytest.raises(FloatingPointError, match="float32"):
        broken.passages(["w1"])
