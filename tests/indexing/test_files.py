"""Files are found in a stable order, named so that they can be moved, and taken in without trust."""

import os
import socket
from pathlib import Path

import pytest

from fundstelle.indexing.files import ReadingError, digest, digest_bytes, read_bytes, source_name, walk


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def found(root: Path, *paths: Path) -> list[str]:
    return [source_name(path, root) for path in walk(paths or [root])]


def test_folders_are_walked_in_one_order_without_hidden_files(tmp_path: Path) -> None:
    """Files come before the folders beside them, both by name; hidden files and folders are left out."""
    make(tmp_path, "b.md", "a.txt", "c/z.md", "c/d/x.md", "B/y.md", ".git/config", "c/.hidden", "ü.txt")
    assert found(tmp_path) == ["a.txt", "b.md", "ü.txt", "B/y.md", "c/z.md", "c/d/x.md"]


def test_what_is_named_is_read_even_if_hidden(tmp_path: Path) -> None:
    """A hidden file or folder that a user names is not left out."""
    make(tmp_path, ".notes.md", ".wiki/page.md")
    assert found(tmp_path, tmp_path / ".notes.md", tmp_path / ".wiki") == [".notes.md", ".wiki/page.md"]


def test_a_file_named_twice_comes_once(tmp_path: Path) -> None:
    """Overlapping arguments give each file once, in the same order whichever way they are given."""
    make(tmp_path, "a/one.md", "a/b/two.md")
    arguments = [tmp_path / "a/b", tmp_path / "a/one.md", tmp_path, tmp_path / "a" / ".." / "a"]
    assert sorted(found(tmp_path, *arguments)) == ["a/b/two.md", "a/one.md"]
    assert found(tmp_path, *arguments) == found(tmp_path, *reversed(arguments))


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    """A folder reached by several links, or by a link from inside itself, is entered once, by its own name first."""
    make(tmp_path, "docs/real/a.md", "elsewhere/b.md")
    docs = tmp_path / "docs"
    (docs / "again").symlink_to(docs / "real")
    (docs / "real" / "loop").symlink_to(docs)
    (docs / "linked").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path, docs) == ["docs/real/a.md", "docs/linked/b.md"]


def test_what_is_not_there_is_still_listed(tmp_path: Path) -> None:
    """Missing arguments and dead links are given on, so that reading them tells the user."""
    (tmp_path / "dead.md").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path, tmp_path, tmp_path / "missing.md") == ["missing.md", "dead.md"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_closed_folder_is_listed_and_says_so(tmp_path: Path) -> None:
    """A folder that may not be entered does not vanish silently."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    assert found(tmp_path) == ["closed"]
    with pytest.raises(ReadingError, match="permissions"):
        read_bytes(closed)


def test_sources_are_relative_to_the_base_where_they_can_be(tmp_path: Path) -> None:
    """A file under the base is named relative to it, any other by its whole path."""
    assert source_name(tmp_path / "a" / "b.md", tmp_path) == "a/b.md"
    assert source_name(tmp_path / "x" / ".." / "b.md", tmp_path) == "b.md"
    assert source_name(tmp_path / "b.md", tmp_path / "base") == (tmp_path / "b.md").as_posix()
    assert source_name(tmp_path / "b.md") == (tmp_path / "b.md").as_posix()


def test_sources_can_be_stored_whatever_the_file_name(tmp_path: Path) -> None:
    """A file name that is not UTF-8 has a name of ordinary characters."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md"))
    path.write_text("x")
    assert found(tmp_path) == ["caf\\xe9.md"]


def test_bytes_and_digest_agree(tmp_path: Path) -> None:
    """The digest of a file is that of its bytes, and differs when they do."""
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(3 << 20))
    assert digest(path) == digest_bytes(read_bytes(path)) != digest_bytes(b"")


def test_files_that_are_no_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes, sockets and devices are refused without being opened: none of them may hang a job."""
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        server.bind("socket.txt")
        for path in (tmp_path / "pipe.txt", tmp_path / "socket.txt", Path("/dev/zero")):
            for reader in (read_bytes, digest):
                with pytest.raises(ReadingError, match="pipe, socket or device"):
                    reader(path)


def test_empty_vanished_and_misnamed_files_say_so(tmp_path: Path) -> None:
    """Each of these failures has a sentence of its own."""
    (tmp_path / "empty.txt").touch()
    for path, sentence in (
        (tmp_path / "empty.txt", "The file is empty."),
        (tmp_path / "gone.txt", "The file is gone"),
        (tmp_path / "empty.txt" / "below", "not a directory"),
        (tmp_path / ("n" * 300), "name too long"),
        (tmp_path / "a\0b", "does not accept the file's name"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(ReadingError, match=sentence):
            read_bytes(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_forbidden_files_say_so(tmp_path: Path) -> None:
    """A file without permission to read is refused with the reason."""
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "secret.txt").chmod(0)
    with pytest.raises(ReadingError, match="check its permissions"):
        read_bytes(tmp_path / "secret.txt")


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    """A file above the limit is refused by its size alone; the sentence names both and what to do."""
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    for reader in (read_bytes, digest):
        with pytest.raises(ReadingError, match=r"has 200\.0 MB and the limit is 100\.0 MB; split it"):
            reader(path)
    assert len(read_bytes(path, max_bytes=200_000_000)) == 200_000_000
