"""From an extractive QA model to a bundle for the light reader: `fundstelle pack` is this.

How far 8 bits are from float32 is written into config.json: see `quantising`. What a bundle consists of is said in
`fundstelle.reader.bundle`.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fundstelle.reader import bundle
from fundstelle.reader.confidence import FILE_NAME
from fundstelle.reader.embeddings import Embeddings, compact
from fundstelle.reader.engine import Batch
from fundstelle.reader.light import import_openvino
from fundstelle.reader.tokenization import ReaderTokenizer, read_roles

WINDOWS = 400
"""As many as the bundled reader was packed with: some 18 of each of 22 languages."""

DATA = (bundle.EMBEDDINGS, bundle.LAYERS, bundle.LAYERS_DATA, bundle.TOKENIZER, bundle.TOKENIZER_CONFIG)


def pack_reader(
    source: str | Path,
    out: Path,
    *,
    calibrate: Sequence[Path] = (),
    windows: int = WINDOWS,
    name: str | None = None,
    licence: str = "",
    provenance: str = "",
) -> None:
    """Write the bundle `out` from `source`, an extractive QA model by folder or hub name.

    A bundle that is there is replaced file by file, only when all of the new one is made: readers that run
    have its table and its layers mapped into memory, and keep what they opened. A calibration of probabilities that
    the model brings comes along.

    Args:
        calibrate: files in SQuAD format, one for each language where there are several: with them the layers are at
            8 bits, without them in float32.
        windows: of question and passage that are drawn from these files, all together; a large model takes a second and
            more over each.
        licence: of the weights, as an SPDX expression.
        provenance: how the weights came to be, for people.

    Raises:
        ValueError: the model is of a kind that cannot be exported, there is nothing to calibrate on, or `out` holds
            a model that is no bundle.
        FileNotFoundError: there is no such model.
    """
    from fundstelle.reader.hub import find_file

    if (out / bundle.CONFIG).is_file() and not (out / bundle.LAYERS).is_file():
        raise ValueError(f"{out} holds another model, which would be damaged: name a folder of its own.")
    model, tokenizer = _load(str(source))
    drawn = _drawn(calibrate, tokenizer, windows)
    about = {
        "name": name or Path(source).name,
        "licence": licence,
        "max_length": tokenizer.max_length,
        "precision": "int8" if calibrate else "float32",
        "provenance": provenance,
    }
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".packing-") as made:
        new = Path(made)
        _write_tokenizer(tokenizer, str(source), new)
        _write_embeddings(model, new)
        quantisation = _write_layers(model, tokenizer.token_types, new, drawn)
        _write_config(new, about | quantisation)
        if fitted := find_file(str(source), FILE_NAME, {}):
            shutil.copy(fitted, new)
        for file in new.iterdir():
            file.replace(out / file.name)


def _load(source: str) -> tuple[Any, ReaderTokenizer]:
    """The model in float32, and its tokenizer."""
    from fundstelle.reader.hub import load_model, load_tokenizer

    model = load_model(source, {}).float()
    tokenizer = load_tokenizer(source, model, {})
    if not tokenizer.question_first:
        raise ValueError(
            f"{source} reads padding before text, which packed layers cannot: read with the model itself."
        )
    return model, tokenizer


def _drawn(files: Sequence[Path], tokenizer: ReaderTokenizer, count: int) -> list[Batch]:
    """What to calibrate on, none without files; read before the model is exported, which takes long."""
    from fundstelle.training.quantising import calibration_windows

    if not files:
        return []
    return calibration_windows(files, tokenizer.backend, max_length=tokenizer.max_length, count=count)


def _write_tokenizer(tokenizer: ReaderTokenizer, source: str, out: Path) -> None:
    """Without escapes and spaces, a vocabulary of many scripts takes half the space and loads a fifth faster."""
    from fundstelle.training.models import save_tokenizer

    with TemporaryDirectory() as saved:
        save_tokenizer(tokenizer, source, Path(saved))
        content = json.loads((Path(saved) / bundle.TOKENIZER).read_text(encoding="utf-8"))
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (out / bundle.TOKENIZER).write_text(text, encoding="utf-8")
        _write_roles(Path(saved), out / bundle.TOKENIZER_CONFIG)


def _write_roles(saved: Path, file: Path) -> None:
    """The special tokens by role, in one file, where older models have two."""
    if (saved / file.name).is_file() and not (saved / "special_tokens_map.json").is_file():
        shutil.copy(saved / file.name, file)
    else:
        file.write_text(json.dumps(read_roles(saved), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_embeddings(model: Any, out: Path) -> None:
    weights = model.get_input_embeddings().weight.detach().float().numpy()
    np.save(out / bundle.EMBEDDINGS, compact(weights))


def _write_layers(model: Any, token_types: bool, out: Path, windows: Sequence[Batch]) -> dict[str, Any]:
    """The layers, at 8 bits where there is something to calibrate on; returns what config.json says of that."""
    from fundstelle.training.exporting import export_layers
    from fundstelle.training.quantising import quantise_layers

    layers, about = export_layers(model, token_types), {}
    if windows:
        quantised = quantise_layers(layers, Embeddings.open(out / bundle.EMBEDDINGS), windows)
        layers, about = quantised.layers, {"quantisation": quantised.about()}
    import_openvino().save_model(layers, out / bundle.LAYERS, compress_to_fp16=False)
    return about


def _write_config(out: Path, about: dict[str, Any]) -> None:
    config = about | {"sha256": {file: digest(out / file) for file in DATA}}
    text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
    (out / bundle.CONFIG).write_text(text, encoding="utf-8")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
