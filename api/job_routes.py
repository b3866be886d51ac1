"""Jobs: how they stand, live if wanted, and how to stop them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from fundstelle.api.access import Reading, Writing
from fundstelle.api.documentation import EVERYWHERE, problems
from fundstelle.api.job_records import JobStatus
from fundstelle.api.problems import Problem
from fundstelle.api.schemas import Job, Jobs
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService

EVENT_STREAM = "text/event-stream"
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LOOK_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 15.0

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            EVENT_STREAM: {
                "schema": {"type": "string", "description": "Events `job`, whose data is the job as JSON."}
            }
        }
    }
}

router = APIRouter(prefix="/v1", tags=["jobs"], responses=EVERYWHERE)


@router.get("/jobs", response_model=Jobs)
async def jobs(
    client: Reading, service: TheService, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Any:
    """The latest jobs, newest first."""
    newest = await run_in_threadpool(service.jobs.records.newest, limit)
    return {"jobs": [asdict(status) for status in newest]}


@router.get("/jobs/{job_id}", response_model=Job, responses=EVENTS | problems(404))
async def job(job_id: str, request: Request, client: Reading, service: TheService) -> Any:
    """How a job stands; with `Accept: text/event-stream`, every change of it until it is over."""
    status = await run_in_threadpool(service.jobs.records.get, job_id)
    if status is None:
        raise _unknown(job_id)
    if EVENT_STREAM in request.headers.get("accept", ""):
        return StreamingResponse(_events(service, status), media_type=EVENT_STREAM, headers=UNBUFFERED)
    return asdict(status)


async def _events(service: Service, status: JobStatus | None) -> AsyncIterator[str]:
    """An event for each change, a comment now and then so that proxies keep the connection, and the end."""
    last, silent = None, 0.0
    while status is not None:
        if status != last:
            last, silent = status, 0.0
            yield f"event: job\ndata: {Job.model_validate(asdict(status)).model_dump_json()}\n\n"
        elif silent >= KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        if status.is_over or service.is_stopping:
            return
        await asyncio.sleep(LOOK_SECONDS)
        silent += LOOK_SECONDS
        status = await run_in_threadpool(service.jobs.records.get, status.id)


@router.delete("/jobs/{job_id}", response_model=Job, responses=problems(404))
async def cancel_job(job_id: str, client: Writing, service: TheService) -> Any:
    """Cancel a job: what it has indexed stays, the file it is at is still finished."""
    status = await run_in_threadpool(service.jobs.cancel, job_id)
    if status is None:
        raise _unknown(job_id)
    return asdict(status)


def _unknown(job_id: str) -> Problem:
    return Problem(404, "unknown-job", f"There is no job {job_id}. GET /v1/jobs lists the latest.")
