"""The query pipeline over a store and a reader that are easy to see through."""

import json
from typing import Any

import pytest

from fundstelle.pipelines.answers import as_dict
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.reader.confidence import Calibration

DOCUMENTS = {
    "hr/leave": ["Everyone has *thirty days* of leave. ", "Leave is asked for in *January*. "],
    "hr/bridge": [
        "The bridge was built in *1987*. ",
        "It is **ninety metres** long. ",
        "The bridge is *old*. ",
    ],
    "it/bridge": ["Our bridge opened in *1987*, they say. "],
    **{
        f"it/{number}": [f"The bridge of number {number} was built of *stone {number}*. "]
        for number in range(12)
    },
}
QUESTION = "When was the bridge built?"


@pytest.fixture
def pipeline(word_store: Any, mark_reader: Any) -> QueryPipeline:
    return QueryPipeline(word_store(DOCUMENTS), mark_reader())


def test_answers_quote_the_document(pipeline: QueryPipeline) -> None:
    """Text, context and document agree, character for character, for answers and for their support."""
    for result in pipeline.ask_many([QUESTION, "How long is the leave?", "How long is it?"], top_k=20):
        assert result.answers
        for answer in result.answers:
            text = pipeline.store.text(answer.document_id)  # type: ignore[attr-defined]
            first = answer.start - answer.context_start
            assert text[answer.start : answer.end] == answer.text
            assert answer.context[first : first + len(answer.text)] == answer.text
            assert answer.context in text
            for other in answer.support:
                there = pipeline.store.text(other.document_id)  # type: ignore[attr-defined]
                assert there[other.start : other.end].casefold() == answer.text.casefold()


def test_equal_answers_come_once_with_support(pipeline: QueryPipeline) -> None:
    """1987 stands in two documents: one answer, one support."""
    result = pipeline.ask(QUESTION, early_stop=False, top_k=20)
    found = next(answer for answer in result.answers if answer.text == "1987")
    assert [other.document_id for other in found.support] == ["it/bridge"]
    assert sum(answer.text == "1987" for answer in result.answers) == 1


def test_top_k_and_threshold_limit_the_answers(pipeline: QueryPipeline) -> None:
    """At most `top_k` answers, none below the threshold, and the probability of none stays as it was."""
    many = pipeline.ask(QUESTION, top_k=20, threshold=0.0)
    assert len(pipeline.ask(QUESTION, top_k=2, threshold=0.0).answers) == 2
    least = many.answers[1].probability
    few = pipeline.ask(QUESTION, top_k=20, threshold=least)
    assert all(answer.probability >= least for answer in few.answers)
    assert few.no_answer_probability == many.no_answer_probability
    assert pipeline.ask(QUESTION, threshold=1.0).answers == []


def test_filters_reach_the_store(pipeline: QueryPipeline) -> None:
    """Only documents with the wanted metadata are read."""
    result = pipeline.ask(QUESTION, filters={"room": ["hr"]})
    assert {found.passage.meta["room"] for found in result.passages} == {"hr"}
    assert len(pipeline.ask(QUESTION, retriever_top_k=3).passages) == 3


def test_several_questions_share_batches(word_store: Any, mark_reader: Any) -> None:
    """The first passages of all questions are read together, and each question gets what it gets alone."""
    reader = mark_reader()
    pipeline = QueryPipeline(word_store(DOCUMENTS), reader)
    questions = [QUESTION, "How long is the bridge?", QUESTION]
    together = pipeline.ask_many(questions)
    assert reader.batches[0] == 6
    for question, result in zip(questions, together, strict=True):
        alone = pipeline.ask(question)
        assert as_dict(result) | {"timings": {}} == as_dict(alone) | {"timings": {}}


def test_reading_stops_when_the_answer_is_sure(word_store: Any, mark_reader: Any) -> None:
    """A low bar stops after the first group, an unreachable one never, `early_stop=False` neither."""
    for stop, early_stop, read in ((-99.0, True, 2), (99.0, True, 15), (-99.0, False, 15)):
        reader = mark_reader(Calibration(margin=1.0, evidence=3.0, stop=stop))
        QueryPipeline(word_store(DOCUMENTS), reader).ask(QUESTION, early_stop=early_stop)
        assert sum(reader.batches) == read


def test_an_empty_store_answers_nothing(word_store: Any, mark_reader: Any) -> None:
    """No documents, or a question without a word of them: no answers, and that for certain."""
    reader = mark_reader()
    for store in (word_store({}), word_store(DOCUMENTS)):
        for question in ("?!", "Quetzalcoatl"):
            result = QueryPipeline(store, reader).ask(question)
            assert (result.answers, result.no_answer_probability, list(result.passages)) == ([], 1.0, [])
    assert reader.batches == []


@pytest.mark.parametrize(
    ("question", "options", "word"),
    [
        ("", {}, "empty"),
        (" \n\t", {}, "empty"),
        ("Who?", {"top_k": 0}, "top_k"),
        ("Who?", {"retriever_top_k": 0}, "retriever_top_k"),
        ("Who?", {"threshold": 1.5}, "threshold"),
        ("Who?", {"threshold": float("nan")}, "threshold"),
    ],
)
def test_wrong_use_is_a_sentence(
    pipeline: QueryPipeline, question: str, options: dict[str, Any], word: str
) -> None:
    """An empty question and numbers out of range are refused before anything is read."""
    with pytest.raises(ValueError, match=word):
        pipeline.ask(question, **options)


def test_a_long_question_is_asked(pipeline: QueryPipeline) -> None:
    """Ten thousand characters are a question like any other."""
    assert pipeline.ask("When was the bridge built? " * 400).answers


def test_pages_are_those_of_the_answer(word_store: Any, mark_reader: Any) -> None:
    """A passage that starts on page 1 can have its answer on page 2."""
    store = word_store({"a": ["The bridge opened, and was *old* in *1987*, they say."]}, pages={"a": (0, 35)})
    result = QueryPipeline(store, mark_reader()).ask("When was the bridge old?", threshold=0)
    assert {answer.text: answer.page for answer in result.answers} == {"old": 1, "1987": 2}
    unpaged = QueryPipeline(word_store(DOCUMENTS), mark_reader()).ask(QUESTION)
    assert unpaged.answers[0].page is None


def test_neighbours_are_fetched_only_where_the_context_wants_them(word_store: Any, mark_reader: Any) -> None:
    """A passage longer than the context is quoted without asking the store for the whole document."""
    long = "Nothing is said here. " * 30
    for text, listed in ((long + "The bridge: *1987*. " + long, []), ("The bridge: *1987*. ", ["a"])):
        store = word_store({"a": [text, long]})
        answer = QueryPipeline(store, mark_reader()).ask("The bridge?").answers[0]
        assert store.listed == listed
        assert 200 < len(answer.context) <= 300


def test_very_long_documents_are_not_gone_through(
    word_store: Any, mark_reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a document of many passages the context ends with its passage, and still quotes it."""
    monkeypatch.setattr("fundstelle.pipelines.quoting.LARGEST_DOCUMENT", 2)
    texts = ["The bridge: *1987*. ", "Nothing is said here. " * 30, "Nor here. "]
    store = word_store({"a": texts})
    answer = QueryPipeline(store, mark_reader()).ask("The bridge?").answers[0]
    assert (answer.context, store.listed) == (texts[0], [])


def test_a_document_is_fetched_once_for_all_its_answers(word_store: Any, mark_reader: Any) -> None:
    """Several answers of one document share what the store gave."""
    store = word_store({"a": ["The bridge: *1987*. ", "The bridge: *ninety metres*. "]})
    assert len(QueryPipeline(store, mark_reader()).ask("The bridge?").answers) == 2
    assert store.listed == ["a"]


def test_a_result_becomes_plain_json(pipeline: QueryPipeline) -> None:
    """The dictionary survives JSON unchanged and has the documented keys."""
    found = as_dict(pipeline.ask(QUESTION, early_stop=False))
    assert json.loads(json.dumps(found)) == found
    assert list(found) == [
        "question",
        "language",
        "retriever",
        "no_answer_probability",
        "answers",
        "passages",
        "timings",
    ]
    supported = next(answer for answer in found["answers"] if answer["support"])
    assert list(supported["support"][0]) == ["document_id", "source", "start", "end", "probability"]
    assert list(found["timings"]) == ["retrieve_ms", "read_ms", "total_ms"]
    assert found["timings"]["total_ms"] >= found["timings"]["retrieve_ms"]
    assert found["language"] == "en"
