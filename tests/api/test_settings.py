"""Settings: from everywhere they may come, and documented one and all."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from fundstelle.api import Settings
from fundstelle.api.settings import load

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = re.compile(r"^\| `FUNDSTELLE_([A-Z_]+)` \| (.*?) \| (.*) \|$", re.M)


def shown(value: object) -> str:
    """A default as the documentation writes it."""
    match value:
        case None | ():
            return ""
        case bool():
            return f"`{str(value).lower()}`"
    return f"`{value}`"


def test_every_setting_is_documented_with_its_default() -> None:
    """docs/service.md lists the settings in order, each with the default and the words of the class."""
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    listed = [(name.lower(), default, words) for name, default, words in DOCUMENTED.findall(text)]
    assert listed == [
        (name, shown(field.default), field.description) for name, field in Settings.model_fields.items()
    ]


def test_the_readme_leads_to_the_settings() -> None:
    """Whoever reads the README finds the page."""
    assert "docs/service.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_arguments_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source fills in what the ones before it left open."""
    file = tmp_path / "settings.toml"
    file.write_text('host = "10.0.0.1"\nport = 1\nmax_waiting = 7\ncors_origins = ["https://a.example"]\n')
    monkeypatch.setenv("FUNDSTELLE_SETTINGS", str(file))
    monkeypatch.setenv("FUNDSTELLE_PORT", "2")
    monkeypatch.setenv("FUNDSTELLE_MAX_WAITING", "8")
    found = Settings(max_waiting=9)
    assert (found.host, found.port, found.max_waiting) == ("10.0.0.1", 2, 9)
    assert found.cors_origins == ("https://a.example",)


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists come from the environment as people write them."""
    monkeypatch.setenv("FUNDSTELLE_COMPAT", "haystack1, farm,")
    assert Settings().compat == ("haystack1", "farm")


def test_misspelt_and_impossible_settings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of the file that is no setting, an old API that is not there, and a port that cannot be, are errors."""
    file = tmp_path / "settings.toml"
    file.write_text("prot = 80\n")
    monkeypatch.setenv("FUNDSTELLE_SETTINGS", str(file))
    with pytest.raises(ValidationError, match="prot"):
        Settings()
    monkeypatch.delenv("FUNDSTELLE_SETTINGS")
    for wrong in (
        {"port": 70_000},
        {"compat": ("haystack2",)},
        {"deadline_seconds": 0},
        {"language": "german"},
        {"language": "de\n"},
    ):
        with pytest.raises(ValidationError):
            Settings(**wrong)


def test_languages_are_codes_or_detected() -> None:
    """What an upload may name as its language, the setting may; the error says how languages are written."""
    assert [Settings(language=each).language for each in ("auto", "de", "pt-BR")] == ["auto", "de", "pt-BR"]
    with pytest.raises(ValueError, match=r"FUNDSTELLE_LANGUAGE: .*'german'.*pt-BR.*auto"):
        load(language="german")


def test_a_file_of_settings_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt path is an error that names it, instead of a service with other settings."""
    monkeypatch.setenv("FUNDSTELLE_SETTINGS", str(tmp_path / "setings.toml"))
    with pytest.raises(ValueError, match=r"FUNDSTELLE_SETTINGS .*setings\.toml"):
        load()
