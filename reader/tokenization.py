"""Tokenizers as the reader needs them: fast ones only, special tokens known by role, not by position."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tokenizers import Encoding, Tokenizer

UNLIMITED = 1_000_000
"""Tokenizer configurations write huge numbers where they mean that there is no maximum."""

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_METASPACE = "▁"
_USUAL_NAMES = {"cls_token": ("[CLS]", "<cls>", "<s>", "<bos>"), "pad_token": ("[PAD]", "<pad>")}


@dataclass(frozen=True, slots=True)
class Template:
    """The special tokens of a window: `prefix first between second suffix`.

    Ids and type ids of each part stand beside each other; `types` are those of first and second.
    """

    prefix: tuple[tuple[int, int], ...]
    between: tuple[tuple[int, int], ...]
    suffix: tuple[tuple[int, int], ...]
    types: tuple[int, int]

    @property
    def size(self) -> int:
        """Special tokens of a window."""
        return len(self.prefix) + len(self.between) + len(self.suffix)

    @property
    def largest_type(self) -> int:
        """The largest type id in a window; 0 where types say nothing."""
        specials = self.prefix + self.between + self.suffix
        return max(*self.types, *(kind for _, kind in specials))

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """Learn it from what the tokenizer makes of a pair of one-letter texts."""
        pair = tokenizer.encode("a", "b")
        pieces = list(zip(pair.ids, pair.type_ids, strict=True))
        first = [i for i, sequence in enumerate(pair.sequence_ids) if sequence == 0]
        second = [i for i, sequence in enumerate(pair.sequence_ids) if sequence == 1]
        return cls(
            prefix=tuple(pieces[: first[0]]),
            between=tuple(pieces[first[-1] + 1 : second[0]]),
            suffix=tuple(pieces[second[-1] + 1 :]),
            types=(pair.type_ids[first[0]], pair.type_ids[second[0]]),
        )


class ReaderTokenizer:
    """A fast tokenizer with what a reader must know of it.

    Args:
        tokenizer: from the `tokenizers` library; its own truncation and padding are switched off.
        path: the `tokenizer.json` it came from, where there is one.
        cls_token, pad_token: by role. Without a `cls_token` in its windows, a model's null answer is
            position 0, as the SQuAD 2 scripts train it.
        padding_side: "right", or "left" for models that read the passage before the question.
        max_length: most tokens of a window that the model takes, special tokens included.
        token_types: whether the model takes `token_type_ids`.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        path: Path | None = None,
        cls_token: str | None = None,
        pad_token: str | None = None,
        padding_side: str = "right",
        max_length: int = 512,
        token_types: bool = False,
    ) -> None:
        if tokenizer.truncation is not None:  # a tokenizer that is in use elsewhere must not be touched
            tokenizer.no_truncation()
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        self.backend = tokenizer
        self.path = path
        self.template = Template.of(tokenizer)
        self.cls_id = self._id_of("cls_token", cls_token)
        self.pad_id = self._id_of("pad_token", pad_token) or 0
        self.padding_side = padding_side
        self.max_length = max_length
        self.token_types = token_types
        self.type_count = 2 if token_types else 0
        """Token types the model knows. Where all types of a window are 0, they say nothing and are left out."""
        pieces = (tokenizer.token_to_id(_METASPACE * length) for length in range(1, 17))
        self.blank_ids = frozenset(piece for piece in pieces if piece is not None)
        """Pieces that stand for white space alone; offsets of theirs cover the character that follows."""

    def _id_of(self, role: str, token: str | None) -> int | None:
        names = (token,) if token else _USUAL_NAMES[role]
        ids = (self.backend.token_to_id(name) for name in names)
        return next((found for found in ids if found is not None), None)

    @classmethod
    def of(
        cls,
        tokenizer: Tokenizer,
        roles: Mapping[str, Any],
        *,
        path: Path | None,
        max_length: int | None,
        type_count: int = 0,
    ) -> Self:
        """With the roles that `read_roles` gives; `max_length` and `type_count` are the model's own."""
        made = cls(
            tokenizer,
            path=path,
            cls_token=roles.get("cls_token"),
            pad_token=roles.get("pad_token"),
            padding_side=roles.get("padding_side") or "right",
            max_length=smallest(max_length, roles.get("model_max_length")),
        )
        made.type_count = type_count
        made.token_types = 0 < made.template.largest_type < type_count
        return made

    @property
    def question_first(self) -> bool:
        """Whether the question stands before the passage in a window."""
        return self.padding_side == "right"

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokenise each text without special tokens; offsets are character positions in the text.

        A single text is not handed to the library's threads, which would have to be woken for it.
        """
        known = [encodable(text) for text in texts]
        if len(known) == 1:
            return [self.backend.encode(known[0], add_special_tokens=False)]
        return self.backend.encode_batch(known, add_special_tokens=False)


def smallest(*lengths: int | None) -> int:
    """The smallest maximum that is one; 512 where nobody knows any."""
    return min((length for length in lengths if length and length < UNLIMITED), default=512)


def read_roles(folder: Path) -> dict[str, Any]:
    """Special tokens by role, `padding_side` and `model_max_length`, from the files of a model's folder."""
    roles: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            roles |= json.loads((folder / name).read_text(encoding="utf-8"))
    return {role: value.get("content") if isinstance(value, dict) else value for role, value in roles.items()}


def encodable(text: str) -> str:
    """The text with lone surrogates, which are no text to a tokenizer, replaced one by one."""
    return text if text.isascii() else _LONE_SURROGATES.sub("\ufffd", text)
