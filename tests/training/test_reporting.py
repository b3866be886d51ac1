"""The commands of `python -m fundstelle.training.*` end in a sentence where something is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fundstelle.training import averaging, contrast, encoders, fusion, layers, parallel, pruning, translation


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (averaging.main, "nowhere --out out"),
        (contrast.main, "nowhere.json --from encoder --out out"),
        (contrast.main, "file.json --from nowhere --out out"),
        (contrast.main, "file.json --from encoder --out out --set nothing=1"),
        (encoders.main, "nowhere out --reader nowhere"),
        (encoders.main, "encoder out --reader nowhere"),
        (fusion.main, "--observations nowhere.jsonl --encoder nowhere/at-all --out out"),
        (layers.main, "extract nowhere out"),
        (layers.main, "assemble nowhere out"),
        (parallel.main, "nowhere.json file.json --out out"),
        (pruning.main, "nowhere out file.json"),
        (pruning.main, "encoder out file.json"),
        (translation.main, "nowhere.json eng-deu --out out"),
    ],
)
def test_what_is_missing_is_said(
    main: Callable[[list[str]], None],
    arguments: str,
    cities: Path,
    encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A missing file, a folder without the right model, an unknown name: status 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.json").symlink_to(cities)
    (tmp_path / "encoder").symlink_to(encoder)
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip()
    assert not (tmp_path / "out").exists()
