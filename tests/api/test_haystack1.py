"""Haystack 1.26's endpoints: each request and reply field by field, on the bundled reader."""

import json
import os
import time
from collections.abc import Callable, Iterator
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.api import create_app
from fundstelle.api.haystack1_filters import fulfils
from fundstelle.api.haystack1_labels import as_squad
from fundstelle.api.problems import Problem
from fundstelle.api.settings import Settings
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.bundle import path as bundle_path
from fundstelle.reader.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "examples" / "collection" / name for name in ("en/town-hall.pptx", "de/reisekosten.pdf")]
QUESTION = "How many people does Tarnholt employ?"
TOWN_HALL, TRAVEL = "Town hall meeting, March 2025", "Reisekostenrichtlinie"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """The bundled reader, loaded once for all services."""
    with Reader.load() as opened:
        yield opened


def service(folder: Path, reader: Reader) -> TestClient:
    settings = Settings(store=str(folder / "store"), data=folder / "data", compat="haystack1")
    return TestClient(create_app(settings, reader), base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def client(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service over two documents, which no test changes."""
    folder = tmp_path_factory.mktemp("haystack1")
    with open_store(str(folder / "store")) as store:
        index(FILES, store, base=ROOT, splitting=Splitting(bundle_path() / TOKENIZER), workers=1)
    with service(folder, reader) as opened:
        yield opened


@pytest.fixture
def fresh(reader: Reader, tmp_path: Path) -> Iterator[TestClient]:
    """A service with nothing in it."""
    with service(tmp_path, reader) as opened:
        yield opened


def nested(levels: int, operator: str = "$and") -> dict[str, Any]:
    """Conditions that stand in one another, an object a level."""
    filters: dict[str, Any] = {"team": "it"}
    for _ in range(levels - 1):
        filters = {operator: filters}
    return filters


def query(client: TestClient, **request: Any) -> Any:
    reply = client.post("/query", json={"query": QUESTION} | request)
    assert reply.status_code == 200, reply.text
    return reply.json()


def names(documents: list[dict[str, Any]]) -> set[str]:
    return {document["meta"]["name"] for document in documents}


def test_the_service_tells_when_it_is_ready_and_how_it_is(client: TestClient) -> None:
    """`/initialized` becomes true, `/hs_version` and `/health` have their fields, and `/health` ours too."""
    deadline = time.monotonic() + 60
    while (reply := client.get("/initialized")).status_code != 200 and time.monotonic() < deadline:
        assert (reply.status_code, list(reply.json())) == (503, ["errors"])
        time.sleep(0.1)
    assert reply.json() is True
    assert client.get("/hs_version").json() == {"hs_version": "1.26.4"}
    health = client.get("/health").json()
    assert (health["status"], health["version"]) == ("ok", "1.26.4")
    assert health["cpu"]["used"] >= 0
    assert 0 < health["memory"]["used"] < 100
    assert isinstance(health["gpus"], list)


def test_gpus_are_listed_as_nvidia_smi_tells_them(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each GPU has its number, percent of time and bytes of memory; a program that fails lists none."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, 37, 81559, 1024'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    usage = {"kernel_usage": 37.0, "memory_total": 81559 * 2**20, "memory_used": 2**30}
    assert client.get("/health").json()["gpus"] == [{"index": 0, "usage": usage}]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert client.get("/health").json()["gpus"] == []


def test_a_question_is_answered_in_the_old_shape(client: TestClient) -> None:
    """Answers with places in their document and context, "no answer" among them, and the documents read."""
    reply = query(client, params={"Retriever": {"top_k": 3}, "Reader": {"top_k": 3}})
    assert set(reply) == {"query", "answers", "documents"}
    assert reply["query"] == QUESTION
    best = reply["answers"][0]
    assert set(best) == {
        "answer", "type", "score", "context", "offsets_in_document", "offsets_in_context", "document_ids", "meta",
    }  # fmt: skip
    assert (best["answer"], best["type"]) == ("840", "extractive")
    assert 0.5 < best["score"] <= 1
    documents = {document["id"]: document for document in reply["documents"]}
    assert len(documents) <= 3
    (id,) = best["document_ids"]
    for text, places in (
        (documents[id]["content"], best["offsets_in_document"]),
        (best["context"], best["offsets_in_context"]),
    ):
        assert text[places[0]["start"] : places[0]["end"]] == "840"
    assert best["meta"]["name"] == TOWN_HALL
    assert best["meta"]["answer_page_number"] == 2
    assert set(documents[id]) == {"id", "content", "content_type", "score", "meta"}
    assert documents[id]["content_type"] == "text"
    assert 0.5 < documents[id]["score"] < 1
    scores = [answer["score"] for answer in reply["answers"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3


def test_no_answer_is_an_answer_without_text(client: TestClient) -> None:
    """Where nothing answers, "" comes first, with places 0 to 0, no context and no document."""
    reply = query(client, query="What does a parking permit cost in Lyon?", params=None)
    best = reply["answers"][0]
    assert best == {
        "answer": "",
        "type": "extractive",
        "score": best["score"],
        "offsets_in_document": [{"start": 0, "end": 0}],
        "offsets_in_context": [{"start": 0, "end": 0}],
        "meta": {},
    }
    assert best["score"] > 0.5


def test_debug_tells_the_time_of_each_node(client: TestClient) -> None:
    """`_debug` is there if it was asked for, of the pipeline or of a node."""
    for request in ({"debug": True}, {"params": {"Reader": {"debug": True}}}):
        debug = query(client, **request)["_debug"]
        assert {node: list(facts) for node, facts in debug.items()} == {
            "Retriever": ["exec_time_ms"],
            "Reader": ["exec_time_ms"],
        }


@pytest.mark.parametrize(
    "filters",
    [
        {"name": [TRAVEL]},
        {"name": TRAVEL},
        {"language": "de"},
        {"language": {"$in": ["de", "fr"]}},
        {"$and": {"language": {"$ne": "en"}, "name": {"$nin": ["x"]}}},
        {"$or": [{"name": "x"}, {"$not": {"language": "en"}}]},
    ],
)
def test_filters_choose_documents(client: TestClient, filters: dict[str, Any]) -> None:
    """In questions, beside the nodes or for the retriever, and when documents are got: all forms agree."""
    for params in ({"filters": filters}, {"Retriever": {"filters": filters}}):
        assert names(query(client, params=params)["documents"]) == {TRAVEL}
    got = client.post("/documents/get_by_filters", json={"filters": filters}).json()
    assert names(got) == {TRAVEL}
    assert {"id", "content", "content_type", "meta"} == set(got[0])
    assert query(client, params={"filters": {"name": "nothing of that name"}})["documents"] == []


def test_all_documents_are_got_without_filters(client: TestClient) -> None:
    """No body, an empty one and empty filters mean everything, and texts join to the document's."""
    everything = client.post("/documents/get_by_filters?index=document").json()
    assert names(everything) == {TOWN_HALL, TRAVEL}
    for body in ({}, {"filters": {}}, {"filters": None}):
        assert client.post("/documents/get_by_filters", json=body).json() == everything
    text = "".join(each["content"] for each in everything if each["meta"]["name"] == TRAVEL)
    with open_store(client.app.state.service.settings.store, create=False, read_only=True) as store:  # type: ignore[attr-defined]
        (record,) = [record for record in store.records() if record.title == TRAVEL]
        document = store.document(record.id)
        assert document is not None
        assert document.text == text


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/query", {"question": QUESTION}, "question"),
        ("/query", {"query": " "}, "query"),
        ("/query", {"query": "x" * 1001}, "shorter"),
        ("/query", {"query": "x", "params": {"Ranker": {}}}, "Ranker"),
        ("/query", {"query": "x", "params": {"Reader": {"top_k": 0}}}, "Reader.top_k"),
        ("/query", {"query": "x", "params": {"filters": {"a": {"$like": "b"}}}}, "$like"),
        ("/documents/get_by_filters", {"filters": {"$eq": 1}}, "$eq"),
        ("/documents/get_by_filters", {"filter": {}}, "filter"),
        ("/feedback", {"query": "x"}, "document"),
        ("/query", {"query": "x", "params": {"filters": nested(51)}}, "50 levels"),
        ("/documents/get_by_filters", {"filters": nested(300)}, "nested"),
        ("/eval-feedback", {"filters": nested(51, "$not")}, "50 levels"),
    ],
)
def test_wrong_requests_are_refused_in_the_old_shape(
    client: TestClient, path: str, body: dict[str, Any], said: str
) -> None:
    """422 and `{"errors": [sentence]}` that names what is wrong; nothing of it is ignored."""
    reply = client.post(path, json=body)
    assert (reply.status_code, list(reply.json())) == (422, ["errors"])
    assert said in " ".join(reply.json()["errors"])


def test_conditions_may_be_nested(client: TestClient) -> None:
    """As deep as is allowed, they are understood."""
    assert client.post("/documents/get_by_filters", json={"filters": nested(50)}).json() == []


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "1e999"])
@pytest.mark.parametrize("place", ["query", "filters", "feedback"])
def test_what_could_never_be_sent_back_is_refused(fresh: TestClient, place: str, value: str) -> None:
    """Half a character and numbers without a value come in no reply: no request may bring them."""
    path, body = {
        "query": ("/query", f'{{"query": "x", "params": {{"filters": {{"a": {value}}}}}}}'),
        "filters": ("/documents/get_by_filters", f'{{"filters": {{"a": {{"$gt": {value}}}}}}}'),
        "feedback": ("/feedback", json.dumps(LABEL)[:-1] + f', "meta": {{"a": {value}}}}}'),
    }[place]
    reply = fresh.post(path, content=body.encode(), headers={"content-type": "application/json"})
    assert (reply.status_code, list(reply.json())) == (422, ["errors"])
    assert fresh.get("/feedback").json() == []


def test_a_client_that_goes_during_its_upload_is_no_mistake_of_the_service(
    fresh: TestClient, break_off: Callable[..., int]
) -> None:
    """The request ends as others do whose client has gone."""
    assert break_off(fresh, "/file-upload", "multipart/form-data; boundary=b") == 503


def test_a_full_disk_is_told_and_made_no_fuller(fresh: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written down is refused with the reason, and of its files none stays."""

    def fail(*_: object) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    monkeypatch.setattr("fundstelle.api.staging.shutil.copyfileobj", fail)
    reply = fresh.post("/file-upload", files=[("files", ("a.txt", b"x"))])
    assert (reply.status_code, "No space left" in reply.json()["errors"][0]) == (503, True)
    assert not any((fresh.app.state.service.settings.data / "uploads").iterdir())  # type: ignore[attr-defined]


def test_uploaded_files_are_found_when_the_call_returns(fresh: TestClient) -> None:
    """Every file has its own name and the metadata of the request; two of one name are both kept."""
    texts = {"bridge.txt": b"The bridge was built in 1923.", "house.txt": b"The house was built in 1931."}
    files = [("files", (name, text)) for name, text in texts.items()]
    files.append(("files", ("house.txt", b"Another house was built in 1950.")))
    form = {"meta": json.dumps({"team": "it", "year": 2020}), "split_by": "word", "split_length": "1000"}
    reply = fresh.post("/file-upload?keep_files=true", files=files, data=form)
    assert (reply.status_code, reply.json()) == (200, None)
    documents = fresh.post("/documents/get_by_filters", json={"filters": {"team": "it"}}).json()
    assert sorted(document["meta"]["name"] for document in documents) == [
        "bridge.txt",
        "house.txt",
        "house.txt",
    ]
    assert {document["meta"]["year"] for document in documents} == {2020}
    best = query(fresh, query="When was the bridge built?", params={"filters": {"name": ["bridge.txt"]}})[
        "answers"
    ][0]
    assert (best["answer"], best["meta"]["name"]) == ("1923", "bridge.txt")

    assert (
        fresh.post("/documents/delete_by_filters", json={"filters": {"name": ["house.txt"]}}).json() is True
    )
    assert names(fresh.post("/documents/get_by_filters").json()) == {"bridge.txt"}
    assert fresh.post("/documents/delete_by_filters", json={}).json() is True
    assert fresh.post("/documents/get_by_filters").json() == []


def test_files_that_cannot_be_read_are_named_and_the_others_kept(fresh: TestClient) -> None:
    """422 with the reason; a request without files, or with metadata that is no object, is refused whole."""
    files = [("files", ("good.txt", b"Good text is here.")), ("files", ("bad.pdf", b"no pdf"))]
    reply = fresh.post("/file-upload", files=files)
    assert reply.status_code == 422
    assert reply.json()["errors"][0].startswith("bad.pdf: ")
    assert names(fresh.post("/documents/get_by_filters").json()) == {"good.txt"}
    assert fresh.post("/file-upload", data={"meta": "{}"}, files=[]).status_code == 422
    for meta in ("[1]", "{", '{"a": "\\ud800"}', '{"a": ' + "9" * 5000 + "}", "[" * 400):
        refused = fresh.post("/file-upload", files=files[:1], data={"meta": meta})
        assert (refused.status_code, "meta" in refused.json()["errors"][0]) == (422, True)


DOCUMENT = {
    "content": "The bridge was built in 1923. It is blue.",
    "content_type": "text",
    "id": "d",
    "meta": {},
}
ANSWER = {
    "answer": "1923",
    "type": "extractive",
    "score": 0.9,
    "context": DOCUMENT["content"],
    "offsets_in_document": [{"start": 24, "end": 28}],
    "offsets_in_context": [{"start": 24, "end": 28}],
    "document_id": "d",
    "meta": {},
}
LABEL = {
    "query": "When was the bridge built?",
    "document": DOCUMENT,
    "answer": ANSWER,
    "is_correct_answer": True,
    "is_correct_document": True,
    "origin": "user-feedback",
}


def test_labels_are_kept_counted_exported_and_deleted(fresh: TestClient) -> None:
    """Labels come back with id and time; user feedback alone is counted, exported and deleted."""
    wrong = LABEL | {"query": "What colour?", "is_correct_answer": False}
    neither = wrong | {"query": "Who built it?", "is_correct_document": False}
    gold = LABEL | {"origin": "gold-label", "id": "gold", "no_answer": False}
    for label in (LABEL, wrong, neither, gold):
        reply = fresh.post("/feedback?index=label", json=label)
        assert (reply.status_code, reply.json()) == (200, None)
    labels = fresh.get("/feedback").json()
    assert [label["query"] for label in labels][:3] == [LABEL["query"], "What colour?", "Who built it?"]
    assert labels[3]["id"] == "gold"
    assert set(labels[0]) == {
        "id", "query", "document", "is_correct_answer", "is_correct_document", "origin", "answer", "pipeline_id",
        "created_at", "updated_at", "meta", "filters",
    }  # fmt: skip
    assert time.strptime(labels[0]["created_at"], "%Y-%m-%d %H:%M:%S")
    assert labels[0]["answer"]["document_id"] == "d"  # as Haystack wrote it until 1.13

    shares = {"answer_accuracy": 1 / 3, "document_accuracy": 2 / 3, "n_feedback": 3}
    assert fresh.post("/eval-feedback").json() == pytest.approx(shares)
    chosen = {"filters": {"query": ["What colour?"]}}
    assert fresh.post("/eval-feedback", json=chosen).json()["n_feedback"] == 1

    exported = fresh.get("/export-feedback").json()["data"]
    (right,), (impossible,) = (each["paragraphs"][0]["qas"] for each in exported)
    assert right["answers"] == [{"text": "1923", "answer_start": 24}]
    assert (right["is_impossible"], right["id"]) == (False, labels[0]["id"])
    assert (impossible["question"], impossible["is_impossible"], impossible["answers"]) == (
        "Who built it?",
        True,
        [],
    )
    only = fresh.get("/export-feedback?only_positive_labels=true").json()["data"]
    assert [each["paragraphs"][0]["qas"][0]["question"] for each in only] == [LABEL["query"]]

    assert fresh.delete("/feedback").json() is None
    assert [label["id"] for label in fresh.get("/feedback").json()] == ["gold"]
    assert fresh.post("/eval-feedback").json() == {
        "answer_accuracy": None,
        "document_accuracy": None,
        "n_feedback": 0,
    }


def test_exported_feedback_is_what_evaluation_reads(fresh: TestClient, tmp_path: Path) -> None:
    """The file loads as SQuAD, and each answer stands where it says, in contexts of any size."""
    from fundstelle.evaluation.datasets import load

    fresh.post("/feedback", json=LABEL)
    for size in (1, 12, 40, 1000):
        reply = fresh.get(f"/export-feedback?full_document_context=false&context_size={size}")
        paragraph = reply.json()["data"][0]["paragraphs"][0]
        (answer,) = paragraph["qas"][0]["answers"]
        assert paragraph["context"][answer["answer_start"] :].startswith("1923")
        assert len(paragraph["context"]) == min(max(size, 4), len(DOCUMENT["content"]))  # type: ignore[arg-type]
    file = tmp_path / "feedback.json"
    file.write_bytes(reply.content)
    assert load(file)


def test_answers_that_stand_elsewhere_are_found_and_others_left_out() -> None:
    """An answer with wrong offsets is put where its text stands; one without such a text is not exported."""
    moved = LABEL | {"id": "a", "answer": ANSWER | {"offsets_in_document": [{"start": 3, "end": 7}]}}
    absent = LABEL | {"id": "b", "answer": ANSWER | {"answer": "1999"}}
    none = LABEL | {"id": "c", "answer": None}
    exported = as_squad([moved, absent, none], None, only_right=False)["data"]
    (first,), (second,) = (each["paragraphs"][0]["qas"] for each in exported)
    assert first["answers"] == [{"text": "1923", "answer_start": 24}]
    assert (second["id"], second["is_impossible"]) == ("c", True)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"year": 2020}, True),
        ({"year": "2020"}, True),
        ({"year": {"$gt": 2019, "$lte": 2020}}, True),
        ({"year": {"$lt": 2020}}, False),
        ({"year": {"$gt": "2019"}}, False),
        ({"date": {"$gte": "2020-01-01", "$lt": "2021-01-01"}}, True),
        ({"year": {"$or": {"$lt": 2000, "$gt": 2010}}}, True),
        ({"public": True}, True),
        ({"public": [False]}, False),
        ({"missing": "x"}, False),
        ({"missing": {"$ne": "x"}}, True),
        ({"missing": {"$gt": 1}}, False),
        ({"$not": {"team": "it", "year": 1999}}, True),
        ({"$or": [{"team": "hr"}, {"team": "it", "year": 2020}]}, True),
        ({"$and": [{"team": ["hr", "it"]}, {"year": 2021}]}, False),
        ({}, True),
    ],
)
def test_conditions_mean_what_haystack_meant(filters: dict[str, Any], expected: bool) -> None:
    """Fields, lists, operators and their nesting."""
    meta = {"year": 2020, "team": "it", "public": True, "date": "2020-05-17"}
    assert fulfils(filters, meta) is expected


VALUES = st.one_of(st.integers(0, 3), st.booleans(), st.sampled_from("abc"))
OPERATORS = st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"])
FIELDS = st.dictionaries(
    st.sampled_from("xyz"),
    st.one_of(VALUES, st.lists(VALUES), st.dictionaries(OPERATORS, VALUES, min_size=1)),
)
CONDITIONS = st.recursive(
    FIELDS,
    lambda inner: st.dictionaries(
        st.sampled_from(["$and", "$or", "$not"]), st.lists(inner, min_size=1), min_size=1
    ),
    max_leaves=8,
)


@given(CONDITIONS, st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_logic_is_logic(filters: dict[str, Any], meta: dict[str, Any]) -> None:
    """Negation turns the result over, twice gives it back; "or" with itself and "and" with nothing change nothing."""
    result = fulfils(filters, meta)
    assert fulfils({"$not": [filters]}, meta) is not result
    assert fulfils({"$not": [{"$not": [filters]}]}, meta) is result
    assert fulfils({"$or": [filters, filters]}, meta) is result
    assert fulfils({"$and": [filters, {}]}, meta) is result


def test_what_is_no_condition_is_refused() -> None:
    """Operators without a field, and lists of anything but conditions."""
    for wrong in ({"$gt": 3}, {"a": {"$near": 3}}, {"$or": [3]}, {"$and": 3}, {"b": 1, "a": {"$near": 3}}):
        with pytest.raises(Problem, match="no condition"):
            fulfils(wrong, {"a": 1})


def test_an_unknown_old_api_is_named(tmp_path: Path) -> None:
    """A switch that means nothing stops the service with what there is, instead of being ignored."""
    with pytest.raises(ValueError, match=r"haystack1.*farm"):
        Settings(store=str(tmp_path / "store"), data=tmp_path / "data", compat="haystack2")


def test_old_endpoints_are_off_unless_switched_on(reader: Reader, tmp_path: Path) -> None:
    """Without the switch there is nothing at their paths."""
    settings = Settings(store=str(tmp_path / "store"), data=tmp_path / "data")
    with TestClient(create_app(settings, reader), base_url="http://127.0.0.1") as client:
        for path in ("/initialized", "/hs_version", "/feedback", "/models"):
            assert client.get(path).status_code == 404


def test_keys_guard_the_old_endpoints_too(reader: Reader, tmp_path: Path) -> None:
    """With API keys, questions need one that reads and uploads one that writes; versions need none."""
    with service(tmp_path, reader) as client:
        keys = client.app.state.service.keys  # type: ignore[attr-defined]
        reading = {"X-API-Key": keys.add("reader", frozenset({"read"}))}
        refused = client.post("/query", json={"query": QUESTION})
        assert (refused.status_code, list(refused.json())) == (401, ["errors"])
        assert client.post("/query", json={"query": QUESTION}, headers=reading).status_code == 200
        files = [("files", ("a.txt", b"text"))]
        assert client.post("/file-upload", files=files, headers=reading).status_code == 403
        assert client.post("/documents/delete_by_filters", headers=reading).status_code == 403
        assert client.get("/hs_version").status_code == 200
