"""Where things are, as the command line sees it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fundstelle.indexing.preparation import Splitting


def base_of(address: str) -> Path:
    """The folder that sources are named from: the one that holds the store, or else the current one.

    A project folder can so be moved together with its store, and its sources keep their names.
    """
    return Path.cwd() if "://" in address else Path(address).resolve().parent


def splitting() -> "Splitting":
    """Passages are sized by the bundled reader's tokens, whichever reader is asked later."""
    from fundstelle.indexing.preparation import Splitting
    from fundstelle.reader.bundle import TOKENIZER, path

    return Splitting(path() / TOKENIZER)
