"""Questions: to the collection, or to texts that are given along."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from fundstelle.api.access import Client, Reading
from fundstelle.api.documentation import EVERYWHERE, STREAM, problems
from fundstelle.api.problems import Problem, problem_of
from fundstelle.api.reading import read_texts
from fundstelle.api.schemas import Asking, QueryRequest, QueryResult, QueryResults, ReadRequest
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService
from fundstelle.api.tickets import Ticket
from fundstelle.pipelines.answers import QueryResult as Found
from fundstelle.pipelines.answers import as_dict

NDJSON = "application/x-ndjson"

router = APIRouter(prefix="/v1", tags=["questions"], responses=EVERYWHERE | problems(429))

Work = Callable[[Ticket], Found]


@router.post("/query", response_model=QueryResult | QueryResults, responses=STREAM)
async def query(asking: QueryRequest, request: Request, client: Reading, service: TheService) -> Any:
    """Answer questions with quotations from the collection."""
    _check(asking, service)
    works = [partial(ask, service, asking, question) for question in asking.asked]
    return await _reply(asking, request, client, service, works)


@router.post("/read", response_model=QueryResult | QueryResults, responses=STREAM)
async def read(asking: ReadRequest, request: Request, client: Reading, service: TheService) -> Any:
    """Answer questions with quotations from the texts of the request."""
    _check(asking, service)
    _check_texts(asking, service.settings.max_read_characters)
    works = [partial(_read, service, asking, question) for question in asking.asked]
    return await _reply(asking, request, client, service, works)


def ask(service: Service, asking: QueryRequest, question: str, ticket: Ticket) -> Found:
    """The answers to one question of a request, from the collection; in a thread."""
    return service.pipeline(ticket, asking.context_size).ask(
        question,
        top_k=asking.top_k,
        retriever_top_k=asking.retriever_top_k,
        filters=asking.conditions,
        threshold=asking.threshold,
    )


def _read(service: Service, asking: ReadRequest, question: str, ticket: Ticket) -> Found:
    return read_texts(
        question,
        asking.named_texts,
        service.reader_for(ticket),
        top_k=asking.top_k,
        threshold=asking.threshold,
        context_size=asking.context_size,
    )


def _check(asking: Asking, service: Service) -> None:
    settings = service.settings
    if len(asking.questions or ()) > settings.max_questions:
        detail = f"Ask at most {settings.max_questions} questions in one request."
        raise Problem(422, "too-many-questions", detail)
    longest = max(map(len, asking.asked))
    if longest > settings.max_question_characters:
        most = settings.max_question_characters
        detail = f"A question has {longest:,} characters and the limit is {most:,}; ask a shorter one."
        raise Problem(422, "question-too-long", detail)


def _check_texts(asking: ReadRequest, most: int) -> None:
    characters = sum(len(text) for _, text in asking.named_texts)
    if characters > most:
        detail = f"The texts have {characters:,} characters and the limit is {most:,}; index them instead."
        raise Problem(422, "texts-too-long", detail)


async def _reply(
    asking: Asking, request: Request, client: Client, service: Service, works: Sequence[Work]
) -> Any:
    if NDJSON in request.headers.get("accept", ""):
        return await _streamed(request, client, service, works)
    found = await service.answering.all(request, client.name, works)
    results = [_counted(service, result) for result in found]
    return results[0] if asking.is_single else {"results": results}


async def _streamed(
    request: Request, client: Client, service: Service, works: Sequence[Work]
) -> StreamingResponse:
    """One line a question, as it is ready. The first is waited for, so that a refusal has its own status."""
    lines = _lines(request, client, service, works)
    first = await anext(lines)
    return StreamingResponse(_joined(first, lines), media_type=NDJSON)


async def _lines(
    request: Request, client: Client, service: Service, works: Sequence[Work]
) -> AsyncIterator[str]:
    """A result a line, with the number of its question; where it cannot go on, the last line is the problem."""
    is_first = True
    with service.answering.admission.enter(client.name):
        try:
            async for number, result in service.answering.stream(request, client.name, works):
                yield _line({"index": number, **_counted(service, result)})
                is_first = False
        except Exception as error:
            if is_first:
                raise
            yield _line(problem_of(error, request).body())


async def _joined(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in rest:
        yield line


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _counted(service: Service, result: Found) -> dict[str, Any]:
    service.metrics.question(result)
    return as_dict(result)
