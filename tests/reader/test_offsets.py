"""Whatever the text, an answer is a range of it, whole words, and not blank."""

import itertools
from typing import Any

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fundstelle.reader.words import BLANK

# fmt: off
SNIPPETS = [
    "john paris", "johnson", "東京は首都。", "カタカナ", "서울에서", "การศึกษา", "ปี", "ລາວ",
    "ខ្មែរ", "မြန်မာ", "हिन्दी में", "தமிழ்", "في المدينة", "שלום",
    "می\u200cخواهم", "e\u0301te\u0301", "\u0301", "👨\u200d👩\u200d👧", "🇩🇪",
    "１２３", "ﬁ", "…", "\r\n", "\t", " ", "\u3000", "soft\u00adhyphen", "\u200f",
    "\ufeff", "1,190.5", "(", ")", "«", "»", '"', ".", ",", "。", "\ud800",
    "\u0600", "ﾞ", "½",
]
# fmt: on
TEXTS = st.one_of(
    st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=12).map("".join),
    st.text(min_size=1, max_size=40),
)
IN_WORD = regex.compile(r"[\p{L}\p{N}]")
BY_CHARACTER = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Hangul}ーﾞﾟ]"
)


@pytest.fixture(scope="module", params=["bert_like", "xlmr_like"])
def reader(request: pytest.FixtureRequest, engine_like: Any) -> Any:
    """A reader whose logits depend on the token alone, without favour for anything."""
    import numpy as np

    from fundstelle.reader.reader import Reader
    from fundstelle.reader.settings import ReaderSettings

    class Mixed(engine_like):  # type: ignore[misc]
        def logits(self, batch: Any) -> Any:
            places = np.arange(batch.input_ids.shape[1])
            noise = np.sin(batch.input_ids * 12.9898 + places * 78.233).astype(np.float32)
            return noise, np.roll(noise, 1, axis=1)

    return Reader(
        Mixed(),
        request.getfixturevalue(request.param)(),
        ReaderSettings(max_seq_length=20, stride=4, max_question_length=4, top_k=5),
    )


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
@example(text="\u0301 \u0301")
@example(text="\ud800john")
@example(text="john \u0600 paris\u0600\u3000is")
@example(text="'▁▁ ▁' ▁")
def test_every_answer_is_a_range_of_its_text(reader: Any, passage: Any, text: str) -> None:
    """0 <= start < end <= len(text); something to see at both ends; no word cut; no overlap."""
    (reading,) = reader.read("who", [passage("p", text)])
    for span in reading.spans:
        assert 0 <= span.start < span.end <= len(text)
        assert not BLANK.fullmatch(text[span.start : span.end])
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()
        for border in (span.start, span.end):
            assert not _cuts_word(text, border)
            assert not _cuts_character(text, border)
    spans = sorted(reading.spans, key=lambda span: span.start)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))


def _cuts_word(text: str, border: int) -> bool:
    """Whether letters or digits of a script with spaces stand on both sides."""
    both = text[max(border - 1, 0) : border + 1]
    return len(both) == 2 and border > 0 and all(IN_WORD.match(c) and not BY_CHARACTER.match(c) for c in both)


def _cuts_character(text: str, border: int) -> bool:
    """Whether the border is inside what people see as one character, which white space is no part of."""
    runs = [run for run in regex.finditer(r"\S+", text) if run.start() < border < run.end()]
    characters = (
        one for run in runs for one in regex.finditer(r"\X", text, pos=run.start(), endpos=run.end())
    )
    return any(one.start() < border < one.end() for one in characters)
