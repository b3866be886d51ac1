"""Code-switching: dictionaries are read as they are written, and answers stay where they stand."""

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.training.dictionaries import Dictionary
from fundstelle.training.examples import Example
from fundstelle.training.switching import switch, translate

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
GERMAN = Dictionary(
    "deu", {"house": "Haus", "river": "Fluss", "built": "gebaut", "large": "groß", "when": "wann"}
)


def _number(value: int) -> str:
    return (_number(value // 64) if value >= 64 else "") + DIGITS[value % 64]


def _save(folder: Path, entries: list[tuple[str, str]]) -> Path:
    """A dictionary as dictd has it."""
    text, lines = b"", []
    for word, entry in entries:
        data = entry.encode()
        lines.append(f"{word}\t{_number(len(text))}\t{_number(len(data))}\n")
        text += data
    index = folder / "freedict-eng-deu.index"
    index.write_text("".join(lines), encoding="utf-8")
    index.with_suffix(".dict.dz").write_bytes(gzip.compress(text))
    return index


def test_a_dictionary_gives_the_translation_most_entries_begin_with(tmp_path: Path) -> None:
    """Phrases, examples, references and long explanations are no translations; frequent senses win."""
    long = "x" * 300
    index = _save(
        tmp_path,
        [
            ("house", "house /haʊs/\nGeschlecht <neut>, Familie\n"),
            ("house", f'house /haʊs/\nHaus <neut>\n      "build a house" - {long}\n'),
            ("house", "house /haʊsɔv/\nParlament\n"),
            ("house", "house of cards /haʊs/\nKartenhaus\n"),
            ("when", "when /wɛn/\n see: {then}\n"),
            ("large", "large /lɑː/\n1. groß, weit\n2. breit\n"),
            ("the", "the /ðə/\nder, die, das\n"),
            ("state", "state /steɪt/\nein langer erklärender Satz\n"),
        ],
    )
    found = Dictionary.open(index)
    assert found.language == "deu"
    assert found.words == {"house": "Haus", "large": "groß"}


@given(
    before=st.lists(st.sampled_from(["large", "house", "of", "Smith", "ruin,"]), max_size=8),
    answer=st.lists(st.sampled_from(["river", "built", "Bonn", "1999"]), min_size=1, max_size=3),
    after=st.lists(st.sampled_from(["when", "house.", "xyz"]), max_size=8),
    seed=st.integers(0, 99),
)
def test_the_answer_is_followed_through_the_translation(
    before: list[str], answer: list[str], after: list[str], seed: int
) -> None:
    """What stands at the new place is the answer's own translation, and nothing else moves into it."""
    text = " ".join([*before, *answer, *after])
    start = len(" ".join(before)) + bool(before)
    place = (start, start + len(" ".join(answer)))
    new, found = translate(text, place, GERMAN, 0.5, random.Random(seed))
    assert found is not None
    words = new[slice(*found)].split()
    assert len(words) == len(answer)
    assert all(word in (old, GERMAN.words.get(old)) for word, old in zip(words, answer, strict=True))


def test_names_stay_and_sentences_keep_their_capital() -> None:
    """A capital within a sentence marks a name; at its start the translation gets one."""
    new, _ = translate("Large rivers. The House of a house.", None, GERMAN, 1.0, random.Random(0))
    assert new == "Groß rivers. The House of a Haus."


def test_only_the_source_language_is_switched() -> None:
    """German examples stay as they are; of English ones the share that was asked for is changed."""
    english = [
        Example(
            "d",
            "When was the large house built?",
            "The large house by the river was built in 1871.",
            (42, 46),
        )
    ] * 200
    german = [
        Example("d", "Wann?", "Das große Haus am Fluss wurde im Jahr 1871 von den Bauern gebaut.", (38, 42))
    ]
    found = list(switch(english + german * 5, [GERMAN], switched=0.5, switching=1.0))
    assert found[200:] == german * 5
    assert sum(one != english[0] for one in found[:200]) == pytest.approx(100, abs=25)
    assert {one.answer_text for one in found[:200]} == {"1871"}
    assert any("Haus" in one.question and "Haus" not in one.context for one in found[:200])
