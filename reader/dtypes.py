"""Which number format a device is fastest in: measured on processors, known on accelerators."""

import json
import os
import platform
import time
from hashlib import blake2b
from pathlib import Path

import torch

_WORTHWHILE = 1.3
"""How many times faster bfloat16 must be before it is worth its rounding."""


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
    """The outcome of the probe, measured once per processor and torch."""
    key = _processor()
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known.get("processor") == key and known.get("dtype") in ("float32", "bfloat16"):
            return str(known["dtype"])
    except (OSError, ValueError, AttributeError):
        pass  # never measured, or not ours: measure
    dtype = probe()
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps({"processor": key, "dtype": dtype}), encoding="utf-8")
    except OSError:
        pass  # a read-only home costs a probe per process
    return dtype


def probe() -> str:
    """Time the matrix product that a reader spends its time in, in both formats; takes some 50 ms."""
    exact, rough = (_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    return "bfloat16" if exact > _WORTHWHILE * rough else "float32"


@torch.inference_mode()
def _seconds(dtype: torch.dtype) -> float:
    """A feed-forward layer over 512 tokens, the best of a few runs: a disturbed run is never faster."""
    layer = torch.nn.Linear(384, 1536).to(dtype)
    tokens = torch.ones(512, 384, dtype=dtype)
    runs = []
    for _ in range(6):
        begin = time.perf_counter()
        layer(tokens)
        runs.append(time.perf_counter() - begin)
    return min(runs)


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
