"""All commands together: importing a command's module registers it."""

from fundstelle.cli import ask, collection, evaluate, index
from fundstelle.cli.app import app

__all__ = ["app", "ask", "collection", "evaluate", "index"]

app.add_typer(evaluate.app, name="eval")
