"""Which number format is fastest."""

import json
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

    def seconds(dtype: torch.dtype) -> float:
        probes.append(str(dtype))
        return 1.0 if dtype is torch.bfloat16 else 4.0

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(dtypes, "_seconds", seconds)
    return probes


def test_the_processor_is_measured_once(measured: list[str], tmp_path: Path) -> None:
    """The probe's outcome is remembered for this processor, and measured again for another."""
    assert dtypes.fastest_dtype(CPU) == dtypes.fastest_dtype(CPU) == "bfloat16"
    assert len(measured) == 2
    cache = tmp_path / "fundstelle" / "cpu-dtype.json"
    cache.write_text(json.dumps({"processor": "another", "dtype": "float32"}))
    assert dtypes.fastest_dtype(CPU) == "bfloat16"
    assert len(measured) == 4


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


def test_a_small_gain_is_not_worth_the_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 must be clearly faster to be chosen."""
    monkeypatch.setattr(dtypes, "_seconds", lambda dtype: 1.0 if dtype is torch.bfloat16 else 1.2)
    assert dtypes.probe() == "float32"


def test_the_probe_measures_something() -> None:
    """Both formats run on this processor, in positive time."""
    assert dtypes._seconds(torch.float32) > 0
    assert dtypes._seconds(torch.bfloat16) > 0


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
