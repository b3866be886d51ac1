"""The readers that `reader.py` compares: ours, Haystack's, and a plain loop over transformers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fundstelle.indexing.store import Hit
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.reading import Asked, read_all
from fundstelle.reader.engine import Batch, Engine, Logits
from fundstelle.reader.light import LightEngine
from fundstelle.reader.reader import Reader
from fundstelle.reader.shapes import few_shapes

SYSTEMS = ("ours", "ours, all read", "ours, by torch", "transformers loop", "haystack")
WINDOW, STRIDE, BATCH = 384, 128, 20
"""The peer's own defaults, and for the loop a batch of as many windows as there are passages."""

Answer = Callable[[str, Sequence[Hit]], str]


class Timed:
    """An engine that notes how long its model takes, and over how many tokens and products, padding included."""

    def __init__(self, engine: Engine, layers: int, width: int) -> None:
        self.engine, self.layers, self.width = engine, layers, width
        self.seconds = self.products = 0.0
        self.tokens = self.padded = 0
        self.description = engine.description

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        began = time.perf_counter()
        result = self.engine.logits(batch)
        self.seconds += time.perf_counter() - began
        self.tokens += int(batch.attention_mask.sum())
        for piece in self._pieces(batch):
            rows, length = piece.input_ids.shape
            self.padded += rows * length
            each = 12 * self.width**2 + 2 * length * self.width  # projections and feed-forward, attention
            self.products += self.layers * rows * length * each
        return result

    def _pieces(self, batch: Batch) -> list[Batch]:
        """What the model sees of a batch at a time."""
        if isinstance(self.engine, LightEngine):
            return [piece for _, piece in few_shapes(batch, self.engine.max_length)]
        return [batch]

    def close(self) -> None:
        self.engine.close()


@dataclass
class Ours:
    """Our reader: reading stops early, as it does in use, unless told otherwise."""

    model: str
    layers: int
    width: int
    early_stop: bool = True

    def __post_init__(self) -> None:
        made = Reader.load(self.model, device="cpu")
        self.engine = Timed(made.engine, self.layers, self.width)
        self.reader = Reader(self.engine, made.tokenizer, calibration=made.calibration)

    def __call__(self, question: str, hits: Sequence[Hit]) -> str:
        asked = Asked(question, hits)
        read_all([asked], self.reader, self.reader.calibration, self.early_stop)
        findings = merge(hits, asked.readings, self.reader.calibration).findings
        return findings[0].best.text if findings else ""


def peer(model: str) -> Answer:
    """Haystack's reader as it comes."""
    from haystack import Document
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    reader = TransformersExtractiveReader(model, top_k=1, no_answer=False)
    reader.warm_up()

    def answer(question: str, hits: Sequence[Hit]) -> str:
        documents = [Document(id=hit.passage.id, content=hit.passage.text) for hit in hits]
        found = reader.run(query=question, documents=documents)["answers"]
        return (found[0].data or "") if found else ""

    return answer


def loop(model: str) -> Answer:
    """What one writes with transformers alone: tokenise, run, take the best start and end of all windows."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForQuestionAnswering.from_pretrained(model).eval()

    def allowed(length: int) -> torch.Tensor:
        """Starts by ends: not before the start, nor more than 30 tokens from it."""
        return torch.ones(length, length, dtype=torch.bool).triu().tril(29)

    @torch.inference_mode()
    def answer(question: str, hits: Sequence[Hit]) -> str:
        texts = [hit.passage.text for hit in hits]
        windows = tokenizer(
            [question] * len(texts),
            texts,
            truncation="only_second",
            max_length=WINDOW,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        best, text = -float("inf"), ""
        for first in range(0, len(windows["input_ids"]), BATCH):
            rows = range(first, min(first + BATCH, len(windows["input_ids"])))
            batch = {name: windows[name][rows.start : rows.stop] for name in ("input_ids", "attention_mask")}
            output = network(**batch)
            for row, start, end in zip(rows, output.start_logits, output.end_logits, strict=True):
                inside = torch.tensor([kind == 1 for kind in windows.sequence_ids(row)])
                start, end = (logits.masked_fill(~inside, -torch.inf) for logits in (start, end))
                sums = (start[:, None] + end[None, :]).masked_fill(~allowed(len(start)), -torch.inf)
                value, place = sums.flatten().max(0)
                if value > best:
                    best = float(value)
                    a, b = divmod(int(place), len(start))
                    offsets = windows["offset_mapping"][row]
                    source = texts[windows["overflow_to_sample_mapping"][row]]
                    text = source[int(offsets[a][0]) : int(offsets[b][1])]
        return text

    return answer


def system(name: str, model: str, packed: str, layers: int, width: int) -> Answer:
    """The system of that name, over a transformers folder; ours over what `fundstelle pack` made of it, too."""
    if name.startswith("ours"):
        weights = model if name == "ours, by torch" else packed
        return Ours(weights, layers, width, early_stop=name == "ours")
    return peer(model) if name == "haystack" else loop(model)
