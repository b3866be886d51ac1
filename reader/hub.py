"""A transformers model with its tokenizer, by folder or by name on the Hugging Face hub."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering, AutoTokenizer
from transformers.utils.hub import cached_file

from fundstelle.reader.confidence import FILE_NAME, Calibration
from fundstelle.reader.engine import Engine
from fundstelle.reader.loading import Parts
from fundstelle.reader.parallel import ParallelEngine
from fundstelle.reader.tokenization import ReaderTokenizer, read_roles
from fundstelle.reader.torch_engine import TorchEngine, last_layer, pick_device, pick_dtype

_TOKENIZER = "tokenizer.json"


def load_torch(
    name: str,
    *,
    device: str | Sequence[str] | None,
    dtype: str | None,
    compile: bool,
    hub: Mapping[str, Any],
) -> Parts:
    """Engine, tokenizer and calibration of a model; the arguments are those of `Reader.load`.

    Raises:
        ValueError: it is no extractive QA model, or its tokenizer is a slow one.
        FileNotFoundError: there is no such model, or it cannot be reached.
    """
    names = [device] if device is None or isinstance(device, str) else device
    devices = [pick_device(one) for one in names]
    model = load_model(name, hub)
    tokenizer = load_tokenizer(name, model, hub)
    copies = [model, *(deepcopy(model) for _ in devices[1:])]
    engines: list[Engine] = [
        TorchEngine(copy, device, pick_dtype(dtype, device), compile=compile)
        for copy, device in zip(copies, devices, strict=True)
    ]
    engine = engines[0] if len(engines) == 1 else ParallelEngine(engines)
    fitted = find_file(name, FILE_NAME, hub)
    calibration = Calibration.load(fitted.parent) if fitted else Calibration()
    return Parts(engine, tokenizer, calibration, name)


def combine(
    model: Any, tokenizer: Any, *, device: str | None, dtype: str | None, hub: Mapping[str, Any]
) -> Parts:
    """Parts from a transformers model and a transformers tokenizer, each an object or a name.

    A model that is an object is moved to `device` and converted to `dtype`, as `TorchEngine` does.

    Raises:
        ValueError: it is no extractive QA model, or its tokenizer is a slow one.
        FileNotFoundError: there is no model or tokenizer of that name, or it cannot be reached.
    """
    loaded = load_model(model, hub) if isinstance(model, str) else model
    place = pick_device(device)
    engine = TorchEngine(loaded, place, pick_dtype(dtype, place))
    name = str(getattr(loaded, "name_or_path", ""))
    if isinstance(tokenizer, str):
        return Parts(engine, load_tokenizer(tokenizer, loaded, hub), Calibration(), name)
    backend, roles = _backend(tokenizer)
    backend = Tokenizer.from_str(backend.to_str())  # the reader's own: it switches truncation off
    return Parts(engine, _fitted(backend, roles, None, loaded), Calibration(), name)


def called(name: str) -> str:
    """What a model is called: the last part of a folder's path, or its name on the hub."""
    return Path(name).name if Path(name).is_dir() else name


@contextmanager
def fetched(name: str) -> Iterator[None]:
    """Says in one sentence that a model cannot be had, by a FileNotFoundError: libraries say it in many ways."""
    try:
        yield
    except OSError as error:
        reason = str(error).partition("\n")[0].rstrip(". ")
        raise FileNotFoundError(
            f"The model {name} cannot be loaded: {reason}. Give the name of one on the Hugging Face hub, or a folder "
            "that holds one."
        ) from error


def load_model(name: str, hub: Mapping[str, Any]) -> Any:
    """The model in the dtype it was saved in.

    Raises:
        ValueError: its last layer would be made up.
        FileNotFoundError: there is no such model, or it cannot be reached.
    """
    with fetched(name):
        model, report = AutoModelForQuestionAnswering.from_pretrained(
            name, dtype="auto", output_loading_info=True, **hub
        )
    found = last_layer(model)
    if found and any(key.startswith(f"{found}.") for key in report["missing_keys"]):
        raise ValueError(f"{name} is not trained for question answering: it has no {found}. Train it first.")
    return model


def load_tokenizer(name: str, model: Any, hub: Mapping[str, Any]) -> ReaderTokenizer:
    """`tokenizer.json` as it was saved; what transformers builds from older files where there is none."""
    path = find_file(name, _TOKENIZER, hub)
    if path:
        for file in ("tokenizer_config.json", "special_tokens_map.json"):
            find_file(name, file, hub)  # a download puts it beside tokenizer.json
        backend, roles = Tokenizer.from_file(str(path)), read_roles(path.parent)
    else:
        with fetched(name):
            tokenizer = AutoTokenizer.from_pretrained(name, **hub)
        backend, roles = _backend(tokenizer, name)
    return _fitted(backend, roles, path, model)


def _fitted(backend: Tokenizer, roles: Mapping[str, Any], path: Path | None, model: Any) -> ReaderTokenizer:
    """The tokenizer with what the model says of lengths and token types."""
    return ReaderTokenizer.of(
        backend, roles, path=path, max_length=max_length(model), type_count=_type_count(model)
    )


def _backend(tokenizer: Any, name: str = "") -> tuple[Tokenizer, dict[str, Any]]:
    """The library's tokenizer inside one of transformers, and the roles it knows."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        name = name or str(getattr(tokenizer, "name_or_path", "")) or "The model"
        raise ValueError(
            f"{name} has only a slow tokenizer, which cannot say where in a text its tokens stand; "
            "convert it with transformers and save it as tokenizer.json beside the model."
        )
    roles = ("cls_token", "pad_token", "padding_side", "model_max_length")
    return backend, {role: getattr(tokenizer, role, None) for role in roles}


def find_file(name: str, file: str, hub: Mapping[str, Any]) -> Path | None:
    """A file of the model, downloaded if need be; None where the model has none."""
    access = {key: value for key, value in hub.items() if key != "trust_remote_code"}
    path = cached_file(
        name,
        file,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        **access,
    )
    return Path(path) if path else None


def max_length(model: Any) -> int | None:
    """Most tokens the model has positions for; models that count positions from the padding id have fewer."""
    for module_name, module in model.named_modules():
        if module_name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return getattr(model.config, "max_position_embeddings", None)


def _type_count(model: Any) -> int:
    """How many token types the model has embeddings for; 0 where it takes none."""
    if "token_type_ids" not in inspect.signature(model.forward).parameters:
        return 0
    kinds = getattr(model.config, "type_vocab_size", None)
    return 2 if kinds is None else int(kinds)
