"""What the index terms of any text in any script must be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.analysis import (
    LONGEST_TERM,
    STRONG,
    WEAK,
    WEAK_WEIGHT,
    analyse,
    analysis_language,
    index_terms,
    term_weight,
)

LANGUAGES = [
    "en",
    "de",
    "tr",
    "vi",
    "ar",
    "fa",
    "he",
    "hi",
    "th",
    "zh",
    "ja",
    "ko",
    "fi",
    "am",
    "und",
    "pt-BR",
]


def words(text: str, language: str) -> list[str]:
    """The terms of `text` without their language, and without parts of words."""
    terms = (term.partition(":")[2] for term in analyse(text, language))
    return [term for term in terms if term[0] not in WEAK + STRONG]


@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_gives_terms_that_a_store_can_split_at_spaces(text: str, language: str) -> None:
    """Terms are never empty, hold no whitespace, fit every store, and joined by spaces stay themselves."""
    terms = analyse(text, language)
    prefix = analysis_language(language) + ":"
    assert all(
        term.startswith(prefix) and len(prefix) < len(term) <= LONGEST_TERM + len(prefix) for term in terms
    )
    assert all(len(term.split()) == 1 for term in terms)
    assert index_terms(text, language).split() == terms
    " ".join(terms).encode("utf-8")


@given(st.text(), st.sampled_from(["NFC", "NFD"]), st.sampled_from(LANGUAGES))
def test_canonical_forms_are_the_same_text(text: str, form: str, language: str) -> None:
    """However Unicode composes a text, its terms are the same."""
    assert analyse(unicodedata.normalize(form, text), language) == analyse(text, language)


@pytest.mark.parametrize(
    "invisible", ["\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u200e", "\u202b"]
)
@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("Donaudampfschiff", "de"),
        ("कर्मचारी", "hi"),
        ("کتابخانه", "fa"),
        ("ภาษาไทย", "th"),
        ("北京大学", "zh"),
    ],
)
def test_invisible_characters_alter_nothing(invisible: str, word: str, language: str) -> None:
    """A soft hyphen, a joiner or a direction mark inside a word leaves its terms as they are."""
    assert analyse(word[:3] + invisible + word[3:], language) == analyse(word, language)


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("STRASSE", "straße", "de"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width", "en"),
        ("ﬁnance", "finance", "en"),
        ("ISTANBUL", "ıstanbul", "tr"),
        ("İstanbul", "istanbul", "tr"),
        ("Cordoba", "Córdoba", "es"),
        ("Κόσμος", "κοσμος", "el"),
        ("Москва́", "Москва", "ru"),
        ("ёлка", "елка", "ru"),
        ("مُحَمَّد", "محمد", "ar"),
        ("محـــمد", "محمد", "ar"),
        ("שָׁלוֹם", "שלום", "he"),
        ("ｶﾀｶﾅ", "カタカナ", "ja"),
        ("houses", "house", "en"),
        ("Häuser", "Haus", "de"),
        ("книги", "книга", "ru"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str, language: str) -> None:
    """Case, width, ligatures, optional accents and vowel points, and inflection do not keep words apart."""
    assert analyse(one, language) == analyse(other, language)


@pytest.mark.parametrize(
    "written",
    [
        "1,000,000",
        "1.000.000",
        "1’000’000",
        "1\u202f000\u202f000",
        "1\u00a0000\u00a0000",
        "10,00,000",
        "١٬٠٠٠٬٠٠٠",
        "१०,००,०००",
        "๑๐๐๐๐๐๐",
        "１０００，０００",
    ],
)
def test_a_number_is_one_term_however_it_is_written(written: str) -> None:
    """Grouping and digits of any script do not alter a number."""
    if "１" in written:
        written = written.replace("１０００", "１，０００")
    assert words(written, "und") == ["1000000"]


@pytest.mark.parametrize(
    ("written", "terms"),
    [
        ("3.50", ["3.5"]),
        ("3,5", ["3.5"]),
        ("1.234,56", ["1234.56"]),
        ("1,234.56", ["1234.56"]),
        ("12.03.2015", ["12", "3", "2015"]),
        ("1.2.3", ["1", "2", "3"]),
        ("0", ["0"]),
        ("1990-1995", ["1990", "1995"]),
        ("ISO9001", ["iso", "9001"]),
    ],
)
def test_numbers_and_dates_fall_into_their_parts(written: str, terms: list[str]) -> None:
    """Decimals stay whole; dates, versions and codes fall into parts."""
    assert words(written, "und") == terms


def test_digits_and_latin_letters_are_not_glued_to_ideographs() -> None:
    """A year, a character and a name stay apart, and pairs are made of neighbours only."""
    assert words("2015年在NBA打球", "zh") == ["2015", "年", "在", "年在", "nba", "打", "球", "打球"]


@pytest.mark.parametrize(
    ("word", "language"),
    [("कर्मचारी", "ne-x"), ("বাংলাদেশ", "bn"), ("తెలుగు", "te"), ("việt", "vi"), ("አማርኛ", "am")],
)
def test_marks_do_not_split_words(word: str, language: str) -> None:
    """Vowel signs, virama and tone marks belong to the word they stand in."""
    assert len(words(word, language)) == 1


@pytest.mark.parametrize(
    ("text", "language"), [("ภาษาไทย", "th"), ("ພາສາລາວ", "lo"), ("ភាសាខ្មែរ", "km"), ("မြန်မာဘာသာ", "my")]
)
def test_scripts_without_spaces_are_cut_into_pairs(text: str, language: str) -> None:
    """A phrase shares terms with the sentence that holds it, though no spaces say where words end."""
    assert len(analyse(text, language)) > 1
    assert set(analyse(text, language)) <= set(analyse(f"{text}{text}", language))


@pytest.mark.parametrize("text", ["", " \n\t", "?!…—", "😀👍🏽", "\u200b\u00ad", "+++ === ###"])
def test_text_without_words_has_no_terms(text: str) -> None:
    """Punctuation, symbols and emoji cannot be searched for."""
    assert all(not analyse(text, language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("code", "language"),
    [("pt-BR", "pt"), ("ZH_tw", "zh"), ("no", "nb"), ("hr", "sr"), ("und", "und"), ("", "und")],
)
def test_codes_of_one_language_share_its_analysis(code: str, language: str) -> None:
    """Regions, spellings of a code and near-identical languages have one analysis."""
    assert analysis_language(code) == language


def test_compounds_and_inflections_share_parts_of_words() -> None:
    """Parts of words meet where whole words do not; beside a stem they weigh less, without a stemmer they do not."""
    shared = set(analyse("Dampfschiffahrt", "de")) & set(analyse("Donaudampfschiff", "de"))
    assert shared and {term_weight(term) for term in shared} == {WEAK_WEIGHT}
    shared = set(analyse("שבבית", "he")) & set(analyse("הבית", "he"))
    assert shared and {term_weight(term) for term in shared} == {1.0}
    assert {term_weight(term) for term in analyse("Haus 2015", "de") if not term.startswith("de:~")} == {1.0}


def test_terms_of_different_languages_differ() -> None:
    """The same letters are another term in another language."""
    assert not set(analyse("die", "de")) & set(analyse("die", "en"))
