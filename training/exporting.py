"""The layers of a torch reader as an OpenVINO model: everything behind the word embeddings, in float32."""

import warnings
from typing import Any

import torch
from transformers import PreTrainedModel

from fundstelle.reader.light import import_openvino


class _Layers(torch.nn.Module):
    """Word embeddings and mask to start and end logits; positions, types (all 0) and normalisation inside."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, embeddings: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # A ready-made additive mask, because the library's own mask code does not trace for every shape.
        hidden = (1 - attention_mask[:, None, None, :].to(embeddings.dtype)) * -1e4
        output = self.model(inputs_embeds=embeddings, attention_mask=hidden)
        return output.start_logits, output.end_logits


def export_layers(model: PreTrainedModel) -> Any:
    """An `openvino.Model` as `LightEngine` takes it, for any number and length of windows.

    `model` is an extractive QA model: start and end logits, and word embeddings that can be given as inputs.
    """
    openvino = import_openvino()
    width = int(model.config.hidden_size)
    layers = _Layers(model.train(False).float())
    example = (torch.zeros(2, 8, width), torch.ones(2, 8, dtype=torch.int64))
    shapes = [
        ("embeddings", [-1, -1, width], openvino.Type.f32),
        ("attention_mask", [-1, -1], openvino.Type.i64),
    ]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of every Python condition in the library's code
        exported = openvino.convert_model(layers, example_input=example, input=shapes)
    for output, name in zip(exported.outputs, ("start_logits", "end_logits"), strict=True):
        output.get_tensor().set_names({name})
    return exported
