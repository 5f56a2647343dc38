import numpy as np
import pytest

from recommender import Recommender
from recommender.core import text_folding
from recommender.models.content import ContentModel
from recommender.search import facts
from recommender.search.facts import FactSearch

TERMS = (
    *("cast:tom hanks", "decade:1990", "decade:2010", "genre:comedy", "genre:sci fi", "genre:war"),
    *("robot", "tag:robot", "war", "wars"),
)


def model(*movies: tuple[str, ...]) -> FactSearch:
    columns = [sorted(TERMS.index(term) for term in movie) for movie in movies]
    offsets = np.cumsum([0, *map(len, columns)])
    terms = np.array([column for movie in columns for column in movie], dtype=np.uint16)
    content = ContentModel(len(TERMS), offsets, terms, np.ones(len(terms), dtype=np.float32))
    return FactSearch(content, TERMS)


SEARCH = model(
    ("genre:sci fi", "robot", "tag:robot", "decade:1990"),
    ("genre:comedy", "decade:1990", "cast:tom hanks"),
    ("genre:war", "war", "decade:2010"),
    ("genre:sci fi", "genre:war", "wars", "decade:2010"),
    (),
    ("genre:comedy", "robot"),
)
COUNTS = np.array([1, 5, 3, 9, 20, 7], dtype=np.int32)


@pytest.mark.parametrize(
    ("text", "movies"),
    [
        ("robot", [5, 0]),  # the better known first; two columns of one name count once
        ("robot comedy", [5]),
        ("Sci-Fi", [3, 0]),  # a name of two words
        ("sci-fi robots and robot", [0]),
        ("1990s", [1, 0]),
        ("90s", [1, 0]),
        ("10s", [3, 2]),
        ("comedy of the nineties", [5, 1]),  # what is not known does not count
        ("tom hanks", [1]),
        ("war", [3, 2]),
        ("hanks", []),
        ("", []),
        ("nothing known", []),
    ],
)
def test_the_movies_that_hold_most_of_what_is_named(text: str, movies: list[int]) -> None:
    assert SEARCH.search(text, COUNTS, 10).tolist() == movies
    assert SEARCH.search(text, COUNTS, 1).tolist() == movies[:1]


def test_of_a_long_text_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[int] = []

    def fold(text: str) -> str:
        folded.append(len(text))
        return text_folding.fold(text)

    monkeypatch.setattr(facts, "fold", fold)
    assert SEARCH.search("war " + "x " * 500 + "comedy", COUNTS, 10).tolist() == [3, 2]
    assert folded == [text_folding.MAX_QUERY_LETTERS]


def test_a_catalogue_without_terms() -> None:
    empty = np.zeros(0, dtype=np.uint16)
    content = ContentModel(0, np.zeros(4, dtype=np.int64), empty, empty.astype(np.float32))
    assert FactSearch(content, []).search("war", np.ones(3), 5).tolist() == []


def test_the_sample_by_genre_and_decade(sample: Recommender) -> None:
    found = sample.search("sci-fi 1980s", 5, by="facts")
    assert found[0].title == "Star Wars: Episode V - The Empire Strikes Back"
    assert all("Sci-Fi" in movie.genres and 1980 <= (movie.year or 0) < 1990 for movie in found)
