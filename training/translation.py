"""English questions and paragraphs translated by Apertium, and their answers found again.

    python -m fundstelle.training.translation SQUAD MODE... --out FOLDER [--paragraphs N] [--held-out FILE]...

A MODE is one of `apertium -l`, as in `eng-spa`; further ones go on from what the one before gives: `eng-spa es-pt`
gives Portuguese. Answers are marked in what is translated, and are where the marks come out; those that come out torn
apart are left out, and so are those that overlap with others. Written are three files in SQuAD format: questions and
paragraphs in the other language, and the questions of each language over the paragraphs of the other.

Apertium (Forcada et al., 2011) translates by rules: roughly, but at some 10,000 words a second of one core. The program
and its dictionaries are under the GPL; the data keep the original's licence.
"""

import argparse
import html
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fundstelle.evaluation.datasets import Gold, Question, load
from fundstelle.indexing.languages import detect
from fundstelle.training.leaks import HeldOut
from fundstelle.training.parallel import write
from fundstelle.training.reporting import reported

Span = tuple[int, int]

_TEXT = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_MARK = re.compile(r'<span id="(\d+)">(.*?)</span>', re.DOTALL)
_SPACES = re.compile(r" {2,}")


class TranslationError(RuntimeError):
    """Apertium is missing, has no such mode, or did not translate."""


@dataclass(frozen=True, slots=True)
class Apertium:
    """Modes of an Apertium installation, applied one after the other."""

    modes: Sequence[str]

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Texts with HTML marks in them, translated; as many as were given. TranslationError where that fails."""
        whole = "\n".join(f"<p>{text}</p>" for text in texts)
        for mode in self.modes:
            whole = _run(mode, whole)
        found = [_SPACES.sub(" ", text) for text in _TEXT.findall(whole)]
        if len(found) != len(texts):
            raise TranslationError(
                f"{' '.join(self.modes)} made {len(found)} texts of {len(texts)}: its marks were lost."
            )
        return found


def _run(mode: str, text: str) -> str:
    program = shutil.which("apertium")
    if program is None:
        raise TranslationError(f"Apertium is not installed: on Debian, apt install apertium apertium-{mode}.")
    done = subprocess.run(
        [program, "-u", "-f", "html-noent", mode], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TranslationError(f"Apertium cannot translate {mode}: {done.stderr.strip()}")
    return done.stdout


def mark(text: str, spans: Iterable[Span]) -> str:
    """The text as HTML with its spans marked by their numbers; of overlapping ones the first."""
    pieces, done = [], 0
    for number, (start, end) in enumerate(spans):
        if start >= done:
            inside = html.escape(text[start:end], quote=False)
            pieces += [html.escape(text[done:start], quote=False), f'<span id="{number}">{inside}</span>']
            done = end
    return "".join([*pieces, html.escape(text[done:], quote=False)])


def unmark(marked: str) -> tuple[str, dict[int, Span]]:
    """The text without marks, and where each mark was; those that came out empty or in several places are left out."""
    text, done = "", 0
    found: dict[int, list[Span]] = {}
    for piece in _MARK.finditer(marked):
        text += html.unescape(marked[done : piece.start()])
        inside = html.unescape(piece[2])
        start = len(text) + len(inside) - len(inside.lstrip())
        found.setdefault(int(piece[1]), []).append((start, start + len(inside.strip())))
        text += inside
        done = piece.end()
    text += html.unescape(marked[done:])
    return text, {number: span for number, (span, *more) in found.items() if not more and span[0] < span[1]}


def translated(questions: Sequence[Question], apertium: Apertium) -> Iterator[tuple[Question, Question]]:
    """Each question whose answer was found again, beside its translation."""
    spans = _spans(questions)
    contexts = apertium.translate([mark(context, each) for context, each in spans.items()])
    texts = apertium.translate([html.escape(one.text, quote=False) for one in questions])
    places = {context: unmark(marked) for context, marked in zip(spans, contexts, strict=True)}
    for one, text in zip(questions, texts, strict=True):
        context, found = places[one.context]
        spot = found.get(spans[one.context].index(_span(one))) if one.golds else None
        if spot is None and one.golds:
            continue
        golds = (Gold(context[slice(*spot)], spot[0]),) if spot else ()
        yield (
            one,
            replace(one, id=f"{one.id}>", text=html.unescape(text).strip(), context=context, golds=golds),
        )


def _spans(questions: Iterable[Question]) -> dict[str, list[Span]]:
    """The answers in each paragraph, each once, in their order."""
    found: dict[str, set[Span]] = {}
    for one in questions:
        found.setdefault(one.context, set()).update([_span(one)] if one.golds else [])
    return {context: sorted(spans) for context, spans in found.items()}


def _span(question: Question) -> Span:
    gold = question.golds[0]
    return gold.start, gold.start + len(gold.text)


def chosen(questions: Sequence[Question], paragraphs: int | None, seed: int = 0) -> list[Question]:
    """The questions over so many paragraphs, drawn at random."""
    contexts = list(dict.fromkeys(one.context for one in questions))
    count = len(contexts) if paragraphs is None else min(paragraphs, len(contexts))
    wanted = set(random.Random(seed).sample(contexts, count))
    return [one for one in questions if one.context in wanted]


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """Translate, write the three files, and print what is in them."""
    parser = argparse.ArgumentParser(
        prog="fundstelle.training.translation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("squad", type=Path, help="English data in SQuAD format")
    parser.add_argument("modes", nargs="+", help="modes of Apertium, applied one after the other")
    parser.add_argument("--out", type=Path, required=True, help="folder for the three files")
    parser.add_argument("--paragraphs", type=int, help="translate so many, drawn at random; default: all")
    parser.add_argument(
        "--held-out", type=Path, action="append", default=[], help="evaluation data to keep out"
    )
    options = parser.parse_args(arguments)
    held_out = HeldOut.of_files(options.held_out)
    questions = [
        one for one in load(options.squad, "repair").questions if not held_out.knows(one.text, one.context)
    ]
    questions = chosen(questions, options.paragraphs)
    try:
        pairs = list(translated(questions, Apertium(options.modes)))
    except TranslationError as error:
        parser.exit(1, f"{error}\n")
    language = detect(" ".join(new.text for _, new in pairs[:100]))
    files = {
        f"{options.squad.stem}.{language}.json": [new for _, new in pairs],
        f"{options.squad.stem}.en-over-{language}.{language}.json": [
            replace(new, text=old.text) for old, new in pairs
        ],
        f"{options.squad.stem}.{language}-over-en.en.json": [
            replace(old, text=new.text) for old, new in pairs
        ],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, each in files.items():
        write(options.out / name, each)
    print(f"{len(pairs)} of {len(questions)} questions, in each of {', '.join(files)}")  # noqa: T201


if __name__ == "__main__":
    main()
