"""docs/reader.md names a test for every known defect of peers: all of them are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
TABLE = TESTS.parents[1] / "docs" / "reader.md"
DEFECTS = ["D1", "D2a", "D2b", *(f"D{n}" for n in range(3, 8)), "D8a", "D8b", "D8c"]
DEFECTS += [f"D{n}" for n in range(9, 22)]


def test_every_defect_has_a_test_that_exists() -> None:
    """Each of the 24 has its line, in order, and each line names functions that its files define."""
    lines = re.findall(r"^\| (D\w+) \|.*\| ([^|]+) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, _ in lines] == DEFECTS
    for name, tests in lines:
        found = re.findall(r"`(\w+\.py)::(\w+)`", tests)
        assert found, name
        for file, function in found:
            assert f"def {function}(" in (TESTS / file).read_text(encoding="utf-8"), (name, function)
