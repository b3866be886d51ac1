"""From scores that rank to a probability that means something: a fitted logistic function."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

FILE_NAME = "calibration.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(span answers the question) = sigmoid(intercept + margin * m + evidence * e).

    m is the span's score minus its passage's null score; e is the passage's retriever score minus the
    best hit's (0 for the best hit, negative below it, 0 throughout where nothing was retrieved).
    The defaults are for models that bring no fit of their own.
    """

    intercept: float = 0.0
    margin: float = 0.5
    evidence: float = 0.25

    def probability(self, margin: float, evidence: float = 0.0) -> float:
        """The calibrated probability, in (0, 1), for one span."""
        logit = self.intercept + self.margin * margin + self.evidence * evidence
        return 0.5 * (1.0 + math.tanh(0.5 * logit))

    def save(self, folder: Path) -> None:
        """Write `calibration.json` into the model's folder."""
        (folder / FILE_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `calibration.json` from the model's folder; the defaults where there is none.

        Raises:
            ValueError: the file is there and does not hold a calibration.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return cls()
        try:
            return cls(**{name: float(value) for name, value in json.loads(path.read_text("utf-8")).items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} does not hold a calibration ({error}); fit it again or delete it.") from error
