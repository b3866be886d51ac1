"""Text files that are whole wherever they are, because they are written aside and renamed."""

from collections.abc import Iterable
from pathlib import Path


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Replace the file at `path` by these lines; a process that dies on the way leaves it as it was."""
    aside = path.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    aside.replace(path)
