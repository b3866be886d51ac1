"""The bundled reader: where its files are and how they are loaded.

A bundle is a folder, written by `fundstelle.training.packing`:

    embeddings.npy      word embeddings at 4 bits, memory-mapped
    layers.xml, .bin    the layers for OpenVINO; later weights with the same embeddings replace only these
    tokenizer.json      for the library `tokenizers`; tokenizer_config.json names its special tokens by role
    config.json         see `Config`
    calibration.json    how scores become probabilities (`fundstelle.reader.confidence`); may be absent
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.light import LightEngine

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EMBEDDINGS = "embeddings.npy"
LAYERS = "layers.xml"
LAYERS_DATA = "layers.bin"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CONFIG = "config.json"


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
    def read(cls, folder: Path) -> "Config":
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
    """Load a bundle, by default the one that comes with the package; the options are `LightEngine`'s.

    The tokenizer takes a second of one core to load: the layers are compiled at the same time.
    """
    folder = folder or path()
    with ThreadPoolExecutor(1) as side:
        tokenizer = side.submit(load_tokenizer, folder)
        config = Config.read(folder)
        engine = load_engine(folder, threads=threads, exact=exact)
        return Bundle(engine, tokenizer.result(), config)


def load_engine(folder: Path, *, threads: int | None = None, exact: bool = False) -> LightEngine:
    """A bundle's engine alone."""
    return LightEngine(folder / LAYERS, Embeddings.open(folder / EMBEDDINGS), threads=threads, exact=exact)


def load_tokenizer(folder: Path) -> "Tokenizer":
    """A bundle's tokenizer alone."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / TOKENIZER))
