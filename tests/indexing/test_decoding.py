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


def test_utf16_is_read_in_the_order_that_has_more_spaces() -> None:
    """The wrong order of bytes makes wide spaces of zeros; they are fewer than the spaces there are."""
    text = "They won by 10 to 0 against Ā. " * 9
    assert decode(text.encode("utf-16-le")) == decode(text.encode("utf-16-be")) == text


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


@pytest.mark.parametrize(
    ("declared", "written", "text"),
    [
        ("ISO-8859-1", "cp1252", "“It’s 50 € – café” said Zoë"),
        ("us-ascii", "cp1252", "Der Müller fährt über die Brücke – für 3 €"),
        ("iso-8859-9", "cp1254", "“İşçiler” – ağır yük"),
        ("gb2312", "gbk", "朱镕基与陶喆在台灣見面"),
        ("gbk", "gb18030", "他叫㐂田，来自台灣"),
        ("Shift_JIS", "cp932", "①髙橋さんは㈱東京で働く"),
        ("euc-kr", "cp949", "똠방각하 펲시콜라"),
        ("big5", "cp950", "他下了一盤圍碁"),
        ("TIS-620", "cp874", "ราคา 50 € “ถูก”"),
        ("iso-8859-8-i", "iso8859-8", "שלום לכולם"),
    ],
)
def test_a_declared_encoding_is_what_browsers_take_it_for(declared: str, written: str, text: str) -> None:
    """A name that programs put on files of a larger encoding stands for that one, as the web's standard has it."""
    assert decode(text.encode(written), declared) == text


def test_guessed_encodings_are_the_larger_ones_too() -> None:
    """A guess names the encoding as a web page would, and characters outside its smaller namesake are read."""
    text = "他們昨天晚上在城裡下了一盤圍碁，街上幾乎沒有人。" * 3
    assert decode(text.encode("cp950")) == text


def test_single_broken_bytes_do_not_change_the_encoding() -> None:
    """A damaged byte in a UTF-8 file is replaced; the rest is not taken for another encoding."""
    assert (
        decode(("Größe, Maß und Übermut. " * 9).encode() + b"\xff")
        == "Größe, Maß und Übermut. " * 9 + "\ufffd"
    )


def test_a_broken_byte_among_few_good_characters_is_damage() -> None:
    """Where whole characters of UTF-8 outnumber a broken byte, a file stays UTF-8 however few they are."""
    text = "Café Müller in Köln serves “Käsekuchen” for 3 €. "
    assert decode(text.encode() + b"Last word caf\xc3") == f"{text}Last word caf\ufffd"
    assert decode(b"\xe9" + text.encode()) == f"\ufffd{text}"


def test_a_replacement_character_is_a_character() -> None:
    """A file in UTF-8 that holds what another program put for a broken byte is not broken itself."""
    text = "The caf\ufffd in the street behind the station is open until half past five."
    assert decode(text.encode()) == text


@pytest.mark.parametrize("text", ["Room 123 \0is on floor 3. ", "Büro 12\0 liegt im Stock 3. "])
def test_a_stray_zero_byte_does_not_make_utf16(text: str) -> None:
    """A short text with one zero byte is that text, not pairs of its bytes read as ideographs."""
    text += "Ask at the desk for the key; it is open until half past five."
    text += "." * (len(text.encode()) % 2)
    assert decode(text.encode()) == text


@pytest.mark.parametrize("language", ["en", "de", "ru", "el", "ar", "ko"])
def test_short_utf16_without_a_mark_is_recognised(language: str) -> None:
    """A sentence in UTF-16 without a mark is recognised in scripts whose bytes are mostly ASCII, too."""
    text = SENTENCES[language]
    assert decode(text.encode("utf-16-le")) == decode(text.encode("utf-16-be")) == text


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
