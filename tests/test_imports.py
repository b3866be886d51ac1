"""Rooms import one way, and heavy libraries only where they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "indexing": set(),
    "reader": set(),
    "encoder": {"reader"},
    "pipelines": {"indexing", "reader", "encoder"},
    "evaluation": {"pipelines", "reader", "indexing", "encoder"},
    "training": {"reader", "evaluation", "indexing", "pipelines", "encoder"},
    "compat": {"pipelines", "reader", "indexing", "encoder"},
    "api": {
        "pipelines",
        "indexing",
        "reader",
        "encoder",
        "compat",
    },  # compat: its old endpoints have compat's shapes
    "cli": {"indexing", "reader", "encoder", "pipelines", "evaluation", "training", "api"},
}


def rooms_imported(path: Path) -> set[str]:
    """The rooms of ours that a module imports, wherever in its code."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return {name.split(".")[1] for name in names if name.startswith("fundstelle.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    """No module of a room imports a room it may not."""
    for path in (ROOT / room).rglob("*.py"):
        assert rooms_imported(path) <= MAY_IMPORT[room] | {room}, path


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (
            "import fundstelle.indexing.addresses, fundstelle.indexing.jobs",
            {"torch", "elasticsearch", "haystack"},
        ),
        ("import fundstelle.reader.reader", {"torch", "transformers", "elasticsearch", "haystack"}),
        ("import fundstelle.pipelines.query", {"torch", "transformers", "elasticsearch", "haystack"}),
        (
            "import fundstelle.cli.commands",
            {"torch", "transformers", "haystack", "openvino", "lingua", "tantivy"},
        ),
    ],
)
def test_importing_a_room_leaves_heavy_libraries_alone(statement: str, absent: set[str]) -> None:
    """The light paths load none of the libraries that cost seconds or need an extra."""
    code = f"{statement}\nimport sys\nprint(*sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
