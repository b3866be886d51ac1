"""When two quotations say the same: their normal form, by language.

"the Rhine." and "Rhine", "ＡＢＣ" and "abc" are one answer given twice; "1.5" and "15" are two. The form is
for comparing only: what is shown is always the text as it stands in the document.
"""

import unicodedata

import regex

# Articles that may open an answer. Languages that attach theirs to the noun have none to take off.
_ARTICLES = {
    "ca": "el la els les un una uns unes",
    "da": "en et den det de",
    "de": "der die das den dem des ein eine einen einem einer eines",
    "el": "ο η το οι τα τον την του της των τους τις στο στη στην στον ένας μια μία ένα",
    "en": "a an the",
    "es": "el la los las un una unos unas",
    "fr": "le la les un une des",
    "gl": "o a os as un unha uns unhas",
    "hu": "a az egy",
    "it": "il lo la i gli le un uno una",
    "nl": "de het een",
    "no": "en ei et den det de",
    "pt": "o a os as um uma uns umas",
    "ro": "un o niște",
    "sv": "en ett den det de",
}
_ELIDED = {"ca": "l", "fr": "l", "it": "l"}
_SETS = {language: frozenset(words.split()) for language, words in _ARTICLES.items()}
_SETS |= {"nb": _SETS["no"], "nn": _SETS["no"]}

# Punctuation at the border of a word, except what changes the meaning: "-5", "5 %", "C#".
_BORDER = regex.compile(r"^(?!-\d)[[\p{P}\p{M}\p{Cf}`]--[%٪‰#&@]]+|[[\p{P}\p{Cf}`]--[%٪‰#&@]]+$", regex.V1)

# Raised and lowered digits after a plain one, which NFKC would join: "10⁵" is not "105". "m²" and "H₂O" are no numbers.
_RAISED = regex.compile(r"(?<=\d)(?=[⁺⁻⁰¹²³⁴-⁹])")
_LOWERED = regex.compile(r"(?<=\d)(?=[₊₋₀-₉])")


def answer_key(text: str, language: str = "und") -> str:
    """The normal form of an answer; "" where there is nothing but punctuation and white space.

    NFKC, case folded, white space and punctuation at the borders of words gone, one leading article of
    `language` (a BCP 47 code) gone unless it is all there is; "10⁵" becomes "10^5".
    """
    language = language.split("-")[0]
    text = _LOWERED.sub("_", _RAISED.sub("^", text))
    words = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split()
    words = [word for word in (_stripped(word) for word in words) if word]
    if len(words) > 1 and words[0] in _SETS.get(language, ()):
        words = words[1:]
    if words and language in _ELIDED:
        words[0] = regex.sub(rf"^{_ELIDED[language]}['’](?=\w)", "", words[0])
    return " ".join(words)


def _stripped(word: str) -> str:
    """The word without border punctuation, taken off until none is left to take."""
    while (shorter := _BORDER.sub("", word)) != word:
        word = shorter
    return word
