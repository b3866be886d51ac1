"""The reader: questions and their passages in, spans and null scores out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fundstelle.reader.confidence import Calibration
from fundstelle.reader.engine import Engine
from fundstelle.reader.readings import Reading, Text
from fundstelle.reader.settings import ReaderSettings
from fundstelle.reader.tokenization import ReaderTokenizer

Request = tuple[str, Sequence[Text]]
"""A question and the passages it is asked of."""


class Reader:
    """Reads passages for answers to questions. Give it an engine, a tokenizer and settings, or `load` one."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: ReaderTokenizer,
        settings: ReaderSettings | None = None,
        *,
        calibration: Calibration | None = None,
        name: str = "",
    ) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.settings = settings or ReaderSettings()
        self.calibration = calibration or Calibration()
        self.name = name

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        device: str | Sequence[str] | None = None,
        dtype: str | None = None,
        compile: bool = False,
        hub: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Self:
        """Open a reader: the bundled one (model None), or any extractive QA model by hub name or folder.

        Args:
            model: None, a folder, or a name on the Hugging Face hub.
            device: "cpu", "cuda", "cuda:1", "mps" or several of them; None: the best there is.
            dtype: "float32", "bfloat16", "float16"; None: what the device is fastest in.
            compile: let torch compile the model (pays after minutes of steady work).
            hub: `revision`, `cache_dir`, `token`, `local_files_only`, `subfolder`, `trust_remote_code`:
                passed to model and tokenizer alike.
            settings: fields of `ReaderSettings`.
        """
        raise NotImplementedError

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        """One `Reading` per passage, in order. `read_batch` for several questions at once."""
        return self.read_batch([(question, passages)])[0]

    def read_batch(self, requests: Sequence[Request]) -> list[list[Reading]]:
        """One list of readings per request, in order; windows of all requests share batches."""
        raise NotImplementedError

    @property
    def tokenizer_path(self) -> Path:
        """The `tokenizer.json` that this reader counts tokens with."""
        return self.tokenizer.path

    def warm_up(self) -> None:
        """Run one tiny window, so that the first question does not pay for lazy set-up."""

    def close(self) -> None:
        """Free the model's memory; reading afterwards is an error."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
