"""The layers of a torch model as an OpenVINO model: everything behind the word embeddings, in float32."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from fundstelle.reader.light import import_openvino


class _Layers(torch.nn.Module):
    """Word embeddings and mask to outputs; positions, types (all 0) and normalisation inside."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def run(self, embeddings: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        # A ready-made additive mask, because the library's own mask code does not trace for every shape.
        hidden = (1 - attention_mask[:, None, None, :].to(embeddings.dtype)) * -1e4
        return self.model(inputs_embeds=embeddings, attention_mask=hidden)


class _ReaderLayers(_Layers):
    """To start and end logits."""

    def forward(
        self, embeddings: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.run(embeddings, attention_mask)
        return output.start_logits, output.end_logits


class _EncoderLayers(_Layers):
    """To the mean over the tokens of each window."""

    def forward(self, embeddings: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.run(embeddings, attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(hidden.dtype)
        mean: torch.Tensor = (hidden * weights).sum(1) / weights.sum(1)
        return mean


def export_layers(model: PreTrainedModel) -> Any:
    """An `openvino.Model` as `LightEngine` takes it, for any number and length of windows.

    `model` is an extractive QA model: start and end logits, and word embeddings that can be given as inputs.
    """
    return _export(_ReaderLayers(model.train(False).float()), ("start_logits", "end_logits"))


def export_encoder(model: PreTrainedModel) -> Any:
    """An `openvino.Model` as `LightEncoder` takes it; `model` has no head, and its tokens are averaged."""
    return _export(_EncoderLayers(model.train(False).float()), ("vectors",))


def _export(layers: _Layers, outputs: Sequence[str]) -> Any:
    openvino = import_openvino()
    width = int(layers.model.config.hidden_size)
    example = (torch.zeros(2, 8, width), torch.ones(2, 8, dtype=torch.int64))
    shapes = [
        ("embeddings", [-1, -1, width], openvino.Type.f32),
        ("attention_mask", [-1, -1], openvino.Type.i64),
    ]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of every Python condition in the library's code
        exported = openvino.convert_model(layers, example_input=example, input=shapes)
    for output, name in zip(exported.outputs, outputs, strict=True):
        output.get_tensor().set_names({name})
    return exported
