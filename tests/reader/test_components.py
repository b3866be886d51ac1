"""The reader as a Haystack component."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.dataclasses import ExtractedAnswer
from haystack.utils import ComponentDevice, Secret
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.reader import components
from fundstelle.reader.components import MARK, ExtractiveReader, _Candidate, _without_overlap
from fundstelle.reader.readings import Span

LOGITS = {"paris": 5.0, "rome": 3.0, "[CLS]": 0.0}


@pytest.fixture
def component(scripted: Any, bert_like: Any) -> ExtractiveReader:
    """A component whose model likes "paris" and, less, "rome"."""
    made = ExtractiveReader(top_k=10)
    made._reader = scripted(bert_like(), LOGITS, LOGITS)
    return made


def documents(*contents: str | None) -> list[Document]:
    """Documents with these contents."""
    return [Document(id=str(i), content=content) for i, content in enumerate(contents)]


def found(component: ExtractiveReader, *contents: str | None, **options: Any) -> list[str | None]:
    """The answers' texts."""
    answers = component.run(query="who", documents=documents(*contents), **options)["answers"]
    assert [answer.score for answer in answers] == sorted((answer.score for answer in answers), reverse=True)
    return [answer.data for answer in answers]


def test_answers_say_where_they_stand(component: ExtractiveReader) -> None:
    """Offsets in document and context are those of the answer; the page counts form feeds (D10)."""
    text = "w1 " * 100 + "\f john is in paris " + "w2 " * 100
    document = Document(content=text, meta={"page_number": 3})
    answer = component.run(query="who", documents=[document])["answers"][0]
    assert answer.data == "paris"
    assert text[answer.document_offset.start : answer.document_offset.end] == "paris"
    assert answer.context is not None
    assert answer.context[answer.context_offset.start : answer.context_offset.end] == "paris"
    assert len(answer.context) <= 2 * 150 + len("paris")
    assert answer.context in text
    assert answer.meta == {"answer_page_number": 4}
    assert answer.document is document


@pytest.mark.parametrize(
    "contents", [(None,), ("",), ("  ",), (None, "", "john in paris", "\n"), ("w1",), ()]
)
def test_documents_without_text_do_no_harm(component: ExtractiveReader, contents: Any) -> None:
    """None, empty, blank and one-word documents, and none at all, are read without an error (D8)."""
    answers = found(component, *contents)
    assert None in answers
    assert ("paris" in answers) == ("john in paris" in contents)


def test_0_means_0_and_none_means_the_default(component: ExtractiveReader) -> None:
    """Run-time values win whenever they are given, 0 included (D4)."""
    component.score_threshold = 0.999
    assert found(component, "john in paris and rome") == [None]
    assert "paris" in found(component, "john in paris and rome", score_threshold=0.0)
    assert found(component, "john in paris", top_k=0) == []
    component.top_k = 0
    assert found(component, "john in paris") == []
    assert len(found(component, "john in paris and rome", top_k=3, score_threshold=0.0)) == 3


def test_top_k_counts_no_answer_and_the_threshold_does_not(component: ExtractiveReader) -> None:
    """At most top_k come back; "no answer" is ranked with the others and never filtered (D18)."""
    assert len(found(component, "john in paris and rome", top_k=1)) == 1
    assert found(component, "john", score_threshold=1.0) == [None]
    assert None not in found(component, "john in paris and rome", no_answer=False)


def test_fewer_than_no_answers_are_refused(component: ExtractiveReader) -> None:
    """A negative `top_k` is no number of answers, wherever it is given."""
    for ask in (lambda: found(component, "john in paris", top_k=-1), lambda: ExtractiveReader(top_k=-1)):
        with pytest.raises(ValueError, match="top_k must be 0 or more, not -1"):
            ask()


def scores(component: ExtractiveReader, documents: list[Document]) -> dict[str | None, float]:
    """The answers' texts with their scores."""
    answers = component.run(query="who", documents=documents)["answers"]
    return {answer.data: answer.score for answer in answers}


def test_logits_of_a_reranker_do_not_hide_an_answer(component: ExtractiveReader) -> None:
    """Scores that may be negative weigh no more than none at all."""
    plain = documents("john in rome", "john in paris")
    ranked = [replace(one, score=score) for one, score in zip(plain, (0.1, -5.0), strict=True)]
    assert scores(component, ranked) == scores(component, plain)


def test_evidence_that_a_retriever_weighed_counts(component: ExtractiveReader) -> None:
    """Log-odds of `PassageRetriever` count; a number of that name in anybody else's metadata does not."""
    plain = documents("john in rome", "john in paris")
    ours = [replace(one, meta={MARK: {}, "odds": odds}) for one, odds in zip(plain, (0.0, -5.0), strict=True)]
    theirs = [
        replace(one, meta={"odds": one_odds}) for one, one_odds in zip(plain, (0.0, "3:1"), strict=True)
    ]
    assert scores(component, ours)["paris"] < scores(component, plain)["paris"]
    assert scores(component, theirs) == scores(component, plain)


def test_no_answer_is_the_models_own_evidence(scripted: Any, bert_like: Any) -> None:
    """A null score far above the best span makes "no answer" the first answer, whatever top_k (D5)."""
    scores = set()
    for top_k in (1, 5, 20):
        component = ExtractiveReader(top_k=top_k)
        component._reader = scripted(
            bert_like(), {"paris": 1.0, "[CLS]": 12.0}, {"paris": 1.0, "[CLS]": 12.0}
        )
        first = component.run(query="who", documents=documents("john in paris"))["answers"][0]
        assert first.data is None
        assert first.score > 0.99
        scores.add(first.score)
    assert len(scores) == 1


def test_overlapping_splits_of_one_text_answer_once(component: ExtractiveReader) -> None:
    """What stands at the same place of the source is one answer; elsewhere it is another (D10)."""
    text = "w1 w2 john in paris w3 w4 and in paris w5"
    splits = [
        Document(content=text[start:end], meta={"source_id": "s", "split_idx_start": start})
        for start, end in ((0, 25), (6, 41))
    ]
    answers = component.run(query="who", documents=splits)["answers"]
    starts = sorted(
        answer.document.meta["split_idx_start"] + answer.document_offset.start
        for answer in answers
        if answer.data == "paris" and answer.document
    )
    assert starts == [14, 33]


def test_more_spans_than_a_passage_has_are_no_error(scripted: Any, bert_like: Any) -> None:
    """Fifty spans asked of a document of one word are the one there is (peers' D8c)."""
    made = ExtractiveReader(top_k=50)
    made._reader = scripted(bert_like(), LOGITS, LOGITS, top_k=50, max_answer_length=50)
    assert found(made, "w1", no_answer=False) == ["w1"]
    assert None in found(made, "w1", "w2 w3")


class Counted(int):
    """A number that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)

    def __le__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) <= int(other)

    def __radd__(self, other: int) -> "Counted":
        return Counted(int(self) + other)


def comparisons(count: int) -> int:
    """How many comparisons of places it takes to find overlaps among so many spans of one document."""
    document, chooser = Document(id="long"), random.Random(count)
    spans = [Span(Counted(10 * i), Counted(10 * i + 12), chooser.random()) for i in range(count)]
    Counted.compared = 0
    kept = _without_overlap(iter([_Candidate(document, span, span.score) for span in spans]))
    assert count / 4 < len(kept) < count
    return Counted.compared


def test_overlaps_are_found_without_comparing_everything() -> None:
    """Eight times the spans take hardly more than eight times the comparisons, not 64 times (peers' D15)."""
    assert comparisons(4000) < 16 * comparisons(500)


def test_only_what_is_returned_is_made(component: ExtractiveReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hundreds of candidates only the best few become answers (peers' D15)."""
    made = []

    class Recorded(ExtractedAnswer):
        def __init__(self, *values: Any, **fields: Any) -> None:
            super().__init__(*values, **fields)
            made.append(self)

    monkeypatch.setattr(components, "ExtractedAnswer", Recorded)
    assert len(found(component, *["john in paris and rome"] * 300, top_k=4)) == 4
    assert len(made) == 5  # and "no answer"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6), st.integers(0, 9)), max_size=30))
def test_what_overlaps_a_better_answer_is_left_out(spans: list[tuple[int, int, int]]) -> None:
    """Kept are, best first, exactly those that share no character with one kept before."""
    candidates = [_Candidate(Document(id="d"), Span(a, a + n, score), score) for a, n, score in spans]
    kept: list[_Candidate] = []
    for one in sorted(candidates, key=lambda one: (-one.logit, one.place)):
        if all(one.span.end <= other.span.start or other.span.end <= one.span.start for other in kept):
            kept.append(one)
    assert _without_overlap(iter(candidates)) == kept


def test_a_component_survives_being_written_down() -> None:
    """to_dict and from_dict keep every parameter, and a token by its variable's name alone (D12)."""
    made = ExtractiveReader(
        model="someone/model",
        device=ComponentDevice.from_str("cpu"),
        token=Secret.from_env_var("HF_TOKEN", strict=False),
        dtype="float32",
        top_k=0,
        score_threshold=0.0,
        no_answer=False,
        reader_settings={"stride": 0},
        hub={"revision": "abc"},
    )
    again = ExtractiveReader.from_dict(made.to_dict())
    assert again.to_dict() == made.to_dict()
    assert (again.top_k, again.score_threshold, again.no_answer) == (0, 0.0, False)
    pipeline = Pipeline()
    pipeline.add_component("reader", ExtractiveReader())
    again_too = Pipeline.loads(pipeline.dumps(), allowed_modules=["fundstelle.reader.components"])
    assert again_too.to_dict() == pipeline.to_dict()


def test_warming_up_loads_once_with_everything_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is loaded on first use, with device, dtype, settings and access; close frees it."""
    from fundstelle.reader import components

    loads: list[tuple[Any, dict[str, Any]]] = []

    class Loaded:
        closed = False

        def close(self) -> None:
            self.closed = True

    def load(model: Any, **options: Any) -> Loaded:
        loads.append((model, options))
        return Loaded()

    monkeypatch.setattr(components.Reader, "load", load)
    monkeypatch.setenv("HF_TOKEN", "secret")
    made = ExtractiveReader(
        "m", ComponentDevice.from_str("cpu"), Secret.from_env_var("HF_TOKEN"), reader_settings={"stride": 3}
    )
    made.warm_up()
    made.warm_up()
    assert loads == [("m", {"device": "cpu", "dtype": None, "hub": {"token": "secret"}, "stride": 3})]
    reader: Any = made._reader
    made.close()
    assert reader.closed
    made.warm_up()
    assert len(loads) == 2


def test_threads_that_come_together_load_one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while the model is being loaded waits for it."""
    loads = []

    def load(model: Any, **options: Any) -> object:
        sleep(0.05)
        loads.append(model)
        return object()

    monkeypatch.setattr(components.Reader, "load", load)
    made = ExtractiveReader("m")
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(made.warm_up)
    assert loads == ["m"]


def test_it_runs_beside_an_event_loop(component: ExtractiveReader) -> None:
    """run_async gives what run gives (D19)."""
    given = documents("john in paris")
    result = asyncio.run(component.run_async(query="who", documents=given))
    assert result == component.run(query="who", documents=given)
