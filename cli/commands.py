"""All commands together: importing a command's module registers it."""

from fundstelle.cli import ask, collection, evaluate, index, reindex, serve
from fundstelle.cli.app import app

__all__ = ["app", "ask", "collection", "evaluate", "index", "reindex", "serve"]

app.add_typer(evaluate.app, name="eval")
