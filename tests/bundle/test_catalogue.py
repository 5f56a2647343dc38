import threading
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.catalogue import Catalogue, MovieText, write_catalogue
from recommender.core.errors import BundleError

MOVIES = [
    MovieText(10, "Toy Story", 1995, ("Animation",), "Toys.", ("pixar",), "USA", 81, "Tom Hanks"),
    MovieText(2, "기생충", 2019, titles={"en": "Parasite", "ja": "パラサイト"}),
    MovieText(33, "Untitled", None),
]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "catalogue.sqlite"
    movies = zip(MOVIES, [5, 9, 0], strict=True)
    write_catalogue(path, movies, [(1, 3), (7, 11)], ["a", "b"])
    return Catalogue(path)


def test_movies_come_in_the_order_asked_for(catalogue: Catalogue) -> None:
    assert catalogue.movies([2, 0, 2]) == [MOVIES[2], MOVIES[0], MOVIES[2]]
    assert catalogue.movies([]) == []
    assert catalogue.languages() == ["en", "ja"]
    assert catalogue.has_descriptions


def test_ids(catalogue: Catalogue) -> None:
    assert catalogue.movie_ids() == [10, 2, 33]
    assert catalogue.user_ids() == [1, 7]
    assert catalogue.user_ids(1) == [1]
    assert list(catalogue.each_user_id()) == [1, 7]
    assert catalogue.terms() == ["a", "b"]


def test_movies_by_their_cast(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    casts = [
        "Penélope Cruz, Tom Hanks",
        "J.K. Simmons|Tom Hanks Jr.",
        "송강호; Tim Allen",
        None,
    ]
    movies = [(MovieText(i, "A", cast=cast), 0) for i, cast in enumerate(casts)]
    write_catalogue(path, movies, [], [])
    catalogue = Catalogue(path)
    found = {"tom hanks": [0], "penelope cruz": [0], "j k simmons": [1], "송강호": [2], "tom": []}
    assert {name: catalogue.with_cast(name) for name in found} == found
    assert not catalogue.has_descriptions


def test_user_ids_come_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.bundle.catalogue._PAGE", 2)
    path = tmp_path / "catalogue.sqlite"
    write_catalogue(path, [], [("b", 1), ("a", 1), ("d", 1), ("c", 1)], [])
    assert list(Catalogue(path).each_user_id()) == ["b", "a", "d", "c"]


@pytest.mark.parametrize(
    "movie_id", [33, "33", 33.0, "33.0", np.int32(33), np.uint64(33), np.float32(33)]
)
def test_index_by_number_or_text(catalogue: Catalogue, movie_id) -> None:
    assert catalogue.movie_index(movie_id) == 2
    assert catalogue.user_index("7") == 1
    assert catalogue.user_index(np.float64(7)) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "movie_id",
    [
        *(4, "x", "", "033", "033.0", 33.5, "33.", "33.0\n", "-", "²", "1 OR 1=1"),
        *(10**30, "9" * 40, float("nan"), float("inf"), None, True),
    ],
)
def test_index_of_what_is_not_there(catalogue: Catalogue, movie_id) -> None:
    assert catalogue.movie_index(movie_id) is None


def test_text_ids(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    write_catalogue(path, [(MovieText("007", "Bond"), 0)], [("가", 1)], [])
    catalogue = Catalogue(path)
    assert catalogue.movie_index("007") == 0
    assert catalogue.movie_index(7) is None
    assert catalogue.user_index("가") == 0


def test_a_float_spelt_out_in_the_bundle_is_found_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    write_catalogue(path, [(MovieText("7", "a"), 0), (MovieText("7.0", "b"), 0)], [], [])
    catalogue = Catalogue(path)
    assert [catalogue.movie_index(one) for one in ("7", "7.0", "7.00")] == [0, 1, 0]


def test_many_threads(catalogue: Catalogue) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(200):
                assert catalogue.movies([0, 1, 2]) == MOVIES
                assert catalogue.movie_index(2) == 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(BundleError, match=r"c\.sqlite"):
        Catalogue(path).movie_ids()
