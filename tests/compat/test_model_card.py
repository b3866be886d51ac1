"""The three usages of deepset/xlm-roberta-base-squad2's model card, with another name and other imports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CONTEXT = (
    "The option to convert models between FARM and transformers gives freedom to the user and let people "
    "easily switch between frameworks."
)
QUESTION = "Why is model conversion important?"


@pytest.fixture(params=["bundled", "folder"], scope="module")
def model_name(request: pytest.FixtureRequest) -> str:
    """The bundled reader by its name, and a folder."""
    from fundstelle.reader import bundle

    return "bundled" if request.param == "bundled" else str(bundle.path())


def test_in_transformers(model_name: str) -> None:
    """The card's lines give an answer that stands where they say, and logits from model and tokenizer."""
    from fundstelle.compat.transformers import AutoModelForQuestionAnswering, AutoTokenizer, pipeline

    # a) Get predictions
    nlp = pipeline("question-answering", model=model_name, tokenizer=model_name)
    QA_input = {"question": QUESTION, "context": CONTEXT}
    res = nlp(QA_input)

    # b) Load model & tokenizer
    model = AutoModelForQuestionAnswering.from_pretrained(model_name)
    tokenizer = AutoTokenizer.from_pretrained(model_name)

    assert list(res) == ["score", "start", "end", "answer"]
    assert 0 < res["score"] <= 1
    assert res["answer"] == CONTEXT[res["start"] : res["end"]] != ""
    inputs = tokenizer(QUESTION, CONTEXT)
    assert model(**inputs).start_logits.shape == inputs["input_ids"].shape
    again = pipeline("question-answering", model=model, tokenizer=tokenizer)(QA_input)
    assert again == res


def test_in_farm(model_name: str) -> None:
    """The card's lines give FARM 0.4.3's nested answer, with offsets that hold."""
    from fundstelle.compat.farm import AdaptiveModel, Inferencer, Tokenizer

    # a) Get predictions
    nlp = Inferencer.load(model_name, task_type="question_answering")
    QA_input = [{"questions": [QUESTION], "text": CONTEXT}]
    res = nlp.inference_from_dicts(dicts=QA_input, rest_api_schema=True)

    # b) Load model & tokenizer
    model = AdaptiveModel.convert_from_transformers(model_name, device="cpu", task_type="question_answering")
    tokenizer = Tokenizer.load(model_name)

    (prediction,) = res[0]["predictions"]
    assert (res[0]["task"], prediction["question"], prediction["question_id"]) == ("qa", QUESTION, 0)
    best = prediction["answers"][0]
    assert best["answer"] == CONTEXT[best["offset_answer_start"] : best["offset_answer_end"]]
    assert tokenizer.tokenize(QUESTION)
    assert Inferencer(model).inference_from_dicts(dicts=QA_input, rest_api_schema=True) == res


@pytest.mark.parametrize("kind", ["FARMReader", "TransformersReader"])
def test_in_haystack(model_name: str, kind: str) -> None:
    """The card's readers give answers with their document, context and offsets."""
    from fundstelle.compat.haystack import Document, FARMReader, TransformersReader

    reader: Any
    if kind == "FARMReader":
        reader = FARMReader(model_name_or_path=model_name)
    else:
        reader = TransformersReader(model=model_name, tokenizer=model_name)

    document = Document(content=CONTEXT, meta={"name": "card"})
    result = reader.predict(query=QUESTION, documents=[document], top_k=2)
    assert list(result) == ["query", "no_ans_gap", "answers"]
    best = result["answers"][0]
    (place,), (shown,) = best.offsets_in_document, best.offsets_in_context
    assert best.answer == CONTEXT[place.start : place.end] == best.context[shown.start : shown.end] != ""
    assert (best.document_ids, best.meta["name"]) == ([document.id], "card")


def test_the_bundled_reader_needs_no_torch() -> None:
    """The three usages on the bundled reader load neither torch nor transformers."""
    code = (
        "from fundstelle.compat.transformers import pipeline, AutoTokenizer\n"
        "from fundstelle.compat.farm import Inferencer\n"
        "from fundstelle.compat.haystack import FARMReader, Document\n"
        "pipe = pipeline('question-answering')\n"
        "pipe(question='Who?', context='It was Ada.')\n"
        "Inferencer.load(pipe.reader).inference_from_dicts([{'qas': ['Who?'], 'context': 'It was Ada.'}])\n"
        "FARMReader(pipe.reader).predict('Who?', [Document('It was Ada.')])\n"
        "AutoTokenizer.from_pretrained()\n"
        "import sys; print(*{'torch', 'transformers', 'haystack'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_torch_model_answers_the_same_by_name_and_as_objects(tiny_bert: Path) -> None:
    """A folder of a transformers model, and its model and tokenizer loaded first, give the same."""
    from fundstelle.compat.transformers import AutoModelForQuestionAnswering, AutoTokenizer, pipeline

    options: dict[str, Any] = {"max_seq_len": 40, "doc_stride": 8, "top_k": 3, "device": -1}
    by_name = pipeline("question-answering", model=str(tiny_bert), tokenizer=str(tiny_bert), **options)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_bert)
    by_object = pipeline(
        "question-answering", model, tokenizer=AutoTokenizer.from_pretrained(tiny_bert), **options
    )
    asked = {"question": "who is john", "context": "john the son of john is in paris and rome. " * 6}
    expected = by_name(asked)
    assert len(expected) == 3
    assert by_object(asked) == expected
