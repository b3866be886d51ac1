"""FARM's endpoints, for its clients: switched on with `FUNDSTELLE_COMPAT=farm`. The shape is FARM 0.8's."""

from functools import partial
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from fundstelle.api.access import Reading
from fundstelle.api.documentation import EVERYWHERE, problems
from fundstelle.api.old_routes import OldBody
from fundstelle.api.problems import Problem
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService
from fundstelle.api.tickets import Ticket
from fundstelle.compat.farm import Inferencer
from fundstelle.compat.farm_inputs import Basket, baskets
from fundstelle.reader.reader import Reader

MODEL = 1
"""The one model's id."""

router = APIRouter(tags=["farm"], responses=EVERYWHERE)
_reading = Lock()
"""FARM's scores are made of logits, which the shared batches do not give: one question is read at a time."""


class FarmModel(BaseModel):
    """A model, as FARM listed it."""

    id: int
    name: str
    prediction_type: str
    language: str


class FarmInput(OldBody):
    """Texts with their questions: `{"questions", "text"}`, or `{"qas", "context"}` as SQuAD has it."""

    input: list[dict[str, Any]] = Field(
        min_length=1,
        examples=[[{"questions": ["When was the bridge built?"], "text": "The bridge was built in 1923."}]],
    )


class FarmResult(BaseModel):
    """A prediction for every question."""

    task: str
    predictions: list[dict[str, Any]]


@router.get("/models", response_model=list[FarmModel])
async def models(client: Reading, service: TheService) -> Any:
    """The one reader of this service."""
    name = await run_in_threadpool(lambda: getattr(service.reader, "name", "") or "reader")
    return [{"id": MODEL, "name": name, "prediction_type": "span_classification", "language": "multilingual"}]


@router.post("/models/{model_id}/inference", response_model=FarmResult, responses=problems(404, 429))
async def inference(
    model_id: int, given: FarmInput, request: Request, client: Reading, service: TheService
) -> Any:
    """Read the texts of the request; all predictions are in one result, where FARM gave the first alone."""
    if model_id != MODEL:
        raise Problem(
            404, "unknown-model", f"There is no model {model_id}. GET /models lists the one there is."
        )
    works = [partial(_predictions, service, each) for each in _asked(service, given.input)]
    found = await service.answering.all(request, client.name, works)
    return {"task": "qa", "predictions": [prediction for predictions in found for prediction in predictions]}


def _asked(service: Service, inputs: list[dict[str, Any]]) -> list[Basket]:
    """Every question with its text. Raises Problem where one lacks a part, or there is too much of them."""
    try:
        asked = list(baskets(inputs))
    except KeyError as error:
        raise Problem(422, "invalid-input", f"{error.args[0]}") from error
    except TypeError as error:
        raise Problem(
            422, "invalid-input", "An input has its questions in a list, or one as a string."
        ) from error
    if wrong := [
        each for each in asked if not (isinstance(each.question, str) and isinstance(each.text, str))
    ]:
        raise Problem(422, "invalid-input", f"Questions and texts are strings; see {wrong[0].question!r}.")
    most, longest = service.settings.max_questions, service.settings.max_read_characters
    if len(asked) > most:
        raise Problem(413, "too-many-questions", f"Ask at most {most} questions in one request.")
    if sum(len(each.text) for each in asked) > longest:
        detail = f"Send at most {longest:,} characters of text in one request, counted once a question."
        raise Problem(413, "too-much-text", detail)
    return asked


def _predictions(service: Service, asked: Basket, ticket: Ticket) -> list[dict[str, Any]]:
    """What one text answers to one question; in a thread."""
    reader = service.reader
    if not isinstance(reader, Reader):
        raise Problem(
            501, "no-logits", "The reader of this service does not give what FARM's scores are made of."
        )
    with _reading:
        ticket.check()
        predictions: list[dict[str, Any]] = Inferencer(reader).read([asked])[0].to_json()["predictions"]
    return predictions
