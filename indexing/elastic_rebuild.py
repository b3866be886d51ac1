"""Rebuilding an index behind its alias: after an update of the analysis, or to change shards."""

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from fundstelle.indexing import elastic_index
from fundstelle.indexing.elastic_bulk import Action, bulk
from fundstelle.indexing.elastic_client import Address
from fundstelle.indexing.elastic_entries import passage_from
from fundstelle.indexing.elastic_listing import each
from fundstelle.indexing.elastic_patience import refresh
from fundstelle.indexing.elastic_vectors import entry_terms
from fundstelle.indexing.store import VectorSpace
from fundstelle.indexing.vectors import content_key


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
        space = elastic_index.space_of(elastic_index.meta_of(client, old))
        if space is not None:
            elastic_index.put_space(client, new, space)
        copied = bulk(client, _copies(client, old, new, space))
        refresh(client, new)
        elastic_index.swap(client, alias, old, new)
    except BaseException:
        client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        raise
    client.indices.delete(index=old)
    return copied


def _copies(client: Elasticsearch, old: str, new: str, space: VectorSpace | None) -> Iterator[Action]:
    """Every entry, analysed anew, with its vector; vectors of encoders that were given up stay behind."""
    field = elastic_index.field_of(space) if space else ""
    for hit in each(client, old, {"match_all": {}}, fields=[field] if field else ()):
        entry: dict[str, Any] = hit["_source"]
        if entry["role"] == "passage":
            entry["terms"] = entry_terms(entry)
            entry["content"] = content_key(passage_from(entry))
        if numbers := hit.get("fields", {}).get(field):
            entry[field] = numbers
        yield {"_op_type": "index", "_index": new, "_id": hit["_id"], **entry}
