from pathlib import Path

import numpy as np
import pytest

from recommender.core.errors import BundleError
from recommender.search.semantic.vectors import Int8Rows, VectorStore, unit

RNG = np.random.default_rng(0)
ROWS = unit(RNG.normal(size=(700, 24))).astype(np.float32)
KEYS = [i.to_bytes(16, "big") for i in range(len(ROWS))]


def test_what_was_added_is_found(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "store") as store:
        store.add(KEYS[:600], ROWS[:600])
        assert store.missing(KEYS) == set(KEYS[600:])
        store.add(KEYS[600:], ROWS[600:])
    with VectorStore(tmp_path / "store") as store:
        assert store.missing(KEYS) == set()
        order = RNG.permutation(len(KEYS))
        found = store.get([KEYS[i] for i in order])
    np.testing.assert_allclose(found, ROWS[order], atol=1e-3)
    assert found.dtype == np.float32


def test_others_are_removed(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "store") as store:
        store.add(KEYS, ROWS)
        store.keep(set(KEYS[5:]))
        assert store.missing(KEYS) == set(KEYS[:5])


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no database at all\n" * 100)
    with pytest.raises(BundleError, match=r"store: .*remove it and embed again"):
        VectorStore(tmp_path / "store")


def test_eight_bits_keep_the_cosines() -> None:
    rows = Int8Rows.of(ROWS)
    assert rows.values.nbytes == ROWS.nbytes // 4
    np.testing.assert_allclose(rows.floats(slice(None)), ROWS, atol=np.abs(ROWS).max() / 250)
    exact = ROWS[100:300] @ ROWS[0]
    np.testing.assert_allclose(rows.dot(ROWS[0], slice(100, 300)), exact, atol=0.01)


def test_a_row_of_zeros_stays_one() -> None:
    rows = Int8Rows.of(np.zeros((2, 3), dtype=np.float32))
    assert not rows.floats(np.array([0, 1])).any()
    assert not unit(np.zeros((2, 3))).any()
