"""Store addresses: what a user writes after `--store`, and which store it opens."""

from importlib.util import find_spec
from typing import Any

from fundstelle.indexing.store import PassageStore, StoreError

ELASTICSEARCH_SCHEMES = ("elasticsearch://", "elasticsearch+https://")


def open_store(address: str, create: bool = True, read_only: bool = False) -> PassageStore:
    """The store at `address`: a folder path, or `elasticsearch://host:9200/index` (`elasticsearch+https://`).

    Raises:
        StoreError: no store there (without `create`), no access, or the store's library is not installed.
    """
    if address.startswith(ELASTICSEARCH_SCHEMES):
        store: PassageStore = elasticsearch_store().open(address, create=create, read_only=read_only)
        return store
    if "://" in address:
        schemes = " or ".join(ELASTICSEARCH_SCHEMES)
        raise StoreError(f"No store can be opened at {address}: name a folder, or an address with {schemes}.")
    from fundstelle.indexing.embedded import EmbeddedStore

    return EmbeddedStore.open(address, create=create, read_only=read_only)


def elasticsearch_store() -> Any:
    """The class `ElasticsearchStore`; raises StoreError where its library is not installed."""
    if find_spec("elasticsearch") is None:
        raise StoreError("The Elasticsearch client is missing: pip install 'fundstelle[elasticsearch]'.")
    from fundstelle.indexing.elastic import ElasticsearchStore

    return ElasticsearchStore
