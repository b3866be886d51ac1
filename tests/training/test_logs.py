"""The log of a training: what is done again is left out."""

import json
from pathlib import Path

from fundstelle.training import logs


def test_what_is_done_again_is_left_out(tmp_path: Path) -> None:
    """Lines of later updates go, and so does half a line that a kill left."""
    for step in (1, 2, 3):
        logs.append(tmp_path, {"step": step})
    with (tmp_path / logs.LOG).open("a", encoding="utf-8") as file:
        file.write('{"step": 1, "los')
    logs.forget(tmp_path, 2)
    logs.append(tmp_path, {"step": 3})
    lines = (tmp_path / logs.LOG).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    assert [one.name for one in tmp_path.iterdir()] == [logs.LOG]
