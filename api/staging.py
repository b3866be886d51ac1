"""Where uploads wait for their job: a folder for each job, files named by us and never by the sender."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from fundstelle.indexing.extract import storable

LONGEST_NAME = 255

_SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COPY_BYTES = 1 << 20


class Staging:
    """The folder of all uploads that are not indexed yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def of(self, job: str) -> Path:
        """The folder of a job's files."""
        return self._folder / job

    def keep(self, job: str, number: int, name: str, content: BinaryIO) -> Path:
        """Copy an upload called `name`; of the name, only a harmless ending is used."""
        path = self._new(job, number, suffix_of(name))
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, _COPY_BYTES)
        return path

    def keep_text(self, job: str, number: int, record: dict[str, Any]) -> Path:
        """Write a text with its title, language and metadata, as a JSON record."""
        path = self._new(job, number, ".json")
        path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        return path

    def _new(self, job: str, number: int, suffix: str) -> Path:
        self.of(job).mkdir(mode=0o700, exist_ok=True)
        return self.of(job) / f"{number}{suffix}"

    @contextmanager
    def all_or_nothing(self, job: str) -> Iterator[None]:
        """Around what stages and submits a job: nothing of it stays where that fails."""
        try:
            yield
        except BaseException:
            self.drop(job)
            raise

    def drop(self, job: str) -> None:
        """Delete what a job has left."""
        shutil.rmtree(self.of(job), ignore_errors=True)

    def drop_all_but(self, jobs: Iterable[str]) -> None:
        """Delete what was left by jobs that are over, or were never accepted."""
        wanted = set(jobs)
        for folder in self._folder.iterdir():
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)


def suffix_of(name: str) -> str:
    """The ending of a file's name that tells its format, or nothing where it might be something else."""
    suffix = PurePath(name.replace("\\", "/")).suffix.lower()
    return suffix if _SAFE_SUFFIX.fullmatch(suffix) else ""


def label_of(name: str) -> str:
    """An upload's name as the store shows it: the last part of a path, on one line, of reasonable length."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return _shortened(_CONTROL.sub(" ", storable(last)).strip())


def _shortened(name: str) -> str:
    """A name without its middle where it is too long: the ending tells the format, a hash one name from another."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:120]}…{sha256(name.encode()).hexdigest()[:12]}…{name[-120:]}"
