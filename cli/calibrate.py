"""`fundstelle calibrate`: probabilities fitted for a reader, saved beside its weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import Json, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.reader.confidence import Calibration
    from fundstelle.training.judging import Judgement
    from fundstelle.training.observations import Observation

    Judgements = dict[str, dict[str, Judgement]]


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
    encoder: Annotated[
        str | None,
        typer.Option(help="The encoder that passages are retrieved with; default: the bundled one."),
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each file.")] = 80,
    paragraphs: Annotated[int, typer.Option(min=1, help="Paragraphs of each file, as one collection.")] = 240,
    observations: Annotated[
        Path | None,
        typer.Option(help="Keep what was read in this file; without FILEs, fit again on what it holds."),
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="Such a file of other questions, to judge the fit on as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a reader's probabilities on questions with known answers, asked of whole collections."""
    with reported():
        folder = _folder(reader, out)
        try:
            from fundstelle.training.calibration import fit
            from fundstelle.training.judging import by_retriever, describe, judge
            from fundstelle.training.observations import read_back
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            fail("Fitting needs torch: pip install 'fundstelle[torch]'.")
        asked = Asked(files or [], reader, encoder, questions, paragraphs)
        observed = _observed(asked, observations)
        calibration = fit(observed)
        calibration.save(folder)
        groups = {"the questions it was fitted on": observed}
        if held_out:
            groups["held-out questions"] = read_back(held_out)
        judgements = {
            name: {kind: judge(part, calibration) for kind, part in by_retriever(group).items()}
            for name, group in groups.items()
        }
        if as_json:
            typer.echo(json.dumps(_as_dict(folder, calibration, judgements)))
        else:
            typer.echo(f"{folder / 'calibration.json'}")
            for name, found in judgements.items():
                for kind, one in found.items():
                    typer.echo(f"On {name}, {kind}: {describe(one)}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose questions are asked of which reader, over passages that which encoder helps to find."""

    files: Sequence[Path]
    reader: str | None
    encoder: str | None
    questions: int
    paragraphs: int


def _as_dict(folder: Path, calibration: "Calibration", judgements: "Judgements") -> dict[str, object]:
    """The object that `--json` prints; judgements in the order fitted on, held out, each by retriever.

    JSON has no infinity: the `stop` of a calibration that never stops is null.
    """
    fitted, *held_out = ({kind: asdict(one) for kind, one in found.items()} for found in judgements.values())
    weights = {name: value if isfinite(value) else None for name, value in asdict(calibration).items()}
    found = {"out": str(folder), "calibration": weights, "judgement": fitted}
    return found | ({"held_out": held_out[0]} if held_out else {})


def _folder(reader: str | None, out: Path | None) -> Path:
    """Where the calibration goes: to the reader's weights unless the user says otherwise."""
    from fundstelle.reader import bundle

    folder = out or (Path(reader) if reader else bundle.path())
    if not out and not folder.is_dir():
        fail(f"{reader} is no folder here: say with --out where calibration.json should go.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _observed(asked: Asked, kept: Path | None) -> "list[Observation]":
    """Read now, and kept where the user wants it; or read back from there."""
    from fundstelle.training.observations import observe_files, read_back, save

    if not asked.files:
        if kept is None or not kept.is_file():
            fail("Name files in SQuAD format, or with --observations what was read of such files before.")
        return read_back(kept)
    if kept is not None and kept.exists():
        fail(f"{kept} exists: leave the files out to fit on what it holds, or name another.")
    from fundstelle.cli.figures import progress
    from fundstelle.encoder import Encoder
    from fundstelle.reader.reader import Reader

    with Reader.load(asked.reader) as reader, Encoder.load(asked.encoder) as encoder:
        found = observe_files(asked.files, reader, encoder, asked.questions, asked.paragraphs)
        observing = progress(found, "questions read", asked.questions * len(asked.files))
        if kept is None:
            return list(observing)
        save(observing, kept)
    return read_back(kept)
