"""The model card: it states what the weights came of, and nothing that had no part in them."""

from pathlib import Path
from typing import Any

from fundstelle.training.card import write_card
from fundstelle.training.recipes import Recipe

FILE = {"name": "towers", "sha256": "0" * 64, "questions": 9876, "left_out_as_evaluation_data": 12}


def card(folder: Path, **more: Any) -> str:
    data = {"version": "1", "start": "encoder", "files": [FILE], **more}
    return write_card(folder, Recipe(), data).read_text(encoding="utf-8")


def test_what_was_drawn_stands_beside_a_files_size(tmp_path: Path) -> None:
    """A file of which a part was trained on is not stated as if all of it had been."""
    drawn = card(tmp_path, files=[FILE | {"questions_trained_on": 345}])
    assert "| towers | 9,876 | 345 | 12 |" in drawn


def test_what_had_no_part_is_left_out(tmp_path: Path) -> None:
    """Hyper-parameters of teacher and dictionaries are stated with these, and not without."""
    alone = card(tmp_path)
    assert not any(f"| {name} |" in alone for name in ("distilled", "temperature", "switched", "switching"))
    taught = card(tmp_path, teacher="large")
    assert "Taught by `large`" in taught
    assert "| distilled |" in taught and "| switched |" not in taught
    switched = card(tmp_path, dictionaries=["freedict-eng-deu"])
    assert "`freedict-eng-deu`" in switched
    assert "| switching |" in switched and "| temperature |" not in switched
