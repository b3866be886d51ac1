"""Static 8-bit quantisation of exported layers, calibrated on windows of real questions and passages."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fundstelle.reader.embeddings import Embeddings

WINDOW_LENGTH = 256


def quantise_layers(layers: Any, embeddings: Embeddings, windows: Sequence[Sequence[int]]) -> Any:
    """Weights (per channel) and activations of `layers` (an `openvino.Model`) at 8 bits, by NNCF.

    Logits, normalisation and softmax stay in floating point. `windows` are token ids; ValueError without any.
    """
    if not windows:
        raise ValueError("Quantisation needs windows to calibrate on: give it SQuAD files with questions.")
    import nncf  # type: ignore[import-untyped]

    dataset = nncf.Dataset(
        windows,
        lambda ids: {
            "embeddings": embeddings[np.array([ids])],
            "attention_mask": np.ones((1, len(ids)), dtype=np.int64),
        },
    )
    return nncf.quantize(layers, dataset, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(windows))


def calibration_windows(
    files: Sequence[Path], tokenizer: Tokenizer, *, count: int = 300, seed: int = 0
) -> list[list[int]]:
    """About `count` windows of question and passage, of each SQuAD file as many as of the others."""
    tokenizer.enable_truncation(WINDOW_LENGTH, strategy="only_second")
    windows = [encoding.ids for encoding in tokenizer.encode_batch(_sample(files, count, seed))]
    tokenizer.no_truncation()
    return windows


def text_windows(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    query_prefix: str,
    passage_prefix: str,
    *,
    max_length: int = WINDOW_LENGTH,
    count: int = 300,
    seed: int = 0,
) -> list[list[int]]:
    """About `count` windows of an encoder, half of them questions and half passages, of each file as many."""
    tokenizer.enable_truncation(min(WINDOW_LENGTH, max_length))
    texts = [
        text
        for question, passage in _sample(files, -(-count // 2), seed)
        for text in (query_prefix + question, passage_prefix + passage)
    ]
    windows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    tokenizer.no_truncation()
    return windows


def _sample(files: Sequence[Path], count: int, seed: int) -> list[tuple[str, str]]:
    """About `count` pairs of question and passage, so that each file, and so each language, counts the same."""
    chooser, chosen = random.Random(seed), []
    for file in files:
        pairs = list(_pairs(json.loads(file.read_text(encoding="utf-8"))))
        chosen += chooser.sample(pairs, min(len(pairs), -(-count // len(files))))
    return chosen


def _pairs(squad: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for article in squad["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield question["question"], paragraph["context"]
