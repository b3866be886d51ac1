"""The commands and what they share: options, the exit status, one way to report an error.

Exit status: 0 done, 1 some files failed, 2 wrong use.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    name="fundstelle",
    help="Quoted answers, with their exact places, from a collection of documents in many languages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Store = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="FUNDSTELLE_STORE",
        help="Where the collection is: a folder, or elasticsearch://host:9200/index.",
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        envvar="FUNDSTELLE_ENCODER",
        help="What makes vectors: a model in the way of sentence-transformers, by name or folder; "
        "default: the bundled encoder.",
    ),
]
Retriever = Annotated[
    str | None,
    typer.Option(
        "--retriever",
        metavar="bm25|dense|hybrid",
        help="Find passages by words, by meaning, or by both; default: by both where the store has vectors.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]

DEFAULT_STORE = ".fundstelle"


def fail(sentence: str) -> NoReturn:
    """Say what is wrong on standard error and leave with status 2."""
    print(f"fundstelle: {sentence}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(2)


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors a user can do something about into one sentence; bugs keep their traceback."""
    from fundstelle.indexing.store import StoreError
    from fundstelle.indexing.workers import WorkerError

    try:
        yield
    except (
        StoreError,
        WorkerError,
        ValueError,
        FileNotFoundError,
        FileExistsError,
        NotADirectoryError,
        IsADirectoryError,
        PermissionError,
        ModuleNotFoundError,
    ) as error:
        fail(str(error))
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone: that is its right.
        sys.stderr.close()
        raise typer.Exit(0) from None


def version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        typer.echo(f"fundstelle {installed('fundstelle')}")
        raise typer.Exit


@app.callback()
def fundstelle(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Index documents, ask questions, get quotations."""
