"""Rebuilding an index behind its alias: after an update of the analysis, or to change shards."""

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from fundstelle.indexing import elastic_index
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.elastic_bulk import Action, bulk
from fundstelle.indexing.elastic_client import Address
from fundstelle.indexing.elastic_listing import each
from fundstelle.indexing.elastic_patience import refresh


def rebuild(client: Elasticsearch, alias: str, address: Address) -> int:
    """Copy everything into a new index, analysed anew, then swap the alias; the number of entries copied.

    The old index is closed to writers first, so nothing can be written that the copy would miss (they wait for the
    new one), and removed last, so whoever searches finds one of the two whole.
    """
    old = elastic_index.behind(client, alias)
    assert old is not None
    new = elastic_index.successor(old)
    client.options(ignore_status=404).indices.delete(index=new)  # what an interrupted rebuild left
    client.indices.add_block(index=old, block="write")  # returns when no write is under way any more
    try:
        refresh(client, old)  # what others have written and not committed yet is copied, too
        shards = int(address.options.get("shards", "1"))
        elastic_index.create_behind(client, new, {}, shards, address.options.get("replicas", "0-1"))
        copied = bulk(client, _copies(client, old, new))
        refresh(client, new)
        elastic_index.swap(client, alias, old, new)
    except BaseException:
        client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        raise
    client.indices.delete(index=old)
    return copied


def _copies(client: Elasticsearch, old: str, new: str) -> Iterator[Action]:
    for hit in each(client, old, {"match_all": {}}):
        entry: dict[str, Any] = hit["_source"]
        if entry["role"] == "passage":
            language = entry["language"]
            entry["terms"] = f"{index_terms(entry['text'], language)} {index_terms(entry['title'], language)}"
        yield {"_op_type": "index", "_index": new, "_id": hit["_id"], **entry}
