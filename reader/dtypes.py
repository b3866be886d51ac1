"""Which number format a device is fastest in: measured on processors, known on accelerators."""

import json
import os
import platform
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import torch

_WORTHWHILE = 1.3
"""How many times faster bfloat16 must be before it is worth its rounding."""
_RUNS = 12  # of each format
_CLEAR = (0.8, 1.6)
"""How many times faster bfloat16 is, outside of which no doubt is left: emulated it is several times slower, with
instructions of its own at least 1.8 times faster. What is measured in between, a busy processor may have made up."""


def fastest_dtype(device: torch.device) -> str:
    """ "bfloat16", "float16" or "float32": what the device truly speeds up."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.type == "mps":
        return "float16"
    if device.type == "cpu":
        return _remembered(_cache_file())
    return "float32"


def _remembered(cache: Path) -> str:
    """The outcome of the probe, measured once per processor and torch, unless it leaves doubt."""
    key = _processor()
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known.get("processor") == key and known.get("dtype") in ("float32", "bfloat16"):
            return str(known["dtype"])
    except (OSError, ValueError, AttributeError):
        pass  # never measured, or not ours: measure
    gain = probe()
    dtype = "bfloat16" if gain > _WORTHWHILE else "float32"
    if not _CLEAR[0] < gain < _CLEAR[1]:
        _write(cache, {"processor": key, "dtype": dtype})
    return dtype


def _write(cache: Path, known: dict[str, str]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(known), encoding="utf-8")
    except OSError:
        pass  # a read-only home costs a probe per process


def probe() -> float:
    """How many times faster bfloat16 is in the matrix product that a reader spends its time in.

    The two are timed in turns, so that a busy moment meets both, and the best of their runs count, because a
    disturbed run is never faster. Takes some 100 ms.
    """
    timed = {dtype: _product(dtype) for dtype in (torch.float32, torch.bfloat16)}
    runs = [{dtype: product() for dtype, product in timed.items()} for _ in range(_RUNS)]
    exact, rough = (min(run[dtype] for run in runs) for dtype in timed)
    return exact / rough


def _product(dtype: torch.dtype) -> Callable[[], float]:
    """Runs a feed-forward layer over 512 tokens and says how many seconds it took."""
    layer = torch.nn.Linear(384, 1536).to(dtype)
    tokens = torch.ones(512, 384, dtype=dtype)

    @torch.inference_mode()
    def seconds() -> float:
        begin = time.perf_counter()
        layer(tokens)
        return time.perf_counter() - begin

    return seconds


def _cache_file() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "fundstelle" / "cpu-dtype.json"


def _processor() -> str:
    """A name for this processor's abilities and the torch that uses them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        seen = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    except OSError:
        seen = [platform.processor(), platform.machine()]
    threads = str(torch.get_num_threads())
    return blake2b("\n".join([*seen, torch.__version__, threads]).encode(), digest_size=8).hexdigest()
