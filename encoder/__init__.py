"""Texts to vectors: the bundled encoder, which shares the reader's word embeddings, or any other.

with Encoder.load() as encoder:
    similarities = encoder.queries(["Wer hütet das Feuer?"]) @ encoder.passages(["The keeper tends the light."]).T
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fundstelle.encoder.encoder import Encoder

_HOMES = {"Encoder": "encoder"}
__all__ = ["Encoder"]


def __getattr__(name: str) -> Any:
    """Import public names when first used: what only names types must not load a model library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
