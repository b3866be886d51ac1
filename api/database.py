"""What the service itself must remember: one SQLite file, which survives the process at any moment."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

FILE_NAME = "service.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, language TEXT NOT NULL, client TEXT NOT NULL,
    files INTEGER NOT NULL, files_done INTEGER NOT NULL DEFAULT 0, passages INTEGER NOT NULL DEFAULT 0,
    documents TEXT NOT NULL DEFAULT '{}', error TEXT,
    created REAL NOT NULL, started REAL, finished REAL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created);
CREATE TABLE IF NOT EXISTS job_files (
    job TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, source TEXT NOT NULL, meta TEXT NOT NULL,
    bytes INTEGER NOT NULL, PRIMARY KEY (job, number)
);
CREATE TABLE IF NOT EXISTS job_failures (job TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS failures_by_job ON job_failures (job);
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS feedback (
    id TEXT PRIMARY KEY, created REAL NOT NULL, question TEXT NOT NULL, document_id TEXT NOT NULL,
    source TEXT NOT NULL, title TEXT NOT NULL, context TEXT NOT NULL, context_start INTEGER NOT NULL,
    start INTEGER, end INTEGER, text TEXT NOT NULL, verdict TEXT NOT NULL, language TEXT NOT NULL,
    comment TEXT NOT NULL
);
"""


class Database:
    """The database of a data folder, made where there is none. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = RLock()
        self._connection = sqlite3.connect(
            folder / FILE_NAME, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # what a client was told is on the disk
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Changes that happen together or not at all."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement; the number of rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
