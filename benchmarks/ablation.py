"""What each part of our recipe is worth: the same short training, each time with one of them changed.

    python benchmarks/ablation.py ENCODER TRAINING_FILE... --parallel xquad.en.json xquad.de.json --squad2 dev.json
        --out FOLDER [--across FILE...] [--translated FILE...] [--dictionary FILE...] [--aligned ENCODER]
        [--teacher READER] [--steps 300] [--tokens 6144] [--drawn N] [--seed 0] [--questions 200] [--passages 20]
        [--parts NAME...]

Every training starts from ENCODER and has the same number of updates, of the same size; the evaluation files are held
out of it. The PARALLEL files have the same questions in several languages. Printed for each training, on the mean over
languages: F1 of the best answer in the right paragraph; the same where question and paragraph are in different
languages; F1 of the best answer over the passages that words find among all of a file's paragraphs; and on SQUAD2 the
F1 at the best threshold. Behind each is its difference from our recipe, and in brackets the standard error of that,
over the questions; the chance of a training itself comes on top. Trainings and figures are kept in FOLDER: a run that
was stopped goes on, and one with more parts adds to it.
"""

import argparse
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, permutations
from operator import itemgetter
from pathlib import Path
from typing import Any

from machine import describe

from fundstelle.evaluation import answering, reading
from fundstelle.evaluation.answering import Answering
from fundstelle.evaluation.collection import temporary
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.squad2 import score
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.pipelines.retrieval import Retriever
from fundstelle.reader import bundle
from fundstelle.reader.reader import Reader
from fundstelle.training.recipes import Recipe
from fundstelle.training.session import Order, train

Scores = dict[str, float]
"""F1 of each question, in percent, by its id."""
Figures = dict[str, Scores]
"""By the names in `FIGURES`."""


@dataclass(frozen=True)
class Part:
    """What is changed: of the recipe, of the files, of where the training starts, and whether there is a teacher."""

    changes: dict[str, Any] = field(default_factory=dict)
    across: bool = True
    translated: bool = False
    aligned: bool = False
    taught: bool = False


PARTS = {
    "ours": Part(),
    "no negatives": Part({"negatives": 0.0}),
    "windows alone": Part({"shared": 0.0}),
    "no unanswerable": Part({"unanswerable": False}),
    "no switching": Part({"switched": 0.0}),
    "taught": Part(taught=True),
    "trained embeddings": Part({"freeze_embeddings": False}),
    "files whole": Part({"balance": 1.0}),
    "no pairs by people": Part(across=False),
    "translated": Part(translated=True),
    "aligned": Part(aligned=True),
    "no decay": Part({"decay": 0.0}),
}
"""By the name of the training; the first is what the others are compared with."""

USUAL = next(iter(PARTS))
FIGURES = ("own language", "across languages", "over the collection", "SQuAD 2")
TRIED = 3  # times as many questions of SQuAD 2 as of each other file


@dataclass(frozen=True)
class Examination:
    """What every reader is asked: so many questions of each file, so many passages for each."""

    parallel: Sequence[Dataset]
    squad2: Dataset
    questions: int
    passages: int

    def take(self, folder: Path) -> Figures:
        """What the reader in `folder` did."""
        few = self.questions // max(1, len(self.parallel) - 1)
        pairs = enumerate(permutations(self.parallel, 2))
        with Reader.load(folder) as reader:
            own = [forced(one.sample(self.questions, seed), reader) for seed, one in enumerate(self.parallel)]
            across = [forced(one.asked_by(other).sample(few, seed), reader) for seed, (one, other) in pairs]
            everywhere = [self.over_all(one, seed, reader) for seed, one in enumerate(self.parallel)]
            last = at_best_threshold(self.squad2.sample(TRIED * self.questions), reader)
        return dict(zip(FIGURES, (*map(by_question, (own, across, everywhere)), last), strict=True))

    def over_all(self, dataset: Dataset, seed: int, reader: Reader) -> Scores:
        """F1 of the best answer over the passages found for each question among all paragraphs."""
        counter = TokenCounter.load(bundle.path() / bundle.TOKENIZER)
        with temporary(dataset, counter) as (store, places):
            asked, how = dataset.sample(self.questions, seed), Answering(retriever_top_k=self.passages)
            rows = answering.answer(asked, Retriever(store, "bm25"), places, reader, score, how)
            return {row.id: 100 * row.forced_f1 for row in rows}


def forced(dataset: Dataset, reader: Reader) -> Scores:
    """F1 of the best span of each question's own paragraph."""
    return {row.id: 100 * row.forced_f1 for row in reading.read(dataset, reader, score)}


def at_best_threshold(dataset: Dataset, reader: Reader) -> Scores:
    """F1 of each question where those of the highest null odds count as no answer: as many as is best, maybe all."""
    rows = sorted(reading.read(dataset, reader, score), key=lambda row: row.null_odds or 0.0)
    gains = accumulate((row.forced_f1 - (not row.gold) for row in rows), initial=0.0)
    answered, _ = max(enumerate(gains), key=itemgetter(1))
    said = [row.forced_f1 if place < answered else float(not row.gold) for place, row in enumerate(rows)]
    return {row.id: 100 * value for row, value in zip(rows, said, strict=True)}


def by_question(files: Iterable[Scores]) -> Scores:
    """Means over files of what the same question came to, as its translations are no independent trials."""
    found = defaultdict(list)
    for file in files:
        for question, value in file.items():
            found[question].append(value)
    return {question: statistics.fmean(values) for question, values in found.items()}


def trained(part: str, options: argparse.Namespace) -> Path:
    """The folder of the part's training, which is done or gone on with unless it is finished."""
    folder: Path = options.out / part.replace(" ", "-")
    if not (folder / "model.safetensors").is_file():
        what = PARTS[part]
        length = {
            "steps": options.steps,
            "tokens_per_step": options.tokens,
            "questions": options.drawn,
            "seed": options.seed,
        }
        across = options.across if what.across else []
        order = Order(
            model=str(options.aligned if what.aligned else options.encoder),
            files=[*options.files, *across, *(options.translated if what.translated else [])],
            out=folder,
            recipe=Recipe(name=part).with_changes(length | what.changes),
            held_out=[*options.parallel, options.squad2],
            dictionaries=options.dictionary,
            teacher=options.teacher if what.taught else None,
        )
        train(order)
    return folder


def examined(folder: Path, examination: Examination) -> Figures:
    """What the reader of a training did, found out once."""
    file = folder / f"figures-{examination.questions}-{examination.passages}.json"
    if not file.is_file():
        file.write_text(json.dumps(examination.take(folder), indent=1) + "\n", encoding="utf-8")
    found: Figures = json.loads(file.read_text(encoding="utf-8"))
    return found


def cell(scores: Scores, usual: Scores) -> str:
    """The mean, its difference from that of our recipe, and the standard error of the difference."""
    differences = [value - usual[question] for question, value in scores.items()]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return f"{statistics.fmean(scores.values()):.1f} {statistics.fmean(differences):+.1f} ({error:.1f})"


def can_be(part: str, options: argparse.Namespace) -> bool:
    """Whether there is what the part is about."""
    what = PARTS[part]
    needed = (
        (what.taught, options.teacher),
        (what.translated, options.translated),
        (what.aligned, options.aligned),
        (not what.across, options.across),
    )
    return all(given for asked, given in needed if asked)


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
    parser.add_argument(
        "--across", type=Path, nargs="*", default=[], help="more data: people's questions across languages"
    )
    parser.add_argument(
        "--translated", type=Path, nargs="*", default=[], help='more data for the training "translated"'
    )
    parser.add_argument(
        "--aligned", type=Path, help="ENCODER, further trained by fundstelle.training.contrast"
    )
    parser.add_argument("--dictionary", type=Path, nargs="*", default=[], help="FreeDict .index files")
    parser.add_argument("--teacher", help='the reader that teaches the training "taught"')
    parser.add_argument("--tokens", type=int, default=6144, help="of each update")
    parser.add_argument("--drawn", type=int, help="questions trained on, at most; default: all")
    parser.add_argument(
        "--seed", type=int, default=0, help="of draws and trainings; another one needs another --out"
    )
    parser.add_argument("--questions", type=int, default=200, help="of each file")
    parser.add_argument("--passages", type=int, default=20, help="read for a question over the collection")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="default: all")
    options = parser.parse_args()
    examination = Examination(
        [load(file) for file in options.parallel],
        load(options.squad2),
        options.questions,
        options.passages,
    )
    print(describe(), f"{options.steps} updates of {options.tokens} tokens", sep="\n")
    print(f"{'':20}", *(f"{name:>20}" for name in FIGURES))
    usual = examined(trained(USUAL, options), examination)
    for part in options.parts:
        if can_be(part, options):
            found = examined(trained(part, options), examination)
            cells = (cell(found[name], usual[name]) for name in FIGURES)
            print(f"{part:20}", *(f"{one:>20}" for one in cells), flush=True)


if __name__ == "__main__":
    main()
