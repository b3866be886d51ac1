"""`fundstelle keys`: who may use the service."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import Json, fail, reported

if TYPE_CHECKING:
    from fundstelle.api.keys import Keys

app = typer.Typer(
    help="API keys of the service; with the first one, every request needs one.", no_args_is_help=True
)

Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of the service; default: FUNDSTELLE_DATA, or .fundstelle-service here."),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Who or what is to use it.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="read (ask and look) or write (add and delete); repeatable.")
    ] = None,
    data: Data = None,
) -> None:
    """Make a key and print it: it is shown this once and kept only as a hash."""
    with reported(), _opened(data) as keys:
        from fundstelle.api.keys import Scope

        wanted = scope or ["read"]
        if unknown := set(wanted) - set(Scope):
            fail(f"there is no scope {', '.join(sorted(unknown))}: name read, write or both.")
        typer.echo(keys.add(name, frozenset(map(Scope, wanted))))


@app.command("list")
def show(data: Data = None, as_json: Json = False) -> None:
    """List the keys, without what would open anything."""
    with reported(), _opened(data) as keys:
        found = keys.all()
    if as_json:
        rows = [{"id": k.id, "name": k.name, "scopes": sorted(k.scopes), "created": k.created} for k in found]
        typer.echo(json.dumps({"keys": rows}, ensure_ascii=False))
        return
    for key in found:
        made = datetime.fromtimestamp(key.created, UTC).date().isoformat()
        typer.echo(f"{key.id}  {made}  {'+'.join(sorted(key.scopes)):<10}  {key.name}")
    if not found:
        typer.echo("There are no keys: whoever reaches the service may use it.")


@app.command()
def remove(
    key_ids: Annotated[list[str], typer.Argument(help="Ids as `fundstelle keys list` gives them.")],
    data: Data = None,
) -> None:
    """Remove keys; the running service refuses them from now on."""
    with reported(), _opened(data) as keys:
        unknown = [key_id for key_id in key_ids if not keys.remove(key_id)]
    if unknown:
        fail(f"no such key: {', '.join(unknown)}. `fundstelle keys list` gives the ids.")
    typer.echo(f"Removed {len(key_ids)}.")


@contextmanager
def _opened(data: Path | None) -> "Iterator[Keys]":
    if find_spec("pydantic_settings") is None:
        fail("The service needs more libraries: pip install 'fundstelle[api]'.")
    from fundstelle.api.database import Database
    from fundstelle.api.keys import Keys
    from fundstelle.api.settings import load

    database = Database(data or load().data)
    try:
        yield Keys(database)
    finally:
        database.close()
