"""The README's table of the bundled reader: every question of every set, and the model card's figures beside it.

    python benchmarks/table.py xquad.en.json xquad.de.json ... squad2-dev-a.json --runs FOLDER

It is `fundstelle eval read` over each file. Runs are kept in FOLDER, below the digest of the weights: a run that was
stopped goes on with the first set that is missing, and other weights begin anew.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fundstelle.cli.figures import progress
from fundstelle.evaluation import tasks
from fundstelle.evaluation.datasets import load
from fundstelle.evaluation.figures import figures
from fundstelle.evaluation.runs import ROWS, Run, load_run, write_run
from fundstelle.reader import bundle

CARD = {"xquad.de": "48.7 / 62.6", "mlqa.de.de.dev": "33.7 / 44.3 (test)", "squad2-dev-a": "73.9 / 77.1"}
"""EM / F1 that the model card of deepset/xlm-roberta-base-squad2 states."""


def runs(files: Sequence[Path], folder: Path) -> list[Run]:
    """One run a file, in order; those that are there are not made again."""
    for file in files:
        if not (folder / load(file).name / ROWS).is_file():
            for run in tasks.read(tasks.Selection([file]), watch=progress):
                write_run(folder, run)
    return [load_run(folder / (name := load(file).name), name) for file in files]


def line(run: Run) -> str:
    """A row of the table: forced on every answerable question; then allowed to abstain."""
    found = figures(run.rows)
    forced = f"{found['HasAns_forced_exact']:.1f} / {found['HasAns_forced_f1']:.1f}"
    abstaining = f"{found['abstaining_exact']:.1f} / {found['abstaining_f1']:.1f}"
    if any(not row.gold for row in run.rows):
        forced, abstaining = f"answerable only {forced}", f"best threshold {found['best_f1']:.1f} F1"
    elif run.rows[0].language.startswith(("zh", "th")):
        forced += f" ({found['segmented_f1']:.1f} F1 by characters)"
    return f"| {run.name} | {len(run.rows):,} | {forced} | {abstaining} | {CARD.get(run.name, '')} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="evaluation sets in SQuAD format")
    parser.add_argument("--runs", type=Path, required=True, help="where runs are kept")
    options = parser.parse_args()
    weights = bundle.Config.read(bundle.path()).sha256[bundle.LAYERS_DATA][:12]
    print(
        "| set | questions | forced answer, EM / F1 | may abstain, EM / F1 | model card |",
        "|---|---|---|---|---|",
        sep="\n",
    )
    for run in runs(options.files, options.runs / weights):
        print(line(run))


if __name__ == "__main__":
    main()
