"""`fundstelle index`: files in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import DEFAULT_STORE, Encoder, Json, Store, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.encoder.encoder import Encoder as Encoding
    from fundstelle.indexing.jobs import JobResult, VectorProgress


@dataclass(frozen=True, slots=True)
class Vectors:
    """How vectors are to be made: the encoder's name or folder, and whether another's are given up."""

    encoder: str | None
    anew: bool


@app.command()
def index(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders to index.")] = None,
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
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="Make what is indexed searchable by meaning, too.")
    ] = True,
    vectors_only: Annotated[
        bool, typer.Option("--vectors-only", help="Only add vectors to what the collection holds.")
    ] = False,
    new_vectors: Annotated[
        bool, typer.Option("--new-vectors", help="Replace the vectors that another encoder made.")
    ] = False,
    encoder: Encoder = None,
    as_json: Json = False,
) -> None:
    """Put files into the collection: new and changed ones are read, unchanged ones are skipped."""
    with reported():
        if vectors_only or (new_vectors and not paths):
            _vectors_only(store, encoder, new_vectors, as_json)
            return
        if not paths:
            fail("name the files and folders to index, or give --vectors-only.")
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            fail(f"no such file or folder: {', '.join(missing)}. Check the spelling, or leave it out.")
        how = Vectors(encoder, new_vectors) if vectors else None
        result = _run(paths, store, prune, workers, language, shard, how, quiet=as_json)
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
    vectors: Vectors | None,
    quiet: bool,
) -> "JobResult":
    from fundstelle.cli.display import job_progress
    from fundstelle.cli.places import base_of, splitting
    from fundstelle.indexing.addresses import open_store
    from fundstelle.indexing.jobs import index as run
    from fundstelle.indexing.shards import Shard

    part = Shard.parse(shard)
    with (
        opened_encoder(vectors) as encoder,
        open_store(address, create=True) as opened,
        job_progress(quiet) as (on_files, on_vectors),
    ):
        return run(
            paths,
            opened,
            base=base_of(address),
            splitting=splitting(),
            language=language,
            prune=prune,
            workers=workers,
            shard=part,
            encoder=encoder,
            new_vectors=vectors is not None and vectors.anew,
            on_progress=on_files,
            on_vectors=on_vectors,
        )


def _vectors_only(address: str, model: str | None, anew: bool, as_json: bool) -> None:
    """Add vectors to a store that is there, and say how many."""
    from fundstelle.cli.display import job_progress, show_vectors
    from fundstelle.indexing.addresses import open_store
    from fundstelle.indexing.vector_jobs import add_vectors

    with (
        opened_encoder(Vectors(model, anew)) as encoder,
        open_store(address, create=False) as opened,
        job_progress(as_json) as (_, on_vectors),
    ):
        assert encoder is not None
        result = add_vectors(opened, encoder, anew=anew, on_progress=on_vectors)
    if as_json:
        typer.echo(json.dumps(vectors_as_dict(result)))
    else:
        show_vectors(result, address)


@contextmanager
def opened_encoder(vectors: Vectors | None) -> "Iterator[Encoding | None]":
    """The encoder that is asked for; None where there shall be no vectors."""
    if vectors is None:
        yield None
        return
    from fundstelle.encoder.encoder import Encoder as Encoding

    with Encoding.load(vectors.encoder) as encoder:
        yield encoder


def as_dict(result: "JobResult") -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "documents": asdict(result.documents),
        "passages": result.passages,
        "seconds": round(result.seconds, 3),
        "failures": [asdict(failure) for failure in result.failures],
        **(vectors_as_dict(result.vectors) if result.vectors else {}),
    }


def vectors_as_dict(result: "VectorProgress") -> dict[str, object]:
    """What `--json` prints of vectors: how many were made, and in what time."""
    return {"vectors": result.done, "vector_seconds": round(result.seconds, 3)}
