"""Retrieve, read, merge: a question in, quoted answers out.

with open_store(".fundstelle") as store, Reader.load() as reader:
    result = QueryPipeline(store, reader).ask("When was the bridge built?")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fundstelle.pipelines.answers import Answer, QueryResult, RetrievedPassage, Support, as_dict
    from fundstelle.pipelines.components import (
        AnswerMerger,
        PassageRetriever,
        SpanReader,
        build_query_pipeline,
    )
    from fundstelle.pipelines.fusion import Fusion
    from fundstelle.pipelines.query import QueryPipeline
    from fundstelle.pipelines.retrieval import Retriever

_HOMES = {
    "Answer": "answers",
    "AnswerMerger": "components",
    "Fusion": "fusion",
    "Retriever": "retrieval",
    "SpanReader": "components",
    "PassageRetriever": "components",
    "QueryPipeline": "query",
    "QueryResult": "answers",
    "RetrievedPassage": "answers",
    "Support": "answers",
    "as_dict": "answers",
    "build_query_pipeline": "components",
}
__all__ = [
    "Answer",
    "AnswerMerger",
    "Fusion",
    "PassageRetriever",
    "QueryPipeline",
    "QueryResult",
    "RetrievedPassage",
    "Retriever",
    "SpanReader",
    "Support",
    "as_dict",
    "build_query_pipeline",
]


def __getattr__(name: str) -> Any:
    """Import public names when first used: asking must not load Haystack, which takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
