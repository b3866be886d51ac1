"""Prediction files of the official formats: an answer, or a number, for each question id."""

from pathlib import Path
from typing import Any

from fundstelle.evaluation.datasets import DatasetError, read_json


def read_texts(path: Path) -> dict[str, str]:
    """`{"question id": "answer"}`; "" is "no answer".

    Raises:
        DatasetError: the file holds something else; the first wrong id is named.
    """
    content = _object(path)
    wrong = next((key for key, value in content.items() if not isinstance(value, str)), None)
    if wrong is not None:
        raise DatasetError(f'{path}: the prediction of {wrong!r} is no string; write "" for no answer.')
    return content


def read_numbers(path: Path) -> dict[str, float]:
    """`{"question id": number}`: how likely the question has no answer, on any scale.

    Raises:
        DatasetError: the file holds something else; the first wrong id is named.
    """
    content = _object(path)
    for key, value in content.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise DatasetError(f"{path}: the no-answer value of {key!r} is no number.")
    return content


def _object(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise DatasetError(f'{path} must be one JSON object, {{"question id": ...}}.')
    return content
