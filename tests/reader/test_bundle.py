"""The bundle that comes with the package: whole, what it says it is, and small enough to ship."""

import hashlib

import numpy as np
import pytest

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch

WHERE = bundle.path()


def test_every_file_is_the_one_that_was_packed() -> None:
    """The digests in config.json are those of the files: nothing was changed or cut on the way."""
    digests = bundle.Config.read(WHERE).sha256
    assert {bundle.EMBEDDINGS, bundle.LAYERS, bundle.LAYERS_DATA, bundle.TOKENIZER} <= set(digests)
    for name, digest in digests.items():
        assert hashlib.sha256((WHERE / name).read_bytes()).hexdigest() == digest, name


def test_no_file_is_too_large_for_a_repository() -> None:
    """Each file is below 95 MB and all together are below 100."""
    sizes = [file.stat().st_size for file in WHERE.iterdir()]
    assert max(sizes) < 95_000_000
    assert sum(sizes) < 100_000_000


def test_the_bundle_has_a_licence_and_an_origin() -> None:
    """config.json and README.md name the weights' licence."""
    config = bundle.Config.read(WHERE)
    assert config.licence == "MIT"
    assert config.provenance
    assert "MIT" in (WHERE / "README.md").read_text(encoding="utf-8")


def test_the_table_has_a_row_for_every_piece() -> None:
    """No id that the tokenizer can give lies beyond the table."""
    tokenizer = bundle.load_tokenizer(WHERE)
    assert tokenizer.get_vocab_size() <= len(Embeddings.open(WHERE / bundle.EMBEDDINGS))


@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        ("When did the bridge open?", "The bridge over the river opened in 1932 after nine years.", "1932"),
        ("Wann wurde die Brücke eröffnet?", "Die Brücke wurde nach neun Jahren 1932 eröffnet.", "1932"),
        ("Where is the library?", "The library is in Porto, the museum in Braga.", "Porto"),
    ],
)
def test_the_bundle_reads(question: str, passage: str, answer: str) -> None:
    """Loaded as it is shipped, the reader's best start and end enclose the answer."""
    loaded = bundle.load()
    encoding = loaded.tokenizer.encode(question, passage)
    ids = np.array([encoding.ids])
    start, end = loaded.engine.logits(Batch(ids, np.ones_like(ids)))
    second = [place for place, sequence in enumerate(encoding.sequence_ids) if sequence == 1]
    first, last = (max(second, key=logits[0].__getitem__) for logits in (start, end))
    assert answer in passage[encoding.offsets[first][0] : encoding.offsets[last][1]]
