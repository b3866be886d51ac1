"""Questions: to the collection, or to texts that are given along."""

from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from fundstelle.api.reading import read_texts
from fundstelle.api.schemas import Asking, QueryRequest, QueryResult, QueryResults, ReadRequest
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService
from fundstelle.pipelines.answers import QueryResult as Found
from fundstelle.pipelines.answers import as_dict

router = APIRouter(prefix="/v1", tags=["questions"])


@router.post("/query", response_model=QueryResult | QueryResults)
async def query(request: QueryRequest, service: TheService) -> Any:
    """Answer questions with quotations from the collection."""
    return _reply(request, await run_in_threadpool(partial(_ask, service, request)))


@router.post("/read", response_model=QueryResult | QueryResults)
async def read(request: ReadRequest, service: TheService) -> Any:
    """Answer questions with quotations from the texts of the request."""
    return _reply(request, await run_in_threadpool(partial(_read, service, request)))


def _ask(service: Service, request: QueryRequest) -> list[Found]:
    return service.pipeline(request.context_size).ask_many(
        request.asked,
        top_k=request.top_k,
        retriever_top_k=request.retriever_top_k,
        filters=request.conditions,
        threshold=request.threshold,
    )


def _read(service: Service, request: ReadRequest) -> list[Found]:
    named = [
        (str(number), text) if isinstance(text, str) else (text.id, text.text)
        for number, text in enumerate(request.texts)
    ]
    return read_texts(
        request.asked,
        named,
        service.reader,
        top_k=request.top_k,
        threshold=request.threshold,
        context_size=request.context_size,
    )


def _reply(request: Asking, found: list[Found]) -> Any:
    results = [as_dict(result) for result in found]
    return results[0] if request.question is not None else {"results": results}
