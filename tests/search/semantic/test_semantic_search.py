import ast
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.core.errors import BundleError
from recommender.search.semantic import open_semantic
from recommender.search.semantic.encoder import LightEncoder
from recommender.search.semantic.semantic_search import SHARES, SemanticSearch
from recommender.search.semantic.teacher import Teacher
from recommender.search.semantic.vectors import Int8Rows, unit
from tests.conftest import ROOT

N_MOVIES = 5000  # more than a block
WORDS = ["heist", "robot", "space", "wedding"]


@pytest.fixture(scope="module")
def bundle(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index of random vectors."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("searched")
    teacher = Teacher(tiny_model)
    with BundleWriter(path / "semantic") as writer:
        table = Int8Rows.of(teacher.encode(WORDS))
        for name, rows in (
            ("word_vectors", table),
            *(
                (f"movies_{kind}", Int8Rows.of(unit(rng.normal(size=(N_MOVIES, 16)))))
                for kind in ("full", "light")
            ),
        ):
            writer.save_array(name, rows.values)
            writer.save_array(f"{name}_scales", rows.scales.astype(np.float32))
        words = np.array([word.encode() for word in WORDS])
        LightEncoder(words, table, np.ones(len(WORDS), dtype=np.float32)).save(writer)
        writer.save_array("ids", np.arange(N_MOVIES) * 10)
        writer.commit({"model": str(tiny_model)})
    return path


@pytest.mark.parametrize("encoder", ["light", "full"])
def test_the_best_of_all(bundle: Path, tiny_model: Path, encoder) -> None:
    query = "a heist in space"
    index = Bundle.open(bundle / "semantic")
    light = LightEncoder.from_bundle(index).encode([query])[0]
    full = light if encoder == "light" else Teacher(tiny_model).encode([query])[0]
    shares = SHARES[encoder]
    scores = sum(
        share * (Int8Rows.from_bundle(index, f"movies_{kind}").floats(slice(None)) @ vector)
        for share, kind, vector in zip(shares, ("full", "light"), (full, light), strict=True)
    ) / sum(shares)
    best = np.argsort(-scores)[:25]
    found = open_semantic(bundle, encoder).search(query, 25)
    assert [movie for movie, _ in found] == (10 * best).tolist()
    np.testing.assert_allclose([score for _, score in found], scores[best], atol=1e-5)
    assert all(type(movie) is int for movie, _ in found)


def test_nothing_to_look_for(bundle: Path) -> None:
    search = open_semantic(bundle)
    for text in ("", "  ?!", "unheard of", "기생충"):
        assert search.search(text) == []
    assert search.search("robot", 0) == []


def test_a_query_without_end(bundle: Path) -> None:
    search = open_semantic(bundle, "full")
    assert search.search("robot " * 100_000) == search.search("robot " * 10_000)


def test_more_than_there_are(bundle: Path) -> None:
    assert len(open_semantic(bundle).search("robot", N_MOVIES + 5)) == N_MOVIES


def test_shares(bundle: Path) -> None:
    index = Bundle.open(bundle / "semantic")
    light = Int8Rows.from_bundle(index, "movies_light")
    vector = LightEncoder.from_bundle(index).encode(["wedding"])[0]
    found = SemanticSearch(index, shares=(0, 1)).search("wedding", 1)
    assert found[0][0] == 10 * int(np.argmax(light.floats(slice(None)) @ vector))


def test_what_a_question_needs(bundle: Path) -> None:
    light, full = (open_semantic(bundle, encoder).max_bytes for encoder in ("light", "full"))
    assert 0 < light < full < 2**24


def test_closed(bundle: Path) -> None:
    search = open_semantic(bundle)
    search.close()
    with pytest.raises(BundleError, match="closed"):
        search.search("robot")


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no semantic index; make it with `matinee embed"):
        open_semantic(tmp_path)


def test_a_damaged_index(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    file = Bundle.open(copy / "semantic").file("word_vectors.npy")
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    with pytest.raises(BundleError, match=r"index cannot be used; make it with `matinee embed"):
        open_semantic(copy)


def test_what_a_server_loads(bundle: Path) -> None:
    code = (
        "import sys; from recommender.search.semantic import open_semantic\n"
        "for encoder in ('light', 'full'):\n"
        f"    open_semantic({str(bundle)!r}, encoder).search('robot')\n"
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    heavy = {"pandas", "pyarrow", "scipy", "sklearn", "duckdb", "PIL", "wordfreq", "tokenizers"}
    assert not heavy & ast.literal_eval(loaded)
