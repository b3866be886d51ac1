"""SQuAD 2 predictions."""

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fundstelle.reader.squad2 import NO_SPAN, predict

CONTEXT = "john johnson is in paris and rome"
LOGITS = {"paris": 4.0, "rome": 3.0, "and": 1.0, "[CLS]": 2.0}


@pytest.fixture
def reader(scripted: Any, bert_like: Any) -> Any:
    """Prefers "paris" (8) to "rome" (6), and both to no answer (4)."""
    return scripted(bert_like(), LOGITS, LOGITS, top_k=1)


def test_the_n_best_are_the_scripts_n_best(reader: Any) -> None:
    """All pairs of best starts and ends, with the null answer among them and a softmax over their scores."""
    predictions = predict(reader, [("q", "who", CONTEXT)], n_best_size=5)
    words = CONTEXT.split()
    expected = sorted(
        (
            (LOGITS.get(words[i], -10.0) + LOGITS.get(words[j], -10.0), " ".join(words[i : j + 1]))
            for i, j in product(range(len(words)), repeat=2)
            if i <= j
        ),
        reverse=True,
    )[:5]
    best = predictions.nbest["q"]
    assert [one.text for one in best if one.text] == [text for _, text in expected]
    total = sum(math.exp(score) for score, _ in expected) + math.exp(4.0)
    for one in best:
        assert math.isclose(one.probability, math.exp(one.start_logit + one.end_logit) / total, rel_tol=1e-5)
    assert [one.text for one in best] == ["paris", "paris and rome", "rome", "paris and", "and rome", ""]


@pytest.mark.parametrize(("threshold", "answer"), [(0.0, "paris"), (-3.9, "paris"), (-4.1, "")])
def test_the_threshold_decides_on_no_answer(reader: Any, threshold: float, answer: str) -> None:
    """No answer where null score less best span score is above the threshold."""
    predictions = predict(reader, [("q", "who", CONTEXT)], threshold=threshold)
    assert predictions.null_odds["q"] == -4.0
    assert predictions.answers["q"] == answer


def test_every_question_is_in_every_file(reader: Any, tmp_path: Path) -> None:
    """Questions on blank contexts are answered by "", with null odds that any threshold takes for none."""
    predict(reader, [("a", "who", CONTEXT), ("b", "who", " "), ("c", "", CONTEXT)]).save(tmp_path)
    answers = json.loads((tmp_path / "predictions.json").read_text())
    odds = json.loads((tmp_path / "null_odds.json").read_text())
    best = json.loads((tmp_path / "nbest_predictions.json").read_text())
    assert answers == {"a": "paris", "b": "", "c": ""}
    assert odds == {"a": -4.0, "b": NO_SPAN, "c": NO_SPAN}
    assert best.keys() == answers.keys()
    assert best["b"] == [{"text": "", "start_logit": 0.0, "end_logit": 0.0, "probability": 1.0}]


def test_windows_are_pooled(scripted: Any, bert_like: Any) -> None:
    """A span that two windows share counts once, and the null score is the least of all windows."""
    reader = scripted(
        bert_like(), LOGITS, LOGITS, max_seq_length=10, max_question_length=1, stride=4, align_to_words=True
    )
    predictions = predict(reader, [("q", "who", f"w1 w2 w3 w4 {CONTEXT} w5 w6 w7 w8")])
    texts = [one.text for one in predictions.nbest["q"]]
    assert texts[0] == "paris"
    assert texts.count("paris") == texts.count("") == 1
    assert len(texts) == 21
