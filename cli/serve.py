"""`fundstelle serve`: the service."""

from importlib.util import find_spec
from typing import Annotated, Any

import typer

from fundstelle.cli.app import app, fail, reported


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: 8000.")] = None,
    store: Annotated[
        str | None, typer.Option(help="A folder, or elasticsearch://host:9200/index; default: .fundstelle.")
    ] = None,
    reader: Annotated[
        str | None, typer.Option(help="A Hugging Face extractive QA model; default: the bundled reader.")
    ] = None,
    retriever: Annotated[
        str | None, typer.Option(help="bm25, dense or hybrid; default: hybrid where there are vectors.")
    ] = None,
) -> None:
    """Answer questions over HTTP. Every other setting is an environment variable: see docs/service.md."""
    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        fail("The service needs more libraries: pip install 'fundstelle[api]'.")
    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "store": store,
        "reader": reader,
        "retriever": retriever,
    }
    with reported():
        from fundstelle.api.server import run
        from fundstelle.api.settings import load

        run(load(**{name: value for name, value in given.items() if value is not None}))
