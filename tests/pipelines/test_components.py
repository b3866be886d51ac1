"""The Haystack components: the same answers as the query pipeline, and a life as YAML."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.core.errors import BreakpointException, PipelineRuntimeError
from haystack.dataclasses.breakpoints import Breakpoint

from fundstelle.indexing.documents import identifier
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
from fundstelle.reader.components import MARK
from fundstelle.reader.settings import ReaderSettings

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
    assert SpanReader(reader).to_dict()["init_parameters"]["options"] == {}
    reader.settings = ReaderSettings(max_answer_length=3, top_k=1)
    saved = SpanReader(reader).to_dict()["init_parameters"]["options"]
    assert saved == {"max_answer_length": 3, "top_k": 1}


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


def answered(documents: list[Document], **options: Any) -> list[Any]:
    """The merger's answers to what the reader of marks says of documents."""
    read = SpanReader("marks").run(query=QUESTION, documents=documents)
    answers: list[Any] = AnswerMerger().run(query=QUESTION, documents=documents, **read, **options)["answers"]
    return answers


@pytest.mark.parametrize(
    "meta",
    [
        {"language": None, "title": None, "source": None},
        {"start": "00:12", "page": "iv"},
        {"start": 12.5},
        {"odds": "3:1", "bm25": "high", "cosine": None},
        {"source_id": "whole", "split_idx_start": "12"},
        {"document_id": "a file", "start": 3},
    ],
)
def test_metadata_of_others_may_bear_our_names(named: dict[str, Any], meta: dict[str, Any]) -> None:
    """What a Haystack document calls `start` or `language` is its own; answers stand where they stand."""
    documents = [
        Document(content="It opened in **1987**.", meta=meta),
        Document(content="Closed since *1999*.", meta=meta),
    ]
    answers = answered(documents)
    assert [answer.data for answer in answers] == ["1987", "1999"]
    for answer, document in zip(answers, documents, strict=True):
        assert document.content[answer.document_offset.start : answer.document_offset.end] == answer.data
        assert answer.meta["document_id"] == document.id


def test_splits_that_overlap_are_one_place(named: dict[str, Any]) -> None:
    """Splits of Haystack's count as parts of their document: what two of them share does not support itself."""
    text = "Many came. It opened in **1987**, they say."
    splits = [
        Document(content=text[start:end], meta={"source_id": "whole", "split_idx_start": start})
        for start, end in ((0, 32), (11, len(text)))
    ]
    (answer,) = answered(splits)
    assert answer.meta["support"] == []
    assert answer.meta["document_id"] == "whole"
    assert text[answer.meta["start"] : answer.meta["end"]] == answer.data == "1987"


def test_passages_of_the_splitter_keep_their_places(named: dict[str, Any]) -> None:
    """`PassageSplitter` names passages by their places; from whatever store they come, the places are known."""
    meta = {"document_id": "d", "start": 40, "page": 2, "source": "a.txt", "title": "", "language": "en"}
    document = Document(id=identifier("d", 40), content="Opened in **1987**.", meta=meta)
    (answer,) = answered([document])
    assert (answer.meta["document_id"], answer.meta["start"], answer.meta["page"]) == ("d", 52, 2)


def test_fewer_than_none_are_refused_and_0_is_none(named: dict[str, Any]) -> None:
    """`top_k` of a run is taken as it is: 0 gives nothing, and a negative number is a mistake."""
    retriever, merger = PassageRetriever("memory"), AnswerMerger()
    assert retriever.run(query=QUESTION, top_k=0)["documents"] == []
    documents = retriever.run(query=QUESTION)["documents"]
    assert answered(documents)
    assert answered(documents, top_k=0) == []
    for ask in (
        lambda: retriever.run(query=QUESTION, top_k=-1),
        lambda: answered(documents, top_k=-1),
        lambda: PassageRetriever("memory", top_k=-1),
        lambda: AnswerMerger(top_k=-1),
    ):
        with pytest.raises(ValueError, match="top_k must be 0 or more, not -1"):
            ask()
    assert merger.top_k == 5


def test_no_filters_of_a_run_lift_those_of_the_component(named: dict[str, Any]) -> None:
    """Empty filters are filters: they let everything through."""
    retriever = PassageRetriever("memory", filters={"room": ["hr"]})
    rooms = [
        {document.meta["room"] for document in retriever.run(query=QUESTION, filters=filters)["documents"]}
        for filters in (None, {})
    ]
    assert rooms == [{"hr"}, {"hr", "it"}]


def test_filters_in_haystacks_form_are_refused(named: dict[str, Any]) -> None:
    """They would name facts that no passage has; the error says how the condition is written here."""
    one = {"field": "meta.language", "operator": "==", "value": "de"}
    for filters in (one, {"operator": "AND", "conditions": [one]}):
        with pytest.raises(ValueError, match=r'such as \{"language": "de"'):
            PassageRetriever("memory").run(query=QUESTION, filters=filters)
        with pytest.raises(ValueError, match=r'such as \{"language": "de"'):
            PassageRetriever("memory", filters=filters)  # type: ignore[arg-type]


def test_threads_that_come_together_load_one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while the model is being loaded waits for it."""
    loads = []

    def load(model: Any) -> object:
        sleep(0.05)
        loads.append(model)
        return object()

    monkeypatch.setattr(components.Reader, "load", load)
    reader = SpanReader("m")
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(reader.warm_up)
    assert loads == ["m"]


def test_a_pipeline_goes_on_from_a_snapshot(named: dict[str, Any]) -> None:
    """Halted before the merger, a pipeline keeps what was read and gives the same answers afterwards."""
    pipeline = build_query_pipeline("memory", "marks")
    inputs = {name: {"query": QUESTION} for name in ("retriever", "reader", "merger")}
    with pytest.raises(BreakpointException) as halted:
        pipeline.run(inputs, break_point=Breakpoint("merger"))
    resumed = pipeline.run({}, pipeline_snapshot=halted.value.pipeline_snapshot)
    assert resumed["merger"] == pipeline.run(inputs)["merger"]


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
    named_as_ours = replace(
        passage, meta={"start": "2020", "page": "7", "bm25": "x", MARK: "m", "team": "hr"}
    )
    hit = Hit(named_as_ours, 1.0, odds=0.0)
    assert hit_of(document_of(hit)) == hit
    assert document_of(hit).meta["start"] == passage.start
