"""Static 8-bit quantisation of exported layers, calibrated on windows of real questions and passages.

Outliers of an activation's channels can be moved into the weights that meet them (SmoothQuant, Xiao et al. 2023):
what the activations gain, the weights lose. The outliers that need most strength are those behind the activation
function, so these activations stay in floating point where 8 bits do harm (`releasing.py`), and the others do with
less. Which strength is best differs between weights: several are tried, and the one kept whose start and end
distributions are closest to float32's on windows that no range was taken from.

Measured with the first weights, divergence from float32 (nats, 80 windows of 40 files) and processor seconds for 16
windows of 256 tokens with VNNI: everything at 8 bits, strength 0.95, 0.0093 and 0.38; strength 0.8, 0.0061 and
0.39; released behind activation functions, strength 0.7, 0.0031 and 0.46; bfloat16 alone, 0.0002 and 0.57. Of the
0.0093, 0.0085 came from the weights alone.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from fundstelle.evaluation.datasets import load
from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch
from fundstelle.reader.light import import_openvino, inputs_of, takes_token_types
from fundstelle.reader.settings import ReaderSettings
from fundstelle.training.releasing import bearable, released

WINDOW_LENGTH = 256
STRENGTHS = (0.4, 0.55, 0.7)
USUAL = 0.95  # what NNCF takes unless told otherwise
HELD_OUT = 5
"""Every fifth window judges; the others give the ranges."""

Windows = Sequence[Batch]
"""Each of one window, unpadded."""

Distributions = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Quantised:
    """Layers at 8 bits (an `openvino.Model`), and what they cost.

    divergences: by strength tried, the mean Kullback-Leibler divergence, in nats, of the start and end
        distributions from float32's over the held-out windows; nothing behind activation functions at 8 bits.
    kept: how many activations there are at 8 bits all the same.
    divergence: that of these layers.
    """

    layers: Any
    strength: float
    divergences: dict[float, float]
    kept: int
    divergence: float

    def about(self) -> dict[str, Any]:
        """All but the layers, for config.json."""
        return {
            "strength": self.strength,
            "divergences": self.divergences,
            "kept": self.kept,
            "divergence": self.divergence,
        }


def quantise_layers(
    layers: Any, embeddings: Embeddings, windows: Windows, strengths: Sequence[float] = STRENGTHS
) -> Quantised:
    """Weights (per channel) and activations of `layers` (an `openvino.Model`) at 8 bits, by NNCF.

    Logits, normalisation and attention between tokens stay in floating point, and behind activation functions what
    would do harm. `windows` are of every language alike. It runs everything many times: minutes.
    """
    judging = windows[::HELD_OUT]
    ranging = [window for place, window in enumerate(windows) if place % HELD_OUT]
    wanted = distributions(layers, embeddings, judging)

    def cost(candidate: Any) -> float:
        return divergence(wanted, distributions(candidate, embeddings, judging))

    candidates = {
        strength: quantise_at(layers.clone(), embeddings, ranging, strength) for strength in strengths
    }
    divergences = {strength: cost(released(candidate)) for strength, candidate in candidates.items()}
    strength = min(divergences, key=divergences.__getitem__)
    kept = bearable(candidates[strength], cost)
    best = released(candidates[strength], kept)
    return Quantised(best, strength, divergences, len(kept), cost(best))


def quantise_at(layers: Any, embeddings: Embeddings, windows: Windows, strength: float = USUAL) -> Any:
    """The layers at 8 bits, at one strength.

    Products of queries with keys stay as they are: at 8 bits they lose accuracy and win next to no time.
    """
    import nncf  # type: ignore[import-untyped]

    return nncf.quantize(
        layers,
        nncf.Dataset(
            windows, partial(inputs_of, embeddings=embeddings, token_types=takes_token_types(layers))
        ),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(windows),
        ignored_scope=nncf.IgnoredScope(types=["ScaledDotProductAttention"], validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=strength)
        ),
    )


def distributions(layers: Any, embeddings: Embeddings, windows: Windows) -> Distributions:
    """For each window (2, tokens): log-probabilities of start and end, as the layers give them in float32."""
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    model = import_openvino().Core().compile_model(layers, "CPU", settings)
    found, token_types = [], takes_token_types(layers)
    for window in windows:
        outputs = model(inputs_of(window, embeddings, token_types))
        logits = np.concatenate([outputs["start_logits"], outputs["end_logits"]]).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        found.append(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    return found


def divergence(wanted: Distributions, given: Distributions) -> float:
    """Mean Kullback-Leibler divergence of what is given from what is wanted, in nats."""
    each = [(np.exp(p) * (p - q)).sum(axis=1).mean() for p, q in zip(wanted, given, strict=True)]
    return float(np.mean(each))


def calibration_windows(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    *,
    max_length: int = WINDOW_LENGTH,
    count: int,
    seed: int = 0,
) -> list[Batch]:
    """About `count` windows of question and passage, of each SQuAD file as many as of the others.

    Raises:
        ValueError: a file cannot be used, or they have fewer questions than are needed to calibrate and to judge.
    """
    length = min(WINDOW_LENGTH, max_length)
    sample = _sample(files, count, seed)
    if len(sample) < HELD_OUT:
        raise ValueError(
            f"Quantisation needs {HELD_OUT} windows to calibrate on and has {len(sample)}: give it SQuAD files with "
            "more questions."
        )
    longest = min(ReaderSettings().max_question_length, length // 2)
    pairs = [(_cut(question, tokenizer, longest), passage) for question, passage in sample]
    tokenizer.enable_truncation(length, strategy="only_second")
    windows = [_window(encoding) for encoding in tokenizer.encode_batch(pairs)]
    tokenizer.no_truncation()
    return windows


def _cut(question: str, tokenizer: Tokenizer, longest: int) -> str:
    """The question as the reader sees it: of one that is too long the beginning."""
    offsets = tokenizer.encode(question, add_special_tokens=False).offsets
    return question[: offsets[longest - 1][1]] if len(offsets) > longest else question


def _window(encoding: Encoding) -> Batch:
    ids = np.array([encoding.ids], dtype=np.int64)
    return Batch(ids, np.ones_like(ids), np.array([encoding.type_ids], dtype=np.int64))


def text_windows(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    query_prefix: str,
    passage_prefix: str,
    *,
    max_length: int = WINDOW_LENGTH,
    count: int = 300,
    seed: int = 0,
) -> list[Batch]:
    """About `count` windows of an encoder, half of them questions and half passages, of each file as many."""
    tokenizer.enable_truncation(min(WINDOW_LENGTH, max_length))
    texts = [
        text
        for question, passage in _sample(files, -(-count // 2), seed)
        for text in (query_prefix + question, passage_prefix + passage)
    ]
    windows = [_window(encoding) for encoding in tokenizer.encode_batch(texts)]
    tokenizer.no_truncation()
    return windows


def _sample(files: Sequence[Path], count: int, seed: int) -> list[tuple[str, str]]:
    """About `count` pairs of question and passage, so that each file, and so each language, counts the same."""
    chooser, chosen = random.Random(seed), []
    for file in files:
        pairs = [(one.text, one.context) for one in load(file, offsets="report").questions]
        chosen += chooser.sample(pairs, min(len(pairs), -(-count // len(files))))
    return chosen
