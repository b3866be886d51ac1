"""The service: what `fundstelle serve` runs.

app = create_app(Settings(store=".fundstelle"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fundstelle.api.app import create_app
    from fundstelle.api.settings import Settings

_HOMES = {"Settings": "settings", "create_app": "app"}
__all__ = ["Settings", "create_app"]


def __getattr__(name: str) -> Any:
    """Import public names when first used: the settings alone must not load a web framework."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
