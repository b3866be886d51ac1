"""Haystack 1's filters: conditions on metadata with operators, which choose whole documents here."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fundstelle.api.problems import Problem
from fundstelle.indexing.documents import DocumentRecord
from fundstelle.indexing.store import Filters, PassageStore

MOST_DOCUMENTS = 10_000
"""Documents that a filter with operators may choose for a question."""

Conditions = Mapping[str, Any]


def matching(store: PassageStore, filters: Conditions) -> Iterable[DocumentRecord]:
    """The documents whose metadata fulfil all of `filters`. Raises Problem where these are none."""
    fulfils(filters, {})
    return (record for record in store.records() if fulfils(filters, meta_of(record)))


def meta_of(record: DocumentRecord) -> dict[str, Any]:
    """What filters see of a document: its metadata, its name (as Haystack had it), source and language."""
    return {"name": record.title or record.source} | dict(record.meta) | {
        "source": record.source,
        "document_id": record.id,
        "language": record.language,
    }  # fmt: skip


def for_search(store: PassageStore, filters: Conditions | None) -> Filters | None:
    """The same condition as a store takes it: in its own form, or else as the ids of the documents.

    Raises:
        Problem: these are no filters, or they choose too many documents.
    """
    if not filters:
        return None
    if (plain := _plain(filters)) is not None:
        return plain
    ids: list[str] = []
    for record in matching(store, filters):
        ids.append(record.id)
        if len(ids) > MOST_DOCUMENTS:
            raise Problem(
                422,
                "too-many-documents",
                f"These filters choose more than {MOST_DOCUMENTS:,} documents. Narrow them, or use "
                'plain ones, as in {"team": ["hr", "it"]}.',
            )
    return {"document_id": ids or [""]}


def _plain(filters: Conditions) -> Filters | None:
    """Filters without operators; None if they have some. A document's name is no fact of the store's."""
    plain = {}
    for key, value in filters.items():
        if isinstance(value, Mapping) and len(value) == 1:
            value = value.get("$in", value.get("$eq", value))
        values = value if isinstance(value, list) else [value]
        if key == "name" or key.startswith("$") or any(isinstance(each, Mapping | list) for each in values):
            return None
        plain[key] = [_text(each) for each in values]
    return plain


def fulfils(filters: Conditions, meta: Mapping[str, Any]) -> bool:
    """Whether metadata meet all conditions, as in `{"year": {"$gte": 2020}, "$or": {"team": "it", ...}}`."""
    return _all_hold(filters, meta, None)


def _all_hold(conditions: Conditions, meta: Mapping[str, Any], field: str | None) -> bool:
    """Whether every condition holds; each is looked at, so that what is wrong behind a failing one is found."""
    held = [_holds(key, value, meta, field) for key, value in conditions.items()]
    return all(held)


def _holds(key: str, value: Any, meta: Mapping[str, Any], field: str | None) -> bool:
    """Whether one condition holds; `field` is what operators compare, once a key has named it."""
    if key in _LOGIC:
        return _LOGIC[key](_parts(value, meta, field))
    if not key.startswith("$"):
        conditions = (
            value if isinstance(value, Mapping) else {"$in" if isinstance(value, list) else "$eq": value}
        )
        return _all_hold(conditions, meta, key)
    if field is None or key not in _COMPARISONS:
        raise _wrong(key)
    return _COMPARISONS[key](meta.get(field), value)


def _parts(value: Any, meta: Mapping[str, Any], field: str | None) -> list[bool]:
    """Whether each condition under a logical operator holds: those of an object, or each object of a list."""
    groups = [{key: each} for key, each in value.items()] if isinstance(value, Mapping) else value
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        raise _wrong(str(value))
    return [_all_hold(group, meta, field) for group in groups]


def _wrong(what: str) -> Problem:
    operators = ", ".join([*_LOGIC, *_COMPARISONS])
    detail = f"{what} is no condition here. Filters name fields of metadata, or use {operators}."
    return Problem(422, "invalid-filters", detail)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equal(found: Any, wanted: Any) -> bool:
    return found is not None and _text(found) == _text(wanted)


def _among(found: Any, wanted: Any) -> bool:
    return any(_equal(found, each) for each in (wanted if isinstance(wanted, list) else [wanted]))


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compares numbers with numbers and texts (dates, as ISO 8601 writes them) with texts."""

    def holds(found: Any, wanted: Any) -> bool:
        both = (found, wanted)
        if all(isinstance(each, int | float) for each in both) or all(isinstance(each, str) for each in both):
            return compare(found, wanted)
        return False

    return holds


_LOGIC: dict[str, Callable[[Iterable[bool]], bool]] = {
    "$and": all,
    "$or": any,
    "$not": lambda parts: not all(parts),
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda found, wanted: not _equal(found, wanted),
    "$in": _among,
    "$nin": lambda found, wanted: not _among(found, wanted),
    "$gt": _ordered(lambda found, wanted: found > wanted),
    "$gte": _ordered(lambda found, wanted: found >= wanted),
    "$lt": _ordered(lambda found, wanted: found < wanted),
    "$lte": _ordered(lambda found, wanted: found <= wanted),
}
