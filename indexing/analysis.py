"""Text of any language to index terms: one chain for every store, so that all stores rank alike.

Normalise (NFKC, case, invisible characters, loose accents) -> cut into runs by script -> turn each run into
terms by script and language -> put the language before each term (`de:haus`). Stores index the terms as they
stand, split at spaces. The language prefix keeps document frequencies apart: "die" is rare in English and
means nothing in German, and a term matches only within its language.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import regex
import Stemmer  # type: ignore[import-not-found]

ANALYSIS_VERSION = 2
"""Changes whenever the same text gives other terms: a store made by another version must be made again."""

WEAK, STRONG = "~", "="
"""Marks of terms that are parts of words. Weak ones stand beside a stem that says more: `WEAK_WEIGHT` of its weight.
Languages without a stemmer have strong ones."""

WEAK_WEIGHT = 0.3
"""Chosen on questions in Arabic, English, Finnish, Russian, Swedish and Turkish: recall@1 rises by 2 to 5 points."""

LONGEST_TERM = 64
"""Characters kept of one run; far below the limits of tantivy (65,530 bytes) and Elasticsearch (255)."""

LONGEST_REMEMBERED = 30
"""Characters of a run whose terms are kept for the next time: longer ones hardly come again."""

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
_UNSPACED = "".join(
    rf"\p{{{script}}}"
    for script in (
        "Thai", "Lao", "Khmer", "Myanmar", "Javanese", "Balinese",
        "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet",
    )
)  # fmt: skip
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}ـ]+")
_CLUSTER = regex.compile(r"\X")
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
    rf"(?P<number>\p{{Nd}})|(?P<characters>[{_IDEOGRAPHIC}\p{{Hangul}}])|(?P<unspaced>[{_UNSPACED}])|"
)
_SEPARATOR = regex.compile(r"[.,'’٫٬]")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def analysis_language(language: str) -> str:
    """The language whose rules and prefix serve the BCP 47 code `language`: "pt-BR" -> "pt", "no" -> "nb"."""
    primary = language.lower().replace("_", "-").partition("-")[0]
    return SAME_ANALYSIS.get(primary, primary) or "und"


def term_weight(term: str) -> float:
    """What a term of a question counts for beside others."""
    return WEAK_WEIGHT if term.partition(":")[2].startswith(WEAK) else 1.0


def analyse(text: str, language: str, parts: bool = True) -> list[str]:
    """The terms of `text`, each `language:term` without whitespace; [] where there are none.

    Args:
        parts: whether parts of words are wanted beside words.
    """
    prefix = analysis_language(language)
    return " ".join(map(_expander(prefix, parts), _TOKEN.findall(normalise(text, prefix)))).split()


def index_terms(text: str, language: str) -> str:
    """All terms of `text` joined by single spaces, as `AnalysedDocument` and the stores want them."""
    prefix = analysis_language(language)
    return " ".join(map(_expander(prefix, True), _TOKEN.findall(normalise(text, prefix))))


def normalise(text: str, language: str) -> str:
    """`text` without what readers see as no difference: width, case, hyphenation, vowel points."""
    if not text.isascii():
        text = _GROUPING_SPACE.sub(",", text)
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        if language in ("tr", "az"):  # the dotless i is a letter of its own
            text = text.replace("İ", "i").replace("I", "ı")
        text = unicodedata.normalize("NFKC", text.casefold())
        return str(_LOOSE_MARKS.sub("", text))
    return text.replace("I", "ı").lower() if language in ("tr", "az") else text.lower()


@cache
def _expander(language: str, parts: bool) -> Callable[[str], str]:
    """The function from one run of characters to its terms; it remembers the runs, which come again."""
    to_word = _word_rule(language, parts)

    def expand(run: str) -> str:
        kind = _KIND.match(run)
        rule = _RULES.get(kind.lastgroup or "", to_word) if kind else to_word
        return " ".join(f"{language}:{term[:LONGEST_TERM]}" for term in rule(run))

    remembering = lru_cache(maxsize=30_000)(expand)
    return lambda run: remembering(run) if len(run) <= LONGEST_REMEMBERED else expand(run)


def _word_rule(language: str, parts: bool) -> Callable[[str], list[str]]:
    """The stem and, beside it, the letters in threes: they meet where endings, prefixes and compounds differ."""
    if language == "vi":  # words are syllables that never change, told apart by their tones
        return lambda run: [run]
    stem = Stemmer.Stemmer(STEMMERS[language], 0).stemWord if language in STEMMERS else str
    mark = WEAK if language in STEMMERS else STRONG

    def terms(run: str) -> list[str]:
        word = fold_accents(stem(run[:LONGEST_TERM])) or run
        return [word, *(mark + piece for piece in _threes(word))] if parts else [word]

    return terms


def _threes(word: str) -> list[str]:
    """Overlapping threes of what readers see as letters, the first with a mark for the beginning."""
    letters = [*word] if word.isascii() else _CLUSTER.findall(word)
    return _runs_of(["_", *letters], 3) if len(letters) > 2 else []


def fold_accents(word: str) -> str:
    """Latin and Greek letters without accents, so that "Cordoba" finds "Córdoba"; other scripts unchanged."""
    if word.isascii() or (not "\x7f" < word[0] < "\u0400" and not any("\x7f" < c < "\u0400" for c in word)):
        return word
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return bare.translate(_LETTERS)


def _number_terms(run: str) -> list[str]:
    """One term for a number however it is written (1,000 = 1.000 = ١٬٠٠٠); the parts of a date or version."""
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in run)
    groups = _SEPARATOR.split(digits)
    whole, fraction = _without_fraction(groups, _SEPARATOR.findall(digits))
    if len(whole) > 1 and not _grouped(whole):
        return [_without_zeros(group) for group in groups]
    number = _without_zeros("".join(whole))
    fraction = fraction.rstrip("0")
    return [f"{number}.{fraction}" if fraction else number]


def _without_fraction(groups: list[str], separators: list[str]) -> tuple[list[str], str]:
    """The groups before the decimal sign, and the digits after it: the last sign, if it groups nothing."""
    if not separators or separators[-1] in separators[:-1]:
        return groups, ""
    if len(groups[-1]) == 3 and len(separators) == 1:
        return groups, ""
    return groups[:-1], groups[-1]


def _without_zeros(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _grouped(groups: list[str]) -> bool:
    """Whether digits stand in thousands (1,000,000) or in the Indian way (10,00,000)."""
    middle = {len(group) for group in groups[1:-1]}
    return 1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3 and (middle <= {3} or middle <= {2})


def _character_terms(run: str) -> list[str]:
    """Characters beside their pairs: Han and Kana; Hangul too, since particles are written on to nouns."""
    return [*run, *_runs_of(run, 2)]


def _cluster_terms(run: str) -> list[str]:
    """Pairs, and weakly threes, of what readers see as one character: no spaces say where words end."""
    clusters = _CLUSTER.findall(run)
    return [*(_runs_of(clusters, 2) or clusters), *(WEAK + piece for piece in _runs_of(clusters, 3))]


def _runs_of(pieces: Sequence[str], length: int) -> list[str]:
    """The overlapping runs of `length` neighbours."""
    return ["".join(pieces[start : start + length]) for start in range(len(pieces) - length + 1)]


_RULES: dict[str, Callable[[str], list[str]]] = {
    "number": _number_terms,
    "characters": _character_terms,
    "unspaced": _cluster_terms,
}
