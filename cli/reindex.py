"""`fundstelle reindex`: a store made anew by this version, while questions go on."""

import json
from typing import TYPE_CHECKING

import typer

from fundstelle.cli.app import DEFAULT_STORE, Json, Store, app, fail, reported

if TYPE_CHECKING:
    from fundstelle.indexing.elastic import ElasticsearchStore


@app.command()
def reindex(store: Store = DEFAULT_STORE, as_json: Json = False) -> None:
    """Rebuild an Elasticsearch index after an update of Fundstelle, or with other ?shards= and ?replicas=."""
    with reported(), _opened(store) as opened:
        entries = opened.reindex()
        where = opened.address
    if as_json:
        typer.echo(json.dumps({"store": where, "entries": entries}))
    else:
        typer.echo(f"Rebuilt {where}: {entries:,} entries.")


def _opened(address: str) -> "ElasticsearchStore":
    from fundstelle.indexing.addresses import ELASTICSEARCH_SCHEMES, elasticsearch_store

    if not address.startswith(ELASTICSEARCH_SCHEMES):
        fail(
            f"{address} is a folder: delete it and run `fundstelle index` again. Only Elasticsearch is rebuilt."
        )
    opened: ElasticsearchStore = elasticsearch_store().open(address, create=False, any_version=True)
    if not hasattr(opened, "reindex"):
        fail(f"{opened.address} is somebody else's index and only read.")
    return opened
