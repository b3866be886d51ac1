"""`fundstelle index`: files in."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import DEFAULT_STORE, Json, Store, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.indexing.jobs import JobResult


@app.command()
def index(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders to index.")],
    store: Store = DEFAULT_STORE,
    prune: Annotated[bool, typer.Option(help="Remove documents whose files under PATHS are gone.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that convert and analyse; default: one a core.")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Language of all documents as a BCP 47 code, or auto.")
    ] = "auto",
    shard: Annotated[
        str, typer.Option(help="On the second of eight machines that index one folder together: 2/8.")
    ] = "1/1",
    as_json: Json = False,
) -> None:
    """Put files into the collection: new and changed ones are read, unchanged ones are skipped."""
    with reported():
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            fail(f"no such file or folder: {', '.join(missing)}. Check the spelling, or leave it out.")
        result = _run(paths, store, prune, workers, language, shard, quiet=as_json)
        if as_json:
            typer.echo(json.dumps(as_dict(result), ensure_ascii=False))
        else:
            from fundstelle.cli.display import show_job

            show_job(result, store)
    if result.failures:
        raise typer.Exit(1)


def _run(
    paths: list[Path],
    address: str,
    prune: bool,
    workers: int | None,
    language: str,
    shard: str,
    quiet: bool,
) -> "JobResult":
    from fundstelle.cli.display import job_progress
    from fundstelle.cli.places import base_of, splitting
    from fundstelle.indexing.addresses import open_store
    from fundstelle.indexing.jobs import index as run
    from fundstelle.indexing.shards import Shard

    part = Shard.parse(shard)
    with open_store(address, create=True) as opened, job_progress(quiet) as report:
        return run(
            paths,
            opened,
            base=base_of(address),
            splitting=splitting(),
            language=language,
            prune=prune,
            workers=workers,
            shard=part,
            on_progress=report,
        )


def as_dict(result: "JobResult") -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "documents": asdict(result.documents),
        "passages": result.passages,
        "seconds": round(result.seconds, 3),
        "failures": [asdict(failure) for failure in result.failures],
    }
