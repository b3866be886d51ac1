"""How good a model in training reads: F1 on data it is not trained on."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from fundstelle.evaluation import metrics, reading
from fundstelle.evaluation.datasets import load
from fundstelle.reader.reader import Reader
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.torch_engine import TorchEngine

QUESTIONS = 300  # of each file: enough to see progress by, few enough not to spend the time on it


class Validation:
    """Reads some questions of every file with the model as it is.

    Raises:
        DatasetError: a file cannot be used.
    """

    def __init__(self, files: Sequence[Path], tokenizer: ReaderTokenizer, questions: int = QUESTIONS) -> None:
        self._datasets = [load(file).sample(questions) for file in files]
        self._metrics = [metrics.metric(metrics.resolve("auto", one)) for one in self._datasets]
        self._tokenizer = tokenizer

    def __call__(self, model: Any) -> float:
        """Mean over the files of the F1, 0 to 1, of answers that are none where the null score is higher."""
        first = next(model.parameters())
        copy = deepcopy(model)  # the engine turns its last layer to float32
        with Reader(TorchEngine(copy, first.device, first.dtype), self._tokenizer) as reader, torch.no_grad():
            figures = [
                sum(row.f1 for row in reading.read(dataset, reader, metric, 0.0)) / len(dataset.questions)
                for dataset, metric in zip(self._datasets, self._metrics, strict=True)
            ]
        return sum(figures) / len(figures)
