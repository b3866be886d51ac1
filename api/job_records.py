"""Jobs as the database keeps them: what was asked for, how far it came, what failed."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from sqlite3 import Connection, Row
from typing import Any

from fundstelle.api.database import Database
from fundstelle.indexing.documents import Meta
from fundstelle.indexing.progress import DocumentCounts, FileFailure, JobState


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job: its name in the job's folder, what the store is to call it, its metadata."""

    file: str
    source: str
    meta: Meta
    bytes: int


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job stands. Times are seconds since 1970."""

    id: str
    state: JobState
    language: str
    files: int
    files_done: int
    documents: DocumentCounts
    passages: int
    created: float
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    failures: Sequence[FileFailure] = field(default=())

    @property
    def is_over(self) -> bool:
        return self.state not in (JobState.QUEUED, JobState.RUNNING)


MOST_KEPT = 10_000
"""Jobs that are over and can still be asked about: the latest."""


class JobRecords:
    """The jobs of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: str, language: str, client: str, files: Sequence[JobFile]) -> None:
        """Put a job behind those that wait."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (id, state, language, client, files, created) VALUES (?, ?, ?, ?, ?, ?)",
                (job, JobState.QUEUED, language, client, len(files), time.time()),
            )
            connection.executemany(
                "INSERT INTO job_files VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (job, number, file.file, file.source, json.dumps(dict(file.meta)), file.bytes)
                    for number, file in enumerate(files)
                ],
            )

    def get(self, job: str) -> JobStatus | None:
        rows = self._database.rows("SELECT * FROM jobs WHERE id = ?", [job])
        return self._status(rows[0]) if rows else None

    def newest(self, limit: int) -> list[JobStatus]:
        """The jobs added last, newest first."""
        rows = self._database.rows("SELECT * FROM jobs ORDER BY created DESC, rowid DESC LIMIT ?", [limit])
        return [self._status(row) for row in rows]

    def _status(self, row: Row) -> JobStatus:
        failures = self._database.rows("SELECT * FROM job_failures WHERE job = ?", [row["id"]])
        return JobStatus(
            id=row["id"],
            state=JobState(row["state"]),
            language=row["language"],
            files=row["files"],
            files_done=row["files_done"],
            documents=DocumentCounts(**json.loads(row["documents"])),
            passages=row["passages"],
            created=row["created"],
            started=row["started"],
            finished=row["finished"],
            error=row["error"],
            failures=tuple(FileFailure(each["source"], each["reason"]) for each in failures),
        )

    def files(self, job: str) -> list[JobFile]:
        rows = self._database.rows("SELECT * FROM job_files WHERE job = ? ORDER BY number", [job])
        return [JobFile(row["file"], row["source"], json.loads(row["meta"]), row["bytes"]) for row in rows]

    def next_queued(self) -> str | None:
        """The job that has waited longest."""
        rows = self._database.rows(
            "SELECT id FROM jobs WHERE state = ? ORDER BY created, rowid LIMIT 1", [JobState.QUEUED]
        )
        return rows[0]["id"] if rows else None

    def count(self, *states: JobState) -> int:
        """How many jobs are in one of `states`."""
        marks = ", ".join("?" * len(states))
        rows = self._database.rows(f"SELECT count(*) AS number FROM jobs WHERE state IN ({marks})", states)
        return int(rows[0]["number"])

    def waiting_bytes(self) -> int:
        """Bytes of all files whose job is not over."""
        rows = self._database.rows("SELECT coalesce(sum(bytes), 0) AS bytes FROM job_files")
        return int(rows[0]["bytes"])

    def begin(self, job: str) -> bool:
        """Whether the job was waiting and runs from now on."""
        return bool(
            self._database.change(
                "UPDATE jobs SET state = ?, started = coalesce(started, ?) WHERE id = ? AND state = ?",
                (JobState.RUNNING, time.time(), job, JobState.QUEUED),
            )
        )

    def advance(
        self,
        job: str,
        files_done: int,
        passages: int,
        documents: DocumentCounts,
        failures: Sequence[FileFailure],
    ) -> None:
        """Write down how far the job is."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET files_done = ?, passages = ?, documents = ? WHERE id = ?",
                (files_done, passages, json.dumps(asdict(documents)), job),
            )
            _replace_failures(connection, job, failures)

    def wait_again(self, job: str, why: str | None = None) -> None:
        """Put a job that was running back among those that wait."""
        values: tuple[Any, ...] = (JobState.QUEUED, why, job, JobState.RUNNING)
        self._database.change("UPDATE jobs SET state = ?, error = ? WHERE id = ? AND state = ?", values)

    def end(self, job: str, state: JobState, error: str | None = None) -> bool:
        """Whether the job was not over and is now; its files are forgotten."""
        with self._database.transaction() as connection:
            ended = connection.execute(
                "UPDATE jobs SET state = ?, error = ?, finished = ? WHERE id = ? AND state IN (?, ?)",
                (state, error, time.time(), job, JobState.QUEUED, JobState.RUNNING),
            ).rowcount
            if ended:
                connection.execute("DELETE FROM job_files WHERE job = ?", [job])
                _forget_oldest(connection)
        return bool(ended)

    def interrupted(self) -> list[str]:
        """The jobs that were running when the process before this one ended."""
        rows = self._database.rows("SELECT id FROM jobs WHERE state = ?", [JobState.RUNNING])
        return [row["id"] for row in rows]

    def unfinished(self) -> list[str]:
        """The jobs that are not over."""
        rows = self._database.rows(
            "SELECT id FROM jobs WHERE state IN (?, ?)", [JobState.QUEUED, JobState.RUNNING]
        )
        return [row["id"] for row in rows]


def _replace_failures(connection: Connection, job: str, failures: Sequence[FileFailure]) -> None:
    connection.execute("DELETE FROM job_failures WHERE job = ?", [job])
    connection.executemany(
        "INSERT INTO job_failures VALUES (?, ?, ?)", [(job, each.source, each.reason) for each in failures]
    )


def _forget_oldest(connection: Connection) -> None:
    over = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    connection.execute(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN (?, ?, ?) "
        "ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (*over, MOST_KEPT),
    )
    connection.execute("DELETE FROM job_failures WHERE job NOT IN (SELECT id FROM jobs)")
