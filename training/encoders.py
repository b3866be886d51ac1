"""From a transformers folder to the bundle of an encoder, which needs a reader's bundle for its embeddings.

    python -m fundstelle.training.encoders FOLDER OUT --reader BUNDLE --calibrate FILE... [--name NAME]

FOLDER holds an encoder with mean pooling whose word embeddings and tokenizer are those of the reader's bundle.
FILEs are in SQuAD format, one for each language where there are several; without `--calibrate` the layers stay in
float32. What a bundle consists of is said in `fundstelle.encoder.bundle`.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fundstelle.encoder import bundle
from fundstelle.encoder.hub import Recipe, load_model, read_recipe
from fundstelle.reader import bundle as reader_bundle
from fundstelle.reader.embeddings import TOLERANCE, Embeddings, difference
from fundstelle.reader.light import import_openvino
from fundstelle.training.packing import digest
from fundstelle.training.reporting import existing_folder, reported

SHARED = (reader_bundle.EMBEDDINGS, reader_bundle.TOKENIZER, reader_bundle.TOKENIZER_CONFIG)
"""Files of the reader's bundle that the encoder needs."""


def pack_encoder(
    folder: Path,
    out: Path,
    *,
    reader: Path,
    calibrate: Sequence[Path] = (),
    name: str | None = None,
    licence: str = "",
    provenance: str = "",
) -> None:
    """Write the bundle `out` from `folder`. ValueError where its embeddings are not those of `reader`."""
    recipe = read_recipe(folder.name, folder)
    model = load_model(folder, attn_implementation="sdpa")
    check_embeddings(model, reader)
    out.mkdir(parents=True, exist_ok=True)
    _write_layers(model, out, reader, calibrate, recipe)
    digests = {file: digest(out / file) for file in (bundle.LAYERS, bundle.LAYERS_DATA)}
    digests |= {file: digest(reader / file) for file in SHARED}
    prefixes = {"query_prefix": recipe.query_prefix, "passage_prefix": recipe.passage_prefix}
    config = {
        "name": name or folder.name,
        "licence": licence,
        "revision": _revision(digests, prefixes),
        "width": int(model.config.hidden_size),
        "max_length": _max_length(model, recipe),
        **prefixes,
        "precision": "int8" if calibrate else "float32",
        "provenance": provenance,
        "sha256": digests,
    }
    text = json.dumps(config, indent=1, ensure_ascii=False)
    (out / bundle.CONFIG).write_text(text + "\n", encoding="utf-8")


def _max_length(model: Any, recipe: Recipe) -> int:
    return recipe.max_length or int(model.config.max_position_embeddings)


def check_embeddings(model: Any, reader: Path) -> None:
    """Raise ValueError unless the model's word embeddings are the packed ones of `reader`."""
    own = model.get_input_embeddings().weight.detach().float().numpy()
    packed = Embeddings.open(reader / reader_bundle.EMBEDDINGS)
    if own.shape != (len(packed), packed.width):
        raise ValueError(
            f"The encoder has {own.shape} word embeddings, the reader {len(packed), packed.width}."
        )
    if (differing := difference(packed, own)) > TOLERANCE:
        raise ValueError(
            f"The encoder's word embeddings differ from the reader's by {differing:.1%}: they cannot share one "
            "table. Pack a reader that was trained over the same embeddings."
        )


def _write_layers(model: Any, out: Path, reader: Path, calibrate: Sequence[Path], recipe: Recipe) -> None:
    from fundstelle.training.exporting import export_encoder
    from fundstelle.training.quantising import quantise_at, text_windows

    layers = export_encoder(model)
    if calibrate:
        windows = text_windows(
            calibrate,
            reader_bundle.load_tokenizer(reader),
            recipe.query_prefix,
            recipe.passage_prefix,
            max_length=_max_length(model, recipe),
        )
        layers = quantise_at(layers, Embeddings.open(reader / reader_bundle.EMBEDDINGS), windows)
    import_openvino().save_model(layers, out / bundle.LAYERS, compress_to_fp16=False)


def _revision(digests: dict[str, str], prefixes: dict[str, str]) -> str:
    """Changes with everything that vectors depend on."""
    decisive = {**digests, **prefixes}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.encoders", description=__doc__)
    parser.add_argument("folder", type=existing_folder, help="a transformers folder with an encoder")
    parser.add_argument("out", type=Path, help="the folder to write the bundle to")
    parser.add_argument(
        "--reader", type=existing_folder, required=True, help="the reader's bundle to share embeddings with"
    )
    parser.add_argument("--calibrate", type=Path, nargs="+", default=[], metavar="FILE", help="SQuAD files")
    parser.add_argument("--name", help="what the encoder is called (default: the folder's name)")
    parser.add_argument("--licence", default="", help="licence of the weights, as an SPDX expression")
    parser.add_argument("--provenance", default="", help="how the weights came to be")
    pack_encoder(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
