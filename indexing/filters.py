"""Metadata conditions as exact terms: every store keeps a passage's facts as `key=value` strings."""

from collections.abc import Sequence

from fundstelle.indexing.documents import Passage, identifier
from fundstelle.indexing.store import Filters

LONGEST_FACT = 500
"""Characters; longer facts are kept as their identifier, since stores limit the length of exact terms."""


def facts(passage: Passage) -> list[str]:
    """What `passage` can be filtered by; the passage's own attributes win over metadata of the same name."""
    own = {
        "document_id": passage.document_id,
        "source": passage.source,
        "title": passage.title,
        "language": passage.language,
    }
    return [_fact(key, value) for key, value in {**passage.meta, **own}.items()]


def conditions(filters: Filters) -> list[list[str]]:
    """For each condition of `filters`, the facts of which a passage must have at least one."""
    return [[_fact(key, value) for value in _several(values)] for key, values in filters.items()]


def exact_term(value: str) -> str:
    """`value` as a term every store accepts: valid UTF-8 (file names may not be) and not too long."""
    value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value if len(value) <= LONGEST_FACT else identifier(value)


def _several(values: str | int | float | bool | Sequence[str]) -> Sequence[str | int | float | bool]:
    return values if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def _fact(key: str, value: str | int | float | bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return exact_term(f"{key}={text}")
