"""All commands together: importing a command's module registers it."""

from fundstelle.cli import ask, collection, evaluate, index, keys, reindex, serve
from fundstelle.cli.app import app

__all__ = ["app", "ask", "collection", "evaluate", "index", "keys", "reindex", "serve"]

app.add_typer(evaluate.app, name="eval")
app.add_typer(keys.app, name="keys")
