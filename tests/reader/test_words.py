"""Words, characters and what surrounds an answer."""

import pytest

from fundstelle.reader.words import align, trim


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("the Johnson family", "son", "Johnson"),
        ("1,190.5 km", "19", "1,190.5"),
        ("Johnson's son", "John", "Johnson"),
        ("well-known", "kno", "known"),
        ("في المدينة", "مدينة", "المدينة"),
        ("בבית הספר", "ספר", "הספר"),
        ("e\u0301te\u0301 x", "te", "e\u0301te\u0301"),
        ("हिन्दी भाषा", "न", "हिन्दी"),
        ("می‌خواهم", "می", "می‌خواهم"),
        ("soft\u00adhyphen", "soft", "soft\u00adhyphen"),
        ("ﬁnance", "ﬁ", "ﬁnance"),
    ],
)
def test_words_are_never_cut(text: str, part: str, whole: str) -> None:
    """A span that cuts a word grows to the whole word."""
    start = text.index(part)
    a, b = align(text, start, start + len(part))
    assert text[a:b] == whole


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("東京都は首都", "東京"),
        ("カタカナ語", "カタ"),
        ("การศึกษา", "การ"),
        ("ປະເທດລາວ", "ລາວ"),
        ("ភាសាខ្មែរ", "ភាសា"),
        ("မြန်မာစာ", "စာ"),
        ("2015年", "2015"),
        ("인구는 서울에서 산다", "서울"),
    ],
)
def test_no_over_reach(text: str, part: str) -> None:
    """In scripts without spaces, and in Korean, a span of whole characters stays what it is."""
    start = text.index(part)
    a, b = align(text, start, start + len(part))
    assert text[a:b] == part


@pytest.mark.parametrize("cluster", ["👨‍👩‍👧", "ก็", "が", "🇩🇪", "葛󠄀", "1️⃣"])
def test_characters_are_never_cut(cluster: str) -> None:
    """A span that cuts what people see as one character grows to all of it."""
    text = f"東{cluster}京"
    for start in range(1, 1 + len(cluster)):
        assert align(text, start, start + 1) == (1, 1 + len(cluster))


@pytest.mark.parametrize(
    ("span", "answer"),
    [
        (" Paris,", "Paris"),
        ("(Paris", "Paris"),
        ("Paris)", "Paris"),
        ("(Paris)", "(Paris)"),
        ("Paris (Texas)", "Paris (Texas)"),
        ("Havana, Cuba).", "Havana, Cuba"),
        ("東京。", "東京"),
        ("「東京", "東京"),
        ("U.S.", "U.S."),
        ("Yahoo!", "Yahoo!"),
        ('"Sohn', "Sohn"),
        ('"Sohn"', '"Sohn"'),
        ("„Sohn“", "„Sohn“"),
        ("»Sohn«", "»Sohn«"),
        ("“Sohn”", "“Sohn”"),
        ("Sohn“", "Sohn"),
        ("« Sohn", "Sohn"),
        (",", ","),
        ("\u200fשלום\u200f", "שלום"),
    ],
)
def test_only_what_surrounds_is_trimmed(span: str, answer: str) -> None:
    """Blanks, joining marks and brackets without a partner go; what may belong to the answer stays."""
    start, end = trim(span, 0, len(span))
    assert span[start:end] == answer


@pytest.mark.parametrize("key", ["key" * 7000, "e\u0301" * 9000, "東京は首都" * 4000])
def test_an_answer_never_grows_by_a_run_that_is_no_word(key: str) -> None:
    """What goes on for thousands of characters without a break is cut where people see characters."""
    text, middle = f"The key {key} is old.", 10_000
    low, high = align(text, middle, middle + 40)
    assert middle - 1 <= low <= middle and middle + 40 <= high <= middle + 41
    assert not {"\u0301"} & {text[low], text[high]}


def test_words_are_whole_as_long_as_they_are_words() -> None:
    """A digest of 128 hexadecimal digits is not cut, and the end of a long run is found from nearby."""
    assert align(f"Its digest {'0e' * 64} is old.", 60, 64) == (11, 11 + 128)
    assert align("x" * 5000 + " y", 4900, 4910) == (4900, 5000)
