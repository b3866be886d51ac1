"""The machine a figure was measured on: a speed without it says nothing."""

import os
import platform
from pathlib import Path

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def describe() -> str:
    """Processor, the instruction sets that matter for inference, cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_model()}; {' '.join(_features()) or 'no vector extensions known'}; {cores} cores"


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _model() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def _features() -> list[str]:
    flags = set(_cpuinfo().get("flags", "").split())
    return [feature for feature in FEATURES if feature in flags]
