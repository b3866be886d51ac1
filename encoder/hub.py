"""An encoder of transformers, from a folder or by its name on the Hugging Face hub.

What sentence-transformers writes beside a model says how its tokens become one vector and what stands before a
text. Where nothing says so, tokens are averaged.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from logging import ERROR
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from fundstelle.encoder.encoder import Description, Parts
from fundstelle.encoder.torch_engine import POOLING, TorchEncoder
from fundstelle.encoder.windows import Windows
from fundstelle.reader.hub import called, fetched, max_length
from fundstelle.reader.tokenization import read_roles, smallest
from fundstelle.reader.torch_engine import pick_device, pick_dtype

SETTINGS = ("*.json", "*.txt", "*.model")
PROMPTS = "config_sentence_transformers.json"
WEIGHTS = ("*.safetensors", "*.bin")
"""Files of weights, the better kind first."""

SUPPORTED = {"Transformer", "Pooling", "Normalize"}
"""Modules of sentence-transformers that are run here; vectors are always brought to length 1."""

QUERY, PASSAGE = ("query",), ("passage", "document")
"""Names of the prompts that models have for either kind of text."""

E5 = re.compile(r"\be5\b(?!.*instruct)")
E5_PREFIXES = ("query: ", "passage: ")
"""The E5 family was trained with these, which its folders leave to the model card."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a folder's model makes vectors: pooling, prefixes, most tokens of a window (None: the model's own)."""

    pooling: str
    query_prefix: str
    passage_prefix: str
    max_length: int | None


def folder_of(name: str, hub: Mapping[str, Any]) -> Path:
    """The folder of a model, downloaded where `name` is one of the hub's. FileNotFoundError where it cannot be had."""
    if Path(name).is_dir():
        return Path(name)
    for weights in WEIGHTS:
        with fetched(name):
            folder = Path(snapshot_download(name, allow_patterns=[*SETTINGS, weights], **hub))
        if any(folder.glob(weights)):
            return folder
    raise ValueError(f"{name} holds no weights that can be loaded: none of {', '.join(WEIGHTS)}.")


def describe(name: str, folder: Path) -> Description:
    """Who the encoder in a folder is. ValueError where it needs modules that are not run here."""
    recipe = read_recipe(name, folder)
    width = json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"]
    return Description(
        called(name),
        _digest(folder, recipe),
        int(width),
        recipe.query_prefix,
        recipe.passage_prefix,
    )


def load(folder: Path, *, device: str | None, dtype: str | None) -> Parts:
    """The engine and the tokenizer of the model in `folder`."""
    recipe = read_recipe(folder.name, folder)
    model = load_model(folder, dtype="auto")
    place = pick_device(device)
    engine = TorchEncoder(model, place, pick_dtype(dtype, place), recipe.pooling)
    roles = read_roles(folder)
    longest = smallest(recipe.max_length, max_length(model), roles.get("model_max_length"))
    return Parts(engine, Windows.of(_tokenizer(folder), longest, roles.get("pad_token")))


def load_model(folder: Path, **options: Any) -> Any:
    """The model without a head. ValueError where weights would be made up; those of the unused pooler may be."""
    level = logging.get_verbosity()
    logging.set_verbosity(ERROR)  # its report on the pooler would alarm people for nothing
    try:
        model, report = AutoModel.from_pretrained(folder, output_loading_info=True, **options)
    finally:
        logging.set_verbosity(level)
    if missing := sorted(key for key in report["missing_keys"] if "pooler" not in key):
        raise ValueError(f"{folder.name} lacks weights, as of {missing[0]}: it is no whole encoder.")
    return model


def read_recipe(name: str, folder: Path) -> Recipe:
    """What the files of sentence-transformers in `folder` say, or what suits most models."""
    modules = _read(folder / "modules.json") or []
    kinds = {module["type"].rpartition(".")[2]: folder / module["path"] for module in modules}
    if unknown := sorted(kinds.keys() - SUPPORTED):
        raise ValueError(
            f"{name} ends in {', '.join(unknown)}, which cannot be run here. Choose an encoder of "
            f"{', '.join(sorted(SUPPORTED))} alone, such as intfloat/multilingual-e5-base."
        )
    query, passage = _prefixes(name, _read(folder / PROMPTS) or {})
    transformer = _read(folder / "sentence_bert_config.json") or {}
    return Recipe(_pooling(name, kinds.get("Pooling")), query, passage, transformer.get("max_seq_length"))


def _pooling(name: str, folder: Path | None) -> str:
    settings = _read(folder / "config.json") if folder else None
    if settings is None:
        return "mean"
    chosen = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
    names: list[str] = [
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key in chosen
    ]
    if len(names) == 1 and names[0] in POOLING:
        return names[0]
    raise ValueError(
        f"{name} pools its tokens by {' and '.join(names) or 'nothing'}; only mean and cls can be run."
    )


def _prefixes(name: str, settings: Mapping[str, Any]) -> tuple[str, str]:
    """What stands before queries and before passages."""
    prompts: dict[str, str] = settings.get("prompts") or {}
    if any(key in prompts for key in (*QUERY, *PASSAGE)):
        query, passage = (
            next((prompts[key] for key in keys if key in prompts), "") for keys in (QUERY, PASSAGE)
        )
        return query, passage
    return E5_PREFIXES if E5.search(name.lower()) else ("", "")


def _tokenizer(folder: Path) -> Tokenizer:
    """`tokenizer.json` as it was saved; what transformers builds from older files where there is none."""
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend = getattr(AutoTokenizer.from_pretrained(folder), "backend_tokenizer", None)
    if backend is None:
        raise ValueError(f"{folder.name} has only a slow tokenizer; save a tokenizer.json beside the model.")
    return Tokenizer.from_str(backend.to_str())


def _digest(folder: Path, recipe: Recipe) -> str:
    """16 hexadecimal digits that change with the weights, the tokenizer and the recipe."""
    digest = hashlib.sha256(repr(recipe).encode())
    for path in _decisive(folder):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _decisive(folder: Path) -> Iterator[Path]:
    """The files on which vectors depend, in a fixed order."""
    yield from (folder / name for name in ("config.json", "tokenizer.json") if (folder / name).is_file())
    weights = (sorted(folder.glob(pattern)) for pattern in WEIGHTS)
    yield from next(filter(None, weights), [])


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
