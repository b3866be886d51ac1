"""The Haystack components: the same entries as a job, and a life as YAML."""

from pathlib import Path

import pytest
from haystack import Document, Pipeline

from fundstelle.indexing.components import (
    FileReader,
    PassageSplitter,
    PassageWriter,
    build_indexing_pipeline,
)
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.indexing.store import PassageStore

TEXT = "The lighthouse stands on the cape.\fIt was built by fishermen.\fNobody keeps it now."


def passages_in(store: PassageStore) -> list[object]:
    return sorted(store.passages(), key=lambda passage: (passage.source, passage.start))


def test_a_saved_pipeline_writes_what_a_job_writes(tmp_path: Path, tokenizer_file: Path) -> None:
    """Files become the same passages and records, but for the hash by which jobs know them again."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.md").write_text("# Cape\n\n" + "The lighthouse stands on the cape. " * 9, encoding="utf-8")
    (folder / "b.jsonl").write_text('{"text": "Eins zwei.", "meta": {"team": "hr"}}\n' * 2, encoding="utf-8")
    (folder / "c.bin").write_bytes(b"\0")
    built = build_indexing_pipeline(str(tmp_path / "one"), str(tokenizer_file), str(tmp_path))
    result = Pipeline.loads(built.dumps()).run({"reader": {"sources": [folder]}}, {"reader", "writer"})
    assert [failure["source"] for failure in result["reader"]["failures"]] == ["files/c.bin"]
    assert result["writer"]["documents_written"] == 3
    with (
        EmbeddedStore.open(tmp_path / "one", read_only=True) as one,
        EmbeddedStore.open(tmp_path / "two") as two,
    ):
        job = index([folder], two, base=tmp_path, splitting=Splitting(tokenizer_file))
        assert job.passages == result["writer"]["passages_written"]
        assert passages_in(one) == passages_in(two)
        for record in two.records():
            other = one.record(record.id)
            assert other is not None
            assert (other.origin, other.title, other.language, other.meta, other.characters) == (
                (record.origin, record.title, record.language, record.meta, record.characters)
            )


def test_documents_of_any_converter_are_split(tokenizer_file: Path, tmp_path: Path) -> None:
    """Form feeds are page ends, the file path is the source, and what cannot be filtered by is left out."""
    document = Document(content=TEXT, meta={"file_path": "a.pdf", "team": "hr", "_split_overlap": [1]})
    passages = PassageSplitter(str(tokenizer_file), tokens=30).run([document])["documents"]
    assert "".join(passage.content or "" for passage in passages) == TEXT
    assert [passage.meta["page"] for passage in passages] == [1, 2, 3]
    writer = PassageWriter(str(tmp_path / "store"))
    assert writer.run(passages[::-1]) == {"documents_written": 1, "passages_written": 3}
    assert writer.store is not None
    (record,) = writer.store.records()
    assert (record.source, record.pages, record.meta) == (
        "a.pdf",
        (0, 35, 62),
        {"team": "hr", "file_path": "a.pdf"},
    )
    written = writer.store.document(record.id)
    assert written is not None
    assert written.text == TEXT
    writer.store.close()


def test_documents_of_equally_named_files_are_kept_apart(tokenizer_file: Path, tmp_path: Path) -> None:
    """Converters give the bare name of a file, and several documents of one: none replaces another, in one run or
    in several.
    """
    texts = ["This readme is of the first project.", "This is another's.", "Another record of the same file."]
    documents = [Document(content=text, meta={"file_path": "readme.txt"}) for text in texts]
    splitter = PassageSplitter(str(tokenizer_file))
    with EmbeddedStore.open(tmp_path / "store") as store:
        writer = PassageWriter(store)
        for run in (documents[:2], documents[2:], documents[:1]):
            assert writer.run(splitter.run(run)["documents"])["documents_written"] == len(run)
        assert {(passage.text, passage.source) for passage in store.passages()} == {
            (text, "readme.txt") for text in texts
        }


def test_a_document_of_ours_keeps_its_id_whatever_changes_it(tokenizer_file: Path, tmp_path: Path) -> None:
    """A component between reader and splitter that gives new ids does not double a document."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (read,) = FileReader(str(tmp_path)).run([tmp_path / "a.txt"])["documents"]
    changed = Document(content=TEXT.upper(), meta=read.meta)
    assert changed.id != read.id
    passages = PassageSplitter(str(tokenizer_file)).run([changed])["documents"]
    assert {passage.meta["document_id"] for passage in passages} == {read.id}


def test_jobs_leave_documents_of_other_converters_alone(tokenizer_file: Path, tmp_path: Path) -> None:
    """A file that is indexed is not taken for the one of that name that a converter read elsewhere."""
    (tmp_path / "readme.txt").write_text("This readme is indexed.", encoding="utf-8")
    document = Document(content="This one is from elsewhere.", meta={"file_path": "readme.txt"})
    with EmbeddedStore.open(tmp_path / "store") as store:
        PassageWriter(store).run(PassageSplitter(str(tokenizer_file)).run([document])["documents"])
        for _ in range(2):
            result = index([tmp_path], store, base=tmp_path, splitting=Splitting(tokenizer_file), prune=True)
        assert result.documents.unchanged == 1
        assert len(list(store.records())) == 2


def test_a_document_is_written_whole_or_not_at_all(tokenizer_file: Path, tmp_path: Path) -> None:
    """Passages that do not make a whole document, and documents that are no passages, are refused."""
    passages = PassageSplitter(str(tokenizer_file), tokens=30).run([Document(content=TEXT)])["documents"]
    with EmbeddedStore.open(tmp_path / "store") as store:
        writer = PassageWriter(store)
        with pytest.raises(ValueError, match="from 35 to 62 is missing or doubled"):
            writer.run([passages[0], passages[2]])
        with pytest.raises(ValueError, match="is no passage"):
            writer.run([Document(content=TEXT)])
        assert not list(store.records())


def test_components_are_saved_with_their_settings(tokenizer_file: Path) -> None:
    """Settings survive to_dict and from_dict."""
    splitter = PassageSplitter(str(tokenizer_file), tokens=30, language="de")
    for made in (splitter, FileReader("/base", 3), PassageWriter("folder")):
        again = type(made).from_dict(made.to_dict())
        assert again.to_dict() == made.to_dict()
    assert splitter.to_dict()["init_parameters"] == {
        "tokenizer": str(tokenizer_file),
        "tokens": 30,
        "language": "de",
    }
