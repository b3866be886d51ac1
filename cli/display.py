"""What people see on a terminal: progress while indexing, answers highlighted in their context."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from fundstelle.indexing.jobs import JobProgress, JobResult, VectorProgress
from fundstelle.pipelines.answers import Answer, QueryResult

SUPPORT_SHOWN = 3
"""Other documents named below an answer; `--json` gives them all."""


Reports = tuple[Callable[[JobProgress], None] | None, Callable[[VectorProgress], None] | None]
"""What takes in how far files are, and how far vectors are."""


@contextmanager
def job_progress(quiet: bool) -> Iterator[Reports]:
    """Progress bars on standard error while a job runs; nothing where that is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None, None
        return
    columns = (
        TextColumn("{task.description:8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        files = progress.add_task("Indexing", total=None, visible=False, rate="")
        vectors = progress.add_task("Encoding", total=None, visible=False, rate="")

        def on_files(now: JobProgress) -> None:
            speed = now.bytes_done / 1e6 / now.seconds if now.seconds else 0.0
            rate = f"files · {now.passages:,} passages · {speed:.1f} MB/s"
            progress.update(files, completed=now.files_done, total=now.files_total, rate=rate, visible=True)

        def on_vectors(now: VectorProgress) -> None:
            speed = now.done / now.seconds if now.seconds else 0.0
            rate = f"passages · {speed:.0f} vectors/s"
            if now.unindexed:
                rate = f"passages · {now.unindexed:,} still to be indexed"
            progress.update(vectors, completed=now.done, total=now.total, rate=rate, visible=True)

        yield on_files, on_vectors


def show_job(result: JobResult, store: str) -> None:
    """One line of counts, then one line for each file that failed."""
    console = Console(highlight=False)
    counts = result.documents
    parts = [
        f"{number} {name}"
        for name, number in (
            ("added", counts.added),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("removed", counts.removed),
            ("failed", counts.failed),
        )
        if number
    ]
    summary = ", ".join(parts) or "nothing to do"
    console.print(
        f"[bold]{escape(store)}[/]: {summary}; {result.passages:,} passages in {result.seconds:.1f} s"
        + (f", {_vectors(result.vectors)}" if result.vectors and result.vectors.done else "")
    )
    for failure in result.failures:
        console.print(f"  [red]failed[/] {escape(failure.source)}: {escape(failure.reason)}", soft_wrap=True)


def show_vectors(result: VectorProgress, store: str) -> None:
    """One line on a job that only made vectors."""
    made = _vectors(result) if result.total else "every passage had its vector"
    Console(highlight=False).print(f"[bold]{escape(store)}[/]: {made}")


def _vectors(result: VectorProgress) -> str:
    return f"{result.done:,} vectors in {result.seconds:.1f} s"


def show_status(facts: dict[str, Any]) -> None:
    """The collection in a few lines."""
    console = Console(highlight=False)
    console.print(f"[bold]{escape(facts['store'])}[/]")
    console.print(f"{facts['documents']:,} documents, {facts['passages']:,} passages")
    if encoder := facts["encoder"]:
        console.print(f"{facts['vectors']:,} passages with a vector, by {escape(encoder['name'])}")
    elif facts["passages"]:
        console.print("no vectors: questions find passages by words alone")
    if facts["languages"]:
        console.print("  ".join(f"{language} {count:,}" for language, count in facts["languages"].items()))


def show_result(result: QueryResult) -> None:
    """A question, its answers best first, or the plain word that there is none."""
    console = Console(highlight=False)
    console.print(Text(result.question, style="bold"))
    if not result.answers:
        console.print(f"  {_none(result.no_answer_probability)}")
    for answer in result.answers:
        _indented(console, _headline(answer), 2)
        _indented(console, _quotation(answer), 4)
        for line in _places(answer):
            console.print(Text(f"    {line}", style="dim"), soft_wrap=True)  # paths stay whole
    console.print(
        Text(
            f"  {len(result.passages)} passages retrieved, {result.timings['total_ms']:.0f} ms, "
            f"probability of no answer {result.no_answer_probability:.0%}",
            style="dim",
        )
    )
    console.print()


def _indented(console: Console, text: Text, columns: int) -> None:
    """The text in lines that begin so far from the left, and end where they end: nothing but the text is copied."""
    for line in text.wrap(console, console.width - columns):
        line.rstrip()
        console.print(Text.assemble(" " * columns, line))


def _none(probability: float) -> str:
    """Why no answer is given: there is probably none, or several places compete and none is sure enough."""
    if probability < 0.5:
        return "No answer is sure enough: --threshold 0 shows those that compete."
    return f"No answer found (probability of none: {probability:.0%})."


def _headline(answer: Answer) -> Text:
    return Text.assemble(
        (_one_line(answer.text), "bold green"),
        "  ",
        (f"{answer.probability:.0%}", _shade(answer.probability)),
    )


def _shade(probability: float) -> str:
    return "green" if probability >= 0.5 else "yellow" if probability >= 0.2 else "red"


def _quotation(answer: Answer) -> Text:
    """The context as one paragraph, with the answer marked in it."""
    start, end = answer.start - answer.context_start, answer.end - answer.context_start
    return Text.assemble(
        "…" if answer.context_start else "",
        _one_line(answer.context[:start]),
        (_one_line(answer.context[start:end]), "black on bright_green"),
        _one_line(answer.context[end:]).rstrip(),
        "…",
    )


def _places(answer: Answer) -> Iterator[str]:
    page = f", page {answer.page}" if answer.page is not None else ""
    yield f"{answer.source}{page}, characters {answer.start}-{answer.end}"
    yield f"document {answer.document_id}"
    others = {place.source: place for place in reversed(answer.support) if place.source != answer.source}
    best = sorted(others.values(), key=lambda place: -place.probability)
    for place in best[:SUPPORT_SHOWN]:
        yield f"also in {place.source}, characters {place.start}-{place.end}"
    if len(best) > SUPPORT_SHOWN:
        yield f"and in {len(best) - SUPPORT_SHOWN} more documents"


def _one_line(text: str) -> str:
    """White space runs as single spaces: for showing only, never for offsets."""
    inner = " ".join(text.split())
    return (" " if text[:1].isspace() else "") + inner + (" " if inner and text[-1:].isspace() else "")
