"""Text files come back as they were written, whatever their encoding."""

import codecs
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.indexing.decoding import decode
from fundstelle.indexing.files import ReadingError

# Characters of text: no surrogates, no control characters but blanks; the mark is not text where it comes first.
characters = st.one_of(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffd\ufeff"),
    st.sampled_from("\t\r\n\u00ad\u0301\u200b\u202e\U0001f600"),
)
texts = st.text(characters, min_size=1)
UNICODE = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
SENTENCES = {
    "de": "Über den Fluss führt eine schöne Brücke, größer als die früheren.",
    "en": "The naïve café owner paid £20 for a “façade” – it’s a cliché.",
    "fr": "Les élèves ont reçu leur congé à Noël, c'est-à-dire l'été où ils étaient très fatigués.",
    "es": "El señor Núñez llegó mañana por la mañana; ¿qué pasó después en la montaña?",
    "sv": "På sjön åker båtar från Åbo till Örebro; där bor många människor och även räven.",
    "pt": "Não há informação sobre as eleições; a situação é difícil, disse o irmão à população.",
    "pl": "Wczoraj wieczorem pojechaliśmy do Łodzi, gdzie było bardzo zimno i śnieżnie; święta są później.",
    "ru": "Вчера вечером мы поехали в город, где было очень холодно.",
    "el": "Χθες το βράδυ πήγαμε στην πόλη, όπου έκανε πολύ κρύο.",
    "tr": "Dün akşam şehre gittik, orada çok soğuktu ve güneş ışığı yoktu; çocuklar için iyi değildi.",
    "ar": "ذهبنا مساء أمس إلى المدينة، حيث كان الجو باردا جدا.",
    "th": "เมื่อวานตอนเย็นเราไปในเมืองซึ่งอากาศหนาวมาก",
    "ja": "昨日の夕方、私たちは町へ行きましたが、とても寒かったです。",
    "zh": "昨天晚上我们去了城里，那里非常冷，街上几乎没有人。",
    "ko": "어제 저녁에 우리는 도시에 갔는데 매우 추웠습니다.",
}
LEGACY = [
    *(("latin-1", code) for code in ("de", "fr", "es", "sv", "pt")),
    *(("cp1252", code) for code in ("de", "en", "fr", "es", "sv", "pt")),
    ("cp1250", "pl"),
    *((encoding, "ru") for encoding in ("cp1251", "koi8-r", "iso8859-5")),
    ("cp1253", "el"),
    ("cp1254", "tr"),
    ("cp1256", "ar"),
    ("cp874", "th"),
    *((encoding, "ja") for encoding in ("cp932", "euc-jp", "iso2022-jp")),
    ("gb18030", "zh"),
    ("cp949", "ko"),
]


@settings(deadline=None)
@given(texts, st.sampled_from(sorted(UNICODE)))
def test_unicode_files_come_back_exactly(text: str, encoding: str) -> None:
    """A file in UTF-8, UTF-16 or UTF-32 holds exactly the text that was written, without the mark."""
    assert decode(UNICODE[encoding] + text.encode(encoding)) == text


@settings(deadline=None)
@given(texts)
def test_utf16_without_a_mark_is_recognised_in_prose(text: str) -> None:
    """UTF-16 that lacks its mark is told by its blanks and line ends."""
    prose = "\n".join(f"{sentence} {text}" for sentence in SENTENCES.values())
    assert decode(prose.encode("utf-16-le")) == prose
    assert decode(prose.encode("utf-16-be")) == prose


@pytest.mark.parametrize(("encoding", "language"), LEGACY)
def test_older_encodings_are_guessed(encoding: str, language: str) -> None:
    """A few sentences in an encoding of their language are read as they were written."""
    text = "\r\n".join([SENTENCES[language]] * 3)
    assert decode(text.encode(encoding)) == text


def test_a_declared_encoding_decides_what_unicode_does_not() -> None:
    """What a file says about itself is believed, unless it is plainly UTF-8 or the encoding does not exist."""
    assert decode("ĺ ň ŕ".encode("cp1250"), "windows-1250") == "ĺ ň ŕ"
    assert decode("åäö".encode(), "iso-8859-1") == "åäö"
    assert decode("Grüße aus Köln".encode("cp1252"), "no-such-encoding") == "Grüße aus Köln"


def test_single_broken_bytes_do_not_change_the_encoding() -> None:
    """A damaged byte in a UTF-8 file is replaced; the rest is not taken for another encoding."""
    assert (
        decode(("Größe, Maß und Übermut. " * 9).encode() + b"\xff")
        == "Größe, Maß und Übermut. " * 9 + "\ufffd"
    )


@pytest.mark.parametrize(
    "junk",
    [
        b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(range(256)) * 4,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9,
        bytes(99),
        Random(7).randbytes(20_000),
    ],
    ids=["program", "picture", "zeros", "archive"],
)
def test_binary_data_is_not_text(junk: bytes) -> None:
    """Programs, pictures, zeros and compressed data named .txt are refused."""
    with pytest.raises(ReadingError, match="binary data"):
        decode(junk)
