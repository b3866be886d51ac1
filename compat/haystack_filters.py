"""Haystack 1's filters as this project's stores take them."""

from collections.abc import Mapping
from typing import Any

from fundstelle.indexing.documents import DocumentRecord
from fundstelle.indexing.store import Filters, PassageStore

Conditions = Mapping[str, Any]


def as_stored(filters: Conditions, store: PassageStore) -> Filters:
    """Filters on fields: a value, a list of values, or either under `$eq` or `$in`; all of them must hold.

    A document's `name` is its title or its source, which is no field of a store's: documents of that name are
    looked up. Where there are none, `name` is taken to be a field.

    Raises:
        ValueError: a filter has another operator, or is no condition on a field.
    """
    plain = {field: _values(field, condition) for field, condition in filters.items()}
    if "name" not in plain:
        return plain
    names = set(map(str, plain["name"]))
    named = [record.id for record in store.records() if _name(record) in names]
    if not named:
        return plain
    del plain["name"]
    return plain | {"document_id": [id for id in named if id in plain.get("document_id", named)] or [""]}


def _name(record: DocumentRecord) -> str:
    return str(record.meta.get("name", record.title or record.source))


def _values(field: str, condition: Any) -> list[Any]:
    """What a field may be."""
    if isinstance(condition, Mapping) and len(condition) == 1:
        condition = condition.get("$in", condition.get("$eq", condition))
    values = list(condition) if isinstance(condition, list | tuple | set) else [condition]
    if field.startswith("$") or any(isinstance(value, Mapping | list) for value in values):
        raise ValueError(
            f"{{{field!r}: {condition!r}}} is no filter here: give fields and their values, all of which must hold, "
            'as in {"language": "de", "team": ["hr", "it"]}.'
        )
    return values
