"""What OpenAPI cannot learn from the routes: the problems they answer with, streams, limits from the settings."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from fundstelle.api.problems import MEDIA_TYPE
from fundstelle.api.schemas import ProblemBody, TextsRequest
from fundstelle.api.settings import Settings

_EXPLAINED = {
    400: "The request cannot be understood.",
    401: "An API key is needed, or the one sent is not known.",
    403: "The API key does not allow this, or a foreign page asks.",
    404: "There is no such thing.",
    405: "There is no such method.",
    408: "The body came too slowly.",
    409: "What the request speaks of has changed.",
    413: "The request, a file or a text is too large.",
    415: "The body has a media type that is not read.",
    422: "The request is not as it must be.",
    429: "This client has too many requests waiting. `Retry-After` says when to try again.",
    500: "The service made a mistake.",
    503: "Not now. `Retry-After` says when to try again.",
}
_EXAMPLE = {
    "type": "urn:fundstelle:problem:unknown-document",
    "title": "Not Found",
    "status": 404,
    "detail": "There is no document 5a0a. GET /v1/documents lists the ids.",
}

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/x-ndjson": {
                "schema": {
                    "type": "string",
                    "description": "A result a line as it is ready, with `index`, the number of its question from 0. "
                    "Should it fail on the way, the last line is a problem.",
                }
            }
        }
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its `responses`."""
    return {
        status: {
            "description": _EXPLAINED[status],
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "example": _EXAMPLE}
            },
        }
        for status in statuses
    }


EVERYWHERE = problems(400, 401, 403, 408, 413, 422, 500, 503)
"""What any route of version 1 may answer."""


def describe(app: FastAPI, settings: Settings) -> None:
    """Give `app` an OpenAPI description with its problems and the limits of `settings`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            app.openapi_schema = _completed(schema, settings)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any], settings: Settings) -> dict[str, Any]:
    schemas = schema["components"]["schemas"]
    for model in (ProblemBody, TextsRequest):  # named in routes by reference alone
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= shape.pop("$defs", {}) | {model.__name__: shape}
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's own shape, which is never sent
        schemas.pop(name, None)
    for name in ("QueryRequest", "ReadRequest"):
        _limit_questions(schemas[name]["properties"], settings)
        schemas[name] = _by_question(schemas[name])
    schema["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, where there are any."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    schema["security"] = [{}, {"key": []}, {"header": []}]
    return schema


def _limit_questions(properties: dict[str, Any], settings: Settings) -> None:
    longest = settings.max_question_characters
    properties["question"]["anyOf"][0]["maxLength"] = longest
    questions = properties["questions"]["anyOf"][0]
    questions["maxItems"] = settings.max_questions
    questions["items"]["maxLength"] = longest


def _by_question(shape: dict[str, Any]) -> dict[str, Any]:
    """A request with a question or with several, which a model with two optional fields cannot say."""
    about = {key: shape.pop(key) for key in ("title", "description", "examples")}

    def asking(field: str) -> dict[str, Any]:
        properties = shape["properties"]
        told = {key: value for key, value in properties[field].items() if key not in ("anyOf", "default")}
        needed = properties[field]["anyOf"][0] | told
        return {
            **shape,
            "properties": properties | {field: needed},
            "required": [field, *shape.get("required", ())],
        }

    return {**about, "anyOf": [asking("question"), asking("questions")]}
