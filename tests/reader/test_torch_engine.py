"""The torch engine, on a tiny random BERT, and the CUDA path on a device that only records."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertForQuestionAnswering

from fundstelle.reader import torch_engine
from fundstelle.reader.engine import Batch, StreamingEngine
from fundstelle.reader.torch_engine import TorchEngine, bucketed, last_layer, pick_device, pick_dtype

CPU = torch.device("cpu")


def batch(rows: int = 3, length: int = 12) -> Batch:
    """Windows of different lengths with two token types."""
    ids = np.arange(rows * length, dtype=np.int64).reshape(rows, length) % 40 + 4
    mask = np.ones_like(ids)
    mask[1:, length // 2 :] = 0
    types = np.zeros_like(ids)
    types[:, length // 3 :] = 1
    return Batch(ids, mask, types)


@pytest.fixture
def model(tiny_bert: Path) -> Any:
    """A fresh copy of the random BERT."""
    return BertForQuestionAnswering.from_pretrained(tiny_bert)


def test_logits_are_the_models_own(model: Any) -> None:
    """The engine gives what the model gives, token types included, which a model without them would not (D1)."""
    given = batch()
    inputs = {
        name: torch.from_numpy(getattr(given, name))
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    with torch.inference_mode():
        expected = model.eval()(**inputs)
    engine = TorchEngine(model, CPU)
    start, end = engine.logits(given)
    assert np.allclose(start, expected.start_logits, atol=1e-5)
    assert np.allclose(end, expected.end_logits, atol=1e-5)
    bare, _ = engine.logits(Batch(given.input_ids, given.attention_mask))
    assert np.abs(bare - start).max() > 0.1
    assert engine.description == "torch float32 on cpu"


def test_the_last_layer_stays_exact(model: Any) -> None:
    """In bfloat16 the two logits of a token are still float32, with weights that were never rounded (D16)."""
    exact = model.qa_outputs.weight.detach().clone()
    engine = TorchEngine(model, CPU, torch.bfloat16)
    assert torch.equal(model.qa_outputs.weight, exact)
    assert model.bert.encoder.layer[0].output.dense.weight.dtype == torch.bfloat16
    start, _ = engine.logits(batch())
    assert start.dtype == np.float32
    rounded = torch.from_numpy(start).to(torch.bfloat16).float().numpy()
    assert np.any(rounded != start)


def test_streaming_keeps_the_order(model: Any) -> None:
    """A stream of batches gives each batch's logits, in order, and takes no more than it needs."""
    engine = TorchEngine(model, CPU)
    assert isinstance(engine, StreamingEngine)
    batches = [batch(rows, 8 + rows) for rows in (1, 2, 3, 4)]
    for one, (start, end) in zip(batches, engine.stream(batches), strict=True):
        expected = engine.logits(one)
        assert np.array_equal(start, expected[0])
        assert np.array_equal(end, expected[1])
    assert list(engine.stream([])) == []


def test_a_closed_engine_says_so(model: Any) -> None:
    """Reading after close is an error in words."""
    engine = TorchEngine(model, CPU)
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.logits(batch())


def test_compiling_sees_few_shapes_and_changes_nothing(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Padded to buckets, a batch has the logits it had."""
    shapes = []

    def compile(inner: Any, dynamic: bool) -> Any:
        assert not dynamic

        def run(**inputs: torch.Tensor) -> Any:
            shapes.append(tuple(inputs["input_ids"].shape))
            return inner(**inputs)

        return run

    monkeypatch.setattr(torch, "compile", compile)
    plain, compiled = TorchEngine(model, CPU), TorchEngine(model, CPU, compile=True)
    for rows, length in ((3, 12), (4, 50), (1, 7)):
        given = batch(rows, length)
        start, end = compiled.logits(given)
        assert start.shape == end.shape == (rows, length)
        real = given.attention_mask == 1
        assert np.allclose(start[real], plain.logits(given)[0][real], atol=1e-4)
    assert shapes == [(4, 64), (4, 64), (1, 64)]
    assert compiled.description.endswith("compiled")


def test_bucketing_leaves_full_buckets_alone() -> None:
    """What fits its bucket is not padded; without token types there are none."""
    full = batch(4, 64)
    assert bucketed(full).input_ids.shape == (4, 64)
    assert bucketed(Batch(full.input_ids, full.attention_mask)).token_type_ids is None


class Recorder:
    """Stands for a tensor on its way to or from a GPU and writes down what is done with it."""

    def __init__(self, tensor: torch.Tensor, log: list[str]) -> None:
        self.tensor, self.log = tensor, log
        self.device, self.shape, self.dtype = torch.device("cuda:0"), tensor.shape, tensor.dtype

    def pin_memory(self) -> "Recorder":
        self.log.append("pin")
        return self

    def to(self, device: torch.device, non_blocking: bool = False) -> "Recorder":
        self.log.append(f"to {device} {'at once' if non_blocking else 'waiting'}")
        return self


def test_uploads_to_cuda_are_pinned_and_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs go to CUDA from pinned memory without blocking; to other devices they just go."""
    log: list[str] = []
    from_numpy = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda array: Recorder(from_numpy(array), log))
    torch_engine.upload(np.zeros((1, 2), np.int64), torch.device("cuda:0"))
    assert log == ["pin", "to cuda:0 at once"]
    monkeypatch.undo()
    assert torch_engine.upload(np.zeros((1, 2), np.int64), torch.device("meta")).device.type == "meta"


def test_downloads_from_cuda_wait_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logits come back into pinned memory; only taking them waits for the copy's event."""
    log: list[str] = []

    class Event:
        def record(self, stream: Any) -> None:
            log.append(f"record on {stream}")

        def synchronize(self) -> None:
            log.append("synchronize")

    def empty(shape: Any, dtype: Any, pin_memory: bool) -> Any:
        assert pin_memory
        host = torch.full(shape, 7, dtype=dtype)

        def copy(source: Any, non_blocking: bool) -> None:
            log.append("copy at once" if non_blocking else "copy waiting")
            host.copy_(source.tensor)

        return SimpleNamespace(copy_=copy, numpy=host.numpy)

    monkeypatch.setattr(torch, "empty", empty)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    values = torch.arange(8.0).reshape(2, 2, 2)
    wait = torch_engine.download(Recorder(values, log))  # type: ignore[arg-type]
    assert log == ["copy at once", "record on stream of cuda:0"]
    start, end = wait()
    assert log[-1] == "synchronize"
    assert start.tolist() == [[0, 1], [2, 3]]
    assert end.tolist() == [[4, 5], [6, 7]]


def test_on_cuda_one_batch_is_always_under_way(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next batch is submitted before the last one's logits are waited for."""
    engine = TorchEngine(model, CPU)
    log: list[str] = []

    def submit(number: Any) -> Any:
        log.append(f"submit {number}")
        return lambda: log.append(f"wait {number}") or number

    monkeypatch.setattr(engine, "_submit", submit)
    engine.device = torch.device("cuda:0")
    assert list(engine.stream([1, 2, 3])) == [1, 2, 3]  # type: ignore[list-item]
    assert log == ["submit 1", "submit 2", "wait 1", "submit 3", "wait 2", "wait 3"]


def test_devices_and_dtypes_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is not there and a dtype that is none are refused in words."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="sees no CUDA"):
        pick_device("cuda:1")
    with pytest.raises(ValueError, match="no device gpu"):
        pick_device("gpu")
    assert pick_device("cpu") == CPU
    assert pick_dtype("bfloat16", CPU) is torch.bfloat16
    for wrong in ("int8", "float33"):
        with pytest.raises(ValueError, match="dtype must be"):
            pick_dtype(wrong, CPU)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device(None) == torch.device("cuda")


def test_the_last_layer_is_found_by_what_it_does(model: Any) -> None:
    """It is the model's own linear layer with two outputs, whatever it is called."""
    assert last_layer(model) == "qa_outputs"
    assert last_layer(torch.nn.Sequential(torch.nn.Linear(2, 3))) is None
