"""The index behind an `ElasticsearchStore`: settings, mapping, versions, and the alias people use.

The name in the address is an alias; behind it stands `name-000001`, then `name-000002` after a rebuild.
Entries are of two kinds. A passage holds what is searched and shown. A document holds the record, and names the
`generation` of passages that is alive: a search drops passages of any other generation, so that a document changes
from one state to the next when its record is written, although Elasticsearch has no transactions.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from fundstelle.indexing.analysis import ANALYSIS_VERSION
from fundstelle.indexing.documents import identifier
from fundstelle.indexing.store import StoreError, VectorSpace

VERSIONS = {"format": 2, "analysis": ANALYSIS_VERSION}

KEYWORD = {"type": "keyword", "doc_values": False}
SHOWN = {"type": "text", "index": False}
VECTOR = "vector_"
"""What the names of fields of vectors begin with; the rest stands for their space."""

MAPPING: dict[str, Any] = {
    "_meta": {"fundstelle": VERSIONS},
    "_source": {"excludes": ["terms"]},
    "dynamic": "strict",
    "properties": {
        "role": KEYWORD,
        "id": KEYWORD,
        "document_id": {"type": "keyword"},
        "generation": KEYWORD,
        "origin": KEYWORD,
        "language": {"type": "keyword"},
        "facts": KEYWORD,
        "content": {"type": "long"},
        "start": {"type": "long"},
        "terms": {"type": "text", "analyzer": "whitespace", "index_options": "freqs"},
        "text": SHOWN,
        "title": SHOWN,
        "source": SHOWN,
        "page": {"type": "integer", "index": False},
        # A keyword for every name below `meta.`, however many names there are, without a change of the mapping.
        "meta": {"type": "flattened", "ignore_above": 8000},
        "record": SHOWN,
        "exact": SHOWN,
    },
}


def settings(shards: int, replicas: str) -> dict[str, Any]:
    """`replicas` is a number, or a range such as "0-1": a copy wherever there is a second node for it."""
    copies: dict[str, Any] = (
        {"auto_expand_replicas": replicas} if "-" in replicas else {"number_of_replicas": int(replicas)}
    )
    return {
        "number_of_shards": shards,
        **copies,
        # Only `commit` makes writes visible; automatic refreshes would cost time and show half a document.
        "refresh_interval": "-1",
        "similarity": {"default": {"type": "BM25", "k1": 1.2, "b": 0.75}},
    }


def behind(client: Elasticsearch, alias: str) -> str | None:
    """The index that `alias` stands for; None where there is nothing of that name.

    Raises:
        StoreError: something else has that name.
    """
    try:
        found: Mapping[str, Any] = client.indices.get_mapping(index=alias).body
    except NotFoundError:
        return None
    ours = [name for name, index in found.items() if "fundstelle" in index["mappings"].get("_meta", {})]
    if len(found) != 1 or len(ours) != 1 or ours[0] == alias:
        raise StoreError(
            f"The index {alias} was not made by Fundstelle. Take another name, or search it as it is with "
            f"?field=NAME_OF_ITS_TEXT_FIELD."
        )
    return ours[0]


def versions_of(client: Elasticsearch, index: str) -> dict[str, Any]:
    """The versions that `index` was made with."""
    mapping = client.indices.get_mapping(index=index).body[index]["mappings"]
    versions: dict[str, Any] = mapping["_meta"]["fundstelle"]
    return versions


def meta_of(client: Elasticsearch, alias: str) -> dict[str, Any]:
    """What the index behind `alias` says of itself: the versions, and the space of its vectors."""
    (found,) = client.indices.get_mapping(index=alias).body.values()
    meta: dict[str, Any] = found["mappings"]["_meta"]
    return meta


def space_of(meta: Mapping[str, Any]) -> VectorSpace | None:
    """The space that an index names; None where it has no vectors."""
    return VectorSpace(**meta["vectors"]) if "vectors" in meta else None


def field_of(space: VectorSpace) -> str:
    """The field of the vectors of a space."""
    return VECTOR + identifier(space.revision, space.width, space.prefix)[:8]


def put_space(client: Elasticsearch, index: str, space: VectorSpace) -> None:
    """Name the space of the vectors to come, with a field for them."""
    field = {
        "type": "dense_vector",
        "dims": space.width,
        "index": True,
        "similarity": "cosine",
        "index_options": {"type": "int8_hnsw"},
    }
    meta = {"fundstelle": VERSIONS, "vectors": asdict(space)}
    client.indices.put_mapping(index=index, meta=meta, properties={field_of(space): field})


def check_versions(client: Elasticsearch, index: str, address: str) -> None:
    """Refuse an index whose terms or fields this version does not understand."""
    found = versions_of(client, index)
    if found != VERSIONS:
        raise StoreError(
            f"{address} was made by another version of Fundstelle ({found}, here {VERSIONS}). "
            f"Run `fundstelle reindex --store {address}`; questions go on meanwhile with the old version."
        )


def create(client: Elasticsearch, alias: str, shards: int = 1, replicas: str = "0-1") -> str:
    """Make the first index behind `alias`; another process that does the same is no error."""
    return create_behind(client, f"{alias}-000001", {alias: {}}, shards, replicas)


def create_behind(
    client: Elasticsearch, index: str, aliases: Mapping[str, Any], shards: int, replicas: str
) -> str:
    try:
        client.indices.create(
            index=index, settings=settings(shards, replicas), mappings=MAPPING, aliases=aliases
        )
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
    client.cluster.health(index=index, wait_for_status="yellow", timeout="30s")
    return index


def successor(index: str) -> str:
    """`name-000002` for `name-000001`."""
    stem, _, number = index.rpartition("-")
    return f"{stem}-{int(number) + 1:06}"


def swap(client: Elasticsearch, alias: str, old: str, new: str) -> None:
    """Point `alias` at `new` instead of `old`, in one step."""
    client.indices.update_aliases(
        actions=[
            {"remove": {"index": old, "alias": alias}},
            {"add": {"index": new, "alias": alias}},
        ]
    )
