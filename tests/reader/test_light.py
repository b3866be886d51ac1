"""The light engine: any shape, from any thread, without torch and without a word to anybody."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from fundstelle.reader import bundle
from fundstelle.reader.embeddings import Embeddings, pack
from fundstelle.reader.engine import Batch
from fundstelle.reader.light import import_openvino

WIDTH, PIECES = 32, 50
openvino = import_openvino()
WEIGHTS = np.random.default_rng(1).normal(size=(WIDTH, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose layers are one product: logits = embeddings x WEIGHTS, 0 where masked."""
    from openvino import opset13 as ops

    embeddings = ops.parameter([-1, -1, WIDTH], np.float32, name="embeddings")
    mask = ops.parameter([-1, -1], np.int64, name="attention_mask")
    both = ops.matmul(embeddings, ops.constant(WEIGHTS), False, False)
    shown = ops.convert(mask, np.float32)
    outputs = []
    for column, name in enumerate(("start_logits", "end_logits")):
        logits = ops.multiply(ops.gather(both, ops.constant(column), ops.constant(2)), shown)
        logits.output(0).get_tensor().set_names({name})
        outputs.append(logits)
    for parameter in (embeddings, mask):
        parameter.output(0).get_tensor().set_names({parameter.get_friendly_name()})
    out = tmp_path_factory.mktemp("bundle")
    openvino.save_model(
        openvino.Model(outputs, [embeddings, mask]), out / bundle.LAYERS, compress_to_fp16=False
    )
    table = np.random.default_rng(0).normal(size=(PIECES, WIDTH)).astype(np.float32)
    np.save(out / bundle.EMBEDDINGS, pack(table))
    return out


def windows(rows: int, length: int) -> Batch:
    """Random windows, the last third of the first one padded."""
    ids = np.random.default_rng(rows * 1000 + length).integers(0, PIECES, (rows, length))
    mask = np.ones_like(ids)
    mask[0, length - length // 3 :] = 0
    return Batch(ids, mask)


def expected(folder: Path, batch: Batch) -> np.ndarray:
    both = Embeddings.open(folder / bundle.EMBEDDINGS)[batch.input_ids] @ WEIGHTS
    return (both * batch.attention_mask[..., None]).transpose(2, 0, 1)


def test_logits_are_what_the_layers_say(folder: Path) -> None:
    """Start and end logits are float32 arrays of (windows, L), for one shape after the other."""
    engine = bundle.load_engine(folder, exact=True)
    for rows, length in [(1, 1), (3, 20), (2, 7), (3, 20)]:
        batch = windows(rows, length)
        start, end = engine.logits(batch)
        assert start.dtype == end.dtype == np.float32
        assert np.allclose(np.stack([start, end]), expected(folder, batch), atol=1e-4)


def test_results_stay_when_the_engine_goes_on(folder: Path) -> None:
    """Logits handed out are the caller's own: the next batch does not overwrite them."""
    engine = bundle.load_engine(folder, exact=True)
    first = windows(2, 9)
    start, _ = engine.logits(first)
    kept = start.copy()
    engine.logits(windows(2, 9 + 1))
    engine.logits(Batch(first.input_ids[::-1], first.attention_mask[::-1]))
    assert np.array_equal(start, kept)


def test_several_threads_share_an_engine(folder: Path) -> None:
    """Threads that use one engine at once each get the logits of their own windows."""
    engine = bundle.load_engine(folder, exact=True)
    batches = [windows(1 + i % 4, 3 + i) for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for batch, logits in zip(batches, pool.map(engine.logits, batches), strict=True):
            assert np.allclose(np.stack(logits), expected(folder, batch), atol=1e-4)


def test_token_types_are_refused(folder: Path) -> None:
    """Types other than 0, which the layers cannot take, are an error and not silently dropped."""
    engine, batch = bundle.load_engine(folder), windows(1, 5)
    engine.logits(Batch(batch.input_ids, batch.attention_mask, np.zeros_like(batch.input_ids)))
    with pytest.raises(ValueError, match="one segment"):
        engine.logits(Batch(batch.input_ids, batch.attention_mask, np.ones_like(batch.input_ids)))


def test_the_description_names_precision_and_threads(folder: Path) -> None:
    """What runs where is said in words, with the number of threads that was asked for."""
    assert bundle.load_engine(folder, threads=1, exact=True).description == "openvino f32 on CPU, 1 threads"


def run(code: str, folder: Path) -> list[str]:
    """The words that `code` prints in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)], check=True, capture_output=True, text=True
    )
    return result.stdout.split()


def test_the_light_engine_comes_without_torch_and_telemetry(folder: Path) -> None:
    """A process that reads with the light engine has imported no torch, no transformers, no telemetry."""
    code = (
        "import sys, pathlib, numpy; from fundstelle.reader import bundle; from fundstelle.reader.engine import Batch;"
        "ones = numpy.ones((1, 4), dtype='int64');"
        "bundle.load_engine(pathlib.Path(sys.argv[1])).logits(Batch(ones, ones));"
        "print(*(name for name, module in sys.modules.items() if module))"
    )
    loaded = set(run(code, folder))
    assert "openvino" in loaded
    assert not loaded & {"torch", "transformers", "haystack", "openvino_telemetry", "elasticsearch"}


def test_opening_no_connection(folder: Path) -> None:
    """From import to logits no socket is connected, although openvino reports its import where it can."""
    code = (
        "import sys, pathlib, numpy;"
        "sys.addaudithook(lambda name, args: name in ('socket.connect', 'socket.getaddrinfo') and print(name));"
        "from fundstelle.reader import bundle;"
        "bundle.load_engine(pathlib.Path(sys.argv[1])); import time; time.sleep(0.2)"
    )
    assert run(code, folder) == []


def test_a_bundle_without_its_description_is_an_error(folder: Path) -> None:
    """A folder without config.json is not taken for a bundle."""
    with pytest.raises(FileNotFoundError):
        bundle.Config.read(folder)


def test_configurations_may_grow(tmp_path: Path) -> None:
    """A key that a later version added does not stop this one from reading a bundle."""
    config = {
        "name": "n",
        "licence": "MIT",
        "max_length": 512,
        "precision": "int8",
        "provenance": "",
        "sha256": {},
    }
    (tmp_path / bundle.CONFIG).write_text(json.dumps({**config, "later": 1}))
    assert bundle.Config.read(tmp_path).max_length == 512


def test_layers_that_cannot_be_read_are_an_error_and_no_wait(tmp_path: Path, folder: Path) -> None:
    """Loading waits for compiling to begin; where it never does, the reason comes out."""
    config = {"name": "n", "licence": "", "max_length": 9, "precision": "float32", "provenance": ""}
    (tmp_path / bundle.CONFIG).write_text(json.dumps({**config, "sha256": {}}))
    (tmp_path / bundle.TOKENIZER).write_text(Tokenizer(models.WordLevel({"a": 0}, "a")).to_str())
    (tmp_path / bundle.EMBEDDINGS).write_bytes((folder / bundle.EMBEDDINGS).read_bytes())
    with pytest.raises(RuntimeError, match=bundle.LAYERS):
        bundle.load(tmp_path)


def test_an_engine_says_when_it_begins_to_compile(folder: Path) -> None:
    """What loads beside it waits for that, and not for a time."""
    begun: list[int] = []
    bundle.load_engine(folder, exact=True, on_compile=lambda: begun.append(1))
    assert begun == [1]
