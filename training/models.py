"""Models to train: any encoder that transformers can put a question answering head on."""

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from fundstelle.encoder.hub import PROMPTS, SETTINGS, read_recipe
from fundstelle.reader.hub import fetched
from fundstelle.reader.tokenization import ReaderTokenizer
from fundstelle.reader.torch_engine import pick_device
from fundstelle.training import attention
from fundstelle.training.recipes import FILE_NAME, Recipe

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def load_model(name: str, recipe: Recipe, dtype: torch.dtype, device: torch.device | None = None) -> Any:
    """A model by folder or hub name, ready to be trained: dropout and frozen embeddings as the recipe says.

    A model without a trained head gets a random one, the same for the same seed. FileNotFoundError where there is no
    such model.
    """
    place = device or pick_device(None)
    torch.manual_seed(recipe.seed)
    with fetched(name):
        model = AutoModelForQuestionAnswering.from_pretrained(name, dtype=dtype, **attention.chosen(place))
    return prepare(model, recipe, place)


def prepare(model: Any, recipe: Recipe, device: torch.device) -> Any:
    """The model on the device, in training, with dropout and frozen embeddings as the recipe says."""
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    model.get_input_embeddings().weight.requires_grad_(not recipe.freeze_embeddings)
    return model.to(device).train()


def set_dropout(model: Any, share: float) -> None:
    """The same dropout everywhere; where a model keeps it in its configuration, there too."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
    for name in vars(model.config):
        if "dropout" in name and isinstance(getattr(model.config, name), float):
            setattr(model.config, name, share)


def frozen_weights(model: Any, name: str) -> dict[str, torch.Tensor]:
    """The weights that are not trained, by name, as the model they came from has them: a training in bfloat16 has them
    rounded.
    """
    frozen = {key for key, one in model.named_parameters() if not one.requires_grad}
    if not frozen:
        return {}
    source = AutoModelForQuestionAnswering.from_pretrained(name, dtype=torch.float32).state_dict()
    return {key: source[key] for key in frozen}


def embedding_names(model: Any) -> set[str]:
    """The names under which a model's weights hold its word embeddings."""
    embeddings = model.get_input_embeddings().weight
    return {name for name, one in model.named_parameters() if one is embeddings}


def save_model(model: Any, weights: dict[str, torch.Tensor], out: Path) -> None:
    """A transformers folder in float32: the model with `weights` in place of its own."""
    full = {name: weights.get(name, one).detach().float().cpu() for name, one in model.state_dict().items()}
    model.save_pretrained(out, state_dict={name: one.contiguous() for name, one in full.items()})
    config = deepcopy(
        model.config
    )  # the model's own names what was computed in, and would be loaded in again
    config.dtype = torch.float32
    config.save_pretrained(out)


def save_tokenizer(tokenizer: ReaderTokenizer, name: str, out: Path) -> None:
    """The tokenizer's files as they are, or what transformers makes of older ones."""
    if tokenizer.path is None:
        AutoTokenizer.from_pretrained(name).save_pretrained(out)
    else:
        files = (tokenizer.path.parent / file for file in TOKENIZER_FILES)
        for file in files:
            if file.is_file() and not (out / file.name).is_file():
                shutil.copy(file, out / file.name)


def save_settings(source: Path, out: Path) -> None:
    """Copy what tokenizer and sentence-transformers keep beside an encoder's weights, but over nothing in `out`.

    The model's own configuration and the recipe of its training belong to the weights, and stay where they are.
    """
    for file in sorted(one for kind in SETTINGS for one in source.rglob(kind)):
        place = file.relative_to(source)
        own = str(place) in ("config.json", FILE_NAME) or file.name.endswith(".index.json")
        if not own and not (out / place).exists():
            (out / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, out / place)
    if not (out / PROMPTS).exists():  # the folder's name may have said what stands before texts
        recipe = read_recipe(source.name, source)
        prompts = {"query": recipe.query_prefix, "passage": recipe.passage_prefix}
        (out / PROMPTS).write_text(json.dumps({"prompts": prompts}) + "\n", encoding="utf-8")
