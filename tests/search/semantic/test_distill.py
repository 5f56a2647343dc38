from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.search.semantic.distill import english, vocabulary, write_light_encoder
from recommender.search.semantic.encoder import LightEncoder
from recommender.search.semantic.teacher import Teacher
from recommender.search.semantic.vectors import unit

COMMON = {"the": 0.05, "don't": 0.001, "heist": 2e-6, "기생충": 1e-6, "w" * 40: 1e-6}


def test_english_knows_common_words() -> None:
    pytest.importorskip("wordfreq")
    found = english()
    assert found["the"] > found["movie"] > found["heist"] > 0
    assert 20_000 < len(found) < 40_000


def test_words_of_english_and_of_the_texts(tiny_model: Path) -> None:
    texts = ["Zebra, the heist", "zebra 1995"]
    known = vocabulary(texts, COMMON, Teacher(tiny_model))
    # No signs, nothing in two parts, nothing too long, and nothing that the model cannot read.
    assert known == ["1995", "heist", "the", "zebra"]


def test_what_is_written_is_what_encodes(tmp_path: Path) -> None:
    known = ["heist", "the", "zebra"]
    rows = unit(np.random.default_rng(0).normal(size=(3, 8))).astype(np.float32)
    with BundleWriter(tmp_path / "index") as writer:
        write_light_encoder(writer, known, lambda some: rows[[*map(known.index, some)]], COMMON)
        writer.commit({})
    encoder = LightEncoder.from_bundle(Bundle.open(tmp_path / "index"))
    vectors = encoder.encode(["Zebra!", "a heist: the heist", "nothing known", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], rows[2], atol=0.01)
    weights = np.array([2e-3 / (1e-3 + 2e-6), 1e-3 / (1e-3 + 0.05)])
    np.testing.assert_allclose(vectors[1], unit(weights @ rows[:2]), atol=0.01)
    assert not vectors[2:].any()
