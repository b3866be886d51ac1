"""From a transformers folder to a bundle for the light reader.

    python -m fundstelle.training.packing FOLDER OUT --calibrate FILE... [--name NAME] [--provenance TEXT]

FILEs are in SQuAD format, one for each language where there are several; without `--calibrate` the layers stay in
float32. How far 8 bits are from it is written into config.json: see `quantising`. What a bundle consists of is said
in `fundstelle.reader.bundle`.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings, pack
from fundstelle.reader.light import import_openvino

DATA = (bundle.EMBEDDINGS, bundle.LAYERS, bundle.LAYERS_DATA, bundle.TOKENIZER, bundle.TOKENIZER_CONFIG)


def pack_reader(
    folder: Path,
    out: Path,
    *,
    calibrate: Sequence[Path] = (),
    name: str | None = None,
    licence: str = "",
    provenance: str = "",
) -> None:
    """Write the bundle `out` from `folder`, which `AutoModelForQuestionAnswering.from_pretrained` can load.

    A bundle that is there is replaced file by file, only when all of the new one is made: readers that run
    have its table and its layers mapped into memory, and keep what they opened.
    """
    from transformers import AutoModelForQuestionAnswering

    model = AutoModelForQuestionAnswering.from_pretrained(folder, attn_implementation="sdpa")
    about = {
        "name": name or folder.name,
        "licence": licence,
        "max_length": int(model.config.max_position_embeddings),
        "precision": "int8" if calibrate else "float32",
        "provenance": provenance,
    }
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".packing-") as made:
        new = Path(made)
        _write_tokenizer(folder, new)
        _write_embeddings(model, new)
        quantisation = _write_layers(model, new, calibrate)
        _write_config(new, about | quantisation)
        for file in (*DATA, bundle.CONFIG):
            (new / file).replace(out / file)


def _write_tokenizer(folder: Path, out: Path) -> None:
    """Without escapes and spaces, a vocabulary of many scripts takes half the space and loads a fifth faster."""
    tokenizer = json.loads((folder / bundle.TOKENIZER).read_text(encoding="utf-8"))
    compact = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (out / bundle.TOKENIZER).write_text(compact, encoding="utf-8")
    shutil.copy(folder / bundle.TOKENIZER_CONFIG, out / bundle.TOKENIZER_CONFIG)


def _write_embeddings(model: Any, out: Path) -> None:
    weights = model.get_input_embeddings().weight.detach().float().numpy()
    np.save(out / bundle.EMBEDDINGS, pack(weights))


def _write_layers(model: Any, out: Path, calibrate: Sequence[Path]) -> dict[str, Any]:
    """The layers, at 8 bits where there is something to calibrate on; returns what config.json says of that."""
    from fundstelle.training.exporting import export_layers
    from fundstelle.training.quantising import calibration_windows, quantise_layers

    layers, about = export_layers(model), {}
    if calibrate:
        windows = calibration_windows(calibrate, bundle.load_tokenizer(out))
        quantised = quantise_layers(layers, Embeddings.open(out / bundle.EMBEDDINGS), windows)
        layers = quantised.layers
        about = {"quantisation": {"strength": quantised.strength, "divergences": quantised.divergences}}
    import_openvino().save_model(layers, out / bundle.LAYERS, compress_to_fp16=False)
    return about


def _write_config(out: Path, about: dict[str, Any]) -> None:
    config = about | {"sha256": {file: digest(out / file) for file in DATA}}
    text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
    (out / bundle.CONFIG).write_text(text, encoding="utf-8")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.packing", description=__doc__)
    parser.add_argument("folder", type=Path, help="a transformers folder with an extractive QA model")
    parser.add_argument("out", type=Path, help="the folder to write the bundle to")
    parser.add_argument("--calibrate", type=Path, nargs="+", default=[], metavar="FILE", help="SQuAD files")
    parser.add_argument("--name", help="what the reader is called (default: the folder's name)")
    parser.add_argument("--licence", default="", help="licence of the weights, as an SPDX expression")
    parser.add_argument("--provenance", default="", help="how the weights came to be")
    pack_reader(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
