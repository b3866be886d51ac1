"""Haystack 1's file upload: files in, one answer when all of them are in the collection."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from fundstelle.api.job_records import JobFile, JobStatus
from fundstelle.api.problems import Problem
from fundstelle.api.service import Service
from fundstelle.api.staging import label_of
from fundstelle.indexing.documents import Meta
from fundstelle.indexing.extract import plain_meta
from fundstelle.indexing.progress import JobState

SECONDS_BETWEEN_LOOKS = 0.1


async def index_files(service: Service, client: str, files: Sequence[UploadFile], meta: str | None) -> None:
    """Index uploads, each with `meta` (a JSON object) and its own name; returns when they can be found.

    Raises:
        Problem: an upload is refused, or could not be indexed; the others are in the collection then.
    """
    shared = _meta(meta)
    status = await run_in_threadpool(_submit, service, client, files, shared)
    while not status.is_over:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        found = await run_in_threadpool(service.jobs.records.get, status.id)
        status = found or status
    _check(status)


def _meta(given: str | None) -> Meta:
    try:
        values = from_json(given) if given and given.strip() else {}
    except ValueError as error:
        raise Problem(422, "invalid-meta", f"meta is no JSON object: {error}.") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise Problem(422, "invalid-meta", 'meta is no JSON object: write it as {"team": "it"}.')
    return plain_meta(values)


def _submit(service: Service, client: str, files: Sequence[UploadFile], meta: Meta) -> JobStatus:
    _check_limits(service, files)
    job = service.jobs.new_id()
    staged = []
    with service.jobs.staging.all_or_nothing(job):
        for number, (file, source) in enumerate(zip(files, _sources(files), strict=True)):
            path = service.jobs.staging.keep(job, number, source, file.file)
            name = label_of(file.filename or "")
            staged.append(JobFile(path.name, source, {**meta, "name": name}, file.size or 0))
        return service.jobs.submit(job, service.settings.language, client, staged)


def _check_limits(service: Service, files: Sequence[UploadFile]) -> None:
    most, largest = service.settings.max_upload_files, service.settings.max_upload_bytes
    if len(files) > most:
        raise Problem(413, "too-many-documents", f"Send at most {most} files in one request.")
    for file in files:
        if (file.size or 0) > largest:
            detail = f"{file.filename} has {file.size:,} bytes and the limit is {largest:,}; split it."
            raise Problem(413, "file-too-large", detail)


def _sources(files: Sequence[UploadFile]) -> Iterator[str]:
    """A name for each file that no other of the request has: `a.txt`, `a (2).txt`."""
    taken: set[str] = set()
    for file in files:
        name = PurePath(label_of(file.filename or "") or "file")
        source, number = str(name), 1
        while source in taken:
            number += 1
            source = f"{name.stem} ({number}){name.suffix}"
        taken.add(source)
        yield source


def _check(status: JobStatus) -> None:
    """Raise Problem where a job did not end well."""
    if status.failures:
        reasons = " ".join(f"{failure.source}: {failure.reason}" for failure in status.failures)
        raise Problem(422, "unreadable-files", reasons)
    if status.state is not JobState.DONE:
        raise Problem(503, "not-indexed", status.error or f"The indexing was {status.state}.")


def unused_fields() -> dict[str, Any]:
    """Form fields of the old endpoint that split texts its way: taken, and without effect."""
    names = (
        "additional_params", "remove_numeric_tables", "valid_languages", "clean_whitespace",
        "clean_empty_lines", "clean_header_footer", "split_by", "split_length", "split_overlap",
        "split_respect_sentence_boundary",
    )  # fmt: skip
    return {name: {"type": "string", "description": "Taken, and without effect."} for name in names}
