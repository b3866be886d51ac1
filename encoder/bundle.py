"""The bundled encoder: layers trained from multilingual-e5-small's, over the word embeddings that the reader bundles.

A bundle is a folder, written by `fundstelle.training.encoders`:

    layers.xml, .bin    the layers for OpenVINO, with pooling
    config.json         see `Config`

Word embeddings and tokenizer are those of the reader's bundle; `config.json` holds their digests, too.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

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
class Config(reader_bundle.Config):
    """What a bundle says of itself, beside what a reader's says; `sha256` names the files shared with that, too.

    revision: what the vectors depend on, in 16 hexadecimal digits: weights, tokenizer, pooling.
    width: numbers of a vector.
    """

    revision: str
    width: int
    query_prefix: str
    passage_prefix: str

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
