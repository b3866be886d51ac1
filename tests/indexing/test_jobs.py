"""Jobs: every file once, changes at once, nothing lost, nothing done twice."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fundstelle.indexing import jobs, vector_jobs
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import AnalysedDocument, SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.holdings import UPLOADED, Holdings
from fundstelle.indexing.jobs import (
    DocumentCounts,
    FileFailure,
    IndexingJob,
    JobProgress,
    JobResult,
    JobState,
    Splitting,
)
from fundstelle.indexing.pools import pool
from fundstelle.indexing.preparation import Errand, File, Recipe, analysed, prepare
from fundstelle.indexing.progress import VectorProgress
from fundstelle.indexing.shards import Shard
from fundstelle.indexing.store import PassageStore, StoreError, Vector

ENGLISH = "The lighthouse stands on the northern cape. It was built by fishermen in the last century. "
GERMAN = "Der Leuchtturm steht auf dem nördlichen Kap. Er wurde von den Fischern des Dorfes gebaut. "

Run = Callable[..., JobResult]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files with five documents."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text(ENGLISH * 3, encoding="utf-8")
    (folder / "sub" / "b.md").write_text(f"# Turm\n\n{GERMAN * 3}", encoding="utf-8")
    write_records(folder / "faq.jsonl", "one", "two", "three")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with EmbeddedStore.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def job(folder: Path, store: EmbeddedStore, tokenizer_file: Path) -> Callable[..., IndexingJob]:
    """Makes a job on the folder: one worker, small passages."""

    def make(*paths: Path, language: str = "auto", tokens: int = 80, **options: Any) -> IndexingJob:
        recipe = Recipe(Splitting(tokenizer_file, tokens), language)
        return IndexingJob(
            paths or [folder], options.pop("store", store), recipe, base=folder.parent, workers=1, **options
        )

    return make


@pytest.fixture
def run(job: Callable[..., IndexingJob]) -> Run:
    return lambda *paths, **options: job(*paths, **options).run()


def write_records(path: Path, *words: str) -> None:
    path.write_text(
        "".join(json.dumps({"text": f"Record {word} of the catalogue."}) + "\n" for word in words),
        encoding="utf-8",
    )


def texts(store: PassageStore) -> dict[str, str]:
    """The whole text of every document by its source."""
    documents = (store.document(record.id) for record in store.records())
    return {document.source: document.text for document in documents if document}


def files_in(path: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in path.rglob("*") if file.is_file()
    }


def test_the_same_run_twice_changes_nothing(run: Run, store: EmbeddedStore, folder: Path) -> None:
    """The second run finds everything unchanged, writes no byte and starts no worker."""
    first = run()
    assert first.documents == DocumentCounts(added=5)
    assert first.passages == sum(1 for _ in store.passages()) > 5
    assert texts(store)["files/a.txt"] == ENGLISH * 3
    before = files_in(Path(store.address))
    second = run()
    assert second.documents == DocumentCounts(unchanged=5)
    assert second.passages == 0
    assert files_in(Path(store.address)) == before


def test_a_changed_file_replaces_what_it_had(run: Run, store: EmbeddedStore, folder: Path) -> None:
    """Its old passages and the records that vanished from it are gone; other files are left alone."""
    run()
    (folder / "a.txt").write_text(GERMAN, encoding="utf-8")
    write_records(folder / "faq.jsonl", "one", "four")
    assert run().documents == DocumentCounts(updated=3, unchanged=1, removed=1)
    held = texts(store)
    assert held["files/a.txt"] == GERMAN
    assert held["files/faq.jsonl#2"] == "Record four of the catalogue."
    assert "files/faq.jsonl#3" not in held
    assert all(hit.passage.source != "files/a.txt" for hit in store.search("northern cape"))


def test_a_file_whose_documents_are_not_all_there_is_read_again(
    run: Run, folder: Path, tokenizer_file: Path, new_address: Callable[[], str]
) -> None:
    """A commit that ended within a file, new, grown or shrunk, as it may where documents change one by one, is made
    good by the next run.
    """
    path, recipe = folder / "faq.jsonl", Recipe(Splitting(tokenizer_file, 80))
    with open_store(new_address()) as store:
        for words in (["one", "two", "three"], ["uno", "due", "tre", "quattro"]):
            write_records(path, *words)
            documents = prepare(Errand(File(path, "files/faq.jsonl", 1), recipe, recipe.fingerprint()))
            store.write(documents[:-1])
            store.commit()
            run(store=store)
            assert texts(store)[f"files/faq.jsonl#{len(words)}"] == f"Record {words[-1]} of the catalogue."
        store.delete([identifier("files/faq.jsonl#1")])
        store.commit()
        assert run(store=store).documents == DocumentCounts(added=1, updated=3, unchanged=2)
        assert run(store=store).documents == DocumentCounts(unchanged=6)


def test_pruning_removes_what_is_gone_and_nothing_else(
    run: Run, store: EmbeddedStore, folder: Path, tmp_path: Path
) -> None:
    """Files that are gone from under the given paths are removed if asked; documents of other origin stay."""
    other = tmp_path / "files-too"
    other.mkdir()
    (other / "x.txt").write_text(ENGLISH, encoding="utf-8")
    run(folder, other)
    by_hand = SourceDocument(identifier("files/note"), "", "files/note", "files/note")
    store.write([AnalysedDocument(by_hand, [], [], [])])
    shutil.rmtree(folder / "sub")
    shutil.rmtree(other)
    assert run().documents == DocumentCounts(unchanged=4)
    assert run(prune=True).documents == DocumentCounts(unchanged=4, removed=1)
    assert {"files/note", "files-too/x.txt"} <= set(texts(store))
    assert "files/sub/b.md" not in texts(store)


def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    run: Run, store: EmbeddedStore, folder: Path
) -> None:
    """Pruning spares what lies under a path that is missing or closed as a whole."""
    run()
    gone = Holdings(store)
    gone.meet("files/a.txt")
    assert [holding.document_ids for holding in gone.gone([folder], folder.parent, ["files/sub"])] == [
        {identifier(f"files/faq.jsonl#{number}") for number in (1, 2, 3)}
    ]
    shutil.rmtree(folder)
    result = run(prune=True)
    assert result.documents == DocumentCounts(failed=1)
    assert len(texts(store)) == 5


def test_failures_are_listed_and_leave_the_old_version(run: Run, store: EmbeddedStore, folder: Path) -> None:
    """A file that can no longer be read is reported with the reason, and what was indexed of it stays."""
    run()
    (folder / "faq.jsonl").write_text("{", encoding="utf-8")
    (folder / "image.bmp").write_bytes(b"BM")
    (folder / "a.txt").write_bytes(b"")
    result = run(prune=True)
    assert result.documents == DocumentCounts(unchanged=1, failed=3)
    reasons = {failure.source: failure.reason for failure in result.failures}
    assert reasons["files/a.txt"] == "The file is empty. The version indexed before stays."
    assert reasons["files/faq.jsonl"].endswith(". The version indexed before stays.")
    assert ".bmp cannot be read" in reasons["files/image.bmp"]
    assert "stays" not in reasons["files/image.bmp"]
    assert isinstance(result.failures[0], FileFailure)
    assert len(texts(store)) == 5


def test_another_recipe_indexes_unchanged_files_again(run: Run, store: EmbeddedStore) -> None:
    """What was split or analysed differently is not taken for up to date."""
    run()
    assert run(tokens=40).documents == DocumentCounts(updated=5)
    assert run(tokens=40, language="fr").documents == DocumentCounts(updated=5)
    assert set(store.languages()) == {"fr"}


def test_a_second_writer_is_told_so(run: Run, folder: Path, store: EmbeddedStore) -> None:
    """While another process writes to the store a job ends before any work, with the store's own words."""
    with EmbeddedStore.open(store.address) as other:
        other.delete(["nothing"])
        with pytest.raises(StoreError, match="another process is writing"):
            run()


def test_progress_tells_totals_first_and_only_what_is_committed(
    job: Callable[..., IndexingJob], store: EmbeddedStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Totals are in the first report; whoever opens the store finds what a report calls done."""
    monkeypatch.setattr(jobs, "COMMIT_SECONDS", 0.0)
    reports: list[tuple[JobProgress, int]] = []

    def look(progress: JobProgress) -> None:
        with EmbeddedStore.open(store.address, read_only=True) as reader:
            reports.append((progress, len({record.origin for record in reader.records()})))

    task = job(on_progress=look)
    assert task.state == JobState.QUEUED
    task.run()
    first, last = reports[0][0], reports[-1][0]
    assert (first.files_total, first.files_done, first.passages) == (3, 0, 0)
    assert (
        first.bytes_total
        == last.bytes_done
        == sum(file.stat().st_size for file in folder.rglob("*.*") if file.is_file())
    )
    assert (last.files_done, last.passages) == (3, task.result.passages)
    assert all(progress.files_done <= found for progress, found in reports)
    assert {progress.files_done for progress, _ in reports} == {0, 1, 2, 3}
    assert task.state == JobState.DONE


def test_a_cancelled_job_keeps_what_is_done(
    job: Callable[..., IndexingJob], run: Run, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling ends the job after the file it is at; the next run does the rest and only the rest."""
    monkeypatch.setattr(jobs, "COMMIT_SECONDS", 0.0)
    task = job(on_progress=lambda progress: progress.files_done and task.cancel())
    done = task.run().documents.added
    assert task.state == JobState.CANCELLED
    assert 0 < done < 5
    assert len(texts(store)) == done
    assert run().documents == DocumentCounts(added=5 - done, unchanged=done)


def test_ctrl_c_keeps_what_is_done(
    job: Callable[..., IndexingJob], store: EmbeddedStore, tmp_path: Path
) -> None:
    """An interrupt commits the files that are written, then goes on."""
    calls = iter(range(100))

    def interrupt(progress: JobProgress) -> None:
        if next(calls):
            raise KeyboardInterrupt

    task = job(on_progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        task.run()
    assert task.state == JobState.CANCELLED
    with EmbeddedStore.open(store.address, read_only=True) as reader:
        assert len(texts(reader)) == task.result.documents.added > 0


def test_an_interrupt_within_a_file_leaves_none_of_it(
    job: Callable[..., IndexingJob], store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of a file when Ctrl-C came is not committed."""
    write = store.write

    def write_one_and_stop(documents: Sequence[AnalysedDocument]) -> None:
        write(documents[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write", write_one_and_stop)
    with pytest.raises(KeyboardInterrupt):
        job().run()
    with EmbeddedStore.open(store.address, read_only=True) as reader:
        assert texts(reader) == {}


def test_the_store_does_not_index_itself(run: Run, store: EmbeddedStore, tmp_path: Path) -> None:
    """A store inside the folder that is indexed is passed over."""
    assert run(tmp_path / "files", tmp_path / "store").documents == DocumentCounts(added=5)


def test_passages_have_languages_of_their_own(tokenizer_file: Path) -> None:
    """Each passage is analysed in its language; the document is in that of most of its text."""
    text = GERMAN * 4 + "\n\n" + "Маяк стоит на северном мысу. Его построили рыбаки из деревни. " * 2
    source = SourceDocument("d", text, "a.txt", "a.txt", "Der Turm")
    ready = analysed(source, Recipe(Splitting(tokenizer_file, 100)))
    assert ready.document.language == "de"
    assert {passage.language for passage in ready.passages} == {"de", "ru"}
    assert "".join(passage.text for passage in ready.passages) == text
    for passage, terms, title in zip(ready.passages, ready.terms, ready.title_terms, strict=True):
        assert {term.partition(":")[0] for term in (terms + " " + title).split()} == {passage.language}


@pytest.mark.parametrize("language", ["german!", "", "d", "de_DE"])
def test_a_language_must_be_a_code(language: str, tokenizer_file: Path) -> None:
    """What is no language code is refused before anything is read."""
    with pytest.raises(ValueError, match="is no language code"):
        Recipe(Splitting(tokenizer_file), language)


def test_a_missing_tokenizer_is_named(
    run: Run, job: Callable[..., IndexingJob], store: EmbeddedStore
) -> None:
    """Without the tokenizer nothing is read, and the error names the file."""
    task = IndexingJob([], store, Recipe(Splitting(Path("/nowhere/tokenizer.json"))), base=Path("/"))
    with pytest.raises(FileNotFoundError, match=r"/nowhere/tokenizer\.json"):
        task.run()
    assert task.state == JobState.FAILED


class Watching:
    """An encoder that asks the store what can be found while it works."""

    name, revision, width, prefix = "watching", "1", 8, ""

    def __init__(self, store: EmbeddedStore) -> None:
        self.store = store
        self.found: list[int] = []
        self.encoded = 0

    def passages(self, texts: Sequence[str]) -> Vector:
        self.found.append(len(self.store.search("lighthouse Leuchtturm", 100)))
        self.encoded += len(texts)
        return np.eye(8, dtype=np.float32)[np.arange(len(texts)) % 8]


def test_text_is_searchable_before_vectors(
    job: Callable[..., IndexingJob], store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first passage is encoded all text is found by words; vectors have a progress of their own."""
    monkeypatch.setattr(vector_jobs, "GROUP", 4)
    reports: list[VectorProgress] = []
    encoder = Watching(store)
    result = job(encoder=encoder, on_vectors=reports.append).run()
    passages = len(list(store.passages()))
    assert encoder.found and set(encoder.found) == {len(store.search("lighthouse Leuchtturm", 100))}
    assert store.vector_count() == passages
    assert result.vectors is not None and result.vectors.done == result.vectors.total == encoder.encoded
    assert [report.done for report in reports] == sorted({report.done for report in reports})
    again = job(encoder=(later := Watching(store))).run()
    assert later.encoded == 0 and again.vectors is not None and again.vectors.total == 0
    assert job().run().vectors is None


def test_another_encoder_is_refused_before_any_work(
    job: Callable[..., IndexingJob], folder: Path, store: EmbeddedStore
) -> None:
    """Nothing is indexed with an encoder whose vectors would not fit the store's, unless they are made anew."""
    job(encoder=Watching(store)).run()
    (folder / "new.txt").write_text(ENGLISH, encoding="utf-8")
    other = Watching(store)
    other.revision = "2"
    with pytest.raises(StoreError, match="--new-vectors"):
        job(encoder=other).run()
    assert store.record(identifier("files/new.txt")) is None
    result = job(encoder=other, new_vectors=True).run()
    assert result.documents.added == 1 and store.vector_count() == len(list(store.passages()))


def test_shards_share_the_vectors(job: Callable[..., IndexingJob], store: EmbeddedStore) -> None:
    """Jobs that share the files share their vectors: together they make each once."""
    encoders = [Watching(store), Watching(store)]
    for number, encoder in enumerate(encoders, 1):
        job(encoder=encoder, shard=Shard(number, 2)).run()
    contents = {passage.text for passage in store.passages()}
    assert sum(encoder.encoded for encoder in encoders) == len(contents)
    assert store.vector_count() == len(list(store.passages()))


def test_named_files_keep_names_and_metadata_and_are_no_matter_of_pruning(
    job: Callable[..., IndexingJob], run: Run, store: EmbeddedStore, folder: Path, tokenizer_file: Path
) -> None:
    """Files that were sent somewhere are indexed under the names given, and no run over folders takes them away."""
    sent = folder.parent / "sent"
    sent.mkdir()
    (sent / "0.txt").write_text(ENGLISH, encoding="utf-8")

    def send(**meta: str) -> JobResult:
        file = File(sent / "0.txt", "files/guide.txt", 1, meta, f"{UPLOADED}files/guide.txt")
        recipe = Recipe(Splitting(tokenizer_file, 80))
        return IndexingJob((), store, recipe, base=sent, workers=1, files=[file]).run()

    run()
    assert send(team="it").documents == DocumentCounts(added=1)
    assert send(team="it").documents == DocumentCounts(unchanged=1)
    assert send(team="hr").documents == DocumentCounts(updated=1)
    record = store.record(identifier("files/guide.txt"))
    assert record is not None
    assert (record.source, record.meta) == ("files/guide.txt", {"team": "hr"})
    assert run(prune=True).documents == DocumentCounts(unchanged=5)
    assert "files/guide.txt" in texts(store)


def test_a_pool_of_workers_serves_one_job_after_the_other(
    store: EmbeddedStore, folder: Path, tokenizer_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs of different recipes share the same process, and each file is prepared by the recipe of its own job."""
    started: list[Any] = []

    def start(*given: Any, popen: Any = subprocess.Popen, **named: Any) -> Any:
        started.append(popen(*given, **named))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    splitting = Splitting(tokenizer_file, 80)
    with pool(splitting, 1) as workers:
        for name, language in (("a.txt", "fr"), ("sub/b.md", "auto")):
            recipe = Recipe(splitting, language)
            IndexingJob([folder / name], store, recipe, base=folder, workers=workers).run()
    assert len(started) == 1
    assert {record.source: record.language for record in store.records()} == {"a.txt": "fr", "sub/b.md": "de"}
