"""Question and passages to spans: windows, batches, model, spans, confidence; the bundled weights."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fundstelle.reader.components import ExtractiveReader
    from fundstelle.reader.confidence import Calibration
    from fundstelle.reader.reader import Reader
    from fundstelle.reader.readings import Reading, Span, Text
    from fundstelle.reader.settings import ReaderSettings

_HOMES = {
    "Calibration": "confidence",
    "ExtractiveReader": "components",
    "Reader": "reader",
    "ReaderSettings": "settings",
    "Reading": "readings",
    "Span": "readings",
    "Text": "readings",
}
__all__ = ["Calibration", "ExtractiveReader", "Reader", "ReaderSettings", "Reading", "Span", "Text"]


def __getattr__(name: str) -> Any:
    """Import public names when first used: what only names types must not load a model library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
