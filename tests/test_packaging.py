"""The wheel is the tree: packages are listed by hand, so a forgotten room would be missing without a word."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
ROOMS = {name: ROOT / folder for name, folder in SETTINGS["package-dir"].items()}
NOT_SHIPPED = {"tests", "benchmarks", "examples", "docs"}


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy of the tracked files, so that leftovers of other builds cannot slip in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(out), str(source)], check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_exactly_the_modules_of_the_rooms(wheel: zipfile.ZipFile) -> None:
    """Every tracked module of a room is in the wheel under fundstelle/, and nothing else is."""
    rooms = {folder.name for folder in ROOMS.values()}
    expected = {
        f"fundstelle/{name}" for name in tracked() if name.endswith(".py") and name.split("/")[0] in rooms
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_every_folder_of_modules_is_a_listed_room() -> None:
    """A top-level folder with an `__init__.py` is listed in pyproject.toml, or is one that is not shipped."""
    folders = {name.split("/")[0] for name in tracked() if name.endswith("/__init__.py")}
    assert folders - NOT_SHIPPED == {folder.name for folder in ROOMS.values()}
    assert set(SETTINGS["packages"]) == set(SETTINGS["package-dir"])


def test_the_wheel_is_typed_and_small_enough_for_a_package_index(wheel: zipfile.ZipFile) -> None:
    """Each room ships py.typed, reader, encoder and page ship their files, and the wheel stays under 100 MB."""
    names = set(wheel.namelist())
    assert {f"fundstelle/{folder.name}/py.typed" for folder in ROOMS.values()} <= names
    for folder in ("reader/bundled/", "encoder/bundled/", "api/static/"):
        files = {f"fundstelle/{name}" for name in tracked() if name.startswith(folder)}
        assert files
        assert files <= names
    assert sum(entry.compress_size for entry in wheel.infolist()) < 100_000_000
