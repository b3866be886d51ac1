"""Which reader a name opens, and what importing costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from fundstelle.reader import bundle, loading

HEAVY = "torch transformers haystack openvino elasticsearch"


def load(model: Path | None, **changes: object) -> loading.Parts:
    """The parts of a model with nothing said about it."""
    options = {"device": None, "dtype": None, "compile": False, "hub": {}} | changes
    return loading.load_parts(model, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"device": "cuda"}, {"dtype": "bfloat16"}, {"compile": True}])
def test_a_bundle_runs_as_it_was_packed(tmp_path: Path, wrong: dict[str, object]) -> None:
    """Torch's options are refused for a bundled reader before anything is loaded."""
    (tmp_path / bundle.LAYERS).write_text("")
    with pytest.raises(ValueError, match="leave device, dtype and compile out"):
        load(tmp_path, **wrong)


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for a torch model without torch says what to install."""
    monkeypatch.delitem(sys.modules, "fundstelle.reader.hub", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'fundstelle\[torch\]'"):
        load(tmp_path)


def test_a_missing_bundle_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without its weights is named as that."""
    monkeypatch.setattr(bundle, "path", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="install fundstelle again"):
        load(None)


def test_public_names_load_no_model_library() -> None:
    """Importing the reader's names, and even the reader itself, loads neither torch nor Haystack."""
    code = (
        "import sys, fundstelle.reader as room; room.Reader, room.ReaderSettings, room.Reading, room.Calibration;"
        f"print([name for name in {HEAVY.split()} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_there() -> None:
    """A wrong name is an AttributeError as with any module."""
    import fundstelle.reader as room

    with pytest.raises(AttributeError, match="no attribute 'Writer'"):
        _ = room.Writer
    assert set(room.__all__) == {name for name in room.__all__ if getattr(room, name)}
