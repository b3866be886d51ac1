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
    from fundstelle.indexing.store import Filters, Hit, PassageStore, StoreError, VectorSpace
    from fundstelle.indexing.vector_jobs import VectorJob, add_vectors
    from fundstelle.indexing.vectors import PassageEncoder

_HOMES = {
    "AnalysedDocument": "documents",
    "DocumentRecord": "documents",
    "Filters": "store",
    "Hit": "store",
    "IndexingJob": "jobs",
    "JobResult": "jobs",
    "Passage": "documents",
    "PassageEncoder": "vectors",
    "PassageStore": "store",
    "SourceDocument": "documents",
    "Splitting": "jobs",
    "StoreError": "store",
    "VectorJob": "vector_jobs",
    "VectorSpace": "store",
    "add_vectors": "vector_jobs",
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
    "PassageEncoder",
    "PassageStore",
    "SourceDocument",
    "Splitting",
    "StoreError",
    "VectorJob",
    "VectorSpace",
    "add_vectors",
    "index",
    "open_store",
]


def __getattr__(name: str) -> Any:
    """Import public names when first used: opening a store must not load the readers of files."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
