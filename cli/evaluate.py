"""`fundstelle eval`: official figures for the reader, the retriever and the whole system."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fundstelle.cli.app import Encoder, Json, fail, reported

if TYPE_CHECKING:
    from fundstelle.evaluation.runs import Run
    from fundstelle.evaluation.tasks import Retrieving

app = typer.Typer(
    help="Measure reader, retriever and the whole system on files in SQuAD format.", no_args_is_help=True
)

Files = Annotated[list[Path], typer.Argument(help="Files in SQuAD format: SQuAD 1.1 and 2.0, XQuAD, MLQA.")]
Reader = Annotated[
    str | None,
    typer.Option(
        envvar="FUNDSTELLE_READER",
        help="A Hugging Face extractive QA model, by name or folder; default: the bundled reader.",
    ),
]
Device = Annotated[str | None, typer.Option(help="Where the reader runs, as in cpu or cuda:0.")]
Store = Annotated[
    str | None, typer.Option(help="A store that holds the contexts; default: a fresh one, made for this run.")
]
Retrievers = Annotated[
    list[str] | None,
    typer.Option(
        "--retriever",
        metavar="bm25|dense|hybrid",
        help="Repeatable; default: all three side by side, or bm25 alone where --store has no vectors.",
    ),
]
Contexts = Annotated[
    list[Path] | None,
    typer.Option(help="A parallel file over whose contexts the questions are asked; repeatable."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--predictions", help="Folder for rows, settings, figures and official prediction files."),
]
Metric = Annotated[str, typer.Option(help="squad, squad1, mlqa:LANG, or auto: by the file's name.")]
Language = Annotated[
    str | None, typer.Option(help="Language of the contexts (BCP 47); default: by name or text.")
]
Repair = Annotated[
    bool, typer.Option("--repair", help="Move wrong answer_start values to the nearest place.")
]
Sample = Annotated[int | None, typer.Option(min=1, help="Only so many questions a file, drawn at random.")]
Seed = Annotated[int, typer.Option(help="Seed of the sample.")]
Mlflow = Annotated[str | None, typer.Option(help="Also log to MLflow at this URI; a folder needs no server.")]


@app.command()
def read(
    files: Files,
    reader: Reader = None,
    predictions: Folder = None,
    metric: Metric = "auto",
    na_threshold: Annotated[
        float | None,
        typer.Option(help="Null odds above which there is no answer; default: 0 where the file has such."),
    ] = None,
    language: Language = None,
    device: Device = None,
    repair: Repair = False,
    sample: Sample = None,
    seed: Seed = 0,
    mlflow: Mlflow = None,
    as_json: Json = False,
) -> None:
    """The reader alone: every question over the paragraph it was written for."""
    with reported():
        from fundstelle.evaluation import tasks

        selection = tasks.Selection(files, language, repair, sample, seed)
        _check(predictions, mlflow, "read", files)
        runs = tasks.read(
            selection, reader=reader, device=device, metric=metric, na_threshold=na_threshold, watch=_watch
        )
        _deliver(runs, predictions, mlflow, as_json)


@app.command()
def search(
    files: Files,
    store: Store = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="A fresh store, which is the default.")] = False,
    contexts: Contexts = None,
    retriever: Retrievers = None,
    encoder: Encoder = None,
    top_k: Annotated[int, typer.Option(min=1, help="Passages retrieved.")] = 100,
    predictions: Folder = None,
    language: Language = None,
    repair: Repair = False,
    sample: Sample = None,
    seed: Seed = 0,
    mlflow: Mlflow = None,
    as_json: Json = False,
) -> None:
    """The retrievers alone: the rank at which each finds the passage that holds the answer."""
    if store and fresh:
        fail("--store and --fresh contradict each other: leave one of them out.")
    with reported():
        from fundstelle.evaluation import tasks

        selection = tasks.Selection(files, language, repair, sample, seed)
        _check(predictions, mlflow, "search", files)
        how = _retrieving(contexts, store, retriever, encoder)
        runs = tasks.search(selection, how=how, top_k=top_k, watch=_watch)
        _deliver(runs, predictions, mlflow, as_json)


@app.command("open")
def open_(
    files: Files,
    reader: Reader = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least probability of an answer that is given.")
    ] = None,
    store: Store = None,
    contexts: Contexts = None,
    retriever: Retrievers = None,
    encoder: Encoder = None,
    top_k: Annotated[int, typer.Option(min=1, help="Answers asked for, as top-n accuracy needs them.")] = 5,
    retriever_top_k: Annotated[int, typer.Option(min=1, help="Passages to read at most.")] = 20,
    predictions: Folder = None,
    metric: Metric = "auto",
    language: Language = None,
    device: Device = None,
    repair: Repair = False,
    sample: Sample = None,
    seed: Seed = 0,
    mlflow: Mlflow = None,
    as_json: Json = False,
) -> None:
    """The whole system: every question over all contexts of its file as one collection."""
    with reported():
        from fundstelle.evaluation import answering, tasks

        selection = tasks.Selection(files, language, repair, sample, seed)
        _check(predictions, mlflow, "open", files)
        how = answering.Answering(retriever_top_k, top_k, threshold)
        runs = tasks.answer(
            selection,
            reader=reader,
            device=device,
            metric=metric,
            retrieving=_retrieving(contexts, store, retriever, encoder),
            how=how,
            watch=_watch,
        )
        _deliver(runs, predictions, mlflow, as_json)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="A file in SQuAD format.")],
    predictions: Annotated[Path, typer.Argument(help='Predictions: {"question id": "answer"}; "" is none.')],
    metric: Metric = "auto",
    na_prob: Annotated[
        Path | None, typer.Option(help='How likely there is no answer: {"question id": number}.')
    ] = None,
    na_threshold: Annotated[
        float, typer.Option(help="No-answer values above it turn a prediction into no answer.")
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """The official scripts' figures, under their names, for predictions made anywhere."""
    with reported():
        from fundstelle.evaluation import metrics
        from fundstelle.evaluation.datasets import load
        from fundstelle.evaluation.predictions import read_numbers, read_texts

        dataset = load(file, "report")
        texts = read_texts(predictions)
        odds = read_numbers(na_prob) if na_prob else None
        name = metrics.resolve(metric, dataset)
        figures = metrics.official(name, dataset, texts, odds, na_threshold)
        for remark in metrics.remarks(dataset, texts):
            typer.echo(f"fundstelle: {remark}", err=True)
        typer.echo(json.dumps(figures, indent=None if as_json else 2))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder of runs, as --predictions writes it.")],
    output: Annotated[
        Path | None, typer.Option(help="The page to write; default: report.html in the folder.")
    ] = None,
) -> None:
    """One page that shows everything about the runs below a folder, and diagrams as PNG beside it."""
    with reported():
        from fundstelle.evaluation import plots
        from fundstelle.evaluation import report as pages
        from fundstelle.evaluation.runs import load_runs

        runs = load_runs(folder)
        page = output or folder / "report.html"
        page.write_text(pages.html(runs, title=folder.resolve().name), encoding="utf-8")
        typer.echo(str(page))
        if not plots.available():
            typer.echo(f"fundstelle: {plots.INSTALL}", err=True)
            return
        for image in plots.write(runs, page.parent):
            typer.echo(str(image))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="A folder of runs.")],
    second: Annotated[Path, typer.Argument(help="Another, over the same questions.")],
    as_json: Json = False,
) -> None:
    """Two runs question by question: the difference and its 95 % interval by a paired bootstrap."""
    with reported():
        from fundstelle.evaluation.comparing import compare as compared
        from fundstelle.evaluation.runs import load_runs

        comparisons = compared(load_runs(first), load_runs(second))
        if as_json:
            typer.echo(json.dumps([one.as_dict() for one in comparisons]))
        else:
            from fundstelle.cli.figures import show_comparisons

            show_comparisons(comparisons, first, second)


def _retrieving(
    contexts: list[Path] | None, store: str | None, retrievers: list[str] | None, encoder: str | None
) -> "Retrieving":
    from fundstelle.evaluation.tasks import Retrieving
    from fundstelle.pipelines.retrieval import checked

    kinds = [kind for name in retrievers or () if (kind := checked(name))]
    return Retrieving(contexts or (), store, kinds, encoder)


def _watch(rows: Iterable[Any], name: str, total: int) -> Iterable[Any]:
    """A progress bar with rate and time left while rows are made; nothing where there is no terminal."""
    from fundstelle.cli.figures import progress

    return progress(rows, name, total)


def _check(folder: Path | None, mlflow: str | None, task: str, files: list[Path]) -> None:
    """What would keep the runs from being kept is said before they are made."""
    from fundstelle.evaluation.runs import check_place

    if folder:
        check_place(folder, task, files)
    if mlflow:
        from fundstelle.evaluation.tracking import check_installed

        check_installed()


def _deliver(runs: "Iterable[Run]", folder: Path | None, mlflow: str | None, as_json: bool) -> None:
    """Each run as soon as it is done: its files, its log, its line; then all figures."""
    from fundstelle.cli.figures import show_runs
    from fundstelle.evaluation.figures import by_language, figures
    from fundstelle.evaluation.runs import write_run

    done = []
    for run in runs:
        if moved := run.settings.get("repaired"):
            typer.echo(f"fundstelle: {run.name}: {moved} wrong answer_start values were moved.", err=True)
        if folder:
            write_run(folder, run)
        if mlflow:
            from fundstelle.evaluation.tracking import log

            log(run, mlflow)
        done.append(run)
    if as_json:
        found = [
            {
                "name": run.name,
                **run.settings,
                "figures": figures(run.rows),
                "by_language": by_language(run.rows),
            }
            for run in done
        ]
        typer.echo(json.dumps({"runs": found}, ensure_ascii=False))
    else:
        show_runs(done)
