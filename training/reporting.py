"""How the commands of this room say what went wrong."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors a user can do something about into a sentence on standard error and status 2.

    As `fundstelle` does it; bugs keep their traceback.
    """
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def existing_folder(name: str) -> Path:
    """The type of an argument that is a folder: without it, libraries would look for its name on the hub."""
    if not Path(name).is_dir():
        raise ArgumentTypeError(f"there is no folder {name}")
    return Path(name)
