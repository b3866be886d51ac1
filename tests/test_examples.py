"""The example collection holds what its questions, its shared facts and its README say."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import SourceDocument
from fundstelle.indexing.formats import read
from fundstelle.indexing.jobs import index
from fundstelle.indexing.languages import detect
from fundstelle.indexing.preparation import Splitting
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.answers import QueryResult
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.reader import Reader, bundle

EXAMPLES = Path(__file__).parent.parent / "examples"
COLLECTION = EXAMPLES / "collection"
FILES = sorted(path.relative_to(COLLECTION).as_posix() for path in COLLECTION.glob("*/*"))
LANGUAGES = {"ar", "de", "en", "es", "fr", "hi", "ja", "ru", "th", "tr", "zh"}
QUESTIONS: list[dict[str, Any]] = json.loads((EXAMPLES / "answers.json").read_text(encoding="utf-8"))
FACTS: list[dict[str, Any]] = json.loads((EXAMPLES / "facts.json").read_text(encoding="utf-8"))


@cache
def documents(file: str) -> list[SourceDocument]:
    return read(COLLECTION / file, file)


def on_one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def text_of(file: str) -> str:
    """All text of a file on one line: lines of a PDF file end where the paper did."""
    return on_one_line(" ".join(document.text for document in documents(file)))


def test_the_collection_has_many_files_of_many_languages_and_formats() -> None:
    """The collection keeps at least 26 files, eleven languages, all common formats and three PDF files."""
    formats = [Path(file).suffix for file in FILES]
    assert len(FILES) >= 26
    assert {Path(file).parent.name for file in FILES} == LANGUAGES
    assert set(formats) >= {".csv", ".docx", ".eml", ".html", ".jsonl", ".md", ".pdf", ".pptx", ".txt"}
    assert formats.count(".pdf") >= 3


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_read_in_its_language(file: str) -> None:
    """Every document of a file is in the language that its folder is named after."""
    assert {detect(document.text) for document in documents(file)} == {Path(file).parent.name}


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(".html")])
def test_pages_are_read_without_their_menus(file: str) -> None:
    """No entry of a web page's menu and no sentence of its footer is in its text."""
    html = (COLLECTION / file).read_text(encoding="utf-8")
    around = "".join(re.findall(r"<nav>.*?</nav>|<footer>.*?</footer>", html, re.DOTALL))
    entries = [entry.strip() for entry in re.split(r"<[^>]*>|[|·]|&middot;", around)]
    assert sum(map(bool, entries)) >= 5
    assert [entry for entry in entries if entry and entry in text_of(file)] == []


@pytest.mark.parametrize("source", sorted((EXAMPLES / "sources").glob("*/*.md")), ids=lambda path: path.stem)
def test_made_documents_say_what_their_sources_say(source: Path) -> None:
    """Every paragraph and heading of a source is in the document made of it, and its pages start new pages."""
    [file] = [
        file for file in FILES if Path(file).with_suffix(".md") == source.relative_to(EXAMPLES / "sources")
    ]
    text = source.read_text(encoding="utf-8")
    blocks = [block.lstrip("# ") for block in text.split("\n\n") if block.strip() != "---"]
    found = text_of(file).replace(" ", "")
    assert [block for block in blocks if "".join(block.split()) not in found] == []
    if file.endswith(".pdf"):
        assert len(documents(file)[0].pages) == 1 + text.count("\n---\n")


def test_questions_are_the_ones_with_known_answers() -> None:
    """The questions of the demo are those of answers.json, in at least ten languages, some without an answer."""
    asked = (EXAMPLES / "questions.txt").read_text(encoding="utf-8").splitlines()
    assert asked == [question["question"] for question in QUESTIONS]
    assert len({question["language"] for question in QUESTIONS}) >= 10
    assert sum(not question["answers"] for question in QUESTIONS) == 2


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["question"])
def test_accepted_answers_stand_in_their_documents(question: dict[str, Any]) -> None:
    """Every accepted answer is literally in the document it is said to be in, in the question's language."""
    for file, answers in question["answers"].items():
        assert Path(file).parent.name == question["language"]
        assert [answer for answer in answers if answer not in text_of(file)] == []


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["fact"])
def test_shared_facts_stand_in_several_documents_and_languages(fact: dict[str, Any]) -> None:
    """A shared fact is stated in at least two documents of different languages, in the words given."""
    stated: dict[str, str] = fact["stated"]
    assert len({Path(file).parent.name for file in stated}) >= 2
    assert [file for file, words in stated.items() if words not in text_of(file)] == []


def test_the_readme_lists_every_file() -> None:
    """The table in the examples' README names each file of the collection once, and no other."""
    rows = (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    listed = [row.split("`")[1] for row in rows if row.startswith("| `") and row.count("|") == 5]
    assert listed == FILES


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PassageStore]:
    """The collection, indexed as the command line does it."""
    with open_store(str(tmp_path_factory.mktemp("examples") / "store")) as store:
        splitting = Splitting(bundle.path() / bundle.TOKENIZER)
        result = index([COLLECTION], store, base=COLLECTION, splitting=splitting, workers=1)
        assert result.failures == ()
        yield store


def test_the_job_indexes_every_document_in_its_language(store: PassageStore) -> None:
    """One job takes in all files, finds the records of JSON Lines, and knows each document's language."""
    records = list(store.records())
    assert len(records) == len(FILES) + 4  # the frequent questions are five records of one file
    assert {record.origin for record in records} == set(FILES)
    assert [record.source for record in records if record.language != record.source.split("/")[0]] == []
    assert store.languages().keys() == LANGUAGES


def test_the_bundled_reader_answers_the_questions(store: PassageStore) -> None:
    """At least 12 of 14 get an accepted answer from an accepted place; those without one are the most doubtful."""
    pipeline = QueryPipeline(store, Reader.load())
    results = pipeline.ask_many([question["question"] for question in QUESTIONS], top_k=1, retriever_top_k=5)
    pairs = list(zip(QUESTIONS, results, strict=True))
    right = [question["question"] for question, result in pairs if _is_right(result, question["answers"])]
    assert len(right) >= 12, right
    by_doubt = sorted(pairs, key=lambda pair: pair[1].no_answer_probability)
    assert [question["answers"] for question, _ in by_doubt[-2:]] == [{}, {}]


def _is_right(result: QueryResult, accepted: dict[str, list[str]]) -> bool:
    return any(on_one_line(answer.text) in accepted.get(answer.source, ()) for answer in result.answers)
