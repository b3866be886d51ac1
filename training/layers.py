"""Weights without their word embeddings, where those stayed frozen: half of a small multilingual model and less.

    python -m fundstelle.training.layers extract FOLDER LAYERS     # a transformers folder to layers, in float16
    python -m fundstelle.training.layers assemble LAYERS FOLDER    # and back, with the bundled reader's embeddings

What `assemble` writes, `AutoModelForQuestionAnswering.from_pretrained` loads and `fundstelle train --from` goes on
with. The embeddings are those of the bundle, which has them at the 4 bits they were frozen at.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForQuestionAnswering

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings
from fundstelle.training.models import embedding_names
from fundstelle.training.reporting import existing_folder, reported

LAYERS = "layers.safetensors"
CONFIG = "config.json"
BESIDE = ("recipe.json", "data.json", "averaged.json", "README.md")


def extract(folder: Path, out: Path) -> None:
    """Write everything but the word embeddings of a question answering model, and what describes it.

    Raises:
        OSError: `folder` holds no model.
    """
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    names = embedding_names(model)
    weights = {name: one.half().contiguous() for name, one in model.state_dict().items() if name not in names}
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / LAYERS, metadata={"format": "pt", "embeddings": " ".join(sorted(names))})
    for file in (CONFIG, *BESIDE):
        if (folder / file).is_file():
            shutil.copy(folder / file, out / file)


def assemble(layers: Path, out: Path, bundled: Path | None = None) -> None:
    """Write a transformers folder from layers and the embeddings and tokenizer of a bundle.

    Raises:
        ValueError: the bundle's embeddings are another model's.
    """
    bundled = bundled or bundle.path()
    model = AutoModelForQuestionAnswering.from_config(AutoConfig.from_pretrained(layers))
    embeddings = Embeddings.open(bundled / bundle.EMBEDDINGS)
    target = model.get_input_embeddings().weight
    if target.shape != (len(embeddings), embeddings.width):
        raise ValueError(
            f"{layers} needs {target.shape[0]} embeddings of {target.shape[1]}, and {bundled} has "
            f"{len(embeddings)} of {embeddings.width}: give it the bundle these layers were trained on."
        )
    weights = {name: one.float() for name, one in load_file(layers / LAYERS).items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or len(missing) > 1:
        raise ValueError(f"{layers} does not fit its {CONFIG}: {', '.join([*missing[1:], *unexpected])}.")
    with torch.no_grad():
        target.copy_(torch.from_numpy(embeddings[np.arange(len(embeddings))]))
    model.save_pretrained(out)
    for file in (bundle.TOKENIZER, bundle.TOKENIZER_CONFIG):
        shutil.copy(bundled / file, out / file)


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.layers", description=__doc__)
    parser.add_argument("verb", choices=("extract", "assemble"))
    parser.add_argument("source", type=existing_folder)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    if options.verb == "extract":
        extract(options.source, options.out)
    else:
        assemble(options.source, options.out)


if __name__ == "__main__":
    main()
