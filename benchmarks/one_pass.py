"""Could one set of layers embed and read? Layers between an encoder and the reader that was fine-tuned from it.

    python benchmarks/one_pass.py ENCODER READER xquad.en.json xquad.de.json [--questions 200] [--shares 0 0.5 1]

Both folders hold weights in transformers' format, of one architecture. For each share the layers are so much the
reader's and for the rest the encoder's; the head is the reader's. Printed: how often a question's paragraph is the
nearest of the file's by cosine, and F1 of the best answer in the right paragraph, both in percent, by file.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from transformers import AutoModel, AutoModelForQuestionAnswering, AutoTokenizer

from fundstelle.encoder import Encoder
from fundstelle.encoder.hub import E5_PREFIXES
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.reading import read
from fundstelle.evaluation.squad2 import score_v1
from fundstelle.reader.reader import Reader


def mix(encoder: Path, reader: Path, share: float, out: Path) -> None:
    """Write a reader whose layers are `share` the reader's, and its layers as an encoder: `reader`, `encoder`."""
    model = AutoModelForQuestionAnswering.from_pretrained(reader, dtype=torch.float32)
    start = AutoModel.from_pretrained(encoder, dtype=torch.float32).state_dict()
    with torch.no_grad():
        for name, weight in model.base_model.named_parameters():
            weight.lerp_(start[name], 1 - share)
    save(model, reader, out)


def save(model: Any, source: Path, out: Path) -> None:
    """The model as a reader and its layers as an encoder, each with the tokenizer in `source`: `reader`, `encoder`."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    for name, each in (("reader", model), ("encoder", model.base_model)):
        each.save_pretrained(out / name)
        tokenizer.save_pretrained(out / name)


def nearest(dataset: Dataset, asked: Dataset, folder: Path) -> float:
    """The share of the questions `asked` whose paragraph is the nearest of all in the data set."""
    query, passage = E5_PREFIXES
    with Encoder.load(folder, query_prefix=query, passage_prefix=passage) as encoder:
        paragraphs = encoder.passages(dataset.contexts)
        queries = encoder.queries([one.text for one in asked.questions])
    found = (queries @ paragraphs.T).argmax(axis=1)
    right = [dataset.contexts.index(one.context) for one in asked.questions]
    return 100 * float(np.mean(found == np.array(right)))


def answered(asked: Dataset, folder: Path) -> float:
    """F1 of the best span of each question's own paragraph."""
    with Reader.load(folder) as reader:
        return 100 * statistics.fmean(row.forced_f1 for row in read(asked, reader, score_v1))


def judged(files: Sequence[Dataset], questions: int, folder: Path) -> str:
    """What `nearest` and `answered` find of some questions of each file, for the pair that `save` left in `folder`."""
    cells = (
        (nearest(each, asked, folder / "encoder"), answered(asked, folder / "reader"))
        for each in files
        for asked in [each.sample(questions)]
    )
    return " ".join(f"{found:7.1f} /{f1:5.1f}" for found, f1 in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("reader", type=Path)
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files")
    parser.add_argument("--questions", type=int, default=200, help="of each file")
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 1])
    options = parser.parse_args()
    print(describe())
    print("share of the reader: nearest paragraph right / F1 of the answer, by file")
    whole = [load(file) for file in options.files]
    for share in options.shares:
        with tempfile.TemporaryDirectory() as scratch:
            mix(options.encoder, options.reader, share, Path(scratch))
            print(f"{share:5.2f}", judged(whole, options.questions, Path(scratch)), flush=True)


if __name__ == "__main__":
    main()
