"""Translated data: every answer is where its mark came out, and what cannot be found again is left out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.datasets import Gold, Question, load
from fundstelle.training.translation import Apertium, TranslationError, chosen, main, mark, translated, unmark

CONTEXT = "In 1807 the old emperor & his <court> met Alexander at Tilsit."
QUESTIONS = (("Who met Alexander?", "the old emperor"), ("When?", "1807"), ("Where did they meet?", "Tilsit"))

FAKE = """#!{python}
# Turns every word around, behind the first letter of the mode.
import re, sys
mode = sys.argv[-1]
if mode == "none":
    sys.exit("Error: Mode none does not exist.")
def words(text):
    return re.sub(r"(<[^>]*>|&[a-z]+;)|(\\w+)", lambda m: m[1] or mode[0] + m[2][::-1], text)
print("\\n".join(words(line) for line in sys.stdin.read().split("\\n")) if mode != "lost" else "")
"""


@pytest.fixture
def apertium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in Apertium's place."""
    program = tmp_path / "bin" / "apertium"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def questions() -> list[Question]:
    return [
        Question(str(number), text, CONTEXT, (Gold(answer, CONTEXT.index(answer)),))
        for number, (text, answer) in enumerate(QUESTIONS)
    ]


def save(file: Path, *contexts: str) -> Path:
    paragraphs = [
        {"context": context, "qas": [
            {"id": f"{number}{place}", "question": text,
             "answers": [{"text": answer, "answer_start": context.index(answer)}]}
            for place, (text, answer) in enumerate(QUESTIONS)
        ]}
        for number, context in enumerate(contexts)
    ]  # fmt: skip
    file.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}))
    return file


@given(
    text=st.text("ab <>&;\n\"'", max_size=30),
    borders=st.lists(st.integers(0, 30), max_size=8).map(sorted),
)
def test_marks_come_off_where_they_were_put(text: str, borders: list[int]) -> None:
    """Without a translation in between, text and spans are what they were, less the spaces around a span."""
    spans = [
        (start, end) for start, end in zip(borders[::2], borders[1::2], strict=False) if end <= len(text)
    ]
    plain, found = unmark(mark(text, spans))
    assert plain == text
    done = 0
    for number, (start, end) in enumerate(spans):
        if start < done or not text[start:end].strip():
            assert number not in found
        else:
            assert text[slice(*found[number])] == text[start:end].strip()
        done = max(done, end)


def test_a_mark_that_is_torn_apart_or_empty_is_left_out() -> None:
    """An answer whose words no longer stand together is none, nor is one of which nothing is left."""
    text, found = unmark(
        '<span id="0">a</span> x <span id="0">b</span> <span id="1"> c </span><span id="2"> </span>'
    )
    assert text == "a x b  c  "
    assert found == {1: (7, 8)}


def test_answers_are_found_again(apertium: Path) -> None:
    """Questions, paragraphs and answers are translated alike, whatever signs are in them."""
    pairs = list(translated(questions(), Apertium(["a"])))
    assert [old for old, _ in pairs] == questions()
    for (_, new), answer in zip(pairs, ("aeht adlo arorepme", "a7081", "atisliT"), strict=True):
        (gold,) = new.golds
        assert gold.text == answer == new.context[gold.start : gold.start + len(answer)]
        assert new.context == "anI a7081 aeht adlo arorepme & asih <atruoc> atem arednaxelA ata atisliT."
    assert pairs[0][1].text == "aohW atem arednaxelA?"


def test_questions_without_an_answer_stay_so(apertium: Path) -> None:
    """What nothing answers is answered by nothing in the other language."""
    (pair,) = translated([Question("1", "Why?", CONTEXT, ())], Apertium(["a"]))
    assert pair[1].golds == ()
    assert pair[1].text == "ayhW?"


def test_modes_follow_each_other(apertium: Path) -> None:
    """The second translates what the first gave."""
    assert Apertium(["a", "b"]).translate(["one", "two"]) == ["bonea", "btwoa"]


def test_failures_are_said(apertium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mode that does not exist, texts that were lost and a program that is missing each have a sentence."""
    with pytest.raises(TranslationError, match="cannot translate none: Error: Mode none does not exist"):
        Apertium(["none"]).translate(["one"])
    with pytest.raises(TranslationError, match="lost made 0 texts of 1"):
        Apertium(["lost"]).translate(["one"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TranslationError, match="apt install apertium apertium-eng-spa"):
        Apertium(["eng-spa"]).translate(["one"])


def test_the_files_are_data_sets(apertium: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All three can be loaded, with every question; evaluation data is kept out."""
    other = CONTEXT.replace(
        "emperor", "emperor of a wide country that nobody has named on any map until that day"
    )
    file = save(tmp_path / "train.json", CONTEXT, other)
    held_out = save(tmp_path / "held-out.json", other)
    # The questions themselves are held out as well: they are asked otherwise there.
    held_out.write_text(held_out.read_text().replace("?", " then?"))
    main([str(file), "a", "--out", str(tmp_path / "out"), "--held-out", str(held_out)])
    assert "3 of 3 questions" in capsys.readouterr().out
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) == 3
    texts = {tuple(one.text for one in load(each).questions) for each in written}
    assert len(texts) == 2  # one file asks in English
    assert all(one.golds for each in written for one in load(each).questions)


def test_the_command_says_what_is_missing(
    apertium: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback where Apertium cannot do it, and nothing is written."""
    file = save(tmp_path / "train.json", CONTEXT)
    with pytest.raises(SystemExit) as stopped:
        main([str(file), "none", "--out", str(tmp_path / "out")])
    assert stopped.value.code == 1
    assert "cannot translate none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_paragraphs_are_drawn_with_all_their_questions() -> None:
    """So many paragraphs, the same for the same seed."""
    many = [Question(f"{n}", "?", f"context {n // 2}", ()) for n in range(20)]
    drawn = chosen(many, 3)
    assert len({one.context for one in drawn}) == 3
    assert len(drawn) == 6
    assert drawn == chosen(many, 3)
    assert chosen(many, None) == chosen(many, 99) == many


def modes() -> str:
    if shutil.which("apertium") is None:
        return ""
    return subprocess.run(["apertium", "-l"], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif("eng-spa" not in modes(), reason="Apertium with eng-spa is not installed")
def test_apertium_keeps_the_marks() -> None:
    """The real one translates into Spanish and leaves each answer in one piece."""
    pairs = list(translated(questions(), Apertium(["eng-spa"])))
    assert len(pairs) == 3
    assert pairs[0][1].golds[0].text.casefold() == "el emperador viejo"
    assert "<" in pairs[0][1].context
