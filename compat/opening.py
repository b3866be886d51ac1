"""What callers of the old APIs name as a model, opened as a reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundstelle.compat.bundled import ANY_MODEL, BundledModel, BundledTokenizer, is_bundle, open_bundled
from fundstelle.reader.reader import Reader
from fundstelle.reader.settings import ReaderSettings

HUB_OPTIONS = ("revision", "token", "cache_dir", "local_files_only", "subfolder", "trust_remote_code")
"""Those of the old APIs' arguments that say where a model comes from; passed on to the hub."""


@dataclass(frozen=True, slots=True)
class Context:
    """A text to read, under a name."""

    id: str
    text: str


def open_reader(
    model: Any = None,
    tokenizer: Any = None,
    *,
    device: Any = None,
    dtype: Any = None,
    hub: Mapping[str, Any] | None = None,
) -> Reader:
    """A reader for what the old APIs take as `model` and `tokenizer`.

    Args:
        model: None or "bundled" for the reader that comes with the package; a folder, a name on the hub, a
            transformers model, what `AutoModelForQuestionAnswering` gave, or an open `Reader`.
        tokenizer: None or the model's own name for the model's tokenizer; or another name, or a tokenizer.
        device: -1 or "cpu", 0 or "cuda:0" and so on, "mps", a `torch.device`; None: the best there is.
        dtype: a name or a `torch.dtype`; "auto": the fastest; None: float32, in which the old APIs computed
            (the bundled reader: its own precision).
        hub: see `HUB_OPTIONS`.

    Raises:
        ValueError: the two do not fit each other, or it is no extractive QA model.
    """
    if isinstance(model, (Reader, BundledModel)):
        return model if isinstance(model, Reader) else model.reader
    name = None if dtype is None else str(dtype).removeprefix("torch.")
    if is_bundle(model):
        if not isinstance(tokenizer, BundledTokenizer) and tokenizer not in (None, model):
            raise ValueError("The bundled reader reads with its own tokenizer only: leave tokenizer out.")
        return open_bundled(model, device_name(device), name)
    chosen: dict[str, Any] = {
        "device": device_name(device),
        "dtype": {None: "float32", "auto": None}.get(name, name),
    }
    if isinstance(model, (str, Path)) and (tokenizer is None or str(tokenizer) == str(model)):
        return Reader.load(model, hub=hub, **chosen, **ANY_MODEL)
    return _combined(model, tokenizer, chosen, hub or {})


def _combined(model: Any, tokenizer: Any, chosen: dict[str, Any], hub: Mapping[str, Any]) -> Reader:
    """A model and a tokenizer that do not come from the same place, or are loaded already."""
    from fundstelle.reader.hub import combine

    if tokenizer is None:
        raise ValueError("A model that is an object needs its tokenizer: pass tokenizer= as well.")
    if isinstance(tokenizer, BundledTokenizer):
        raise ValueError("The bundled tokenizer fits the bundled reader alone: pass the model's own.")
    both = (str(part) if isinstance(part, Path) else part for part in (model, tokenizer))
    parts = combine(*both, **chosen, hub=hub)
    return Reader(
        parts.engine,
        parts.tokenizer,
        ReaderSettings(**ANY_MODEL),
        calibration=parts.calibration,
        name=parts.name,
    )


def device_name(device: Any) -> str | None:
    """A device as the reader knows it: -1 is the processor, other numbers are CUDA's."""
    if isinstance(device, int):
        return "cpu" if device < 0 else f"cuda:{device}"
    return None if device is None else str(device)
