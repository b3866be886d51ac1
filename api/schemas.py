"""What goes in and comes out over HTTP: pydantic models, which are also the documentation at /openapi.json."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from fundstelle.indexing.languages import CODE


def _no_truth_or_text(value: Any) -> Any:
    """Numbers as JSON has them: `true` is no 1, and "1" is a text."""
    if isinstance(value, bool | str):
        raise ValueError("it must be a number")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth_or_text)]
Probability = Annotated[float, Field(ge=0, le=1), BeforeValidator(_no_truth_or_text)]
Value = str | int | float | bool
Filters = dict[str, Value | list[Value]]
LANGUAGE = f"^{CODE}$"
Language = Annotated[str, StringConstraints(pattern=LANGUAGE)]
Question = Annotated[
    str,
    # What `str.strip` leaves something of, in words that all regular expressions understand alike.
    StringConstraints(
        pattern=r"[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
    ),
]

QUESTION = "When was the bridge built?"
DOCUMENT_ID = "5a0aab99f8d94cfe5ed4aa0aec6c3f88"
JOB_ID = "0d9ecb0c4b8f4b7f8f0f2f2f4a0c6a11"


class Request(BaseModel):
    """What clients send: a misspelt field is an error, not silence."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Asking(Request):
    """One question, or several that share the work."""

    question: Question | None = Field(None, description="One question; the reply is one result.")
    questions: list[Question] | None = Field(
        None,
        min_length=1,
        description='Several questions; the reply is `{"results": [...]}`, in their order.',
    )
    top_k: Whole = Field(5, ge=1, le=100, description="Answers at most.")
    threshold: Probability | None = Field(
        None, description="Least probability of an answer; by default the reader's own."
    )
    context_size: Whole = Field(300, ge=0, le=5000, description="Characters of context around an answer.")

    @model_validator(mode="after")
    def _asks_something(self) -> "Asking":
        if not self.asked:
            raise ValueError('give a "question", or "questions"')
        return self

    @property
    def asked(self) -> list[str]:
        """All questions, in order."""
        return [each for each in (self.question, *(self.questions or ())) if each is not None]

    @property
    def is_single(self) -> bool:
        """Whether the reply is one result, and no list."""
        return self.questions is None


class QueryRequest(Asking):
    """Questions to the collection."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"question": QUESTION, "top_k": 3, "filters": {"team": ["it", "hr"]}}]
        }
    )

    retriever_top_k: Whole = Field(20, ge=1, le=200, description="Passages to retrieve and read at most.")
    filters: Filters | None = Field(
        None, description="Metadata that documents must have: all keys, and of a list any one value."
    )
    language: Language | None = Field(None, description="Only passages in this language (BCP 47).")

    @property
    def conditions(self) -> dict[str, list[str]] | None:
        """The filters as a store takes them."""
        filters = {key: _several(value) for key, value in (self.filters or {}).items()}
        if self.language is not None:
            filters["language"] = [self.language]
        return filters or None


class GivenText(Request):
    """A text to read, under a name of the client's."""

    id: str = Field(max_length=500, description="Returned as `document_id` and `source` of its answers.")
    text: str


class ReadRequest(Asking):
    """Questions to texts that are given along; the collection is not asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"question": QUESTION, "texts": ["The bridge was built in 1923.", "It is blue."]}],
        }
    )

    texts: list[str | GivenText] = Field(
        min_length=1,
        max_length=1000,
        description="Texts, which are named 0, 1, 2 ... unless given with an id.",
    )

    @property
    def named_texts(self) -> list[tuple[str, str]]:
        """Each text with its name."""
        return [
            (str(number), text) if isinstance(text, str) else (text.id, text.text)
            for number, text in enumerate(self.texts)
        ]


class Support(BaseModel):
    """Another place that gives the same answer."""

    document_id: str
    source: str
    start: int
    end: int
    probability: float


class Answer(BaseModel):
    """A quotation: `document_text[start:end] == text`, counted in Unicode code points."""

    text: str
    probability: float = Field(description="That this text answers the question, calibrated.")
    document_id: str
    source: str
    start: int
    end: int
    page: int | None = Field(description="Page of `start`, from 1; null where the format has no pages.")
    language: str
    passage_id: str
    context: str
    context_start: int = Field(description="Offset of `context` in the document.")
    reader_score: float
    null_score: float
    retriever_score: float = Field(
        description="What passages were ranked by; comparable within one question."
    )
    bm25: float | None = Field(description="Score of its words; null where only its meaning was found.")
    cosine: float | None = Field(description="Likeness of its meaning to the question's; null if unknown.")
    support: list[Support]


class FoundPassage(BaseModel):
    """A passage that was retrieved."""

    id: str
    document_id: str
    source: str
    start: int
    language: str
    retriever_score: float
    bm25: float | None
    cosine: float | None


class Timings(BaseModel):
    """Milliseconds."""

    retrieve_ms: float
    read_ms: float
    total_ms: float


class QueryResult(BaseModel):
    """Everything found for one question; no answer is an empty `answers`."""

    question: str
    language: str
    retriever: str = Field(description="bm25, dense or hybrid; empty for texts that were given along.")
    no_answer_probability: float
    answers: list[Answer]
    passages: list[FoundPassage]
    timings: Timings


class QueryResults(BaseModel):
    """One result a question, in their order."""

    results: list[QueryResult]


class TextDocument(Request):
    """A document that is a text."""

    source: str = Field(
        min_length=1, max_length=500, description="Its name; a later document of the same name replaces it."
    )
    text: str = Field(min_length=1)
    title: str = Field("", max_length=300)
    language: Language | None = Field(None, description="By default it is detected.")
    meta: dict[str, Value] = Field({}, description="What questions can filter by.")


class TextsRequest(Request):
    """Documents that are texts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "documents": [
                        {"source": "bridge", "text": "The bridge was built in 1923.", "meta": {"team": "it"}}
                    ]
                }
            ]
        }
    )

    documents: list[TextDocument] = Field(min_length=1)


class DocumentCounts(BaseModel):
    """Documents by what became of them; `failed` counts files."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0


class Failure(BaseModel):
    """A file that could not be indexed, and why."""

    source: str
    reason: str


class Job(BaseModel):
    """Files on their way into the collection."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    files: int = Field(description="Files of the job.")
    files_done: int = Field(description="Files that are through, the failed ones included.")
    documents: DocumentCounts
    passages: int = Field(description="Passages written so far.")
    failures: list[Failure]
    error: str | None = Field(description="Why the whole job failed.")
    created: float = Field(description="Seconds since 1970, as are `started` and `finished`.")
    started: float | None
    finished: float | None


class Jobs(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


class Document(BaseModel):
    """A document without its text."""

    id: str
    source: str
    title: str
    language: str
    pages: list[int] = Field(description="Offset at which each page starts; empty where there are none.")
    meta: dict[str, Value]
    characters: int
    passages: int


class DocumentPage(BaseModel):
    """Some of the documents, ordered by id."""

    documents: list[Document]
    next_cursor: str | None = Field(description="Where the next page starts; null on the last one.")


class DocumentPassage(BaseModel):
    """Where a passage stands in its document: `text[start:end]`."""

    id: str
    start: int
    end: int
    page: int | None
    language: str


class WholeDocument(Document):
    """A document with its text, in which all offsets count, and its passages, which partition it."""

    text: str
    text_passages: list[DocumentPassage]


class FeedbackRequest(Request):
    """A mark on a place in a document: the answer that was given, or one that should have been."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question": QUESTION,
                    "document_id": DOCUMENT_ID,
                    "start": 24,
                    "end": 28,
                    "text": "1923",
                    "verdict": "right",
                }
            ]
        }
    )

    question: Question = Field(max_length=10_000)
    document_id: str = Field(max_length=500)
    start: Whole = Field(ge=0, description="Range of the answer in the document's text.")
    end: Whole = Field(ge=1)
    text: str | None = Field(None, description="The answer; where it is given, it must still stand there.")
    verdict: Literal["right", "wrong", "wrong-span"] = Field(
        description="wrong-span: another answer stands in the same passage; wrong: the passage does not answer."
    )
    comment: str = Field("", max_length=10_000)


class Marked(BaseModel):
    """The mark that was kept."""

    id: str
    text: str = Field(description="What stands at the place.")


class Gold(BaseModel):
    """A right answer: `context[answer_start:]` begins with `text`."""

    text: str
    answer_start: int


class SquadQuestion(BaseModel):
    """A question over a paragraph."""

    id: str
    question: str
    is_impossible: bool
    answers: list[Gold]


class SquadParagraph(BaseModel):
    """A passage and what was asked over it."""

    context: str
    qas: list[SquadQuestion]


class SquadArticle(BaseModel):
    """A document's passages."""

    title: str
    paragraphs: list[SquadParagraph]


class Squad(BaseModel):
    """A file in the format of SQuAD 2.0."""

    version: str
    data: list[SquadArticle]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether questions can be answered now."""

    status: Literal["ready"]
    store: Literal["reachable"]
    reader: Literal["warm"]


class Info(BaseModel):
    """What runs here."""

    version: str
    reader: str = Field(description="Name of the reader's model.")
    engine: str = Field(description="What the model runs on.")
    store: str
    passages: dict[str, int] = Field(description="Passages by language.")
    suffixes: list[str] = Field(description="Endings of files that can be uploaded.")
    limits: dict[str, float] = Field(description="The limits of requests, by the names of their settings.")
    scopes: list[str] = Field(description="What the caller may do: read, write.")


class ProblemBody(BaseModel):
    """Every error, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:fundstelle:problem:CODE; tells programs which error it is.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do next, in a sentence.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Field by field, where the request is invalid."
    )


def _several(value: Value | list[Value]) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
