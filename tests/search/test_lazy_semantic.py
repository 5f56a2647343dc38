import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.core.errors import BundleError
from recommender.core.records import Id
from recommender.search.lazy_semantic import LazySemanticSearch
from recommender.search.semantic.embed import embed
from recommender.settings.environment import Settings
from tests.conftest import ROOT

N = 5
NEW = """
import sys, recommender
matinee = recommender.Recommender.open(sys.argv[1])
matinee.search("movie")
assert matinee.semantic.available
assert not [name for name in sys.modules if name.startswith("recommender.search.semantic")]
assert matinee.search("a war movie", 3, by="semantic")
assert "recommender.search.semantic.semantic_search" in sys.modules
assert not set(sys.modules) & {"torch", "onnxruntime", "tokenizers", "wordfreq", "scipy"}
"""


def found(semantic: LazySemanticSearch, text: str) -> list[Id]:
    return semantic.search(text, N, lambda movie_id: 0.0)


def mapped(path: Path) -> list[str]:
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(path) in line]


def test_nothing_of_it_is_imported_before_the_first_search(embedded_bundle: Path) -> None:
    command = [sys.executable, "-c", NEW, str(embedded_bundle)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_search_opens_it_and_unloading_lets_go_of_it(embedded_bundle: Path) -> None:
    semantic = LazySemanticSearch(embedded_bundle)
    assert (semantic.available, semantic.loaded) == (True, False)
    first = found(semantic, "a war movie")
    assert len(first) == 5
    assert semantic.loaded
    assert mapped(embedded_bundle / "semantic")
    semantic.unload()
    assert not semantic.loaded
    assert not mapped(embedded_bundle / "semantic")
    assert found(semantic, "a war movie") == first
    semantic.unload()


def test_the_recommender_finds_movies_by_it(embedded_bundle: Path) -> None:
    matinee = Recommender.open(embedded_bundle)
    movies = matinee.search("a war movie", N, by="semantic")
    assert [m.movie_id for m in movies] == matinee.semantic.search(
        "a war movie", N, matinee._finder.fame
    )
    with pytest.raises(
        ValueError, match="by is 'sound'; it must be one of title, facts, words, semantic"
    ):
        matinee.search("x", by="sound")  # type: ignore[arg-type]


def test_of_those_that_fit_equally_the_better_known_comes_first(embedded_bundle: Path) -> None:
    semantic = LazySemanticSearch(embedded_bundle)
    plain = found(semantic, "a war movie")
    known = semantic.search("a war movie", N, lambda movie_id: float(movie_id == plain[1]))
    assert known[0] == plain[1]
    gone = semantic.search("a war movie", N, lambda i: None if i == plain[0] else 0.0)
    assert gone[: N - 1] == plain[1:]
    assert len(gone) == N


def test_without_vectors_it_says_how_to_make_them(tiny: Recommender) -> None:
    assert not tiny.semantic.available
    with pytest.raises(BundleError, match="no semantic index; make it with `matinee embed"):
        tiny.search("war", by="semantic")
    assert not tiny.semantic.loaded


def test_new_vectors_take_the_place_of_the_old(
    embedded_bundle: Path, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bundle"
    shutil.copytree(embedded_bundle, path)
    semantic = LazySemanticSearch(path)
    before = semantic.load()
    assert semantic.load() is before
    embed(path, str(tiny_model))
    after = semantic.load()
    assert after is not before
    del before
    assert not [line for line in mapped(path) if line.endswith("(deleted)")]


def test_the_encoder_is_the_one_that_was_set(embedded_bundle: Path) -> None:
    light = Recommender.open(embedded_bundle)
    full = Recommender.open(embedded_bundle, Settings(semantic_encoder="full"))
    assert full.semantic.max_bytes > light.semantic.max_bytes
    query = "a war movie"
    assert found(full.semantic, query) != found(light.semantic, query)


def test_many_may_search_while_it_is_unloaded_again_and_again(embedded_bundle: Path) -> None:
    semantic = LazySemanticSearch(embedded_bundle)
    right, wrong = found(semantic, "a war movie"), []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            if (answer := found(semantic, "a war movie")) != right:
                wrong.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        semantic.unload()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
