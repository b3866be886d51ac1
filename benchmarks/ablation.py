"""What each part of our recipe is worth: the same short training, each time with one of them changed.

    python benchmarks/ablation.py ENCODER TRAINING_FILE... --parallel xquad.en.json xquad.de.json --squad2 dev.json
        --out FOLDER [--steps 300] [--dictionary FILE...] [--teacher READER] [--questions 200] [--parts NAME...]

Every training starts from ENCODER and has the same number of updates; the evaluation files are held out of it. The
PARALLEL files have the same questions in several languages. Printed for each training, on the mean over languages: F1
of the best answer in the right paragraph; the same where question and paragraph are in different languages; F1 of the
best answer over all of a file's paragraphs, found by words; and on SQUAD2 the F1 at the best threshold. Trainings and
figures are kept in FOLDER: a run that was stopped goes on, and one with more parts adds to it.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from machine import describe

from fundstelle.evaluation import answering, figures, reading
from fundstelle.evaluation.collection import temporary
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.squad2 import score
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.pipelines.retrieval import Retriever
from fundstelle.reader import bundle
from fundstelle.reader.reader import Reader
from fundstelle.training.recipes import Recipe
from fundstelle.training.session import Order, train

PARTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "no negatives": {"negatives": 0.0},
    "windows alone": {"shared": 0.0},
    "no unanswerable": {"unanswerable": False},
    "files whole": {"balance": 1.0},
    "no switching": {"switched": 0.0},
    "trained embeddings": {"freeze_embeddings": False},
    "no decay": {"decay": 0.0},
    "taught": {},
}
"""What is changed of the recipe, by the name of the training; "taught" has the teacher."""

FIGURES = ("own language", "across languages", "over the collection", "SQuAD 2")
TRIED = 3  # times as many questions of SQuAD 2 as of each other file


@dataclass(frozen=True)
class Examination:
    """What every reader is asked: so many questions of each file."""

    parallel: Sequence[Dataset]
    squad2: Dataset
    questions: int

    def take(self, folder: Path) -> dict[str, float]:
        """The figures of the reader in `folder`, in percent, by the names in `FIGURES`."""
        with Reader.load(folder) as reader:
            own = [alone(each.sample(self.questions), reader) for each in self.parallel]
            few = self.questions // max(1, len(self.parallel) - 1)
            pairs = permutations(self.parallel, 2)
            across = [alone(one.asked_by(other).sample(few), reader) for one, other in pairs]
            everywhere = [over_all(each, self.questions, reader) for each in self.parallel]
            rows = list(reading.read(self.squad2.sample(TRIED * self.questions), reader, score))
        means = map(statistics.fmean, (own, across, everywhere))
        return dict(zip(FIGURES, (*means, figures.figures(rows)["best_f1"]), strict=True))


def alone(dataset: Dataset, reader: Reader) -> float:
    """F1 of the best span of each question's own paragraph."""
    return 100 * statistics.fmean(row.forced_f1 for row in reading.read(dataset, reader, score))


def over_all(dataset: Dataset, questions: int, reader: Reader) -> float:
    """F1 of the best answer over all paragraphs of the data set."""
    counter = TokenCounter.load(bundle.path() / bundle.TOKENIZER)
    with temporary(dataset, counter) as (store, places):
        retriever = Retriever(store, "bm25")
        rows = answering.answer(dataset.sample(questions), retriever, places, reader, score)
        return 100 * statistics.fmean(row.forced_f1 for row in rows)


def trained(part: str, options: argparse.Namespace) -> Path:
    """The folder of the part's training, which is done or gone on with unless it is finished."""
    folder: Path = options.out / part.replace(" ", "-")
    if not (folder / "model.safetensors").is_file():
        recipe = Recipe(name=part, steps=options.steps).with_changes(PARTS[part])
        order = Order(
            model=str(options.encoder),
            files=options.files,
            out=folder,
            recipe=recipe,
            held_out=[*options.parallel, options.squad2],
            dictionaries=options.dictionary,
            teacher=options.teacher if part == "taught" else None,
        )
        train(order)
    return folder


def examined(folder: Path, examination: Examination) -> dict[str, float]:
    """The figures of a training, measured once."""
    file = folder / f"figures-{examination.questions}.json"
    if not file.is_file():
        file.write_text(json.dumps(examination.take(folder), indent=1) + "\n", encoding="utf-8")
    found: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("encoder", type=Path, help="where every training starts")
    parser.add_argument("files", type=Path, nargs="+", help="training data, SQuAD files")
    parser.add_argument(
        "--parallel", type=Path, nargs="+", required=True, help="the same questions, by language"
    )
    parser.add_argument("--squad2", type=Path, required=True, help="questions, some of them unanswerable")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300, help="updates of each training")
    parser.add_argument("--dictionary", type=Path, nargs="*", default=[], help="FreeDict .index files")
    parser.add_argument("--teacher", help='the reader that teaches the training "taught"')
    parser.add_argument("--questions", type=int, default=200, help="of each file")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="default: all")
    options = parser.parse_args()
    examination = Examination(
        [load(file) for file in options.parallel], load(options.squad2), options.questions
    )
    print(describe(), f"{options.steps} updates", sep="\n")
    print(f"{'':20}", *(f"{name:>20}" for name in FIGURES))
    for part in options.parts:
        if part != "taught" or options.teacher:
            found = examined(trained(part, options), examination)
            print(f"{part:20}", *(f"{found[name]:20.1f}" for name in FIGURES), flush=True)


if __name__ == "__main__":
    main()
