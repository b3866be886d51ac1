"""All commands together: importing a command's module registers it."""

from fundstelle.cli import ask, calibrate, collection, evaluate, index, keys, pack, reindex, serve, training
from fundstelle.cli.app import app

__all__ = [
    "app",
    "ask",
    "calibrate",
    "collection",
    "evaluate",
    "index",
    "keys",
    "pack",
    "reindex",
    "serve",
    "training",
]

app.add_typer(evaluate.app, name="eval")
app.add_typer(keys.app, name="keys")
