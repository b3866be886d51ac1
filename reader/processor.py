"""What the processor under this process can do, and how much of it the process may use."""

import os
from pathlib import Path

_SYSTEM = Path("/sys")
_FEATURES = Path("/proc/cpuinfo")
_BYTE_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8"}


def available_cores(system: Path = _SYSTEM) -> int:
    """Physical cores within the process's affinity and its control group's quota, at least 1.

    Two hyper-threads of a core count once: matrix arithmetic gains nothing from the second. `system` is where
    Linux shows its hardware; elsewhere every logical processor counts.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_core(system, cpu) for cpu in allowed}
    return max(1, min(len(cores), _quota(system, default=len(cores))))


def _core(system: Path, cpu: int) -> tuple[str, ...]:
    topology = system / "devices/system/cpu" / f"cpu{cpu}" / "topology"
    try:
        return tuple((topology / name).read_text() for name in ("physical_package_id", "core_id"))
    except OSError:
        return (str(cpu),)


def _quota(system: Path, default: int) -> int:
    """Whole cores a control group (version 2) grants; a part of one counts as one."""
    try:
        quota, period = (system / "fs/cgroup/cpu.max").read_text().split()
        return default if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return default


def multiplies_bytes(features: Path = _FEATURES) -> bool:
    """Whether there are instructions for products of bytes (VNNI, AMX), as 8-bit arithmetic needs to pay.

    `features` is where Linux lists them; False for processors that do not say so there.
    """
    try:
        lines = features.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not _BYTE_PRODUCTS.isdisjoint(flags.split())
