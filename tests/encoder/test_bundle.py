"""The encoder that comes with the package: whole, without torch, over the reader's own embeddings."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from fundstelle.encoder import Encoder, bundle
from fundstelle.reader import bundle as reader_bundle

WHERE = bundle.path()


def test_every_file_is_the_one_that_was_packed() -> None:
    """The digests in config.json are those of the layers, and of the reader's files that they need."""
    digests = bundle.Config.read(WHERE).sha256
    assert {bundle.LAYERS, bundle.LAYERS_DATA} < set(digests)
    for name, digest in digests.items():
        place = WHERE if (WHERE / name).exists() else reader_bundle.path()
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest, name


def test_embeddings_are_not_shipped_twice() -> None:
    """The encoder's folder is small: its word embeddings and its tokenizer are the reader's."""
    assert sum(file.stat().st_size for file in WHERE.iterdir()) < 25_000_000
    assert not (WHERE / reader_bundle.EMBEDDINGS).exists()


def test_the_bundle_has_a_licence_and_an_origin() -> None:
    """config.json and README.md name the weights' licence."""
    config = bundle.Config.read(WHERE)
    assert config.licence == "MIT" and config.provenance
    assert "MIT" in (WHERE / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("Wer hütet das Licht an der Küste?", 0),
        ("灯塔的看守人住在哪里？", 0),
        ("How can I get my money back?", 1),
        ("¿A qué hora abre el comedor?", 2),
    ],
)
def test_meaning_is_found_across_languages(encoder: Encoder, question: str, best: int) -> None:
    """A question in one language is nearest to the passage in another that answers it."""
    passages = [
        "The keeper of the lighthouse lives alone on the cape.",
        "Reklamationen werden innerhalb von vierzehn Tagen erstattet.",
        "La cantine ouvre à midi et ferme à quatorze heures.",
    ]
    cosines = encoder.queries([question]) @ encoder.passages(passages).T
    assert cosines.shape == (1, 3) and cosines.argmax() == best


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    """Padding changes a vector by no more than 8-bit and bfloat16 arithmetic may."""
    texts = ["The bridge was opened in 1932.", "word " * 200, "短い文。"]
    together = encoder.passages(texts)
    for text, vector in zip(texts, together, strict=True):
        assert encoder.passages([text])[0] @ vector > 0.995


def test_the_bundled_encoder_comes_without_torch() -> None:
    """A process that encodes with it has imported neither torch nor transformers; asking its name loads no weights."""
    code = (
        "import sys; from fundstelle.encoder import Encoder; encoder = Encoder.load(); assert encoder.width == 384;"
        "print('openvino' in sys.modules); print(encoder.queries(['a']).shape);"
        "print({'torch', 'transformers', 'haystack', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["False", "(1, 384)", "set()"]


def test_the_bundle_runs_on_the_processor_alone() -> None:
    """A device or a precision that the bundled layers do not have is refused."""
    for options in ({"device": "cuda"}, {"dtype": "float16"}):
        with pytest.raises(ValueError, match="own precision"):
            Encoder.load(**options)
    exact = Encoder.load(dtype="float32")
    assert "f32" in exact.engine.description
    assert np.allclose(np.linalg.norm(exact.queries(["a", "b"]), axis=1), 1, atol=1e-5)
