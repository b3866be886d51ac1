"""The bundled reader: where its files are and how they are loaded.

A bundle is a folder, written by `fundstelle.training.packing`:

    embeddings.npy      word embeddings, memory-mapped (`fundstelle.reader.embeddings`)
    layers.xml, .bin    the layers for OpenVINO; later weights with the same embeddings replace only these
    tokenizer.json      for the library `tokenizers`; tokenizer_config.json names its special tokens by role
    config.json         see `Config`
    calibration.json    how scores become probabilities (`fundstelle.reader.confidence`); may be absent
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.light import LightEngine, import_openvino

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Engine = TypeVar("Engine")

EMBEDDINGS = "embeddings.npy"
LAYERS = "layers.xml"
LAYERS_DATA = "layers.bin"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CONFIG = "config.json"

_TAKE_OFF = 0.02
"""Seconds from when compiling is called to when it has surely let go of the interpreter's lock."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a bundle says of itself.

    max_length: the longest window the layers take, in tokens.
    precision: "float32" or "int8".
    provenance: how the weights came to be, for people.
    sha256: of each other file but calibration.json, by name.
    """

    name: str
    licence: str
    max_length: int
    precision: str
    provenance: str
    sha256: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From a bundle's config.json, passing over unknown keys. FileNotFoundError where there is none."""
        values: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return cls(**{field.name: values[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle. The tokenizer neither truncates nor pads."""

    engine: LightEngine
    tokenizer: "Tokenizer"
    config: Config


def path() -> Path:
    """The folder of the reader that comes with the package."""
    return Path(__file__).parent / "bundled"


def load(folder: Path | None = None, *, threads: int | None = None, exact: bool = False) -> Bundle:
    """Load a bundle, by default the one that comes with the package; the options are `LightEngine`'s."""
    folder = folder or path()
    config = Config.read(folder)
    make = partial(load_engine, folder, threads=threads, exact=exact, max_length=config.max_length)
    engine, tokenizer = load_together(make, folder)
    return Bundle(engine, tokenizer, config)


def load_together(make_engine: Callable[..., Engine], folder: Path) -> tuple[Engine, "Tokenizer"]:
    """The engine that `make_engine(on_compile=...)` gives, and the folder's tokenizer.

    The tokenizer takes a second to load and holds the interpreter's lock all the while; compiling the layers
    does not. So compiling begins first, and the tokenizer loads meanwhile.
    """
    import_openvino()
    compiling = Event()
    with ThreadPoolExecutor(1) as side:
        engine = side.submit(make_engine, on_compile=compiling.set)
        engine.add_done_callback(lambda _: compiling.set())  # one that fails before it compiles
        compiling.wait()
        sleep(_TAKE_OFF)
        tokenizer = load_tokenizer(folder)
        return engine.result(), tokenizer


def load_engine(folder: Path, **options: Any) -> LightEngine:
    """A bundle's engine alone; the options are `LightEngine`'s."""
    embeddings = Embeddings.open(folder / EMBEDDINGS)
    return LightEngine(folder / LAYERS, embeddings, **options)


def load_tokenizer(folder: Path) -> "Tokenizer":
    """A bundle's tokenizer alone; reader and encoder share one, which is therefore never to be changed for long."""
    file = folder / TOKENIZER
    return _tokenizer(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _tokenizer(file: Path, changed: int) -> "Tokenizer":
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(file))
