"""Documents: taken in, listed, shown, deleted."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fundstelle.api.access import Reading, Writing
from fundstelle.api.documentation import EVERYWHERE, problems
from fundstelle.api.problems import Problem
from fundstelle.api.schemas import DocumentPage, Job, WholeDocument
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService
from fundstelle.api.uploads import REQUEST_BODY, receive

router = APIRouter(prefix="/v1", tags=["documents"], responses=EVERYWHERE)


@router.post(
    "/documents",
    response_model=Job,
    status_code=202,
    responses=problems(409, 415),
    openapi_extra=REQUEST_BODY,
)
async def add_documents(request: Request, response: Response, client: Writing, service: TheService) -> Any:
    """Take files or texts in; the reply is the job that indexes them."""
    job = await receive(request, service, client.name)
    response.headers["Location"] = f"{request.scope.get('root_path', '').rstrip('/')}/v1/jobs/{job.id}"
    return asdict(job)


@router.get("/documents", response_model=DocumentPage)
async def documents(
    client: Reading,
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Any:
    """Documents by id, a page at a time."""
    return await run_in_threadpool(_page, service, limit, cursor)


def _page(service: Service, limit: int, cursor: str | None) -> dict[str, Any]:
    found = service.store.records_after(cursor or "", limit + 1)
    shown = found[:limit]
    return {
        "documents": [asdict(record) for record in shown],
        "next_cursor": shown[-1].id if len(found) > limit else None,
    }


@router.get("/documents/{document_id}", response_model=WholeDocument, responses=problems(404))
async def document(document_id: str, client: Reading, service: TheService) -> Any:
    """A document with its text and where its passages stand in it."""
    return await run_in_threadpool(_whole, service, document_id)


def _whole(service: Service, document_id: str) -> dict[str, Any]:
    record = service.store.record(document_id)
    if record is None:
        raise unknown(document_id)
    passages = list(service.store.passages(document_id))
    return {
        **asdict(record),
        "text": "".join(passage.text for passage in passages),
        "text_passages": [
            {
                "id": passage.id,
                "start": passage.start,
                "end": passage.start + len(passage.text),
                "page": passage.page,
                "language": passage.language,
            }
            for passage in passages
        ],
    }


@router.delete("/documents/{document_id}", status_code=204, responses=problems(404))
async def delete_document(document_id: str, client: Writing, service: TheService) -> None:
    """Remove a document from the collection."""
    await run_in_threadpool(_delete, service, document_id)


def _delete(service: Service, document_id: str) -> None:
    if service.store.record(document_id) is None:
        raise unknown(document_id)
    with service.writer.session() as store:
        store.delete([document_id])
        store.commit()


def unknown(document_id: str) -> Problem:
    """That there is no such document."""
    detail = f"There is no document {document_id}. GET /v1/documents lists the ids."
    return Problem(404, "unknown-document", detail)
