"""The commands a user types, run as a user runs them: new processes over a folder of files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TEXTS = {
    "en/office.md": "# The office\n\nThe office in Harbour Street opened in 1987. It has forty desks.\n",
    "de/kantine.txt": "Die Kantine öffnet um 11:30 Uhr.\r\nDas Mittagessen kostet 6,50 Euro.\r\n",
    "es/vacaciones.txt": "Cada empleado tiene treinta días de vacaciones al año. Se piden en enero.\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a small collection, already indexed into the default store."""
    folder = tmp_path_factory.mktemp("work")
    for name, text in TEXTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    done = fundstelle(folder, "index", "docs", "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    return folder


def fundstelle(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fundstelle.cli import main; main()", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FUNDSTELLE_")}
    done = subprocess.run(command, cwd=folder, capture_output=True, env=environment, timeout=120)
    # Decoded by hand: text mode would turn \r\n into \n and so hide a shifted offset.
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def answer(folder: Path, *arguments: str) -> dict[str, Any]:
    done = fundstelle(folder, "ask", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_asking_gives_quotations_whose_offsets_hold_in_what_show_prints(folder: Path) -> None:
    """`document_text[start:end] == text` for every answer, and the same in its context."""
    for question in (
        "When did the office open?",
        "Was kostet das Mittagessen?",
        "¿Cuántos días de vacaciones?",
    ):
        result = answer(folder, question, "--threshold", "0")
        assert result["answers"], question
        for found in result["answers"]:
            text = fundstelle(folder, "show", found["document_id"]).stdout
            assert text[found["start"] : found["end"]] == found["text"]
            begin = found["context_start"]
            assert found["context"][found["start"] - begin : found["end"] - begin] == found["text"]


def test_the_best_answer_is_the_right_one(folder: Path) -> None:
    """Plain questions over a handful of files get the plain answer, each in its language."""
    assert answer(folder, "When did the office open?")["answers"][0]["text"] == "1987"
    assert "6,50 Euro" in answer(folder, "Was kostet das Mittagessen?")["answers"][0]["text"]


def test_json_has_the_promised_keys(folder: Path) -> None:
    """The result, its answers and its passages have the documented keys, in order."""
    result = answer(folder, "When did the office open?")
    assert list(result) == [
        "question",
        "language",
        "retriever",
        "no_answer_probability",
        "answers",
        "passages",
        "timings",
    ]
    assert list(result["answers"][0]) == [
        "text",
        "probability",
        "document_id",
        "source",
        "start",
        "end",
        "page",
        "language",
        "passage_id",
        "context",
        "context_start",
        "reader_score",
        "null_score",
        "retriever_score",
        "bm25",
        "cosine",
        "support",
    ]
    assert set(result["timings"]) >= {"retrieve_ms", "read_ms", "total_ms"}
    assert list(result["passages"][0]) == [
        "id",
        "document_id",
        "source",
        "start",
        "language",
        "retriever_score",
        "bm25",
        "cosine",
    ]


def test_several_questions_give_results_in_order(folder: Path) -> None:
    """Two questions give `{"results": [...]}` in the order they were asked."""
    result = answer(folder, "When did the office open?", "Wann öffnet die Kantine?")
    assert [each["question"] for each in result["results"]] == [
        "When did the office open?",
        "Wann öffnet die Kantine?",
    ]


def test_indexing_again_changes_nothing(folder: Path) -> None:
    """A second run finds every file unchanged and leaves with status 0."""
    done = fundstelle(folder, "index", "docs", "--json")
    report = json.loads(done.stdout)
    assert report["documents"] == {
        "added": 0,
        "updated": 0,
        "unchanged": len(TEXTS),
        "removed": 0,
        "failed": 0,
    }
    assert set(report) == {"documents", "passages", "seconds", "failures", "vectors", "vector_seconds"}
    assert report["vectors"] == 0


def test_a_file_that_fails_is_named_and_the_status_is_one(tmp_path: Path) -> None:
    """One unreadable file costs one line and status 1; the others are indexed."""
    (tmp_path / "good.txt").write_text("The bridge is ninety metres long.", encoding="utf-8")
    (tmp_path / "bad.xyz").write_bytes(b"\x00\x01")
    done = fundstelle(tmp_path, "index", ".", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["documents"]["added"] == 1
    assert [failure["source"] for failure in report["failures"]] == ["bad.xyz"]
    assert report["failures"][0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["ask", ""], "question"),
        (["ask", "   "], "question"),
        (["ask", "Who?", "--filter", "colour"], "key=value"),
        (["ask", "Who?", "--store", "nowhere"], "nowhere"),
        (["show", "0123"], "0123"),
        (["delete", "0123"], "0123"),
        (["index", "missing-folder"], "missing-folder"),
        (["index"], "--vectors-only"),
        (["index", "--vectors-only", "--store", "nowhere"], "nowhere"),
        (["ask", "Who?", "--top-k", "0"], "top-k"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_two(folder: Path, arguments: list[str], word: str) -> None:
    """What cannot work is answered with a sentence that names the culprit, never with a traceback."""
    done = fundstelle(folder, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert word in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("question", ["?!…", "x" * 10_000, "Что такое счастье?", "👩‍👩‍👧‍👦"])
def test_odd_questions_get_a_result(folder: Path, question: str) -> None:
    """Punctuation, 10,000 characters, a language without documents: a result, never a traceback."""
    result = answer(folder, question)
    assert result["question"] == question
    assert 0 <= result["no_answer_probability"] <= 1


def test_an_empty_collection_answers_that_there_is_no_answer(tmp_path: Path) -> None:
    """Asking a store without documents gives no answers, with certainty."""
    (tmp_path / "nothing").mkdir()
    assert fundstelle(tmp_path, "index", "nothing").returncode == 0
    result = answer(tmp_path, "Who was it?")
    assert result["answers"] == []
    assert result["no_answer_probability"] == 1


def test_status_delete_and_export_tell_the_same_story(tmp_path: Path) -> None:
    """What `export` lists can be shown and deleted, and `status` counts it; an export can be indexed."""
    (tmp_path / "a.txt").write_text("Alpha is the first letter.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Beta is the second letter.", encoding="utf-8")
    fundstelle(tmp_path, "index", "a.txt", "b.txt")
    exported = [json.loads(line) for line in fundstelle(tmp_path, "export").stdout.splitlines()]
    assert {line["source"] for line in exported} == {"a.txt", "b.txt"}
    assert json.loads(fundstelle(tmp_path, "status", "--json").stdout)["documents"] == 2
    first = next(line for line in exported if line["source"] == "a.txt")
    assert fundstelle(tmp_path, "show", first["id"]).stdout == first["text"]
    assert fundstelle(tmp_path, "delete", first["id"]).returncode == 0
    assert json.loads(fundstelle(tmp_path, "status", "--json").stdout)["documents"] == 1
    (tmp_path / "export.jsonl").write_text("\n".join(map(json.dumps, exported)), encoding="utf-8")
    again = fundstelle(tmp_path, "index", "export.jsonl", "--store", "second", "--json")
    assert json.loads(again.stdout)["documents"]["added"] == 2


def test_vectors_come_with_the_text_or_later(folder: Path, tmp_path: Path) -> None:
    """Indexing gives every passage a vector; `--no-vectors` leaves them out and `--vectors-only` adds them."""
    status = json.loads(fundstelle(folder, "status", "--json").stdout)
    assert status["vectors"] == status["passages"] == 3
    assert status["encoder"]["name"] == "multilingual-e5-small-fundstelle"
    assert (
        "3 passages with a vector, by multilingual-e5-small-fundstelle" in fundstelle(folder, "status").stdout
    )
    (tmp_path / "a.txt").write_text("Alpha is the first letter.", encoding="utf-8")
    report = json.loads(fundstelle(tmp_path, "index", "a.txt", "--no-vectors", "--json").stdout)
    assert "vectors" not in report
    assert json.loads(fundstelle(tmp_path, "status", "--json").stdout)["vectors"] == 0
    assert "by words alone" in fundstelle(tmp_path, "status").stdout
    assert json.loads(fundstelle(tmp_path, "index", "--vectors-only", "--json").stdout)["vectors"] == 1
    assert json.loads(fundstelle(tmp_path, "status", "--json").stdout)["vectors"] == 1
    assert "every passage had its vector" in fundstelle(tmp_path, "index", "--vectors-only").stdout


def test_prune_removes_only_what_is_gone(tmp_path: Path) -> None:
    """`--prune` drops the documents of vanished files under the given paths, and no others."""
    for name in ("one/a.txt", "one/b.txt", "two/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"This is the text of {name}.", encoding="utf-8")
    fundstelle(tmp_path, "index", "one", "two")
    (tmp_path / "one/a.txt").unlink()
    (tmp_path / "two/c.txt").unlink()
    report = json.loads(fundstelle(tmp_path, "index", "one", "--prune", "--json").stdout)
    assert report["documents"]["removed"] == 1
    left = [json.loads(line)["source"] for line in fundstelle(tmp_path, "export").stdout.splitlines()]
    assert sorted(left) == ["one/b.txt", "two/c.txt"]
