"""`fundstelle train`: any encoder becomes a reader."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fundstelle.cli.app import app, reported

if TYPE_CHECKING:
    from fundstelle.training.recipes import Recipe
    from fundstelle.training.trainer import Progress


@app.command()
def train(
    files: Annotated[list[Path], typer.Argument(help="Training data in SQuAD format.")],
    model: Annotated[str, typer.Option("--from", help="An encoder or a reader, by folder or hub name.")],
    out: Annotated[
        Path,
        typer.Option(help="Folder of the weights; a training that was broken off there is gone on with."),
    ],
    recipe: Annotated[
        str, typer.Option(help="fundstelle, deepset (the model card's), or a recipe.json.")
    ] = "fundstelle",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a hyper-parameter, as in steps=2000."),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(help="Evaluation data: questions that share a text with it are left out. Repeatable."),
    ] = None,
    licences: Annotated[
        Path | None, typer.Option(help='JSON for the model card: {"stem of a file": "its licence"}.')
    ] = None,
    dictionary: Annotated[
        list[Path] | None,
        typer.Option(help="FreeDict .index files from English, for code-switched copies. Repeatable."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="A better reader with the same tokenizer, to learn from as well: --set distilled=0.5."
        ),
    ] = None,
    validate: Annotated[
        list[Path] | None,
        typer.Option(help="Data to follow F1 on; the best weights are kept. None of it may be trained on."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many validations without improvement.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Updates between validations.")] = 500,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Updates between checkpoints.")] = 100,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, mps; default: the best there is.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32 or bfloat16; default: what the device is fastest in.")
    ] = None,
    tokens_at_once: Annotated[
        int | None, typer.Option(min=1, help="Tokens of one forward pass; lower it where memory runs out.")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option(help="Also log to MLflow at this URI; a folder needs no server.")
    ] = None,
) -> None:
    """Fine-tune an encoder into a reader. On several GPUs: torchrun -m fundstelle.cli train ..."""
    with reported():
        from fundstelle.training.session import Order
        from fundstelle.training.session import train as run
        from fundstelle.training.trainer import Schedule

        order = Order(
            model=model,
            files=files,
            out=out,
            recipe=_recipe(recipe, changes or ()),
            held_out=held_out or (),
            licences=json.loads(licences.read_text(encoding="utf-8")) if licences else {},
            dictionaries=dictionary or (),
            device=device,
            dtype=dtype,
            tokens_at_once=tokens_at_once,
            schedule=Schedule(checkpoint_every, every, patience),
            validation=validate or (),
            teacher=teacher,
        )
        with _progress() as show:
            run(order, show)
        if mlflow:
            from fundstelle.training.tracking import log

            log(out, order.recipe, mlflow)
    typer.echo(f"Trained: {out}. Next: fundstelle eval read FILE --reader {out}")


def _recipe(name: str, changes: Iterable[str]) -> "Recipe":
    from fundstelle.training.recipes import changes_of, recipe_of

    return recipe_of(name).with_changes(changes_of(changes))


@contextmanager
def _progress() -> Iterator[Callable[["Progress"], None]]:
    """A bar on standard error that tells loss and speed; every hundredth update as a line where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    figures = TextColumn("loss {task.fields[loss]:.3f} · {task.fields[rate]:,.0f} tokens/s")
    columns = (TextColumn("Training"), BarColumn(), MofNCompleteColumn(), figures, TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", loss=0.0, rate=0.0)

        def show(now: "Progress") -> None:
            rate = now.tokens / max(now.seconds, 1e-9)
            bar.update(task, completed=now.step, total=now.steps, loss=now.loss, rate=rate)
            if not console.is_terminal and now.step % 100 == 0:
                console.print(f"update {now.step} of {now.steps}: loss {now.loss:.3f}, {rate:,.0f} tokens/s")

        yield show
