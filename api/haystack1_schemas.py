"""What Haystack 1.26's endpoints took and gave; its documents and answers are those of `fundstelle.compat`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from fundstelle.api.old_routes import OldBody

MOST_LEVELS = 50
"""Conditions, and lists of them, that may stand in one another: following them takes the stack."""


def _not_too_deep(filters: dict[str, Any]) -> dict[str, Any]:
    """Looks at one level after the other, so that it needs no stack itself."""
    level: list[Any] = [filters]
    for _ in range(MOST_LEVELS):
        level = [inner for each in level for inner in _parts(each)]
    if any(isinstance(each, dict | list) for each in level):
        raise ValueError(f"conditions may be nested at most {MOST_LEVELS} levels deep")
    return filters


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


Text = Annotated[str, StringConstraints(pattern=r"\S")]
Conditions = Annotated[dict[str, Any], AfterValidator(_not_too_deep)]


class OldRequest(OldBody):
    """What clients sent; unknown fields were refused."""

    model_config = ConfigDict(extra="forbid")


class NodeParameters(OldRequest):
    """What a node of the pipeline could be told."""

    top_k: Annotated[int | None, Field(ge=1, le=200)] = None
    filters: Conditions | None = None
    debug: bool | None = None


class Parameters(OldRequest):
    """`params` of a query: by node, and filters beside the nodes."""

    retriever: Annotated[NodeParameters, Field(alias="Retriever")] = NodeParameters()
    reader: Annotated[NodeParameters, Field(alias="Reader")] = NodeParameters()
    filters: Conditions | None = None


class OldQuery(OldRequest):
    """A question with parameters for the two nodes of the pipeline."""

    query: Text = Field(examples=["When was the bridge built?"])
    params: Parameters | None = Field(
        None, examples=[{"Retriever": {"top_k": 10}, "Reader": {"top_k": 3}, "filters": {"name": ["a.pdf"]}}]
    )
    debug: bool | None = False


class OldFilters(OldRequest):
    """Which documents; no filters mean all of them."""

    filters: Conditions | None = Field(None, examples=[{"name": ["bridges.pdf"]}])


class OldSpan(BaseModel):
    """Characters [start, end)."""

    start: int
    end: int


class OldDocument(BaseModel):
    """A passage of a document."""

    model_config = ConfigDict(extra="allow")

    content: str
    content_type: str = "text"
    id: str | None = None
    meta: dict[str, Any] = {}
    id_hash_keys: list[str] | None = None
    score: float | None = None
    embedding: list[float] | None = None


class OldAnswer(BaseModel):
    """An answer; "" stands for none. Until Haystack 1.13 its document was called `document_id`."""

    model_config = ConfigDict(extra="allow")

    answer: str
    type: str = "extractive"
    score: float | None = None
    context: str | None = None
    offsets_in_document: list[OldSpan] | None = None
    offsets_in_context: list[OldSpan] | None = None
    document_ids: list[str] | None = None
    meta: dict[str, Any] = {}


class OldReply(BaseModel):
    """Answers and the passages they were read from; fields without a value are left out."""

    query: str
    answers: list[OldAnswer]
    documents: list[OldDocument]
    debug: dict[str, Any] | None = Field(None, alias="_debug")


class LabelRequest(OldRequest):
    """A mark of an answer; `no_answer` was taken and not kept."""

    id: str | None = None
    query: Text
    document: OldDocument
    is_correct_answer: bool
    is_correct_document: bool
    origin: Literal["user-feedback", "gold-label"]
    answer: OldAnswer | None = None
    no_answer: bool | None = None
    pipeline_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    meta: dict[str, Any] | None = None
    filters: dict[str, Any] | None = None


class Accuracy(BaseModel):
    """Shares of right answers and documents among what users marked."""

    answer_accuracy: float | None
    document_accuracy: float | None
    n_feedback: int


class Used(BaseModel):
    """Percent."""

    used: float


class GpuUsage(BaseModel):
    """Percent of the time, bytes."""

    kernel_usage: float
    memory_total: int
    memory_used: int


class Gpu(BaseModel):
    """A graphics processor and what it is doing."""

    index: int
    usage: GpuUsage


class OldHealth(BaseModel):
    """How the machine is doing, beside what this service's own `/health` says."""

    status: Literal["ok"]
    version: str
    cpu: Used
    memory: Used
    gpus: list[Gpu]
