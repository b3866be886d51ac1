"""A model with fewer word pieces: those that some texts need.

    python -m fundstelle.training.pruning FOLDER OUT FILE... [--least 1] [--check FILE...]

FILEs are texts, one a line, or data in SQuAD format (.json). Kept are special tokens, single characters and bytes, and
the pieces that the texts have at least `--least` times. No text becomes unknown by it: what is left out is written with
smaller pieces, and texts whose pieces were all kept give the logits they gave. How many more tokens the texts of other
files have then, `--check` tells for each: a language that pays for it should be among the FILEs.

For vocabularies of the kinds Unigram (XLM-R) and WordPiece (BERT). Most of a small multilingual model are its word
embeddings: multilingual-e5-small has 96 million weights in them, and 21 million in its layers.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from fundstelle.evaluation.datasets import load
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.hub import load_model, load_tokenizer
from fundstelle.training.models import embedding_names, save_model, save_tokenizer
from fundstelle.training.reporting import existing_folder, reported

CONTINUED = "##"  # how WordPiece marks pieces within a word
AT_ONCE = 1000  # texts tokenised in one call
_BYTE = re.compile("<0x[0-9A-F]{2}>")  # how Unigram spells characters it does not know
SPECIAL_IDS = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")


def prune(folder: Path, out: Path, texts: Iterable[str], least: int = 1) -> list[int]:
    """Write the question answering model in `folder` to `out`, without the pieces that `texts` do not need.

    Returns:
        The ids that were kept, in their order, which is that of the new ids.

    Raises:
        ValueError: the vocabulary is of another kind than Unigram and WordPiece.
        FileNotFoundError: `folder` holds no model.
    """
    model = load_model(str(folder), {})
    tokenizer = load_tokenizer(str(folder), model, {})
    content = json.loads(tokenizer.backend.to_str())
    kept = sorted(_specials(content) | _small(content) | _needed(tokenizer.backend, texts, least))
    out.mkdir(parents=True, exist_ok=True)
    save_model(_with_rows(model, kept), {}, out)
    save_tokenizer(tokenizer, str(folder), out)
    (out / TOKENIZER).write_text(json.dumps(renumbered(content, kept), ensure_ascii=False), encoding="utf-8")
    return kept


def _specials(content: dict[str, Any]) -> set[int]:
    return {one["id"] for one in content["added_tokens"]}


def _small(content: dict[str, Any]) -> set[int]:
    """The pieces of one character or byte: with them anything can be written that could be before."""
    return {number for number, piece in enumerate(_pieces(content)) if _is_small(piece)}


def _is_small(piece: str) -> bool:
    return len(piece.removeprefix(CONTINUED)) < 2 or _BYTE.fullmatch(piece) is not None


def _pieces(content: dict[str, Any]) -> list[str]:
    """All pieces, in the order of their ids. ValueError for a vocabulary of another kind."""
    kind, vocabulary = content["model"]["type"], content["model"].get("vocab")
    if kind == "Unigram":
        return [piece for piece, _ in vocabulary]
    if kind == "WordPiece":
        return sorted(vocabulary, key=vocabulary.__getitem__)
    raise ValueError(f"A vocabulary of the kind {kind} cannot be pruned, only Unigram and WordPiece.")


def _needed(tokenizer: Tokenizer, texts: Iterable[str], least: int) -> set[int]:
    """The ids that the texts have at least `least` times."""
    counts: Counter[int] = Counter()
    for encoded in _encoded(tokenizer, texts):
        counts.update(encoded)
    return {number for number, count in counts.items() if count >= least}


def _encoded(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[list[int]]:
    pending: list[str] = []
    for text in texts:
        pending.append(text)
        if len(pending) == AT_ONCE:
            yield from (one.ids for one in tokenizer.encode_batch(pending, add_special_tokens=False))
            pending = []
    yield from (one.ids for one in tokenizer.encode_batch(pending, add_special_tokens=False))


def _with_rows(model: Any, kept: Sequence[int]) -> Any:
    """The model with those rows of its embeddings alone."""
    config = deepcopy(model.config)
    config.vocab_size = len(kept)
    new = {number: place for place, number in enumerate(kept)}
    for name in SPECIAL_IDS:
        if getattr(config, name, None) in new:
            setattr(config, name, new[getattr(config, name)])
    smaller, names = type(model)(config), embedding_names(model)
    rows = torch.tensor(list(kept))
    smaller.load_state_dict(
        {name: one[rows] if name in names else one for name, one in model.state_dict().items()}
    )
    return smaller


def renumbered(content: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """The content of a tokenizer.json with those pieces alone; `kept` are their ids, ascending."""
    new = {number: place for place, number in enumerate(kept)}
    changed = deepcopy(content)
    pieces, vocabulary = _pieces(content), changed["model"]["vocab"]
    if isinstance(vocabulary, list):
        changed["model"]["vocab"] = [vocabulary[number] for number in kept if number < len(vocabulary)]
        changed["model"]["unk_id"] = new.get(content["model"].get("unk_id"))
    else:
        changed["model"]["vocab"] = {
            pieces[number]: place for number, place in new.items() if number < len(pieces)
        }
    for token in changed["added_tokens"]:
        token["id"] = new[token["id"]]
    _renumber_processor(changed.get("post_processor") or {}, new)
    return changed


def _renumber_processor(processor: dict[str, Any], new: dict[int, int]) -> None:
    """In place: the special tokens that a post-processor puts around texts."""
    for token in (processor.get("special_tokens") or {}).values():
        token["ids"] = [new[number] for number in token["ids"]]
    for name in ("cls", "sep"):
        if name in processor:
            processor[name] = [processor[name][0], new[processor[name][1]]]
    for part in processor.get("processors") or ():
        _renumber_processor(part, new)


def growth(before: Tokenizer, after: Tokenizer, texts: Sequence[str]) -> float:
    """By what share more tokens the texts have after pruning."""
    counts = [sum(map(len, _encoded(one, texts))) for one in (before, after)]
    return counts[1] / max(1, counts[0]) - 1


def texts_of(file: Path) -> Iterator[str]:
    """The lines of a text, or the contexts and questions of a file in SQuAD format."""
    if file.suffix == ".json":
        data = load(file, offsets="report")
        yield from data.contexts
        yield from (question.text for question in data.questions)
    else:
        with file.open(encoding="utf-8") as lines:
            yield from (line.rstrip("\n") for line in lines)


def _tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(str(folder), load_model(str(folder), {}), {}).backend


@reported()
def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="fundstelle.training.pruning", description=__doc__)
    parser.add_argument(
        "folder", type=existing_folder, help="a transformers folder with an extractive QA model"
    )
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("files", type=Path, nargs="+", help="texts, one a line, or SQuAD files")
    parser.add_argument("--least", type=int, default=1, help="times that a piece must be there (default: 1)")
    parser.add_argument("--check", type=Path, nargs="*", default=[], metavar="FILE", help="other texts")
    options = parser.parse_args(arguments)
    kept = prune(
        options.folder,
        options.out,
        (text for file in options.files for text in texts_of(file)),
        options.least,
    )
    before, after = (_tokenizer(one) for one in (options.folder, options.out))
    print(f"{before.get_vocab_size():,} pieces before, {len(kept):,} after")  # noqa: T201
    for file in options.check:
        print(f"{file.name}: {growth(before, after, list(texts_of(file))):.2%} more tokens")  # noqa: T201


if __name__ == "__main__":
    main()
