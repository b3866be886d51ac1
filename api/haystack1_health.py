"""How the machine is doing, as Haystack 1.26's `/health` told it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

_QUERY = "index,utilization.gpu,memory.total,memory.used"
_MIB = 1024 * 1024


def usage() -> dict[str, Any]:
    """Percent of processor (load of the last quarter of an hour) and memory in use, and each GPU's share."""
    load = os.getloadavg()[2] / (os.cpu_count() or 1)
    return {
        "cpu": {"used": round(100 * load, 2)},
        "memory": {"used": round(100 * _memory_share(), 2)},
        "gpus": _gpus(),
    }


def _memory_share() -> float:
    """This process's part of the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages / os.sysconf("SC_PHYS_PAGES")


def _gpus() -> list[dict[str, Any]]:
    """What `nvidia-smi` says; none where there is no such program, or it says nothing."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return [_gpu(line) for line in found.stdout.splitlines()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def _gpu(line: str) -> dict[str, Any]:
    index, kernel, total, used = (part.strip() for part in line.split(","))
    usage = {
        "kernel_usage": float(kernel),
        "memory_total": int(total) * _MIB,
        "memory_used": int(used) * _MIB,
    }
    return {"index": int(index), "usage": usage}
