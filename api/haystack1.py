"""The endpoints of Haystack 1.26, for its clients: switched on with `FUNDSTELLE_COMPAT=haystack1`.

A document of Haystack was a part of a file; here it is a passage. `index=` chooses nothing: there is one
collection.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse

from fundstelle.api.access import Reading, Writing
from fundstelle.api.haystack1_answers import reply_of, without_none
from fundstelle.api.haystack1_filters import for_search, fulfils, matching
from fundstelle.api.haystack1_health import usage
from fundstelle.api.haystack1_labels import FROM_USERS, Labels, accuracy, as_squad
from fundstelle.api.haystack1_schemas import (
    Accuracy,
    LabelRequest,
    OldDocument,
    OldFilters,
    OldHealth,
    OldQuery,
    OldReply,
    Parameters,
)
from fundstelle.api.haystack1_uploads import index_files, unused_fields
from fundstelle.api.old_routes import OLD_ERRORS, OldRoute
from fundstelle.api.problems import Problem
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService
from fundstelle.api.tickets import Ticket
from fundstelle.api.uploads import receiving
from fundstelle.compat.haystack_retrieving import document_of

VERSION = "1.26.4"
"""The version of Haystack whose endpoints these are."""

CONTEXT_SIZE = 500
RETRIEVER_TOP_K, READER_TOP_K = 20, 10

router = APIRouter(tags=["haystack 1"], route_class=OldRoute, responses=OLD_ERRORS)


@router.get("/initialized")
async def initialized(service: TheService) -> bool:
    """True once questions can be answered."""
    if not service.is_warm:
        raise Problem(
            503, "reader-loading", "The reader is still being loaded.", headers={"Retry-After": "2"}
        )
    return True


@router.get("/hs_version")
async def hs_version() -> dict[str, str]:
    """The version of Haystack whose endpoints these are."""
    return {"hs_version": VERSION}


@router.get("/health", response_model=OldHealth)
async def health_as_before() -> Any:
    """How the machine is doing, and that the process answers."""
    return {"status": "ok", "version": VERSION} | await run_in_threadpool(usage)


@router.post("/query", response_model=OldReply, response_model_exclude_none=True)
async def query(asked: OldQuery, request: Request, client: Reading, service: TheService) -> Any:
    """Answer a question from the collection."""
    longest = service.settings.max_question_characters
    if len(asked.query) > longest:
        raise Problem(
            422, "question-too-long", f"A question may have {longest:,} characters; ask a shorter one."
        )
    work = partial(_answer, service, asked)
    (reply,) = await service.answering.all(request, client.name, [work])
    return reply


def _answer(service: Service, asked: OldQuery, ticket: Ticket) -> dict[str, Any]:
    params = asked.params or Parameters()
    filters = params.retriever.filters or params.filters
    top_k = params.reader.top_k or READER_TOP_K
    result = service.pipeline(ticket, CONTEXT_SIZE).ask(
        asked.query,
        top_k=top_k,
        retriever_top_k=params.retriever.top_k or RETRIEVER_TOP_K,
        filters=for_search(service.store, filters),
        threshold=0.0,
    )
    return reply_of(result, top_k, bool(asked.debug or params.retriever.debug or params.reader.debug))


_FILES = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        },
                        "meta": {"type": "string", "description": "A JSON object for all files."},
                        **unused_fields(),
                    },
                }
            }
        },
    }
}


@router.post("/file-upload", openapi_extra=_FILES)
async def file_upload(
    request: Request, client: Writing, service: TheService, keep_files: bool = False
) -> None:
    """Index files and answer when they can be found. Files are not kept, whatever `keep_files` says."""
    most = service.settings.max_upload_files
    with receiving():
        async with request.form(max_files=most, max_fields=20, max_part_size=100_000) as form:
            files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
            if not files:
                raise Problem(422, "no-files", "Send at least one file in the form field `files`.")
            meta = form.get("meta")
            await index_files(service, client.name, files, meta if isinstance(meta, str) else None)


Index = Annotated[str | None, Query(description="Taken, and without effect: there is one collection.")]


@router.post("/documents/get_by_filters", response_model=list[OldDocument], response_model_exclude_none=True)
async def get_by_filters(
    client: Reading, service: TheService, chosen: OldFilters | None = None, index: Index = None
) -> Any:
    """The passages of the documents that fulfil the filters; all without filters."""
    records = await run_in_threadpool(lambda: list(matching(service.store, _filters(chosen))))

    def passages() -> Iterator[str]:
        yield "["
        for number, passage in enumerate(p for r in records for p in service.store.passages(r.id)):
            document = without_none(document_of(passage).to_dict())
            yield (", " if number else "") + json.dumps(document, ensure_ascii=False)
        yield "]"

    return StreamingResponse(passages(), media_type="application/json")


@router.post("/documents/delete_by_filters")
async def delete_by_filters(
    client: Writing, service: TheService, chosen: OldFilters | None = None, index: Index = None
) -> bool:
    """Delete the documents that fulfil the filters; without filters, all of them."""
    await run_in_threadpool(_delete, service, _filters(chosen))
    return True


def _filters(chosen: OldFilters | None) -> dict[str, Any]:
    return (chosen.filters if chosen else None) or {}


def _delete(service: Service, filters: dict[str, Any]) -> None:
    with service.writer.session() as store:
        store.delete([record.id for record in matching(store, filters)])
        store.commit()


def _labels(service: TheService) -> Labels:
    return Labels(service.database)


TheLabels = Annotated[Labels, Depends(_labels)]


@router.post("/feedback")
async def add_feedback(client: Reading, label: LabelRequest, labels: TheLabels, index: Index = None) -> None:
    """Keep a mark of an answer."""
    await run_in_threadpool(labels.add, label)


@router.get("/feedback")
async def get_feedback(client: Reading, labels: TheLabels, index: Index = None) -> list[dict[str, Any]]:
    """All marks."""
    return await run_in_threadpool(labels.all)


@router.delete("/feedback")
async def delete_feedback(client: Writing, labels: TheLabels, index: Index = None) -> None:
    """Forget what users marked; gold labels stay."""
    await run_in_threadpool(labels.delete, FROM_USERS)


@router.post("/eval-feedback", response_model=Accuracy)
async def eval_feedback(
    client: Reading, labels: TheLabels, chosen: OldFilters | None = None, index: Index = None
) -> Any:
    """Shares of right answers and documents among what users marked; filters are on the fields of marks."""
    marked = await run_in_threadpool(labels.all, FROM_USERS)
    return accuracy(label for label in marked if fulfils(_filters(chosen), label))


@router.get("/export-feedback")
async def export_feedback(
    client: Reading,
    labels: TheLabels,
    context_size: Annotated[int, Query(ge=1)] = 100_000,
    full_document_context: bool = True,
    only_positive_labels: bool = False,
    index: Index = None,
) -> dict[str, Any]:
    """What users marked, as SQuAD 2 data: `fundstelle eval` reads it."""
    size = None if full_document_context else context_size
    marked = await run_in_threadpool(labels.all, FROM_USERS)
    return as_squad(marked, size, only_positive_labels)
