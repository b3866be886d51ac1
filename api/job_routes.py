"""Jobs: how they stand, live if wanted, and how to stop them."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from fundstelle.api.problems import Problem
from fundstelle.api.schemas import Job, Jobs
from fundstelle.api.shared import TheService

router = APIRouter(prefix="/v1", tags=["jobs"])


@router.get("/jobs", response_model=Jobs)
async def jobs(service: TheService, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Any:
    """The latest jobs, newest first."""
    newest = await run_in_threadpool(service.jobs.records.newest, limit)
    return {"jobs": [asdict(status) for status in newest]}


@router.get("/jobs/{job_id}", response_model=Job)
async def job(job_id: str, service: TheService) -> Any:
    """How a job stands."""
    status = await run_in_threadpool(service.jobs.records.get, job_id)
    if status is None:
        raise _unknown(job_id)
    return asdict(status)


@router.delete("/jobs/{job_id}", response_model=Job)
async def cancel_job(job_id: str, service: TheService) -> Any:
    """Cancel a job: what it has indexed stays, the file it is at is still finished."""
    status = await run_in_threadpool(service.jobs.cancel, job_id)
    if status is None:
        raise _unknown(job_id)
    return asdict(status)


def _unknown(job_id: str) -> Problem:
    return Problem(404, "unknown-job", f"There is no job {job_id}. GET /v1/jobs lists the latest.")
