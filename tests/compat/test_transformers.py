"""The transformers pipeline's inputs, parameters, results and errors, and what `strict=False` mends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fundstelle.compat.pipeline_inputs import SquadExample
from fundstelle.compat.transformers import QuestionAnsweringPipeline, pipeline

PARIS = {"question": "who", "context": "john in paris and rome"}


@pytest.fixture
def pipe(scripted: Any, bert_like: Any) -> QuestionAnsweringPipeline:
    """Prefers "paris", then "rome"; the null answer is worth as much as "rome"."""
    scores = {"paris": 6.0, "rome": 4.0, "[CLS]": 4.0}
    return QuestionAnsweringPipeline(scripted(bert_like(), scores, scores), max_seq_len=32, doc_stride=4)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((PARIS,), {}),
        (([PARIS],), {}),
        ((), PARIS),
        ((PARIS["question"], PARIS["context"]), {}),
        ((SquadExample(PARIS["question"], PARIS["context"]),), {}),
        ((), {"X": PARIS}),
        ((), {"data": [PARIS]}),
        ((), {"question": [PARIS["question"]], "context": PARIS["context"]}),
        ((), {"question": [PARIS["question"]], "context": [PARIS["context"]]}),
    ],
)
def test_one_example_in_any_form_is_answered_by_a_dictionary(
    pipe: QuestionAnsweringPipeline, args: Any, named: Any
) -> None:
    """Every historical form of one question gives the same single answer."""
    answer = pipe(*args, **named)
    assert {key: answer[key] for key in ("start", "end", "answer")} == {
        "start": 8,
        "end": 13,
        "answer": "paris",
    }
    # softmax over 5 passage tokens and CLS: exp(6) / (exp(6) + 2 exp(4) + 3 exp(-10)), squared
    assert answer["score"] == pytest.approx(0.6194, abs=1e-4)


def test_several_examples_are_answered_by_a_list(pipe: QuestionAnsweringPipeline) -> None:
    """Two questions give two answers in order, from lists, samples and generators."""
    other = {"question": "who", "context": "rome and john"}
    expected = [pipe(PARIS), pipe(other)]
    assert pipe([PARIS, other]) == expected
    assert pipe(question=["who", "who"], context=[PARIS["context"], other["context"]]) == expected
    samples = pipe.create_sample(["who", "who"], [PARIS["context"], other["context"]])
    assert pipe(samples) == expected
    found = pipe(each for each in [PARIS, other])
    assert not isinstance(found, list)
    assert list(found) == expected
    assert pipe([]) == []


def test_a_dictionary_of_lists_is_several_examples(pipe: QuestionAnsweringPipeline) -> None:
    """It is answered by a list, be it of one, as samples made of the lists are."""
    contexts = [PARIS["context"], "rome and john"]
    expected = [pipe(question="who", context=context) for context in contexts]
    asked = {"question": ["who", "who"], "context": contexts}
    assert pipe(asked) == pipe([asked]) == expected
    assert pipe([asked, PARIS]) == [*expected, expected[0]]
    assert pipe({"question": ["who"], "context": contexts[:1]}) == expected[:1]
    assert pipe({"question": ["who"], "context": PARIS["context"]}) == expected[:1]
    with pytest.raises(ValueError, match="2 questions and 1 contexts"):
        pipe({"question": ["who", "who"], "context": contexts[:1]})


class Examples:
    """As torch's datasets are: not iterable, and none of them says where it ends but by its length."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> dict[str, str]:
        return PARIS


class Stream:
    """As torch's iterable datasets are: without a length, and by number they give nothing."""

    def __getitem__(self, place: int) -> dict[str, str]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[dict[str, str]]:
        return iter([PARIS, PARIS])


@pytest.mark.parametrize("dataset", [Examples(), Stream()])
def test_datasets_are_read_one_after_another(pipe: QuestionAnsweringPipeline, dataset: Any) -> None:
    """A dataset is answered by an iterator, and a tuple, which has a length and can be gone through, by a list."""
    found = pipe(dataset)
    assert not isinstance(found, list)
    assert list(found) == [pipe(PARIS)] * 2 == pipe((PARIS, PARIS))


@pytest.mark.parametrize(("options", "ahead"), [({}, 1), ({"batch_size": 2}, 2)])
def test_a_generator_is_answered_as_it_goes(
    pipe: QuestionAnsweringPipeline, options: Any, ahead: int
) -> None:
    """Its first answer comes when `batch_size` examples are there, by default one."""
    taken: list[int] = []
    asked = (taken.append(i) or PARIS for i in range(4))  # type: ignore[func-returns-value]
    next(pipe(asked, **options))
    assert len(taken) == ahead


def test_the_parts_of_a_pipeline_are_those_that_read(
    tiny_bert: Path, scripted: Any, bert_like: Any, pipe: QuestionAnsweringPipeline
) -> None:
    """A model by name or as an object is transformers' own; the bundled reader has its own kinds."""
    named = pipeline(model=str(tiny_bert), device=-1)
    assert named.model.config.model_type == "bert"
    assert named.tokenizer("who")["input_ids"] == named.tokenizer.encode("who")
    assert named.device.type == "cpu"
    given = pipeline(model=named.model, tokenizer=named.tokenizer, device=-1)
    assert (given.model, given.tokenizer) == (named.model, named.tokenizer)
    assert pipe.model is pipe.reader
    assert pipe.tokenizer.decode(pipe.tokenizer.encode("who")) == "[CLS] who [SEP]"
    assert pipe.device == "cpu"


def test_the_bundled_readers_parts_are_its_own_kinds() -> None:
    """Without torch, the model gives logits for what the tokenizer gives."""
    bundled = pipeline()
    output = bundled.model(**bundled.tokenizer("who", PARIS["context"]))
    assert output.start_logits.shape == output.end_logits.shape
    assert bundled.device == "cpu"


def test_several_answers_are_a_list(pipe: QuestionAnsweringPipeline) -> None:
    """`top_k`, or its old name `topk`, gives a list, best first; a single answer left is a dictionary."""
    answers = pipe(PARIS, top_k=3)
    assert answers[0]["answer"] == "paris"
    assert [answer["score"] for answer in answers] == sorted((a["score"] for a in answers), reverse=True)
    with pytest.warns(UserWarning, match="topk is the old name"):
        assert pipe(PARIS, topk=3) == answers
    assert pipe(question="who", context="paris", top_k=5)["answer"] == "paris"


def test_no_answer_competes_when_asked_to(pipe: QuestionAnsweringPipeline) -> None:
    """The null answer is "" from 0 to 0, with the least share it has in any window."""
    only_null = pipe(question="who", context="john", handle_impossible_answer=True)
    assert (only_null["answer"], only_null["start"], only_null["end"]) == ("", 0, 0)
    assert only_null["score"] == pytest.approx(1.0, abs=1e-3)
    assert pipe(PARIS, handle_impossible_answer=True)["answer"] == "paris"
    blank = pipe(question="who", context="  ", handle_impossible_answer=True)
    assert blank == {"score": 1.0, "start": 0, "end": 0, "answer": ""}
    assert pipe(question="who", context="  ") == []


@pytest.mark.parametrize(
    ("args", "named", "error", "message"),
    [
        (({"question": "who"},), {}, KeyError, "context"),
        (({"question": None, "context": "x"},), {}, ValueError, "`question` cannot be None"),
        (({"question": "who", "context": ""},), {}, ValueError, "`context` cannot be empty"),
        ((), {"question": ["a", "b"], "context": ["c"]}, ValueError, "2 questions and 1 contexts"),
        ((), {"question": "a", "context": ["c"]}, ValueError, "repeat the question"),
        ((3,), {}, ValueError, "no question with a context"),
        (([3],), {}, ValueError, "neither an example"),
        ((), {"text": "x"}, ValueError, "Unknown arguments"),
        ((PARIS,), {"top_k": 0}, ValueError, "top_k parameter should be >= 1"),
        ((PARIS,), {"max_answer_len": 0}, ValueError, "max_answer_len parameter should be >= 1"),
        ((PARIS,), {"max_seq_len": 20, "doc_stride": 21}, ValueError, "is larger than `max_seq_len`"),
        ((PARIS,), {"max_seq_len": 20, "doc_stride": 19}, ValueError, "no room for a question"),
    ],
)
def test_wrong_input_is_refused(
    pipe: QuestionAnsweringPipeline, args: Any, named: Any, error: type[Exception], message: str
) -> None:
    """Each mistake gives the kind of error the removed pipeline gave."""
    with pytest.raises(error, match=message):
        pipe(*args, **named)


def test_other_tasks_are_refused() -> None:
    """Another task is a KeyError, as an unknown one was."""
    with pytest.raises(KeyError, match="summarization"):
        pipeline("summarization")


def test_a_long_question_is_cut_instead_of_failing(
    pipe: QuestionAnsweringPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """A question that leaves no room is cut with a warning; the original raised from its tokenizer."""
    assert pipe(question="who is " * 40, context=PARIS["context"])["answer"] == "paris"
    assert "cut" in caplog.text


def test_strict_merges_answers_by_their_text_and_otherwise_by_their_place(
    pipe: QuestionAnsweringPipeline,
) -> None:
    """Two places with the same text: one answer with both scores, or two answers."""
    asked = {"question": "who", "context": "paris and rome . Paris", "top_k": 2, "max_answer_len": 1}
    best = pipe(**asked)[0]
    apart = pipe(**asked, strict=False)
    assert [(answer["start"], answer["end"]) for answer in apart] == [(0, 5), (17, 22)]
    assert best["start"] == 0
    assert best["score"] == pytest.approx(apart[0]["score"] + apart[1]["score"])


def test_windows_compare_without_strict(scripted: Any, bert_like: Any) -> None:
    """A window that rejects its answers no longer wins over one that answers."""
    # "rome" beats the null answer alone in its window; "paris" and "john" beat it by more, and share theirs
    scores = {"paris": 8.0, "john": 8.0, "rome": 4.0, "[CLS]": 0.0}
    reader = scripted(bert_like(), scores, scores)
    pipe = QuestionAnsweringPipeline(reader, max_seq_len=14, doc_stride=0, max_answer_len=1)
    filler = "river " * 9
    asked = {"question": "who", "context": f"rome {filler} paris in john"}
    assert pipe(asked)["answer"] == "rome"
    assert pipe(asked, strict=False)["answer"] in ("paris", "john")


def test_one_window_scores_the_same_either_way(pipe: QuestionAnsweringPipeline) -> None:
    """Where nothing is mended, `strict` changes no score."""
    assert pipe(PARIS, strict=False) == pytest.approx(pipe(PARIS))


def test_answers_do_not_begin_with_a_blank_without_strict(scripted: Any, xlmr_like: Any) -> None:
    """Tokenizers that count the blank to the word gave it to the answer; `strict=False` does not."""
    reader = scripted(xlmr_like(), {"▁paris": 5.0}, {"▁paris": 5.0})
    pipe = QuestionAnsweringPipeline(reader, max_seq_len=32, doc_stride=4)
    asked = {"question": "who", "context": "john in paris"}
    assert pipe(asked)["answer"] == " paris"
    assert pipe(asked, strict=False) == pytest.approx(pipe(asked) | {"start": 8, "answer": "paris"})


def test_batch_size_changes_no_answer(pipe: QuestionAnsweringPipeline) -> None:
    """Windows alone in their batch are answered as windows that share one."""
    asked = [PARIS, {"question": "who is", "context": "rome and john " * 20}]
    assert pipe(asked, batch_size=1) == pipe(asked)


def test_later_windows_have_the_librarys_token_types_if_strict(scripted: Any, xlmr_like: Any) -> None:
    """Passage tokens are of type 1 in all windows but the first, for models that know two types."""
    tokenizer = xlmr_like()
    tokenizer.type_count = 2
    reader = scripted(tokenizer, {"▁paris": 5.0}, {"▁paris": 5.0})
    pipe = QuestionAnsweringPipeline(reader, max_seq_len=12, doc_stride=2)
    pipe(question="who is", context="john in paris the river " * 2)
    (batch,) = reader.engine.batches
    passages = [
        row[: list(mask).index(0)] if 0 in mask else row
        for row, mask in zip(batch.token_type_ids.tolist(), batch.attention_mask.tolist(), strict=True)
    ]
    assert passages[0] == [0] * len(passages[0])
    # <s> who is </s> </s> passage </s>
    assert all(row == [0] * 5 + [1] * (len(row) - 6) + [0] for row in passages[1:])
    assert len(passages) > 1
    pipe(question="who is", context="john in paris the river " * 2, strict=False)
    assert reader.engine.batches[-1].token_type_ids is None
