"""`fundstelle calibrate`: probabilities fitted for a reader, saved beside its weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import Json, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.training.observations import Observation


@app.command()
def calibrate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="Files in SQuAD format that the reader was not trained on, the more languages the better.",
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            envvar="FUNDSTELLE_READER",
            help="A Hugging Face extractive QA model, by name or folder; default: the bundled reader.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for calibration.json; default: where the weights are.")
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each file.")] = 80,
    observations: Annotated[
        Path | None,
        typer.Option(help="Keep what was read in this file; without FILEs, fit again on what it holds."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a reader's probabilities on questions with known answers, asked of whole collections."""
    with reported():
        folder = _folder(reader, out)
        try:
            from fundstelle.training.calibration import fit
            from fundstelle.training.judging import describe, judge
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            fail("Fitting needs torch: pip install 'fundstelle[torch]'.")
        observed = _observed(files or [], reader, questions, observations)
        calibration = fit(observed)
        calibration.save(folder)
        judgement = judge(observed, calibration)
        if as_json:
            result = {"out": str(folder), "calibration": asdict(calibration), "judgement": asdict(judgement)}
            typer.echo(json.dumps(result))
        else:
            typer.echo(f"{folder / 'calibration.json'}, on the questions it was fitted on:")
            typer.echo(describe(judgement))


def _folder(reader: str | None, out: Path | None) -> Path:
    """Where the calibration goes: to the reader's weights unless the user says otherwise."""
    from fundstelle.reader import bundle

    folder = out or (Path(reader) if reader else bundle.path())
    if not out and not folder.is_dir():
        fail(f"{reader} is no folder here: say with --out where calibration.json should go.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _observed(
    files: Sequence[Path], reader: str | None, questions: int, kept: Path | None
) -> "list[Observation]":
    """Read now, and kept where the user wants it; or read back from there."""
    from fundstelle.training.observations import observe_files, read_back, save

    if not files:
        if kept is None or not kept.is_file():
            fail("Name files in SQuAD format, or with --observations what was read of such files before.")
        return read_back(kept)
    if kept is not None and kept.exists():
        fail(f"{kept} exists: leave the files out to fit on what it holds, or name another.")
    from fundstelle.cli.figures import progress
    from fundstelle.reader.reader import Reader

    with Reader.load(reader) as opened:
        observing = progress(
            observe_files(files, opened, questions), "questions read", questions * len(files)
        )
        if kept is None:
            return list(observing)
        save(observing, kept)
    return read_back(kept)
