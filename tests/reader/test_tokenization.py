"""Tokenizers as the reader needs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from fundstelle.reader.tokenization import ReaderTokenizer, Template, read_roles, smallest


def test_the_template_is_learnt_from_the_tokenizer(bert_like: Any, xlmr_like: Any) -> None:
    """Special tokens before, between and after, with their types."""
    assert bert_like().template == Template(((2, 0),), ((3, 0),), ((3, 1),), (0, 1))
    assert xlmr_like().template == Template(((0, 0),), ((2, 0), (2, 0)), ((2, 0),), (0, 0))
    assert (xlmr_like().template.size, xlmr_like().template.largest_type) == (4, 0)
    assert (bert_like().template.size, bert_like().template.largest_type) == (3, 1)


def test_truncation_and_padding_of_the_file_are_off(wordpiece: Any) -> None:
    """A tokenizer saved with truncation and padding reads the whole text all the same."""
    backend = wordpiece()
    backend.enable_truncation(5)
    backend.enable_padding(length=8)
    (encoding,) = ReaderTokenizer(backend).encode(["w1 " * 20])
    assert len(encoding.ids) == 20


def test_special_tokens_by_role(wordpiece: Any) -> None:
    """Named roles win; without a name the usual ones are looked for; a tokenizer without CLS has none."""
    assert ReaderTokenizer(wordpiece(), cls_token="[SEP]").cls_id == 3
    assert ReaderTokenizer(wordpiece()).cls_id == 2
    assert ReaderTokenizer(wordpiece(), cls_token="<nothing>").cls_id is None


def test_roles_are_read_from_what_is_there(tmp_path: Path) -> None:
    """Both of transformers' files count, the configuration more; tokens may be strings or objects."""
    assert read_roles(tmp_path) == {}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"cls_token": "<s>", "pad_token": "<p>"}))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"cls_token": {"content": "[CLS]", "lstrip": False}, "padding_side": "left"})
    )
    assert read_roles(tmp_path) == {"cls_token": "[CLS]", "pad_token": "<p>", "padding_side": "left"}


def test_the_smallest_maximum_that_is_one() -> None:
    """Huge numbers mean no maximum; where nobody knows one it is 512."""
    assert smallest(514, int(1e30), None) == 514
    assert smallest(None, 64) == 64
    assert smallest(None, None) == 512


def test_lone_surrogates_are_no_error(bert_like: Any) -> None:
    """Half a surrogate pair, which no tokenizer takes, keeps its place as an unknown character."""
    (encoding,) = bert_like().encode(["john \ud800 paris"])
    assert encoding.offsets[-1] == (7, 12)


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_has_no_tokens(bert_like: Any, text: str) -> None:
    """A blank text is no token and no error."""
    assert bert_like().encode([text])[0].ids == []
