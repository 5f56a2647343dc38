import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from recommender.core.errors import SettingsError
from recommender.search.semantic.teacher import DEFAULT_MODEL, Teacher, model_folder
from tests.support.tiny_encoder import write_safetensors

TEXTS = [
    "A heist that goes wrong",
    "기생충 (Parasite), by Bong Joon-ho: naïve & poor!",
    "heist",
]
# What sentence-transformers makes of them with PyTorch: the first numbers, and the cosines.
REFERENCE = [
    [-0.016624, 0.05532, -0.048637, 0.00625, -0.066088, -0.005933],
    [-0.08343, 0.136084, 0.041708, 0.030963, 0.003923, -0.049874],
    [-0.013214, 0.085652, -0.065378, 0.01092, 0.01174, 0.035313],
]
COSINES = [[1, 0.041027, 0.755235], [0.041027, 1, 0.018294], [0.755235, 0.018294, 1]]


def test_the_vectors_are_those_of_sentence_transformers() -> None:
    try:
        folder = model_folder(DEFAULT_MODEL)
    except SettingsError as error:
        pytest.skip(str(error))
    vectors = Teacher(folder).encode(TEXTS)
    np.testing.assert_allclose(vectors[:, :6], REFERENCE, atol=2e-6)
    np.testing.assert_allclose(vectors @ vectors.T, COSINES, atol=2e-6)


def test_a_batch_gives_what_each_text_gives(tiny_model: Path) -> None:
    teacher = Teacher(tiny_model)
    texts = ["a", "two words", "many more words, of different lengths", "x" * 90]
    together = teacher.encode(texts)
    assert together.shape == (4, teacher.dimensions)
    for row, text in zip(together, texts, strict=True):
        np.testing.assert_allclose(row, teacher.encode([text])[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_a_long_text_is_cut(tiny_model: Path) -> None:
    teacher = Teacher(tiny_model)
    long = "abcde " * 100
    assert len(teacher.tokens(long)) == 128
    np.testing.assert_array_equal(teacher.encode([long]), teacher.encode([long + "more"]))


def test_the_fingerprint_is_that_of_the_weights(tiny_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
    assert Teacher(copy).fingerprint == Teacher(tiny_model).fingerprint
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "model.safetensors").write_bytes(data)
    assert Teacher(copy).fingerprint != Teacher(tiny_model).fingerprint


def test_where_a_model_is_not(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(SettingsError, match=r"no_such_model: neither a folder nor.*pip install"):
        model_folder("no_such_model")
    with pytest.raises(SettingsError, match=r"has no model\.safetensors"):
        model_folder(str(tmp_path))
    assert model_folder(str(tiny_model)) == tiny_model


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("config.json", json.dumps({"model_type": "gpt2"}), "not a BERT model"),
        ("config.json", "no JSON", "config.json cannot be read"),
        ("vocab.txt", "a\nb", r"vocab.txt: has no \[UNK\]"),
        ("model.safetensors", "", "not a safetensors file"),
        ("model.safetensors", "a" * 100, "not a safetensors file"),
    ],
)
def test_a_model_that_cannot_be_used(
    tiny_model: Path, tmp_path: Path, file: str, text: str, said: str
) -> None:
    copy = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
    (copy / file).write_text(text)
    with pytest.raises(SettingsError, match=said):
        Teacher(copy)


def test_weights_of_another_kind(tiny_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
    write_safetensors(copy / "model.safetensors", {"other": np.zeros(3, dtype="<f4")})
    with pytest.raises(SettingsError, match="holds no 32-bit BERT weights"):
        Teacher(copy)
