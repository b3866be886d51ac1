"""Which number format is fastest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fundstelle.reader import dtypes

CPU = torch.device("cpu")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """An empty cache, and a processor on which bfloat16 takes a quarter of the time; lists the probes."""
    probes: list[str] = []

    def probe() -> float:
        probes.append("probe")
        return 4.0

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dtypes, "probe", probe)
    return probes


def taking(rough: float, exact: float) -> Callable[[torch.dtype], Callable[[], float]]:
    """Products that take so many seconds in bfloat16 and in float32."""
    return lambda dtype: lambda: rough if dtype is torch.bfloat16 else exact


def test_the_processor_is_measured_once(measured: list[str], tmp_path: Path) -> None:
    """The probe's outcome is remembered for this processor, and measured again for another."""
    assert dtypes.fastest_dtype(CPU) == dtypes.fastest_dtype(CPU) == "bfloat16"
    assert len(measured) == 1
    cache = tmp_path / "fundstelle" / "cpu-dtype.json"
    cache.write_text(json.dumps({"processor": "another", "dtype": "float32"}))
    assert dtypes.fastest_dtype(CPU) == "bfloat16"
    assert len(measured) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"processor": null}', "\x00"])
def test_a_spoilt_cache_is_measured_again(measured: list[str], tmp_path: Path, content: str) -> None:
    """A cache that holds something else does no harm."""
    cache = tmp_path / "fundstelle" / "cpu-dtype.json"
    cache.parent.mkdir()
    cache.write_text(content)
    assert dtypes.fastest_dtype(CPU) == "bfloat16"


def test_a_home_that_cannot_be_written_does_no_harm(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a place to remember, every process measures."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert dtypes.fastest_dtype(CPU) == "bfloat16"


@pytest.mark.parametrize(("exact", "expected"), [(1.2, "float32"), (1.5, "bfloat16")])
def test_a_doubtful_gain_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exact: float, expected: str
) -> None:
    """bfloat16 must be clearly faster to be chosen; what a busy processor may have made up is not remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dtypes, "_product", taking(1.0, exact))
    assert dtypes.fastest_dtype(CPU) == expected
    monkeypatch.setattr(dtypes, "_product", taking(1.0, 2.1))
    assert dtypes.fastest_dtype(CPU) == "bfloat16"
    monkeypatch.setattr(dtypes, "_product", taking(1.0, exact))
    assert dtypes.fastest_dtype(CPU) == "bfloat16"  # that was clear


def test_a_processor_without_bfloat16_is_measured_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where bfloat16 is emulated, float32 is chosen, and that is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dtypes, "_product", taking(4.0, 1.0))
    assert dtypes.fastest_dtype(CPU) == "float32"
    monkeypatch.setattr(dtypes, "_product", taking(1.0, 4.0))
    assert dtypes.fastest_dtype(CPU) == "float32"


def test_a_busy_moment_meets_both_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The formats are timed in turns: a processor that is slow for a while does not decide."""
    clock = iter(range(1000))

    def product(dtype: torch.dtype) -> Callable[[], float]:
        return lambda: (1.0 if dtype is torch.bfloat16 else 2.0) * (10 if next(clock) < 12 else 1)

    monkeypatch.setattr(dtypes, "_product", product)
    assert dtypes.probe() == 2.0


def test_the_probe_measures_something() -> None:
    """Both formats run on this processor, in positive time."""
    assert dtypes.probe() > 0


@pytest.mark.parametrize(("has_bfloat16", "expected"), [(True, "bfloat16"), (False, "float16")])
def test_accelerators_use_half_precision(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, expected: str
) -> None:
    """CUDA runs in bfloat16 where it truly has it and in float16 otherwise; MPS in float16."""

    def supported(*_: Any, **__: Any) -> bool:
        return has_bfloat16

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert dtypes.fastest_dtype(torch.device("cuda")) == expected
    assert dtypes.fastest_dtype(torch.device("mps")) == "float16"
    assert dtypes.fastest_dtype(torch.device("meta")) == "float32"
