"""An encoder by name: the bundled one without torch, everything else with it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fundstelle.encoder import bundle
from fundstelle.encoder.encoder import Description, Parts


def find(
    model: str | Path | None,
    *,
    device: str | None,
    dtype: str | None,
    hub: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> tuple[Description, Callable[[], Parts], Path]:
    """What an encoder is, what loads it, and its folder; the arguments are those of `Encoder.load`."""
    folder = bundle.path() if model is None else Path(model)
    if (folder / bundle.LAYERS).is_file():
        if device not in (None, "cpu") or dtype not in (None, "float32"):
            raise ValueError(
                f"{folder.name} runs on the CPU in its own precision: leave device and dtype out."
            )
        config = bundle.Config.read(folder)
        load = partial(bundle.load, folder, config, exact=dtype == "float32")
        return replace(config.description, **changes), load, folder
    if model is None:
        raise FileNotFoundError(f"The bundled encoder is missing from {folder}; install fundstelle again.")
    try:
        from fundstelle.encoder import hub as models
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers"):
            raise
        raise ModuleNotFoundError(
            f"{model} needs torch: pip install 'fundstelle[torch]', or use the bundled encoder.",
            name=error.name,
        ) from error
    place = models.folder_of(str(model), hub)
    description = replace(models.describe(str(model), place), **changes)
    return description, partial(models.load, place, device=device, dtype=dtype), place
