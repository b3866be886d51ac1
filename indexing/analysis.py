"""Text of any language to index terms: one chain for every store, so that all stores rank alike.

Normalise (NFKC, case, invisible characters, loose accents) -> cut into runs by script -> turn each run into
terms by script and language -> put the language before each term (`de:haus`). Stores index the terms as they
stand, split at spaces. The language prefix keeps document frequencies apart: "die" is rare in English and
means nothing in German, and a term matches only within its language.
"""

import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import regex
import Stemmer

ANALYSIS_VERSION = 1
"""Changes whenever the same text gives other terms: a store made by another version must be made again."""

LONGEST_TERM = 64
"""Characters kept of one run; far below the limits of tantivy (65,530 bytes) and Elasticsearch (255)."""

STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

SAME_ANALYSIS = {
    "no": "nb", "nn": "nb", "bs": "sr", "hr": "sr", "sh": "sr", "ms": "id", "iw": "he", "in": "id",
    "yue": "zh", "wuu": "zh", "cmn": "zh",
}  # fmt: skip
"""Codes that share the analysis of a closely related language, which detection cannot tell apart anyway."""

_LOOSE = r"\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Syriac}"
_IDEOGRAPHIC = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}ー"
_UNSPACED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Javanese}\p{Balinese}"
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}ـ]+")
_LOOSE_MARKS = regex.compile(rf"(?<=[{_LOOSE}])\p{{Mn}}+")
_GROUPING_SPACE = regex.compile(r"(?<=\p{Nd})[\u00A0\u2009\u202F](?=\p{Nd}{3}(?!\p{Nd}))")
_TOKEN = regex.compile(
    r"\p{Nd}+(?:[.,'’٫٬]\p{Nd}+)*"
    rf"|[{_IDEOGRAPHIC}]+"
    rf"|[{_UNSPACED}](?:[{_UNSPACED}]|\p{{M}})*"
    r"|\p{Hangul}+"
    rf"|[[\p{{L}}\p{{M}}\p{{Nl}}\p{{No}}]--[{_IDEOGRAPHIC}{_UNSPACED}\p{{Hangul}}]]+",
    regex.V1,
)
_KIND = regex.compile(
    rf"(?P<number>\p{{Nd}})|(?P<ideographs>[{_IDEOGRAPHIC}])|(?P<unspaced>[{_UNSPACED}])|(?P<hangul>\p{{Hangul}})|"
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def analysis_language(language: str) -> str:
    """The language whose rules and term prefix serve the BCP 47 code `language`: "pt-BR" -> "pt", "no" -> "nb"."""
    primary = language.lower().replace("_", "-").partition("-")[0]
    return SAME_ANALYSIS.get(primary, primary) or "und"


def analyse(text: str, language: str) -> list[str]:
    """The terms of `text` in order, each `language:term` without whitespace; [] where nothing can be searched."""
    return index_terms(text, language).split()


def index_terms(text: str, language: str) -> str:
    """The terms of `text` joined by single spaces, as `AnalysedDocument` and the stores want them."""
    prefix = analysis_language(language)
    return " ".join(map(_expander(prefix), _TOKEN.findall(normalise(text, prefix))))


def normalise(text: str, language: str) -> str:
    """`text` with everything removed that readers do not see as a difference: width, case, hyphenation, vowel points."""
    if not text.isascii():
        text = _GROUPING_SPACE.sub(",", text)
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        if language in ("tr", "az"):  # the dotless i is a letter of its own
            text = text.replace("İ", "i").replace("I", "ı")
        text = unicodedata.normalize("NFKC", text.casefold())
        return _LOOSE_MARKS.sub("", text)
    return text.replace("I", "ı").lower() if language in ("tr", "az") else text.lower()


@cache
def _expander(language: str) -> Callable[[str], str]:
    """The function from one run of characters to its terms; it remembers the runs it has seen, which are few."""
    to_word = _word_rule(language)

    @lru_cache(maxsize=30_000)
    def expand(run: str) -> str:
        kind = _KIND.match(run)
        rule = _RULES.get(kind.lastgroup or "", to_word) if kind else to_word
        return " ".join(f"{language}:{term[:LONGEST_TERM]}" for term in rule(run))

    return expand


def _word_rule(language: str) -> Callable[[str], list[str]]:
    stem = Stemmer.Stemmer(STEMMERS[language], 0).stemWord if language in STEMMERS else str
    fold = str if language == "vi" else fold_accents  # tones tell words apart
    return lambda run: [fold(stem(run[:LONGEST_TERM])) or run]


def fold_accents(word: str) -> str:
    """Latin and Greek letters without accents, so that "Cordoba" finds "Córdoba"; other scripts unchanged."""
    if word.isascii() or (not "\x7f" < word[0] < "\u0400" and not any("\x7f" < c < "\u0400" for c in word)):
        return word
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return bare.translate(_LETTERS)


def _number_terms(run: str) -> list[str]:
    """One term for a number however it is written (1,000 = 1.000 = ١٬٠٠٠); the parts of a date or version."""
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in run)
    groups = regex.split(r"[.,'’٫٬]", digits)
    separators = regex.findall(r"[.,'’٫٬]", digits)
    whole = groups
    fraction = ""
    if (
        len(groups) > 1
        and (len(groups[-1]) != 3 or len(set(separators)) > 1)
        and separators[-1] not in separators[:-1]
    ):
        *whole, fraction = groups
    if len(whole) > 1 and not _grouped(whole):
        return [group.lstrip("0") or "0" for group in groups]
    number = "".join(whole).lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    return [f"{number}.{fraction}" if fraction else number]


def _grouped(groups: list[str]) -> bool:
    """Whether digits stand in thousands (1,000,000) or in the Indian way (10,00,000)."""
    middle = {len(group) for group in groups[1:-1]}
    return 1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3 and (middle <= {3} or middle <= {2})


def _ideograph_terms(run: str) -> list[str]:
    return [*run, *map("".join, zip(run, run[1:], strict=False))]


def _cluster_terms(run: str) -> list[str]:
    """Overlapping pairs of what readers see as one character: scripts that put no spaces between words."""
    clusters = regex.findall(r"\X", run)
    return list(map("".join, zip(clusters, clusters[1:], strict=False))) or clusters


def _hangul_terms(run: str) -> list[str]:
    """Pairs of syllables: particles are written on to the noun, so whole words match too rarely."""
    return list(map("".join, zip(run, run[1:], strict=False))) or [run]


_RULES: dict[str, Callable[[str], list[str]]] = {
    "number": _number_terms,
    "ideographs": _ideograph_terms,
    "unspaced": _cluster_terms,
    "hangul": _hangul_terms,
}
