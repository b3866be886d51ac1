"""The packed table of embeddings gives back what was put in, to 4 bits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.reader.embeddings import BLOCK, Embeddings, compact, pack

ROWS = 40


def table(seed: int = 0, width: int = 2 * BLOCK) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, width)).astype(np.float32)


@given(seed=st.integers(0, 1000), size=st.floats(0.01, 100.0))
@settings(max_examples=20)
def test_every_weight_is_close(seed: int, size: float) -> None:
    """A weight comes back within one and a half levels of its block, a level being an eighth of its largest."""
    weights = table(seed) * np.float32(size)
    back = Embeddings(pack(weights))[np.arange(ROWS)]
    largest = np.abs(weights.reshape(ROWS, -1, BLOCK)).max(axis=2).repeat(BLOCK, axis=1)
    assert (np.abs(back - weights) <= largest / 8 * 1.5).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_packing_again_changes_nothing(seed: int) -> None:
    """A table that was at 4 bits keeps its weights, to the precision of its float16 scales."""
    once = Embeddings(pack(table(seed)))[np.arange(ROWS)]
    twice = Embeddings(pack(once))[np.arange(ROWS)]
    assert np.allclose(once, twice, rtol=2e-3, atol=1e-6)


def test_weights_that_are_at_4_bits_stay_there() -> None:
    """They come back as they were, from a quarter of the space that others take."""
    weights = Embeddings(pack(table()))[np.arange(ROWS)]
    kept = compact(weights)
    assert kept.nbytes == ROWS * (2 * BLOCK // 2 + 2 * 2)
    assert np.allclose(Embeddings(kept)[np.arange(ROWS)], weights, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("width", [2 * BLOCK, 2 * BLOCK + 1])
def test_other_weights_are_kept_in_float16(width: int) -> None:
    """What 4 bits would change is not taken to 4 bits, nor a width that blocks do not divide."""
    weights = table(width=width)
    embeddings = Embeddings(compact(weights))
    assert embeddings.width == width
    assert np.array_equal(embeddings[np.arange(ROWS)], weights.astype(np.float16).astype(np.float32))


def test_a_block_of_zeros_stays_zero() -> None:
    """Padding rows, all zero, come back as zero and not as not-a-number."""
    assert not Embeddings(pack(np.zeros((3, BLOCK), dtype=np.float32)))[np.array([0, 2])].any()


def test_a_look_up_keeps_the_shape_of_the_ids() -> None:
    """Windows of ids become windows of vectors, each the vector of its own id, repeated ids included."""
    embeddings = Embeddings(pack(table()))
    ids = np.array([[3, 1, 3], [0, 39, 1]])
    found = embeddings[ids]
    assert found.shape == (2, 3, 2 * BLOCK)
    assert found.dtype == np.float32
    for place in np.ndindex(ids.shape):
        assert np.array_equal(found[place], embeddings[ids[place].reshape(1)][0])


def test_an_id_beyond_the_table_is_an_error() -> None:
    """A tokenizer that does not belong to the table is found out."""
    with pytest.raises(IndexError):
        Embeddings(pack(table()))[np.array([ROWS])]


def test_a_saved_table_is_mapped(tmp_path: Path) -> None:
    """A saved table opens as a memory map of four bits a weight and one float16 a block."""
    np.save(tmp_path / "embeddings.npy", pack(table()))
    embeddings = Embeddings.open(tmp_path / "embeddings.npy")
    assert isinstance(embeddings._table, np.memmap)
    assert embeddings._table.nbytes == ROWS * (embeddings.width // 2 + embeddings.width // BLOCK * 2)
    assert len(embeddings) == ROWS


def test_an_odd_width_is_refused() -> None:
    """A width that blocks do not divide is an error that says so."""
    with pytest.raises(ValueError, match="multiple of 32"):
        pack(np.ones((2, 33), dtype=np.float32))
