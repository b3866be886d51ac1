"""What a reader says about a passage."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self


class Text(Protocol):
    """Anything that can be read: an id to report under and a text."""

    @property
    def id(self) -> str: ...

    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Span:
    """A candidate answer: characters `[start, end)` of the passage's text.

    `score` is start logit + end logit: it ranks spans of one passage, and says nothing across passages.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The spans of one passage, best first, and its null score.

    `null_score` is the start + end logit at the CLS token, the minimum over the passage's windows
    (as the SQuAD 2 scripts take it). The margin `span.score - null_score` compares across passages.
    A passage without text has no spans and a null score of 0.
    """

    passage_id: str
    spans: tuple[Span, ...]
    null_score: float

    def to_dict(self) -> dict[str, Any]:
        """For the snapshots of Haystack's pipelines, as is `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "spans": tuple(Span(**span) for span in data["spans"])})
