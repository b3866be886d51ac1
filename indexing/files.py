"""Finding files, naming them, and taking in their bytes without trusting them."""

import os
import stat
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

MAX_FILE_BYTES = 100_000_000
"""Files above this are refused unless a caller says otherwise."""

_PIECE = 1 << 20


class ReadingError(Exception):
    """A file cannot be read; the message is one sentence that says why and what to do."""


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Every visible file at or under `paths`, each once, in an order that does not change between runs.

    Hidden files and folders are left out unless named in `paths`. Linked folders come last and are entered
    only if no other way led there, so loops end. What cannot be entered or is not a file at all is given
    as it is: reading it says what is wrong.
    """
    roots = sorted({Path(os.path.abspath(path)) for path in paths})
    linked = [root for root in roots if root.is_dir()]
    named = dict.fromkeys(root for root in roots if not root.is_dir())
    yield from named
    seen: set[tuple[int, int]] = set()
    while linked:
        found: list[Path] = []
        for folder in linked:
            for path in _walk_folder(folder, seen, found):
                if path not in named:
                    yield path
        linked = found


def _walk_folder(folder: Path, seen: set[tuple[int, int]], linked: list[Path]) -> Iterator[Path]:
    """The files under `folder`; folders met through links are put into `linked` instead of entered."""
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            with os.scandir(folder) as listing:
                entries = sorted((entry for entry in listing if entry.name[0] != "."), key=_name)
        except OSError:
            yield folder
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        folders = [folder / entry.name for entry in entries if _is_folder(entry)]
        linked += [path for path in folders if path.is_symlink()]
        waiting += [path for path in reversed(folders) if not path.is_symlink()]
        yield from (folder / entry.name for entry in entries if not _is_folder(entry))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def source_name(path: Path, base: Path | None = None) -> str:
    """The name of a file in a store: relative to `base` where it lies under it, otherwise absolute.

    Always with forward slashes, so that a folder can be moved together with its store. Bytes of a file
    name that are not UTF-8 are written as `\\xff`.
    """
    path = Path(os.path.abspath(path))
    if base is not None and path.is_relative_to(base := Path(os.path.abspath(base))):
        path = path.relative_to(base)
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def read_bytes(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The whole content of a regular file of at most `max_bytes`.

    Raises:
        ReadingError: it vanished, may not be read, is no regular file, or is empty or too large.
    """
    with _open(path, max_bytes) as file:
        data = _read(file, max_bytes + 1)
    _check_size(len(data), max_bytes)
    return data


def digest(path: Path, max_bytes: int = MAX_FILE_BYTES) -> str:
    """`digest_bytes` of a file, read piece by piece; raises ReadingError as `read_bytes` does."""
    state = blake2b(digest_size=16)
    with _open(path, max_bytes) as file:
        while piece := _read(file, _PIECE):
            state.update(piece)
    return state.hexdigest()


def digest_bytes(data: bytes) -> str:
    """What tells two versions of a file apart: 32 hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()


def _open(path: Path, max_bytes: int) -> BinaryIO:
    """`path` opened for reading, sure to be a regular file of acceptable size."""
    try:
        _check_kind(path.stat().st_mode)
        # Not to hang where the file was swapped for a pipe in the meantime.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except (OSError, ValueError) as error:
        raise ReadingError(_why(error)) from error
    try:
        status = os.fstat(file.fileno())
        _check_kind(status.st_mode)
        _check_size(status.st_size, max_bytes)
    except ReadingError:
        file.close()
        raise
    return file


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ReadingError("This is a folder whose content may not be listed; check its permissions.")
    if not stat.S_ISREG(mode):
        raise ReadingError("This is a pipe, socket or device, not a file; leave it out.")


def _check_size(size: int, max_bytes: int) -> None:
    if not size:
        raise ReadingError("The file is empty.")
    if size > max_bytes:
        raise ReadingError(
            f"The file has {_megabytes(size)} and the limit is {_megabytes(max_bytes)}; "
            "split it into smaller files or raise the limit."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _why(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "The file is gone: it was moved or deleted, or the link to it leads nowhere."
        case PermissionError():
            return "The file may not be read; check its permissions."
        case OSError(errno=code) if code:
            return f"The system cannot read the file: {os.strerror(code).lower()}."
    return "The system does not accept the file's name."


def _read(file: BinaryIO, size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise ReadingError(_why(error)) from error
