"""`fundstelle ask`: questions in, quotations out."""

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import DEFAULT_STORE, Encoder, Json, Retriever, Store, app, fail, reported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fundstelle.pipelines.query import QueryPipeline


@app.command()
def ask(
    questions: Annotated[list[str], typer.Argument(help="One or more questions, in any language.")],
    store: Store = DEFAULT_STORE,
    reader: Annotated[
        str | None,
        typer.Option(
            envvar="FUNDSTELLE_READER",
            help="A Hugging Face extractive QA model, by name or folder; default: the bundled reader.",
        ),
    ] = None,
    retriever: Retriever = None,
    encoder: Encoder = None,
    top_k: Annotated[int, typer.Option(min=1, help="Answers to give at most.")] = 5,
    retriever_top_k: Annotated[int, typer.Option(min=1, help="Passages to read at most.")] = 20,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only documents with this key=value; repeatable.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Least probability of an answer that is given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer questions with quotations from the collection, or say that it holds no answer."""
    with reported():
        with _opened(store, reader, retriever, encoder) as pipeline:
            results = pipeline.ask_many(
                questions,
                top_k=top_k,
                retriever_top_k=retriever_top_k,
                filters=parse_filters(filters) or None,
                threshold=threshold,
            )
        if as_json:
            from fundstelle.pipelines.answers import as_dict

            found = [as_dict(result) for result in results]
            typer.echo(json.dumps(found[0] if len(found) == 1 else {"results": found}, ensure_ascii=False))
        else:
            from fundstelle.cli.display import show_result

            for result in results:
                show_result(result)


def parse_filters(pairs: "Sequence[str] | None") -> dict[str, list[str]]:
    """`["team=hr", "team=it"]` to `{"team": ["hr", "it"]}`: values of one key are alternatives."""
    wanted: dict[str, list[str]] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not key or not equals:
            fail(f"--filter {pair!r} is not of the form key=value, as in --filter language=de.")
        wanted.setdefault(key, []).append(value)
    return wanted


@contextmanager
def _opened(
    address: str, model: str | None, retriever: str | None, encoder: str | None
) -> "Iterator[QueryPipeline]":
    from fundstelle.indexing.addresses import open_store
    from fundstelle.pipelines.query import QueryPipeline
    from fundstelle.pipelines.retrieval import checked
    from fundstelle.reader.reader import Reader

    with open_store(address, create=False, read_only=True) as store, Reader.load(model) as reader:
        yield QueryPipeline(store, reader, retriever=checked(retriever), encoder=encoder)
