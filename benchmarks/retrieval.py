"""How often the right passage is found: recall per language on files in SQuAD's format.

    python benchmarks/retrieval.py xquad.en.json xquad.de.json [--whole] [--together]

Every paragraph is one document without a title, indexed as `fundstelle index` does it: split into passages for
the bundled reader, analysed and written to an embedded store. Documents are ranked by their best passage. The
language is the last part of a file's name before `.json`. `--whole` makes each paragraph one passage, which shows
what splitting costs; `--together` puts all files into one store, which shows what other languages cost.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from machine import describe

from fundstelle.indexing.documents import SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.preparation import Recipe, Splitting, analysed
from fundstelle.indexing.store import PassageStore

RANKS = (1, 3, 10)
PASSAGES = 60
"""Passages asked for: enough that ten documents are among them."""

WHOLE = 1_000_000
"""Tokens no paragraph has."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The paragraphs of a file and its questions, each with the id of the paragraph that answers it."""

    language: str
    documents: list[SourceDocument]
    questions: list[tuple[str, str]]


def read(path: Path) -> Collection:
    """A file in SQuAD's format; questions without an answer are left out."""
    language = path.name.removesuffix(".json").rsplit(".", 1)[-1]
    documents, questions = [], []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            source = f"{path.name}#{len(documents)}"
            documents.append(
                SourceDocument(
                    id=identifier(source),
                    text=paragraph["context"],
                    source=source,
                    origin=source,
                    language=language,
                )
            )
            answerable = (question for question in paragraph["qas"] if not question.get("is_impossible"))
            questions += [(question["question"], documents[-1].id) for question in answerable]
    return Collection(language, documents, questions)


def ranked_documents(store: PassageStore, question: str, language: str) -> list[str]:
    """The ids of documents in `language`, best passage first."""
    hits = store.search(question, PASSAGES, {"language": language})
    return list(dict.fromkeys(hit.passage.document_id for hit in hits))


def rows(store: PassageStore, collections: list[Collection]) -> Iterator[str]:
    """One line of the table per collection."""
    for collection in collections:
        begun = time.perf_counter()
        found = [
            (ranked_documents(store, question, collection.language), answer)
            for question, answer in collection.questions
        ]
        milliseconds = (time.perf_counter() - begun) / len(found) * 1000
        shares = (sum(answer in ids[:rank] for ids, answer in found) / len(found) for rank in RANKS)
        recalls = " ".join(f"{100 * share:7.1f}" for share in shares)
        yield f"{collection.language:10} {len(collection.documents):9} {len(found):9} {recalls} {milliseconds:9.1f}"


def report(collections: list[Collection], recipe: Recipe) -> None:
    """Index the collections into one store and print their rows."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore.open(folder) as store:
        for collection in collections:
            language = Recipe(recipe.splitting, collection.language)
            store.write(analysed(document, language) for document in collection.documents)
        store.commit()
        for row in rows(store, collections):
            print(row)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--whole", action="store_true", help="do not split paragraphs")
    parser.add_argument("--together", action="store_true", help="one store for all files")
    options = parser.parse_args()
    collections = [read(path) for path in options.files]
    print(describe())
    print(
        f"{'language':10} documents questions " + " ".join(f"R@{rank:<5}" for rank in RANKS) + " ms/question"
    )
    with as_file(files("fundstelle.reader") / "bundled" / "tokenizer.json") as tokenizer:
        splitting = Splitting(tokenizer, WHOLE) if options.whole else Splitting(tokenizer)
        for group in [collections] if options.together else [[collection] for collection in collections]:
            report(group, Recipe(splitting))


if __name__ == "__main__":
    main()
