"""The bundled encoder: multilingual-e5-small's own layers over the word embeddings that the reader bundles.

A bundle is a folder, written by `fundstelle.training.encoders`:

    layers.xml, .bin    the layers for OpenVINO, with pooling
    config.json         see `Config`

Word embeddings and tokenizer are those of the reader's bundle; `config.json` holds their digests, too.
"""

import json
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from fundstelle.encoder.encoder import Description, Parts
from fundstelle.encoder.engine import LightEncoder
from fundstelle.encoder.windows import Windows
from fundstelle.reader import bundle as reader_bundle
from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.tokenization import read_roles

LAYERS = reader_bundle.LAYERS
LAYERS_DATA = reader_bundle.LAYERS_DATA
CONFIG = reader_bundle.CONFIG


@dataclass(frozen=True, slots=True)
class Config:
    """What a bundle says of itself.

    revision: what the vectors depend on, in 16 hexadecimal digits: weights, tokenizer, pooling.
    width: numbers of a vector.
    max_length: the longest window the layers take, in tokens.
    precision: "float32" or "int8".
    provenance: how the weights came to be, for people.
    sha256: of the layers and of the reader's embeddings and tokenizer that they need, by name.
    """

    name: str
    licence: str
    revision: str
    width: int
    max_length: int
    query_prefix: str
    passage_prefix: str
    precision: str
    provenance: str
    sha256: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Config":
        """From a bundle's config.json, passing over unknown keys. FileNotFoundError where there is none."""
        values: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    @property
    def description(self) -> Description:
        return Description(self.name, self.revision, self.width, self.query_prefix, self.passage_prefix)


def path() -> Path:
    """The folder of the encoder that comes with the package."""
    return Path(__file__).parent / "bundled"


def load(folder: Path, config: Config, *, exact: bool = False, reader: Path | None = None) -> Parts:
    """The engine and tokenizer of a bundle; `reader` is the bundle that it shares embeddings with.

    The layers compile while the tokenizer loads, as `fundstelle.reader.bundle.load_together` explains.
    """
    shared = reader or reader_bundle.path()
    embeddings = Embeddings.open(shared / reader_bundle.EMBEDDINGS)
    make = partial(LightEncoder, folder / LAYERS, embeddings, exact=exact, max_length=config.max_length)
    engine, tokenizer = reader_bundle.load_together(make, shared)
    windows = Windows.of(tokenizer, config.max_length, read_roles(shared).get("pad_token"))
    return Parts(engine, windows)
