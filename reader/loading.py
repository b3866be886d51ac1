"""A reader's parts by name: the bundled reader without torch, everything else with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundstelle.reader.confidence import Calibration
from fundstelle.reader.engine import Engine
from fundstelle.reader.tokenization import ReaderTokenizer, read_roles


@dataclass(frozen=True, slots=True)
class Parts:
    """What `Reader` is made of."""

    engine: Engine
    tokenizer: ReaderTokenizer
    calibration: Calibration
    name: str


def load_parts(
    model: str | Path | None,
    *,
    device: str | Sequence[str] | None,
    dtype: str | None,
    compile: bool,
    hub: Mapping[str, Any],
) -> Parts:
    """Engine, tokenizer and calibration of a model; the arguments are those of `Reader.load`."""
    from fundstelle.reader import bundle

    folder = bundle.path() if model is None else Path(model)
    if (folder / bundle.LAYERS).is_file():
        if device not in (None, "cpu") or compile or dtype not in (None, "float32"):
            raise ValueError(
                f"{folder.name} runs on the CPU in its own precision: leave device, dtype and compile out."
            )
        return _light(folder, exact=dtype == "float32")
    if model is None:
        raise FileNotFoundError(f"The bundled reader is missing from {folder}; install fundstelle again.")
    try:
        from fundstelle.reader.hub import load_torch
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers"):
            raise
        raise ModuleNotFoundError(
            f"{model} needs torch: pip install 'fundstelle[torch]', or use the bundled reader.",
            name=error.name,
        ) from error
    return load_torch(str(model), device=device, dtype=dtype, compile=compile, hub=hub)


def _light(folder: Path, *, exact: bool) -> Parts:
    from fundstelle.reader import bundle

    loaded = bundle.load(folder, exact=exact)
    path = folder / bundle.TOKENIZER
    tokenizer = ReaderTokenizer.of(
        loaded.tokenizer,
        read_roles(folder),
        path=path,
        max_length=loaded.config.max_length,
        type_count=2 if loaded.engine.token_types else 0,
    )
    return Parts(loaded.engine, tokenizer, Calibration.load(folder), loaded.config.name)
