"""`fundstelle pack`: any extractive QA model becomes a reader that needs no torch."""

from pathlib import Path
from typing import Annotated

import typer

from fundstelle.cli.app import app, fail, reported


@app.command()
def pack(
    model: Annotated[str, typer.Argument(help="An extractive QA model, by folder or hub name.")],
    out: Annotated[Path, typer.Argument(help="The folder to write to; give it to --reader.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]",
            help="Questions in SQuAD format to compute in 8 bits by, best of each language; none: in floating point.",
        ),
    ] = None,
    windows: Annotated[
        int, typer.Option(min=10, help="Windows drawn from the files; fewer are faster, for large models.")
    ] = 400,
    name: Annotated[
        str | None, typer.Option(help="What the reader is called; default: as the model.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, as an SPDX expression.")] = "",
    provenance: Annotated[str, typer.Option(help="How the weights came to be.")] = "",
) -> None:
    """Make a model fast on processors, in 8 bits where they multiply bytes, and free of torch."""
    with reported():
        try:
            from fundstelle.training.packing import pack_reader

            pack_reader(
                model,
                out,
                calibrate=files or (),
                windows=windows,
                name=name,
                licence=licence,
                provenance=provenance,
            )
        except ModuleNotFoundError as error:
            if error.name not in ("torch", "transformers", "nncf"):
                raise
            fail(f"Packing needs {error.name}: pip install 'fundstelle[training]'.")
    typer.echo(f"Packed: {out}. Next: fundstelle eval read FILE --reader {out}")
