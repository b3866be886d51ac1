"""The many ways in which questions and contexts were handed to the transformers pipeline."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import GeneratorType
from typing import Any


@dataclass(frozen=True, slots=True)
class SquadExample:
    """A question about a context."""

    question_text: str
    context_text: str


def create_sample(question: Any, context: Any) -> SquadExample | list[SquadExample]:
    """One example, or one per question where questions and contexts are lists."""
    if isinstance(question, list):
        return [SquadExample(*pair) for pair in zip(question, context, strict=True)]
    return SquadExample(question, context)


def examples(*args: Any, **named: Any) -> SquadExample | list[SquadExample] | Iterator[SquadExample]:
    """What was asked: one example, or several. A generator stays one: its items are looked at when they are taken.

    Accepts a dictionary with "question" and "context" (a list of questions asks several), an example, lists of
    these, torch's datasets and other lazy sequences, a question and a context by place, `question=` and
    `context=` (the question may be a list), and the older `X=` and `data=`.

    Raises:
        KeyError: a dictionary lacks "question" or "context".
        ValueError: a text is missing or empty, lists differ in length, or it is none of the above.
    """
    inputs = _unrolled(_inputs(args, named))
    if isinstance(inputs, GeneratorType):
        return map(_example, inputs)
    if isinstance(inputs, (dict, SquadExample)):
        inputs = [inputs]
    if isinstance(inputs, str) or not isinstance(inputs, Iterable):
        raise ValueError(f"{inputs!r} is no question with a context: pass question= and context=.")
    found = [_expanded(item) for item in inputs]
    if len(found) == 1:
        return found[0]
    return [each for one in found for each in (one if isinstance(one, list) else [one])]


def _unrolled(inputs: Any) -> Any:
    """A dataset of torch's, known by what it lacks, as a generator; anything else as it is."""
    if not hasattr(inputs, "__getitem__"):
        return inputs
    if not hasattr(inputs, "__iter__"):
        return (inputs[i] for i in range(len(inputs)))
    return inputs if hasattr(inputs, "__len__") else (item for item in inputs)


def _inputs(args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """What holds the questions, wherever it was handed in."""
    if len(args) == 2 and all(isinstance(arg, str) for arg in args):
        return {"question": args[0], "context": args[1]}
    if args:
        return args[0] if len(args) == 1 else list(args)
    for name in ("X", "data"):
        if name in named:
            return named[name]
    if "question" in named and "context" in named:
        return _pairs(named["question"], named["context"])
    raise ValueError(f"Unknown arguments {sorted(named)}: pass question= and context=.")


def _pairs(question: Any, context: Any) -> list[dict[str, Any]]:
    """One dictionary per question; a single context serves all of them."""
    if isinstance(question, list) and isinstance(context, str):
        context = [context] * len(question)
    if isinstance(question, list) and isinstance(context, list):
        if len(question) != len(context):
            raise ValueError(f"There are {len(question)} questions and {len(context)} contexts: pair them.")
        return [{"question": q, "context": c} for q, c in zip(question, context, strict=True)]
    if isinstance(question, list) or isinstance(context, list):
        raise ValueError("One question about several contexts: repeat the question, once for each context.")
    return [{"question": question, "context": context}]


def _expanded(item: Any) -> SquadExample | list[SquadExample]:
    """An example, or those of a dictionary with several questions."""
    if isinstance(item, Mapping) and isinstance(item.get("question"), list) and "context" in item:
        return [_example(pair) for pair in _pairs(item["question"], item["context"])]
    return _example(item)


def _example(item: Any) -> SquadExample:
    """A checked example. Anything with `question_text` and `context_text` is one."""
    if hasattr(item, "question_text") and hasattr(item, "context_text"):
        return SquadExample(item.question_text, item.context_text)
    if not isinstance(item, Mapping):
        raise ValueError(f"{item!r} is neither an example nor a dictionary with a question and a context.")
    for key in ("question", "context"):
        if key not in item:
            raise KeyError(f"The dictionary has no {key!r}; it needs 'question' and 'context'.")
        if item[key] is None:
            raise ValueError(f"`{key}` cannot be None")
        if not isinstance(item[key], str):
            raise ValueError(f"`{key}` must be a text, not {type(item[key]).__name__}.")
        if not item[key]:
            raise ValueError(f"`{key}` cannot be empty")
    return SquadExample(item["question"], item["context"])
