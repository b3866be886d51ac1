"""Files in SQuAD format (SQuAD 1.1 and 2.0, XQuAD, MLQA): checked throughout, errors with their place."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from fundstelle.indexing.languages import checked

Offsets = Literal["check", "repair", "report"]
"""What to do about a wrong `answer_start`: refuse the file, move it to the nearest place, or only say so."""

SHOWN = 20  # problems listed in one error; the rest is counted
_NAMES = {dict: "an object", list: "a list", str: "a string", int: "a whole number", bool: "true or false"}
_LANGUAGE_IN_NAME = re.compile(r"(?:\.|context-)([a-z]{2}(?:-Han[st])?)(?=\.|-question-|$)")


class DatasetError(ValueError):
    """A file is not what it should be; the message lists each problem with its place in the file."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A reference answer: `context[start : start + len(text)] == text`."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question over the paragraph it was written for; no `golds` means the paragraph does not answer it."""

    id: str
    text: str
    context: str
    golds: tuple[Gold, ...]
    title: str = ""

    @property
    def gold_texts(self) -> list[str]:
        return [gold.text for gold in self.golds]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The questions of one file, in its order.

    Attributes:
        name: the file's stem: `xquad.de` for `xquad.de.json`.
        version: as the file states it, or "".
        language: BCP 47 code of the contexts as the file's name gives it (`xquad.de.json`,
            `dev-context-de-question-en.json`), or "und".
        asked_in: BCP 47 code of the questions where they are in another language than the contexts, else "".
        repaired: how many `answer_start` values were moved on request.
        notes: problems that were passed over, with their places.
    """

    name: str
    version: str
    questions: tuple[Question, ...]
    language: str = "und"
    repaired: int = 0
    notes: tuple[str, ...] = ()
    asked_in: str = ""

    @property
    def label(self) -> str:
        """What its rows are grouped by: the language, or the pair as in "de>en" for German questions over English."""
        return f"{self.asked_in}>{self.language}" if self.asked_in else self.language

    def asked_by(self, questions: "Dataset") -> "Dataset":
        """These contexts and answers with the questions of a parallel file, matched by id.

        Raises:
            DatasetError: the two have no id in common.
        """
        texts = {question.id: question.text for question in questions.questions}
        both = tuple(replace(one, text=texts[one.id]) for one in self.questions if one.id in texts)
        if not both:
            raise DatasetError(
                f"{questions.name} and {self.name} are not parallel: no question has the same id in both."
            )
        asked_in = questions.language if questions.language != self.language else ""
        return replace(self, name=f"{questions.name}@{self.name}", questions=both, asked_in=asked_in)

    @property
    def has_unanswerable(self) -> bool:
        return any(not question.golds for question in self.questions)

    def sample(self, count: int, seed: int = 0) -> "Dataset":
        """`count` questions drawn at random, the same for the same seed, in the file's order."""
        if count >= len(self.questions):
            return self
        places = sorted(random.Random(seed).sample(range(len(self.questions)), count))
        return replace(self, questions=tuple(self.questions[place] for place in places))

    @property
    def contexts(self) -> list[str]:
        """Every different context once, in the file's order."""
        return list(dict.fromkeys(question.context for question in self.questions))


def load(path: Path, offsets: Offsets = "check", language: str | None = None) -> Dataset:
    """Read a SQuAD-format file.

    Raises:
        DatasetError: the file cannot be used; every problem is listed with its place, for example
            `data[0].paragraphs[3].qas[1].answers[0].answer_start`.
        ValueError: `language` is no code of a language.
    """
    content = read_json(path)
    checker = _Checker(offsets)
    questions = tuple(checker.questions(content))
    if not questions and not checker.problems:
        checker.problems.append("data: holds no question")
    if checker.problems:
        raise DatasetError(_listing(path, checker.problems))
    version = content.get("version", "")
    return Dataset(
        name=path.stem,
        version=str(version),
        questions=questions,
        language=checked(language) if language else language_in(path.stem),
        repaired=checker.repaired,
        notes=tuple(checker.notes),
    )


def read_json(path: Path) -> Any:
    """A JSON file's content; a DatasetError names the line and column where it stops being JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text: byte {error.start} cannot be decoded.") from error
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error


def language_in(stem: str) -> str:
    """The context language that the names of XQuAD's and MLQA's files give, or "und"."""
    found = _LANGUAGE_IN_NAME.search(stem)
    return found[1] if found else "und"


def nearest(text: str, context: str, start: int) -> int | None:
    """Where `text` stands in `context` closest to `start`; None where it does not stand at all."""
    places = [found.start() for found in re.finditer(f"(?={re.escape(text)})", context)] if text else []
    return min(places, key=lambda place: abs(place - start), default=None)


def _listing(path: Path, problems: list[str]) -> str:
    shown = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
    more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{path} cannot be used as it stands, {count}:{shown}{more}"


@dataclass(slots=True)
class _Checker:
    """Walks a file once, yields what is sound and keeps a sentence for each thing that is not."""

    offsets: Offsets
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repaired: int = 0
    seen: dict[str, str] = field(default_factory=dict)
    marked: str = ""  # first place with `is_impossible`
    unmarked: str = ""  # first place without it
    first_version: bool = False

    def questions(self, content: Any) -> Iterator[Question]:
        if not isinstance(content, dict) or "data" not in content:
            self.problems.append('the file is not in SQuAD format: expected {"version": ..., "data": [...]}')
            return
        self.first_version = str(content.get("version", "")).lower().lstrip("v").startswith("1")
        for place, article in self._each(content, "data", ""):
            title = article.get("title", "")
            for inner, paragraph in self._each(article, "paragraphs", place):
                yield from self._paragraph(paragraph, inner, title if isinstance(title, str) else "")
        if self.marked and self.unmarked:
            self.problems.append(
                f"versions are mixed: {self.marked} has is_impossible (SQuAD 2.0), "
                f"{self.unmarked} has not (SQuAD 1.1); split the file or mark every question"
            )

    def _paragraph(self, paragraph: dict[str, Any], place: str, title: str) -> Iterator[Question]:
        context = self._value(paragraph, "context", str, place)
        for inner, qa in self._each(paragraph, "qas", place):
            identity = self._identity(qa, inner)
            text = self._value(qa, "question", str, inner)
            golds = self._golds(qa, context or "", inner)
            if None not in (context, identity, text):
                yield Question(str(identity), str(text), str(context), golds, title)

    def _identity(self, qa: dict[str, Any], place: str) -> str | None:
        identity: str | None = self._value(qa, "id", str, place)
        if identity is not None and identity in self.seen:
            self.problems.append(f"{place}.id: {identity!r} was used before, at {self.seen[identity]}")
        elif identity is not None:
            self.seen[identity] = f"{place}.id"
        return identity

    def _golds(self, qa: dict[str, Any], context: str, place: str) -> tuple[Gold, ...]:
        golds = [self._gold(answer, context, inner) for inner, answer in self._each(qa, "answers", place)]
        self._impossible(qa, bool(golds), place)
        return tuple(gold for gold in golds if gold)

    def _impossible(self, qa: dict[str, Any], answered: bool, place: str) -> None:
        """Whether the marks of SQuAD 2.0 agree with the answers, the version and each other."""
        if "is_impossible" not in qa:
            self.unmarked = self.unmarked or place
            if not answered and isinstance(qa.get("answers"), list):
                self.problems.append(f"{place}.answers: empty, but is_impossible does not say so")
            return
        self.marked = self.marked or place
        impossible = self._value(qa, "is_impossible", bool, place)
        if impossible is not None and impossible == answered:
            stated = "true, but there are answers" if answered else "false, but there is no answer"
            self.problems.append(f"{place}.is_impossible: {stated}")
        elif impossible and self.first_version:
            self.problems.append(
                f"{place}.is_impossible: true in a file whose version is 1.x; SQuAD 1.1 has no such questions"
            )

    def _gold(self, answer: dict[str, Any], context: str, place: str) -> Gold | None:
        text = self._value(answer, "text", str, place)
        start = self._value(answer, "answer_start", int, place)
        if text is None or start is None:
            return None
        if start >= 0 and context.startswith(text, start) and text:
            return Gold(text, start)
        return self._misplaced(text, start, nearest(text, context, start), place)

    def _misplaced(self, text: str, start: int, found: int | None, place: str) -> Gold:
        where = "nowhere in the context" if found is None else f"at {found}"
        sentence = f"{place}.answer_start: {text!r} does not stand at {start} but {where}"
        if self.offsets == "repair" and found is not None:
            self.repaired += 1
            return Gold(text, found)
        if self.offsets == "report":
            self.notes.append(sentence)
        else:
            self.problems.append(sentence if found is None else f"{sentence} (--repair moves it)")
        return Gold(text, start)

    def _each(self, holder: dict[str, Any], key: str, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        path = f"{place}.{key}" if place else key
        for index, item in enumerate(self._value(holder, key, list, place) or []):
            if isinstance(item, dict):
                yield f"{path}[{index}]", item
            else:
                self.problems.append(f"{path}[{index}]: expected an object, found {_kind(item)}")

    def _value(self, holder: dict[str, Any], key: str, kind: type, place: str) -> Any:
        path = f"{place}.{key}" if place else key
        if key not in holder:
            self.problems.append(f"{path}: missing")
            return None
        value = holder[key]
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.problems.append(f"{path}: expected {_NAMES[kind]}, found {_kind(value)}")
        return None


def _kind(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), f"{value!r}")
