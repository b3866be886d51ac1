"""The layers of a torch model as an OpenVINO model: everything behind the word embeddings, in float32."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from fundstelle.reader.hub import max_length
from fundstelle.reader.light import import_openvino

TRIED = 256  # tokens of a window that is run to compare: more than models with local attention look at
AGREEMENT = 1e-3


def takes_plain_masks(model: PreTrainedModel) -> bool:
    """Whether it multiplies by the mask that others add to their scores."""
    return "Deberta" in type(model).__name__


class _Layers(torch.nn.Module):
    """Word embeddings and mask to outputs; positions and normalisation inside."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def run(self, embeddings: torch.Tensor, attention_mask: torch.Tensor, **more: torch.Tensor) -> Any:
        # A ready-made additive mask, because the library's own mask code does not trace for every shape.
        added = (1 - attention_mask[:, None, None, :].to(embeddings.dtype)) * -1e4
        mask = attention_mask if takes_plain_masks(self.model) else added
        return self.model(inputs_embeds=embeddings, attention_mask=mask, **more)


class _ReaderLayers(_Layers):
    """To start and end logits; token types are 0."""

    def forward(
        self, embeddings: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.run(embeddings, attention_mask)
        return output.start_logits, output.end_logits


class _TypedReaderLayers(_Layers):
    """To start and end logits, told which tokens are the question's."""

    def forward(
        self, embeddings: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.run(embeddings, attention_mask, token_type_ids=token_type_ids)
        return output.start_logits, output.end_logits


class _EncoderLayers(_Layers):
    """To the mean over the tokens of each window."""

    def forward(self, embeddings: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.run(embeddings, attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(hidden.dtype)
        mean: torch.Tensor = (hidden * weights).sum(1) / weights.sum(1)
        return mean


def export_layers(model: PreTrainedModel, token_types: bool = False) -> Any:
    """An `openvino.Model` as `LightEngine` takes it, for any number and length of windows.

    `model` is an extractive QA model: start and end logits, and word embeddings that can be given as inputs. With
    `token_types` the layers take these, too.

    Raises:
        ValueError: what was exported gives other logits than the model: it is of a kind that cannot be exported.
    """
    kind = _TypedReaderLayers if token_types else _ReaderLayers
    layers = _export(kind(model.train(False).float()), ("start_logits", "end_logits"), token_types)
    _compare(model, layers, token_types)
    return layers


@torch.no_grad()
def _compare(model: PreTrainedModel, layers: Any, token_types: bool) -> None:
    """Two windows of other lengths than the traced ones, one of them padded, through both."""
    length = min(TRIED, max_length(model) or TRIED)
    words = model.get_input_embeddings()
    ids = 4 + torch.arange(2 * length).view(2, length) % (words.num_embeddings - 4)  # no padding among them
    mask = torch.ones_like(ids)
    mask[1, length // 2 :] = 0
    types = (torch.arange(length) > length // 3).long().expand(2, -1)
    given: dict[str, Any] = {"attention_mask": mask} | ({"token_type_ids": types} if token_types else {})
    wanted = model(input_ids=ids, **given)
    compiled = import_openvino().Core().compile_model(layers, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({"embeddings": words(ids)} | given)
    for name in ("start_logits", "end_logits"):
        differing = (torch.from_numpy(found[name]) - wanted[name]).abs()[mask == 1].max()
        if differing > AGREEMENT:
            raise ValueError(
                f"{type(model).__name__} cannot be exported: its {name} would be wrong by {differing:.2g}. "
                "Read with the model itself instead."
            )


def export_encoder(model: PreTrainedModel) -> Any:
    """An `openvino.Model` as `LightEncoder` takes it; `model` has no head, and its tokens are averaged."""
    return _export(_EncoderLayers(model.train(False).float()), ("vectors",))


def _export(layers: _Layers, outputs: Sequence[str], token_types: bool = False) -> Any:
    openvino = import_openvino()
    width = int(layers.model.get_input_embeddings().embedding_dim)  # not every model's layers are as wide
    ones = torch.ones(2, 8, dtype=torch.int64)
    names = ["attention_mask", *(["token_type_ids"] if token_types else [])]
    example = (torch.zeros(2, 8, width), *(ones for _ in names))
    shapes = [("embeddings", [-1, -1, width], openvino.Type.f32)]
    shapes += [(name, [-1, -1], openvino.Type.i64) for name in names]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of every Python condition in the library's code
        exported = openvino.convert_model(layers, example_input=example, input=shapes)
    for output, name in zip(exported.outputs, outputs, strict=True):
        output.get_tensor().set_names({name})
    return exported
