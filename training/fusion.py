"""Fits how words and meaning are weighed when passages are retrieved: `fusion.json` beside the encoder's weights.

    python -m fundstelle.training.fusion FILE... --observations OBSERVATIONS [--encoder MODEL] [--out FOLDER]

FILEs are in SQuAD format, of the training side, the more languages the better; `fundstelle.training.parallel` makes
files with questions in one language over paragraphs in another. Without FILEs, the fit is made on observations made
before. It is made again whenever the encoder changes.

The model is a conditional logit: of all passages that either retriever puts up for a question, which holds the
answer? Each file counts as much as any other. A weight for which there is next to nothing to learn from stays 0.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import torch

from fundstelle.encoder import Encoder, bundle
from fundstelle.evaluation.collection import OwnPlaces, Places, temporary
from fundstelle.evaluation.datasets import Question, load
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Hit
from fundstelle.indexing.tokens import TokenCounter
from fundstelle.pipelines.fusion import FEATURES, Features, Fusion, evidence
from fundstelle.pipelines.retrieval import DEPTH, Retriever
from fundstelle.reader import bundle as reader_bundle
from fundstelle.training.fitting import minimise
from fundstelle.training.observations import choose
from fundstelle.training.reporting import reported

PENALTY = 1e-3
"""Of the squared weights, each in units of `SCALES`."""

SCALES = Features(1.0, 1.0, 1.0, 1 / 4, 1 / 4, 1 / 40, 1 / 40, 1.0)
"""By how much each feature varies, about."""

LEAST_SEEN = 0.01
"""Share of the questions that must show a feature for it to get a weight: from a few, only noise is learnt."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One question's passages: their features, in the order of `FEATURES`, and which of them hold an answer."""

    dataset: str
    features: tuple[tuple[float, ...], ...]
    right: tuple[bool, ...]

    @classmethod
    def of(
        cls, dataset: str, question: str, language: str, hits: Sequence[Hit], right: Sequence[bool]
    ) -> "Contest":
        return cls(dataset, tuple(astuple(one) for one in evidence(hits, question, language)), tuple(right))


def observe(file: Path, encoder: Encoder, counter: TokenCounter, questions: int) -> Iterator[Contest]:
    """A contest for each of some questions of a file whose answer is among what was retrieved."""
    asking = choose(load(file, offsets="report"), questions)
    with temporary(asking.collection, counter, encoder) as (store, places):
        retriever = Retriever(store, "hybrid", encoder)
        languages = store.languages()
        for question in asking.questions:
            (hits,) = retriever.candidates([question.text], DEPTH)
            right = _right(question, [hit.passage for hit in hits], places)
            if any(right):
                language = detect(question.text, among=languages)
                yield Contest.of(asking.collection.name, question.text, language, hits, right)


def _right(question: Question, passages: Sequence[Passage], places: Places) -> list[bool]:
    """Which passages hold an answer; none where the collection was not given the question's paragraph."""
    if isinstance(places, OwnPlaces) and question.context not in places.passages:
        return [False] * len(passages)
    ranks = set(places.ranks(question, passages)[0]) if question.golds else set()
    return [rank in ranks for rank in range(1, len(passages) + 1)]


def save(contests: Iterator[Contest], path: Path) -> None:
    """Append contests to a file as they come, one JSON object a line."""
    with path.open("a", encoding="utf-8") as file:
        for one in contests:
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()


def read_back(path: Path) -> list[Contest]:
    """The contests of a file that `save` wrote."""
    with path.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [Contest(one["dataset"], tuple(map(tuple, one["features"])), tuple(one["right"])) for one in lines]


def fit(contests: Sequence[Contest]) -> Fusion:
    """The weights that make the passages with answers likeliest.

    Raises:
        ValueError: there are no contests.
    """
    if not contests:
        raise ValueError("A fusion needs questions whose answers were retrieved: observe more files.")
    weights = dict(zip(FEATURES, _fit(contests, _identity, astuple(SCALES)), strict=True))
    (meaning_alone,) = _fit(contests, _meaning, [SCALES.meaning])
    found = weights | {"meaning_alone": meaning_alone}
    return Fusion(**{name: round(value, 3) for name, value in found.items()})


def _identity(features: torch.Tensor) -> torch.Tensor:
    return features


def _meaning(features: torch.Tensor) -> torch.Tensor:
    """(..., 1): the cosine less the best one, whatever the languages."""
    places = [FEATURES.index("meaning"), FEATURES.index("meaning_across")]
    return features[..., places].sum(-1, keepdim=True)


def _fit(
    contests: Sequence[Contest], view: Callable[[torch.Tensor], torch.Tensor], scales: Sequence[float]
) -> list[float]:
    """One weight for each feature that `view` leaves of a contest's."""
    features, present, right, counts = _tensors(contests)
    seen = view(features)
    shown = (seen != 0).any(1).to(torch.float64).mean(0) >= LEAST_SEEN
    scaled = torch.where(shown, seen / torch.tensor(scales, dtype=torch.float64), 0.0)
    weights = torch.zeros(seen.shape[-1], dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        values = torch.where(present, scaled @ weights, -torch.inf)
        chosen = torch.logsumexp(torch.where(right, values, -torch.inf), 1)
        return (counts * (torch.logsumexp(values, 1) - chosen)).sum() + PENALTY * (weights**2).sum()

    minimise(weights, loss, max_iter=300, tolerance_change=1e-9)
    found: list[float] = (weights.detach() / torch.tensor(scales, dtype=torch.float64)).tolist()
    return found


def _tensors(contests: Sequence[Contest]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(n, longest, features) float64, which of it is there, which is right, and (n,) how much each counts."""
    longest = max(len(one.right) for one in contests)
    features = torch.zeros(len(contests), longest, len(FEATURES), dtype=torch.float64)
    present, right = (torch.zeros(len(contests), longest, dtype=torch.bool) for _ in range(2))
    for number, one in enumerate(contests):
        features[number, : len(one.right)] = torch.tensor(one.features, dtype=torch.float64)
        present[number, : len(one.right)] = True
        right[number, : len(one.right)] = torch.tensor(one.right)
    sizes = Counter(one.dataset for one in contests)
    counts = torch.tensor([1 / sizes[one.dataset] / len(sizes) for one in contests], dtype=torch.float64)
    return features, present, right, counts


def first_right(contests: Sequence[Contest], fusion: Fusion) -> dict[str, float]:
    """The share of each data set's questions whose best passage holds an answer."""
    hits: dict[str, list[bool]] = {}
    for one in contests:
        values = [fusion.value(features) for features in one.features]
        hits.setdefault(one.dataset, []).append(one.right[values.index(max(values))])
    return {dataset: sum(found) / len(found) for dataset, found in hits.items()}


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """Observe, fit, write `fusion.json`, and print how often the best passage is right."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.fusion", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="data sets in SQuAD format")
    parser.add_argument("--observations", type=Path, required=True, help="where observations are kept")
    parser.add_argument("--questions", type=int, default=160, help="questions of each file (default: 160)")
    parser.add_argument("--encoder", help="a model's folder or name; default: the bundled encoder")
    parser.add_argument("--out", type=Path, help="folder for fusion.json; default: the bundled encoder's")
    options = parser.parse_args(arguments)
    with Encoder.load(options.encoder) as encoder:
        counter = TokenCounter.load(reader_bundle.path() / reader_bundle.TOKENIZER)
        for file in options.files:
            save(observe(file, encoder, counter, options.questions), options.observations)
        name = encoder.name
    contests = read_back(options.observations)
    fusion = fit(contests)
    files = sorted({one.dataset for one in contests})
    settings = {
        "encoder": name,
        "questions": len(contests),
        "depth": DEPTH,
        "penalty": PENALTY,
        "files": files,
    }
    fusion.save(options.out or bundle.path(), settings)
    for dataset, share in first_right(contests, fusion).items():
        print(f"{dataset}: best passage right {share:.1%}")  # noqa: T201


if __name__ == "__main__":
    main()
