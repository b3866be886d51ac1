"""Files to documents, documents to passages, passages to a store.

with open_store(".fundstelle") as store:
    index([Path("docs")], store, base=Path.cwd(), splitting=Splitting(reader.tokenizer_path))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fundstelle.indexing.addresses import open_store
    from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
    from fundstelle.indexing.jobs import IndexingJob, JobResult, Splitting, index
    from fundstelle.indexing.store import Filters, Hit, PassageStore, StoreError

_HOMES = {
    "AnalysedDocument": "documents",
    "DocumentRecord": "documents",
    "Filters": "store",
    "Hit": "store",
    "IndexingJob": "jobs",
    "JobResult": "jobs",
    "Passage": "documents",
    "PassageStore": "store",
    "SourceDocument": "documents",
    "Splitting": "jobs",
    "StoreError": "store",
    "index": "jobs",
    "open_store": "addresses",
}
__all__ = [
    "AnalysedDocument",
    "DocumentRecord",
    "Filters",
    "Hit",
    "IndexingJob",
    "JobResult",
    "Passage",
    "PassageStore",
    "SourceDocument",
    "Splitting",
    "StoreError",
    "index",
    "open_store",
]


def __getattr__(name: str) -> Any:
    """Import public names when first used: opening a store must not load the readers of files."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
