"""What a worker does with one file: read it, find its languages, split it, make its index terms."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from hashlib import blake2b, file_digest
from pathlib import Path

from fundstelle.indexing.analysis import ANALYSIS_VERSION, index_terms
from fundstelle.indexing.documents import AnalysedDocument, Meta, Passage, SourceDocument, identifier
from fundstelle.indexing.formats import read
from fundstelle.indexing.languages import AUTO, SAMPLE, UNKNOWN, checked_or_auto, detect
from fundstelle.indexing.passages import PASSAGE_TOKENS, split
from fundstelle.indexing.tokens import TokenCounter

RECIPE_VERSION = 1
"""Raised with every change to reading or splitting that should have unchanged files indexed again."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """How texts are split.

    Attributes:
        tokenizer: a `tokenizer.json`, the reader's, by which the size of passages is counted.
        tokens: the most a passage may have.
    """

    tokenizer: Path
    tokens: int = PASSAGE_TOKENS


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what a file becomes in the store.

    Attributes:
        language: BCP 47 code of all documents, or "auto".
    """

    splitting: Splitting
    language: str = AUTO

    def __post_init__(self) -> None:
        checked_or_auto(self.language)

    def fingerprint(self) -> str:
        """Tells recipes apart: the same bytes under the same recipe become the same entries."""
        with self.splitting.tokenizer.open("rb") as file:
            tokenizer = file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()
        return identifier(RECIPE_VERSION, ANALYSIS_VERSION, tokenizer, self.splitting.tokens, self.language)


@dataclass(frozen=True, slots=True)
class File:
    """A file to index: where it is, what the store calls it, and its size in bytes.

    Attributes:
        meta: metadata given with the file; it wins over what the file says of itself.
        origin: what the store keeps the file's documents under; `source` unless given.
    """

    path: Path
    source: str
    size: int
    meta: Meta = field(default_factory=dict)
    origin: str = ""

    @property
    def held_under(self) -> str:
        """The origin of the file's documents in the store."""
        return self.origin or self.source

    def fingerprint(self, recipe: str) -> str:
        """The fingerprint of the recipe and of all else that decides what the file's bytes become."""
        return identifier(recipe, *sorted(self.meta.items())) if self.meta else recipe


@dataclass(frozen=True, slots=True)
class Errand:
    """A file that a worker is to prepare by a recipe, whose fingerprint is taken once for all files."""

    file: File
    recipe: Recipe
    fingerprint: str


def prepare(errand: Errand) -> list[AnalysedDocument]:
    """The documents of a file, ready to be written. Raises ReadingError as `formats.read` does."""
    file, recipe = errand.file, errand.recipe
    fingerprint = file.fingerprint(errand.fingerprint)
    documents = read(file.path, file.source)
    return [
        analysed(
            replace(
                document,
                origin=file.held_under,
                meta={**document.meta, **file.meta},
                content_hash=content_hash(document.content_hash, fingerprint, len(documents)),
            ),
            recipe,
        )
        for document in documents
    ]


def content_hash(digest: str, fingerprint: str, documents: int) -> str:
    """The hash of a file with this digest that becomes so many documents by the recipe with this fingerprint.

    Their number tells a file that is in the store from one of which a commit that died has left a part.
    """
    return identifier(digest, fingerprint, documents)


def analysed(document: SourceDocument, recipe: Recipe) -> AnalysedDocument:
    """`document` with its passages and their terms."""
    return with_terms(document, passages_of(document, recipe))


def passages_of(document: SourceDocument, recipe: Recipe) -> list[Passage]:
    """The passages of `document`, each in the language it is written in."""
    document, detector = _with_language(document, recipe.language)
    splitting = recipe.splitting
    return split(document, counter(splitting.tokenizer), limit=splitting.tokens, detect=detector)


def with_terms(document: SourceDocument, passages: Sequence[Passage]) -> AnalysedDocument:
    """`document` in the language of most of its text, with its passages and their terms."""
    sizes: Counter[str] = Counter()
    for passage in passages:
        sizes[passage.language] += len(passage.text)
    titles = {language: index_terms(document.title, language) for language in sizes}
    return AnalysedDocument(
        document=replace(document, language=max(sizes, key=sizes.__getitem__, default=document.language)),
        passages=passages,
        terms=[index_terms(passage.text, passage.language) for passage in passages],
        title_terms=[titles[passage.language] for passage in passages],
    )


def _with_language(
    document: SourceDocument, language: str
) -> tuple[SourceDocument, Callable[[str], str] | None]:
    """The document in the language asked for, or else in the likeliest, with what detects its passages'."""
    if language != AUTO:
        return replace(document, language=language), None
    if document.language != UNKNOWN:
        return document, partial(detect, prior=document.language)
    prior, beginning = detect(document.text), document.text[:SAMPLE]
    return (
        replace(document, language=prior),
        lambda text: (
            prior
            if text[:SAMPLE] == beginning
            else detect(text, prior)  # the first passage has been looked at
        ),
    )


@lru_cache(maxsize=2)
def counter(tokenizer: Path) -> TokenCounter:
    """The counter of a tokenizer, loaded once in a process: about a second for 250,000 pieces."""
    return TokenCounter.load(tokenizer)
