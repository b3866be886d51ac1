"""Uploads: a request with files or texts becomes a job."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect

from fundstelle.api.answering import ClientGone
from fundstelle.api.job_records import JobFile, JobStatus
from fundstelle.api.problems import Problem, busy
from fundstelle.api.schemas import LANGUAGE, Language, TextDocument, TextsRequest, Value
from fundstelle.api.service import Service
from fundstelle.api.staging import label_of

_META_SCHEMA = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "example": {"team": "it"},
}

REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/TextsRequest"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "additionalProperties": False,
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "A later file of the same name replaces the document.",
                        },
                        "meta": {
                            "anyOf": [_META_SCHEMA, {"type": "array", "items": _META_SCHEMA}],
                            "description": "Metadata as JSON: for the first file, the second ..., or one for all.",
                        },
                        "language": {
                            "type": "string",
                            "pattern": LANGUAGE,
                            "description": "Language of all files (BCP 47); by default it is detected.",
                        },
                    },
                }
            },
        },
    }
}

_METAS = TypeAdapter(list[dict[str, Value]], config=ConfigDict(allow_inf_nan=False))
_LANGUAGE = TypeAdapter(Language)
_FIELDS = {"files", "meta", "language"}

logger = logging.getLogger(__name__)


@contextmanager
def receiving() -> Iterator[None]:
    """Around what takes an upload in. Raises Problem where its client has gone, or the disk does not take it."""
    try:
        yield
    except ClientDisconnect:
        raise ClientGone from None
    except (OSError, sqlite3.OperationalError) as error:
        logger.error("An upload cannot be kept: %s", error)
        reason = getattr(error, "strerror", None) or error
        detail = f"The upload cannot be kept: {reason}. See to the service's disk, then send it again."
        raise busy(503, "not-kept", detail, 60) from error


async def receive(request: Request, service: Service, client: str) -> JobStatus:
    """The job that `client`'s request with files or texts becomes. Raises Problem, or RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        most = service.settings.max_upload_files
        with receiving():
            async with request.form(max_files=most, max_fields=most + 1, max_part_size=100_000) as form:
                return await run_in_threadpool(_files, service, client, form)
    if kind == "application/json":
        with receiving():
            texts = _validated(TypeAdapter(TextsRequest), await request.body(), "body")
            return await run_in_threadpool(_texts, service, client, texts)
    raise Problem(
        415,
        "unsupported-media-type",
        "Send files as multipart/form-data, or texts as application/json.",
    )


def _files(service: Service, client: str, form: FormData) -> JobStatus:
    unknown = set(form) - _FIELDS
    if unknown:
        raise _invalid(sorted(unknown)[0], f"there is no such field; there are {', '.join(sorted(_FIELDS))}")
    files = form.getlist("files")
    uploads = [file for file in files if isinstance(file, UploadFile)]
    if not uploads or len(uploads) < len(files):
        raise _invalid("files", "send at least one, each with a file name")
    names = [label_of(upload.filename or "") for upload in uploads]
    _check_names(names)
    metas = _metas(form.getlist("meta"), len(uploads))
    language = service.settings.language
    if (given := form.get("language")) is not None:
        language = _validated_value(_LANGUAGE, given, "language")
    for upload, name in zip(uploads, names, strict=True):
        _check_size(service, upload.size or 0, name)
    job = service.jobs.new_id()
    staged = []
    with service.jobs.staging.all_or_nothing(job):
        for number, (upload, name, meta) in enumerate(zip(uploads, names, metas, strict=True)):
            path = service.jobs.staging.keep(job, number, name, upload.file)
            staged.append(JobFile(path.name, name, meta, upload.size or 0))
        return service.jobs.submit(job, language, client, staged)


def _texts(service: Service, client: str, request: TextsRequest) -> JobStatus:
    documents = request.documents
    if len(documents) > service.settings.max_upload_files:
        most = service.settings.max_upload_files
        raise Problem(413, "too-many-documents", f"Send at most {most} texts in one request.")
    _check_names([document.source for document in documents])
    job = service.jobs.new_id()
    staged = []
    with service.jobs.staging.all_or_nothing(job):
        for number, document in enumerate(documents):
            path = service.jobs.staging.keep_text(job, number, _record(document))
            staged.append(JobFile(path.name, document.source, document.meta, path.stat().st_size))
        return service.jobs.submit(job, service.settings.language, client, staged)


def _record(document: TextDocument) -> dict[str, Any]:
    record = {"text": document.text, "title": document.title}
    return record if document.language is None else {**record, "language": document.language}


def _check_names(names: Sequence[str]) -> None:
    """A name is what tells documents apart: each must have one, and none may come twice in a job."""
    if not all(names):
        raise _invalid("files", "each needs a name")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        detail = f"{name} comes {times} times; give each its own name, or send them one after the other."
        raise Problem(409, "same-name", detail)


def _check_size(service: Service, size: int, name: str) -> None:
    most = service.settings.max_upload_bytes
    if size > most:
        detail = f"{name} has {size:,} bytes and the limit is {most:,}; split it into smaller files."
        raise Problem(413, "file-too-large", detail)


def _metas(fields: Sequence[UploadFile | str], count: int) -> list[dict[str, Value]]:
    """The metadata of each file: one object for all, or one each for the first so many, in a list or apart."""
    metas: list[dict[str, Value]] = []
    for field in fields:
        try:
            value = from_json(str(field))  # refuses lone surrogates, which Python's own parser takes
        except ValueError as error:
            raise _invalid("meta", f"it is no JSON object: {error}") from error
        metas += _validated_value(_METAS, value if isinstance(value, list) else [value], "meta")
    if len(metas) > max(count, 1):
        raise Problem(409, "too-much-meta", f"There are {len(metas)} times metadata and {count} files.")
    return metas * count if len(metas) == 1 else metas + [{}] * (count - len(metas))


def _validated(adapter: TypeAdapter[Any], body: bytes, place: str) -> Any:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise _at(error, place) from error


def _validated_value(adapter: TypeAdapter[Any], value: object, place: str) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise _at(error, "body", place) from error


def _at(error: ValidationError, *place: str) -> RequestValidationError:
    return RequestValidationError([{**each, "loc": (*place, *each["loc"])} for each in error.errors()])


def _invalid(field: str, reason: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": reason, "type": "value_error"}])
