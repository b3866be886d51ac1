"""Questions carried over to paragraphs in another language."""

import json
from pathlib import Path

from fundstelle.evaluation.datasets import Dataset, Gold, Question, load
from fundstelle.training.parallel import carried, main, matched

ENGLISH = {
    "In 1807 Napoleon met Alexander at Tilsit on a raft in the river.": ("Who met Alexander?", "Napoleon"),
    "The Tower of Pisa leans since 1178, when Bonanno built it.": ("Since when does it lean?", "1178"),
    "Marie Curie was born in Warsaw in 1867 and moved to Paris.": ("What did Curie do?", "moved to Paris"),
}
SPANISH = {
    "En 1807, Napoleon se reunió con Alexander en Tilsit, en una balsa.": ("¿Dónde se reunieron?", "Tilsit"),
    "La torre de Pisa está inclinada desde 1178; la construyó Bonanno.": ("¿Quién la construyó?", "Bonanno"),
    "Marie Curie nació en Warsaw en 1867 y se mudó a Paris.": ("¿Cuándo nació?", "1867"),
    "Nada de esto se parece a un original en 2001.": ("¿Qué?", "Nada"),
}


def dataset(name: str, texts: dict[str, tuple[str, str]]) -> Dataset:
    questions = (
        Question(f"{name}{number}", question, context, (Gold(answer, context.index(answer)),))
        for number, (context, (question, answer)) in enumerate(texts.items())
    )
    return Dataset(name, "1.1", tuple(questions))


def test_paragraphs_are_matched_by_names_and_numbers() -> None:
    """Each translation finds its original, and a text without one finds none."""
    found = matched(dataset("es", SPANISH), dataset("en", ENGLISH))
    assert list(found.items()) == list(zip([*SPANISH][:3], ENGLISH, strict=True))


def test_questions_go_over_where_their_answer_does() -> None:
    """The answer is the same text at its own place; what is said otherwise there is left out."""
    pairs = dict(zip(ENGLISH, SPANISH, strict=False))
    over = list(carried(dataset("en", ENGLISH).questions, pairs))
    assert [one.text for one in over] == ["Who met Alexander?", "Since when does it lean?"]
    for one in over:
        (gold,) = one.golds
        assert one.context.startswith(gold.text, gold.start)


def test_the_files_are_data_sets(tmp_path: Path) -> None:
    """All three can be loaded; in the mixed one a paragraph is there in one language only."""
    for name, texts in (("es", SPANISH), ("en", ENGLISH)):
        content = {
            "version": "1.1",
            "data": [
                {"title": "t", "paragraphs": [
                    {"context": one.context, "qas": [{
                        "id": one.id,
                        "question": one.text,
                        "answers": [{"text": gold.text, "answer_start": gold.start} for gold in one.golds],
                    }]}
                    for one in dataset(name, texts).questions
                ]}
            ],
        }  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    main([str(tmp_path / "es.json"), str(tmp_path / "en.json"), "--out", str(tmp_path / "new" / "pairs")])
    over, back, mixed = (
        load(tmp_path / "new" / "pairs" / name)
        for name in ("en-over-es.es.json", "es-over-en.en.json", "en-and-es.json")
    )
    assert (over.language, back.language, mixed.language) == ("es", "en", "und")
    assert {question.context for question in over.questions} < set(SPANISH)
    pairs = list(zip(SPANISH, ENGLISH, strict=False))
    assert all((one in mixed.contexts) != (other in mixed.contexts) for one, other in pairs)
