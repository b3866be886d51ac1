"""The Haystack components: the same answers as the query pipeline, and a life as YAML."""

from pathlib import Path
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.core.errors import PipelineRuntimeError

from fundstelle.indexing.store import Hit
from fundstelle.pipelines import components
from fundstelle.pipelines.components import (
    AnswerMerger,
    PassageRetriever,
    SpanReader,
    build_query_pipeline,
    document_of,
    hit_of,
)
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.reader import bundle

DOCUMENTS = {
    "hr/leave": ["Everyone has *thirty days* of leave. ", "Leave is asked for in *January*. "],
    "hr/bridge": ["The bridge was built in *1987*. ", "It is **ninety metres** long. "],
    "it/bridge": ["Our bridge opened in *1987*, they say. "],
}
QUESTION = "When was the bridge built?"


def ask(pipeline: Pipeline, question: str, **merger: Any) -> dict[str, Any]:
    inputs = {
        "retriever": {"query": question},
        "reader": {"query": question},
        "merger": {"query": question, **merger},
    }
    return dict(pipeline.run(inputs)["merger"])


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, word_store: Any, mark_reader: Any) -> dict[str, Any]:
    """A store and a reader that are found under their names, as a loaded pipeline finds them."""
    store, reader = word_store(DOCUMENTS), mark_reader()
    monkeypatch.setattr(components, "open_store", lambda address, create: {"memory": store}[address])
    monkeypatch.setattr(components.Reader, "load", lambda model: {"marks": reader}[model])
    return {"store": store, "reader": reader}


def test_the_pipeline_answers_as_the_query_pipeline_does(named: dict[str, Any]) -> None:
    """Text, probability, place and context are those of `QueryPipeline`, in Haystack's form."""
    question = "How long was the bridge?"
    expected = QueryPipeline(named["store"], named["reader"]).ask(question, early_stop=False)
    found = ask(build_query_pipeline("memory", "marks", early_stop=False), question)
    assert found["no_answer_probability"] == expected.no_answer_probability
    assert len(found["answers"]) == len(expected.answers) > 1
    for extracted, answer in zip(found["answers"], expected.answers, strict=True):
        assert (extracted.data, extracted.score) == (answer.text, answer.probability)
        assert (extracted.meta["start"], extracted.meta["end"]) == (answer.start, answer.end)
        assert extracted.context == answer.context
        place, shown = extracted.document_offset, extracted.context_offset
        assert extracted.document.content[place.start : place.end] == answer.text
        assert extracted.context[shown.start : shown.end] == answer.text
    assert found["answers"][1].meta["support"][0]["source"] == "it/bridge"


def test_a_pipeline_survives_yaml(named: dict[str, Any]) -> None:
    """Dumped and loaded, the pipeline is the same and gives the same answers."""
    pipeline = build_query_pipeline("memory", "marks", early_stop=False)
    loaded = Pipeline.loads(pipeline.dumps())
    assert loaded.to_dict()["components"] == pipeline.to_dict()["components"]
    assert ask(loaded, QUESTION)["answers"] == ask(pipeline, QUESTION)["answers"]


def test_components_keep_their_options(word_store: Any) -> None:
    """`from_dict(to_dict())` gives a component with the same options; an open store goes by its address."""
    for made in (
        PassageRetriever(word_store(DOCUMENTS), 7, {"room": ["hr"]}, retriever="hybrid", encoder="folder"),
        SpanReader("marks", early_stop=False, options={"device": "cpu"}),
        AnswerMerger(word_store(DOCUMENTS), top_k=2, threshold=0.3, context_size=120),
        AnswerMerger(),
    ):
        assert type(made).from_dict(made.to_dict()).to_dict() == made.to_dict()
    assert PassageRetriever(word_store(DOCUMENTS)).to_dict()["init_parameters"]["store"] == "memory"


def test_an_open_reader_is_saved_by_the_folder_it_came_from(mark_reader: Any) -> None:
    """What is open cannot be written down; where it was loaded from can."""
    reader = mark_reader()
    reader.tokenizer_path = Path("/models/small/tokenizer.json")
    assert SpanReader(reader).to_dict()["init_parameters"]["model"] == "/models/small"
    reader.tokenizer_path = bundle.path() / "tokenizer.json"
    assert SpanReader(reader).to_dict()["init_parameters"]["model"] is None


def test_documents_of_other_retrievers_can_be_read(named: dict[str, Any]) -> None:
    """A plain Haystack document counts as a whole document; without a store, contexts stay in it."""
    documents = [Document(content="It opened in **1987**."), Document(content="It closed in *1999*.")]
    reader, merger = SpanReader("marks"), AnswerMerger()
    read = reader.run(query=QUESTION, documents=documents)
    answers = merger.run(query=QUESTION, documents=documents, **read)["answers"]
    assert [answer.data for answer in answers] == ["1987", "1999"]
    assert answers[0].document is documents[0]
    assert answers[0].meta["document_id"] == documents[0].id
    assert answers[0].context == documents[0].content


def test_options_of_a_run_replace_those_of_the_component(named: dict[str, Any]) -> None:
    """`top_k`, `threshold` and `filters` can change from question to question, and 0 is a threshold."""
    pipeline = build_query_pipeline("memory", "marks")
    assert len(ask(pipeline, QUESTION, top_k=1)["answers"]) == 1
    assert ask(pipeline, QUESTION, threshold=1.0)["answers"] == []
    strict = AnswerMerger(threshold=1.0)
    documents = PassageRetriever("memory").run(query=QUESTION, filters={"room": ["hr"]})["documents"]
    assert {document.meta["room"] for document in documents} == {"hr"}
    read = SpanReader("marks").run(query=QUESTION, documents=documents)
    assert strict.run(query=QUESTION, documents=documents, **read)["answers"] == []
    assert strict.run(query=QUESTION, documents=documents, threshold=0.0, **read)["answers"]


def test_the_retriever_of_a_pipeline_is_chosen(named: dict[str, Any]) -> None:
    """The name goes to the component; one that needs vectors says so where there are none."""
    pipeline = build_query_pipeline("memory", "marks", retriever="dense")
    assert pipeline.to_dict()["components"]["retriever"]["init_parameters"]["retriever"] == "dense"
    with pytest.raises(PipelineRuntimeError, match="index --vectors-only"):
        ask(pipeline, QUESTION)
    with pytest.raises(ValueError, match="choose one of bm25, dense, hybrid"):
        build_query_pipeline("memory", "marks", retriever="sparse")  # type: ignore[arg-type]


def test_nothing_retrieved_is_no_answer(named: dict[str, Any]) -> None:
    """A question without a word of the collection goes through to "no answer"."""
    assert ask(build_query_pipeline("memory", "marks"), "Quetzalcoatl") == {
        "answers": [],
        "no_answer_probability": 1.0,
    }


def test_a_hit_survives_as_a_document(named: dict[str, Any]) -> None:
    """Passages come back from Haystack's form as they went in, metadata of their own included."""
    for passage in named["store"].passages():
        for hit in (Hit(passage, 2.5), Hit(passage, -0.5, 2.5, 0.8, -0.5)):
            assert hit_of(document_of(hit)) == hit
