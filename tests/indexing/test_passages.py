"""Splitting: a partition of the text, on the best borders there are, within the reader's window."""

from bisect import bisect_right
from itertools import accumulate

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage, SourceDocument, identifier
from fundstelle.indexing.passages import CHARACTERS_PER_TOKEN, split
from fundstelle.indexing.tokens import LONGEST_WORD, TokenCounter


def document(text: str, language: str = "en", pages: tuple[int, ...] = ()) -> SourceDocument:
    return SourceDocument("d", text, "a.txt", "a.txt", "Title", language, pages)


def texts(text: str, counter: TokenCounter, limit: int) -> list[str]:
    return [passage.text for passage in split(document(text), counter, limit=limit)]


AWKWARD = [
    *(
        "a",
        "Wort",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\r\n",
        "\r\n\r\n",
        "\t",
        "\f",
        "\u00a0",
        "\u3000",
        "\u00ad",
        "\u200b",
    ),
    *(
        ". ",
        "! ",
        "? ",
        "。",
        "！",
        "？",
        "؟ ",
        "۔ ",
        "। ",
        "॥",
        "։ ",
        "። ",
        "។",
        ", ",
        "、",
        "Dr. ",
        "z. B. ",
        "3.14",
    ),
    *(
        "e\u0301",
        "\u0301",
        "\ufe0f",
        "\u200d",
        "👩\u200d💻",
        "👍🏽",
        "🇩🇪",
        "🇫🇷",
        "क्षि",
        "நி",
        "각",
        "\u1100\u1161",
        "ﷺ",
    ),
    *(
        "한국어",
        "日本語",
        "中文",
        "สวัสดีครับ",
        "ខ្មែរ",
        "ລາວ",
        "မြန်မာ",
        "العربية",
        "עברית",
        "ελ",
        "Ծ",
        "አማ",
        "ＡＢ",
        "㎏",
        "ﬁ",
    ),
    *(
        "# Head\n",
        "\ud800",
        "\x00",
        "\x85",
        "\u2028",
        "\u0600",
        "“",
        "(",
        ")",
        '"',
        "\u202b",
        "\u2066",
        "x" * 30,
        "- a\n",
    ),
]
MIXED = st.one_of(st.lists(st.sampled_from(AWKWARD), max_size=80).map("".join), st.text(max_size=200))
LANGUAGES = st.sampled_from(["en", "de", "fr", "ar", "hi", "th", "zh", "ja", "und", "sr-Cyrl", "xx"])


@settings(max_examples=300)
@given(MIXED, st.integers(1, 40), LANGUAGES, st.data())
def test_passages_are_a_partition(
    counter: TokenCounter, text: str, limit: int, language: str, data: st.DataObject
) -> None:
    """Nothing is left out, doubled or moved, whatever the script."""
    pages = data.draw(st.lists(st.integers(0, len(text)), max_size=3, unique=True).map(sorted).map(tuple))
    passages = split(document(text, language, pages), counter, limit=limit)
    assert "".join(passage.text for passage in passages) == text
    assert [passage.start for passage in passages] == list(
        accumulate((len(passage.text) for passage in passages[:-1]), initial=0) if passages else []
    )
    assert all(passage.text for passage in passages)


@settings(max_examples=300)
@given(MIXED, st.integers(30, 60), LANGUAGES)
def test_no_cut_inside_a_grapheme_cluster(
    counter: TokenCounter, text: str, limit: int, language: str
) -> None:
    """A combining mark stays with its letter, a flag and an emoji whole, CR with LF."""
    clusters = regex.findall(r"\X", text)
    borders = set(accumulate(map(len, clusters), initial=0))
    if all(len(cluster) < limit for cluster in clusters):
        assert {passage.start for passage in split(document(text, language), counter, limit=limit)} <= borders


@settings(max_examples=200)
@given(MIXED, st.integers(1, 40))
def test_passages_fit_the_limit(counter: TokenCounter, text: str, limit: int) -> None:
    """No passage has more tokens than the limit, nor characters beyond twelve a token."""
    for passage in split(document(text), counter, limit=limit):
        assert counter.counts([passage.text])[0] <= limit or len(passage.text) == 1
        assert len(passage.text) <= max(1, limit * CHARACTERS_PER_TOKEN)


def test_fields_of_a_passage(counter: TokenCounter) -> None:
    """Id, page, title, language and metadata come from the document and the place in it."""
    text = "One two three. " * 3
    source = SourceDocument("d", text, "a.pdf", "a.pdf", "Title", "en", (0, 15, 30), {"team": "hr"})
    second = split(source, counter, limit=12)[1]
    assert second == Passage(
        identifier("d", 15), "d", text[15:30], 15, "a.pdf", "en", "Title", 2, {"team": "hr"}
    )


def test_the_language_of_a_passage_can_be_detected(counter: TokenCounter) -> None:
    """A document in two languages has passages in two languages."""
    passages = split(
        document("abcd abcd. Дома дома."),
        counter,
        limit=10,
        detect=lambda text: "en" if "a" in text else "ru",
    )
    assert [passage.language for passage in passages] == ["en", "ru"]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["We met Dr. Smith of St. Ives. ", "It cost 3.14 dollars, e.g. in May."]),
        ("de", ["Das gilt z. B. am 3. Mai. ", "Danach gilt es nicht mehr so."]),
        ("fr", ["Voici M. Dupont de Lyon. ", "Il arrive demain matin tôt."]),
        ("zh", ["今天天气很好我们去公园。", "你来不来呢？", "太好了我们一起去！"]),
        ("ja", ["今日は天気がいいです。", "散歩に行きませんか？"]),
        ("ar", ["هل هذا كتاب جديد؟ ", "نعم هذا كتاب جديد."]),
        ("ur", ["یہ ایک کتاب ہے۔ ", "وہ ایک گھر ہے۔"]),
        ("hi", ["यह एक किताब है। ", "वह एक घर है।"]),
        ("hy", ["Սա գիրք է։ ", "Նա տուն է։"]),
        ("am", ["ይህ መጽሐፍ ነው። ", "ያ ቤት ነው።"]),
        ("el", ["Πού είναι το σπίτι; ", "Το σπίτι είναι εδώ."]),
        ("km", ["នេះជាសៀវភៅ។ ", "នោះជាផ្ទះ។"]),
    ],
)
def test_sentences_end_where_their_script_ends_them(
    counter: TokenCounter, language: str, sentences: list[str]
) -> None:
    """Cuts fall on the sentence borders of each script and not on its abbreviations and decimals."""
    limit = max(counter.counts(sentences))
    starts = {
        passage.start for passage in split(document("".join(sentences), language), counter, limit=limit)
    }
    assert starts <= set(accumulate(map(len, sentences), initial=0))
    assert len(starts) == len(sentences)


def test_the_last_passages_share_what_is_left(counter: TokenCounter) -> None:
    """Text slightly longer than a passage becomes two halves, not one passage and a scrap."""
    sentence = "abcd abcd abcd. "
    first, second = texts(sentence * 11, counter, limit=counter.counts([sentence])[0] * 10)
    assert abs(len(first) - len(second)) <= len(sentence)


def test_headings_stay_with_what_follows(counter: TokenCounter) -> None:
    """A passage ends before a heading rather than after it."""
    section = "# Heading of it\n\n" + "Abcd efgh ijkl. " * 4 + "\n\n"
    assert texts(section * 3, counter, limit=counter.counts([section])[0] + 8) == [section] * 3


def test_paragraphs_are_preferred_to_sentences(counter: TokenCounter) -> None:
    """Of two borders that fill passages alike the end of a paragraph is taken."""
    paragraph = "Abcd efgh. " * 4 + "\n\n"
    limit = counter.counts([paragraph])[0] + 6
    assert texts(paragraph * 4, counter, limit) == [paragraph] * 4


def test_page_starts_are_preferred(counter: TokenCounter) -> None:
    """Where passages are about full at the end of a page, they end there."""
    page = "Abcd efgh. " * 5
    passages = split(document(page * 3, pages=(0, 55, 110)), counter, limit=55)
    assert [passage.start for passage in passages] == [0, 55, 110]
    assert [passage.page for passage in passages] == [1, 2, 3]


def test_pieces_of_the_tokenizer_stand_in_for_words(counter: TokenCounter) -> None:
    """In a script without spaces a cut that no sentence or space offers falls between tokens."""
    words = ["สวัสดี", "ครับ"] * 20
    borders = set(accumulate(map(len, words), initial=0))
    passages = split(document("".join(words), "th"), counter, limit=9)
    assert len(passages) > 3
    assert {passage.start for passage in passages} <= borders


def test_words_are_kept_whole(counter: TokenCounter) -> None:
    """A sentence longer than a passage is cut between clauses, or else between words."""
    clauses = "abcdefgh, " * 3 + "abcdefgh"
    assert texts(clauses, counter, limit=20) == ["abcdefgh, abcdefgh, ", "abcdefgh, abcdefgh"]
    assert texts("abcdefgh " * 4, counter, limit=16) == ["abcdefgh abcdefgh "] * 2


@pytest.mark.parametrize(
    "text", ["x" * 300_001, "\n" * 300_001, "a\n\n" * 30_000, "\u0301" * 100_001, "🇩🇪" * 30_000]
)
def test_degenerate_texts(counter: TokenCounter, text: str) -> None:
    """A very long line without spaces, blank lines alone, and runs of marks or flags are split like any text."""
    passages = split(document(text), counter)
    assert "".join(passage.text for passage in passages) == text
    assert max(len(passage.text) for passage in passages) <= 180 * CHARACTERS_PER_TOKEN


def test_an_empty_document_has_no_passages(counter: TokenCounter) -> None:
    """No text, no passage."""
    assert split(document(""), counter) == []


def test_a_limit_below_one_is_refused(counter: TokenCounter) -> None:
    """A limit that no passage can keep is an error, not an endless loop."""
    with pytest.raises(ValueError, match="at least 1 token"):
        split(document("a"), counter, limit=0)


@given(
    st.lists(
        st.sampled_from(
            ["ab", "abc", "z", "สวัสดี", "a" + "b" * (LONGEST_WORD + 7), "xa" * LONGEST_WORD, "\ud800"]
        ),
        max_size=30,
    )
)
def test_counts_are_those_of_the_tokenizer(counter: TokenCounter, words: list[str]) -> None:
    """Counting by words gives what encoding the whole text gives, except at cuts inside endless words."""
    text = " ".join(words)
    plain = text.replace("\ud800", "?")
    counted = counter.counts([text])[0]
    encoded = len(counter._tokenizer.encode(plain))
    assert 0 <= counted - encoded <= sum(len(word) > LONGEST_WORD for word in words)


def test_token_ends_are_offsets_in_the_whole_text(counter: TokenCounter) -> None:
    """Ends keep counting across the pieces that a long text is encoded in."""
    text = "ab" * LONGEST_WORD
    assert counter.token_ends(text) == list(range(2, len(text) + 1, 2))
    assert bisect_right(counter.token_ends("ab ab"), 2) == 1
