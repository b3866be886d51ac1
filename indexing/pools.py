"""Pools of worker processes that prepare files for indexing jobs, of whatever recipe."""

from functools import partial

from fundstelle.indexing.documents import AnalysedDocument
from fundstelle.indexing.preparation import Errand, Splitting, counter, prepare
from fundstelle.indexing.workers import Workers

FILE_SECONDS = 600.0
"""Limit for one file; enough for 100 MB of text on a slow core."""

Pool = Workers[Errand, list[AnalysedDocument]]
"""What prepares files: for one job, or for one after the other."""


def pool(splitting: Splitting, count: int) -> Pool:
    """Up to `count` workers, which load the tokenizer of `splitting` before their first file."""
    return Workers(
        prepare,
        count,
        timeout_seconds=FILE_SECONDS,
        initializer=partial(counter, splitting.tokenizer),
    )
