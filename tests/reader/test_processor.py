"""Threads are given the cores that there are, and arithmetic the instructions."""

import os
from pathlib import Path

import pytest

from fundstelle.reader.processor import available_cores, multiplies_bytes


def machine(folder: Path, cores: dict[int, int], quota: str = "max 100000") -> Path:
    """A `/sys` of processors by the core they belong to, under a control group's quota."""
    for cpu, core in cores.items():
        topology = folder / "devices/system/cpu" / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text("0\n")
        (topology / "core_id").write_text(f"{core}\n")
    (folder / "fs/cgroup").mkdir(parents=True)
    (folder / "fs/cgroup/cpu.max").write_text(quota)
    return folder


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"),
    [
        ({0, 1, 2, 3}, "max 100000", 2),
        ({0, 2}, "max 100000", 1),
        ({0, 1, 2, 3}, "100000 100000", 1),
        ({0, 1, 2, 3}, "50000 100000", 1),
        ({0, 1, 2, 3}, "800000 100000", 2),
        ({0, 7}, "max 100000", 2),
    ],
)
def test_hyper_threads_affinity_and_quotas_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[int], quota: str, expected: int
) -> None:
    """Two threads of a core are one, forbidden cores are none, a quota is a ceiling, the unknown counts."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: allowed)
    assert available_cores(machine(tmp_path, {0: 0, 2: 0, 1: 1, 3: 1}, quota)) == expected


def test_without_a_system_to_ask_every_processor_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the hardware does not show itself, the affinity alone decides."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2})
    assert available_cores(tmp_path) == 3


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 fma\n", False),
        ("processor : 0\nflags\t\t: fpu avx2 avx_vnni\n", True),
        ("processor : 0\nflags\t\t: fpu avx512f avx512_vnni\nbugs : none\n", True),
        ("processor : 0\nflags\t\t: amx_tile amx_int8\n", True),
        ("processor : 0\nFeatures : asimd\n", False),
        ("", False),
    ],
)
def test_products_of_bytes_are_found_by_their_flags(tmp_path: Path, listing: str, expected: bool) -> None:
    """VNNI of either width and AMX count; a processor that lists none of them has none."""
    (tmp_path / "cpuinfo").write_text(listing)
    assert multiplies_bytes(tmp_path / "cpuinfo") is expected


def test_a_system_without_a_listing_promises_nothing(tmp_path: Path) -> None:
    """Where no features are listed, none are assumed."""
    assert not multiplies_bytes(tmp_path / "cpuinfo")
