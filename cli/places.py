"""Where things are, as the command line sees it."""

from pathlib import Path


def base_of(address: str) -> Path:
    """The folder that sources are named from: the one that holds the store, or else the current one.

    A project folder can so be moved together with its store, and its sources keep their names.
    """
    return Path.cwd() if "://" in address else Path(address).resolve().parent
