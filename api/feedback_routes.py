"""Feedback: answers marked right or wrong, and all marks as a file that trains and evaluates readers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from fundstelle.api.access import Reading, Writing
from fundstelle.api.document_routes import unknown
from fundstelle.api.documentation import EVERYWHERE, problems
from fundstelle.api.feedback import FeedbackError, Mark, Verdict, as_squad, mark
from fundstelle.api.problems import Problem
from fundstelle.api.schemas import FeedbackRequest, Language, Marked, Squad
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService

router = APIRouter(prefix="/v1", tags=["feedback"], responses=EVERYWHERE)


@router.post("/feedback", response_model=Marked, status_code=201, responses=problems(404, 409))
async def give_feedback(feedback: FeedbackRequest, client: Reading, service: TheService) -> Any:
    """Mark an answer as right or wrong; the passage is kept as it stands now."""
    made = await run_in_threadpool(_mark, service, feedback)
    return {"id": made.id, "text": made.text}


@router.get("/feedback/export", response_model=Squad)
async def export_feedback(
    client: Reading,
    service: TheService,
    language: Annotated[Language | None, Query(description="Only passages in this language.")] = None,
) -> Any:
    """All marks as SQuAD 2, which `fundstelle eval` reads."""
    marks = await run_in_threadpool(service.feedback.all, language)
    name = f"feedback.{language}.json" if language else "feedback.json"
    return JSONResponse(as_squad(marks), headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.delete("/feedback/marks/{mark_id}", status_code=204, responses=problems(404))
async def take_back(mark_id: str, client: Writing, service: TheService) -> None:
    """Take a mark back."""
    if not await run_in_threadpool(service.feedback.remove, mark_id):
        raise Problem(404, "unknown-mark", f"There is no mark {mark_id}.")


def _mark(service: Service, feedback: FeedbackRequest) -> Mark:
    document = service.store.record(feedback.document_id)
    if document is None:
        raise unknown(feedback.document_id)
    try:
        made = mark(
            service.store,
            feedback.question,
            document,
            feedback.start,
            feedback.end,
            Verdict(feedback.verdict),
            text=feedback.text,
            comment=feedback.comment,
        )
    except FeedbackError as error:
        raise Problem(409, "place-changed", str(error)) from error
    service.feedback.add(made)
    return made
