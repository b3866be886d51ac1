"""Haystack 1's readers, pipeline and retriever."""

from collections.abc import Callable
from typing import Any

import pytest

from fundstelle.compat.haystack import (
    Answer,
    BM25Retriever,
    Document,
    ExtractiveQAPipeline,
    FARMReader,
    TransformersReader,
)
from fundstelle.indexing.documents import DocumentRecord, Passage
from fundstelle.indexing.store import Hit

PARIS = Document("john is in paris", id="a", meta={"name": "first", "page": 3})
ROME = Document("the river in rome", id="b")
NOTHING = Document("the son of john", id="c")
Make = Callable[..., Any]


@pytest.fixture(params=[FARMReader, TransformersReader])
def make(request: pytest.FixtureRequest, scripted: Any, bert_like: Any) -> Make:
    """Either reader on a model that prefers "paris" to "rome", and the null answer to the rest."""
    scores = {"paris": 6.0, "rome": 4.0, "[CLS]": 3.0}

    def build(**options: Any) -> Any:
        sizes = {"max_seq_len": 40, "doc_stride": 8}
        if request.param is FARMReader:
            sizes["max_query_length"] = 16
        return request.param(scripted(bert_like(), scores, scores), **(sizes | options))

    return build


def texts(answers: list[Answer]) -> list[str]:
    return [answer.answer for answer in answers]


def test_answers_come_from_all_documents(make: Make) -> None:
    """The best of all documents is first, with its document, meta data, page and context."""
    result = make(top_k=2).predict("who", [NOTHING, ROME, PARIS])
    best = result["answers"][0]
    assert (best.answer, best.document_ids, best.type) == ("paris", ["a"], "extractive")
    assert best.meta == {"name": "first", "page": 3, "answer_page_number": 3}
    assert best.context == PARIS.content
    assert 0 < best.score <= 1
    assert len(result["answers"]) == 2
    assert Answer.from_dict(best.to_dict()) == best


def test_batches_are_grouped_as_they_were(make: Make) -> None:
    """One list of documents is read document by document, lists of documents question by question."""
    reader = make()
    alone = reader.predict_batch(["who"], [PARIS, ROME])["answers"]
    assert [texts(answers)[0] for answers in alone] == ["paris", "rome"]
    both = reader.predict_batch(["who", "who is"], [PARIS, ROME])["answers"]
    assert [[texts(answers)[0] for answers in each] for each in both] == [["paris", "rome"]] * 2
    result = reader.predict_batch(["who", "who is", "is"], [[ROME, PARIS], [ROME], []])
    assert [texts(answers)[:1] for answers in result["answers"]] == [["paris"], ["rome"], []]
    assert len(result["no_ans_gaps"]) == 3
    with pytest.raises(ValueError, match="2 queries and 1 lists"):
        reader.predict_batch(["a", "b"], [[ROME]])
    single = reader.predict_batch(["who"], [[PARIS, ROME], [ROME]], top_k=1)
    assert [texts(answers) for answers in single["answers"]] == [["paris"], ["rome"]]


def test_blank_documents_are_not_read(make: Make) -> None:
    """Nothing to read gives no answers, and answers beside blank documents are as without them."""
    blank = Document("  ", id="z")
    assert make().predict("who", [blank]) == {"query": "who", "answers": []}
    assert make().predict("who", [blank, PARIS]) == make().predict("who", [PARIS])
    assert make().run("who", [PARIS]) == (make().predict("who", [PARIS]), "output_1")
    assert texts(make().predict_on_texts("who", [PARIS.content])["answers"])[0] == "paris"


def test_no_answer_wins_where_every_document_prefers_it_if_not_strict(make: Make) -> None:
    """On one scale, "no answer" is first for a text that rejects the question and not for one that answers."""
    name = "return_no_answers" if isinstance(make(), TransformersReader) else "return_no_answer"
    reader = make(**{name: True}, strict=False)
    assert texts(reader.predict("who", [NOTHING])["answers"])[0] == ""
    assert texts(reader.predict("who", [NOTHING, PARIS])["answers"])[0] == "paris"
    assert texts(reader.predict("who", [Document(" ")])["answers"]) == [""]


def test_strict_scores_are_haystacks(scripted: Any, bert_like: Any) -> None:
    """Confidence is the mean of two softmax shares, no answer the logistic function of an eighth."""
    scores = {"paris": 6.0, "[CLS]": 3.0}
    reader = FARMReader(
        scripted(bert_like(), scores, scores),
        max_seq_len=40,
        doc_stride=8,
        max_query_length=16,
        return_no_answer=True,
    )
    result = reader.predict("who", [PARIS])
    by_text = {answer.answer: answer.score for answer in result["answers"]}
    assert by_text["paris"] == pytest.approx(0.9526, abs=1e-4)  # e^6 / (e^6 + e^3)
    assert by_text[""] == pytest.approx(0.6792, abs=1e-4)  # 1 / (1 + e^-(6/8)): best 12, gap 6
    assert result["no_ans_gap"] == pytest.approx(6.0)
    raw = FARMReader(
        scripted(bert_like(), scores, scores),
        max_seq_len=40,
        doc_stride=8,
        max_query_length=16,
        use_confidence_scores=False,
        confidence_threshold=0.0,
    )
    assert [answer.score for answer in raw.predict("who", [PARIS])["answers"]] == [12.0]


def test_the_surest_answers_of_a_long_text_are_kept(scripted: Any, bert_like: Any) -> None:
    """Of more windows than `top_k_per_candidate`, those with the largest shares answer, as scores rank them."""
    # "paris" and "john" share their windows, "rome" has one to itself, with a smaller sum of logits
    scores = {"paris": 8.0, "john": 8.0, "rome": 6.0, "[CLS]": 0.0}
    filler = "river " * 12
    text = f"paris {filler} john " * 4 + f"{filler * 2} rome {filler * 2}"
    lengths = {"max_seq_len": 28, "doc_stride": 16, "max_query_length": 4}

    def answers(**options: Any) -> list[str]:
        reader = FARMReader(scripted(bert_like(), scores, scores), **lengths, **options)
        return texts(reader.predict("who", [Document(text)])["answers"])

    assert "rome" in answers()
    assert "rome" not in answers(use_confidence_scores=False)
    assert "rome" not in answers(strict=False)


@pytest.mark.parametrize("options", [{}, {"strict": False}, {"strict": False, "return_no_answers": True}])
def test_no_answer_takes_no_answers_place(scripted: Any, bert_like: Any, options: Any) -> None:
    """`TransformersReader` gives `top_k_per_candidate` answers of a text that rather has none, if not asked for it."""
    scores = {"paris": 6.0, "[CLS]": 8.0}
    model = scripted(bert_like(), scores, scores)
    reader = TransformersReader(model, max_seq_len=40, doc_stride=8, top_k_per_candidate=1, **options)
    result = reader.predict("who", [PARIS])
    assert "paris" in texts(result["answers"])
    assert len([text for text in texts(result["answers"]) if text]) == 1


def test_the_gap_is_the_best_answers_score_where_no_answer_is_not_weighed(
    scripted: Any, bert_like: Any
) -> None:
    """As there, `TransformersReader` counts "no answer" as 0 in its gap unless it is to be returned."""
    scores = {"paris": 6.0, "[CLS]": 8.0}
    reader = TransformersReader(scripted(bert_like(), scores, scores), max_seq_len=40, doc_stride=8)
    result = reader.predict("who", [PARIS])
    assert result["no_ans_gap"] == pytest.approx(-result["answers"][0].score)
    reader.return_no_answers = True
    assert reader.predict("who", [PARIS])["no_ans_gap"] > 0


def test_the_part_two_documents_share_answers_once(make: Make) -> None:
    """A reader gives an answer in the overlap of two split documents once, and others in its place."""
    left = Document(
        "the river in paris", id="l", meta={"_split_overlap": [{"doc_id": "r", "range": [10, 18]}]}
    )
    right = Document("in paris john", id="r", meta={"_split_overlap": [{"doc_id": "l", "range": [0, 8]}]})
    reader = make(top_k=2, top_k_per_candidate=1)
    assert texts(reader.predict("who", [left, right, ROME])["answers"]) == ["paris", "rome"]
    assert texts(reader.predict("who", [PARIS, right, ROME])["answers"]) == ["paris", "paris"]


def test_documents_may_have_numbers_as_ids(make: Make) -> None:
    """A number is the same id as its digits, in documents and in answers."""
    documents = [Document(ROME.content, id=0), Document(PARIS.content, id=17, meta={"name": "x"})]  # type: ignore[arg-type]
    assert [document.id for document in documents] == ["0", "17"]
    (best,) = make(top_k=1).predict("who", documents)["answers"]
    assert (best.document_ids, best.meta) == (["17"], {"name": "x"})
    (answers,) = make(top_k=1).predict_batch(["who"], [documents])["answers"]
    assert answers[0].meta == {"name": "x"}


class Store:
    """Finds the same two passages for every question."""

    def records(self) -> list[DocumentRecord]:
        return [
            DocumentRecord("d", "f.pdf", "f.pdf", "", "de", (), {}, "", 1, 1),
            DocumentRecord("e", "g.pdf", "g.pdf", "Title", "de", (), {}, "", 1, 1),
            DocumentRecord("i", "h.pdf", "h.pdf", "Title", "de", (), {"name": "mine"}, "", 1, 1),
        ]

    def search(self, question: str, top_k: int = 20, filters: Any = None) -> list[Hit]:
        self.asked = (question, top_k, filters)
        texts = {"a": PARIS.content, "b": ROME.content}
        passages = [Passage(id, "d", text, 7, "f.pdf", page=2) for id, text in texts.items()]
        return [Hit(passage, 8.0) for passage in passages][:top_k]


def test_the_pipeline_retrieves_and_reads(make: Make) -> None:
    """Parameters go to their node; the result has answers, documents and what a pipeline adds."""
    store = Store()
    pipeline = ExtractiveQAPipeline(make(), BM25Retriever(store))  # type: ignore[arg-type]
    params = {"Retriever": {"top_k": 2}, "Reader": {"top_k": 1}, "filters": {"name": ["x"]}}
    result = pipeline.run(query="who", params=params)
    assert store.asked == ("who", 2, {"name": ["x"]})
    assert texts(result["answers"]) == ["paris"]
    document = result["documents"][0]
    assert document.score == pytest.approx(0.7311, abs=1e-4)  # 1 / (1 + e^-(8/8))
    assert document.meta == {
        "name": "f.pdf",
        "source": "f.pdf",
        "document_id": "d",
        "start": 7,
        "language": "und",
        "page": 2,
    }
    assert (result["root_node"], result["node_id"], result["params"]) == ("Query", "Reader", params)
    batch = pipeline.run_batch(["who", "who is"])
    assert [texts(answers)[0] for answers in batch["answers"]] == ["paris", "paris"]
    with pytest.raises(ValueError, match="no Ranker"):
        pipeline.run("who", params={"Ranker": {}})


@pytest.mark.parametrize(
    ("filters", "stored"),
    [
        (None, None),
        ({"language": "de", "team": ["hr", "it"]}, {"language": ["de"], "team": ["hr", "it"]}),
        ({"language": {"$eq": "de"}, "year": {"$in": [1, 2]}}, {"language": ["de"], "year": [1, 2]}),
        ({"name": ["f.pdf", "mine"], "team": "it"}, {"document_id": ["d", "i"], "team": ["it"]}),
        ({"name": {"$eq": "Title"}}, {"document_id": ["e"]}),
        ({"name": "f.pdf", "document_id": "e"}, {"document_id": [""]}),
        ({"name": "field of a foreign index"}, {"name": ["field of a foreign index"]}),
    ],
)
def test_haystacks_filters_are_the_stores(filters: Any, stored: Any) -> None:
    """`$eq` and `$in` are written out, and a name chooses the documents that are called so."""
    store = Store()
    BM25Retriever(store).retrieve("who", filters, top_k=1)  # type: ignore[arg-type]
    assert store.asked == ("who", 1, stored)


@pytest.mark.parametrize(
    "filters",
    [
        {"year": {"$gte": 2020}},
        {"$and": {"language": {"$eq": "de"}}},
        {"$not": ["de"]},
        {"team": [{"$eq": "it"}]},
        {"year": {"$in": {"a": 1}}},
    ],
)
def test_filters_that_a_store_cannot_search_with_are_refused(filters: Any) -> None:
    """Any other operator is an error that says what filters look like."""
    with pytest.raises(ValueError, match=r'as in \{"language": "de"'):
        BM25Retriever(Store()).retrieve("who", filters)  # type: ignore[arg-type]


def test_each_query_may_have_its_filters() -> None:
    """A list of filters goes with the queries, one by one; another number of them is an error."""
    store = Store()
    asked = []
    store.search = lambda *query: asked.append(query) or []  # type: ignore[assignment, func-returns-value]
    retriever = BM25Retriever(store, top_k=3)  # type: ignore[arg-type]
    retriever.retrieve_batch(["a", "b"], filters=[{"team": "it"}, None])
    retriever.run_batch(["c", "d"], filters={"team": "hr"})
    assert asked == [
        ("a", 3, {"team": ["it"]}),
        ("b", 3, None),
        ("c", 3, {"team": ["hr"]}),
        ("d", 3, {"team": ["hr"]}),
    ]
    with pytest.raises(ValueError, match="2 queries and 1 filters"):
        retriever.retrieve_batch(["a", "b"], filters=[None])


def test_the_retriever_opens_a_store_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A string is an address, opened for reading only."""
    from fundstelle.compat import haystack_retrieving

    opened: list[Any] = []
    monkeypatch.setattr(
        haystack_retrieving, "open_store", lambda *address, **how: opened.append((address, how)) or Store()
    )
    retriever = BM25Retriever("collection", top_k=1, scale_score=False)
    assert opened == [(("collection",), {"create": False, "read_only": True})]
    assert [document.score for document in retriever.run("who")[0]["documents"]] == [8.0]


def test_documents_are_named_by_their_content() -> None:
    """The same content has the same id, unless one is given."""
    assert Document("x").id == Document("x", meta={"a": 1}).id != Document("y").id
    assert Document("x", id="mine").id == "mine"
    assert Document("x", meta={"a": 1}, id_hash_keys=["a"]).id != Document("x").id
