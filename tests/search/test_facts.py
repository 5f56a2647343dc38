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
    return FactSearch(content, TERMS, lambda name: [5, 4] if name == "meg ryan" else [])


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
        ("robot", [0]),  # a tag; as a word alone it is no fact
        ("Sci-Fi", [3, 0]),  # a name of two words
        ("scifi 90s movies", [0]),
        ("science fiction of the nineties", [0]),
        ("1990s", [1, 0]),
        ("90's", [1, 0]),
        ("10s", [3, 2]),
        ("90년대 코미디 영화", [1]),
        ("tom hanks", [1]),
        ("tom hanks 2010s", []),  # all must be true
        ("meg ryan comedies", [5]),  # no term, but the catalogue has the name
        ("meg ryan hanks", []),
        ("war", [3, 2]),
        ("rom-com", []),  # no movie here is a romance
        ("comedy of errors", []),  # something else is said
        ("", []),
        ("the movie", []),
    ],
)
def test_the_movies_of_which_all_is_true(text: str, movies: list[int]) -> None:
    assert SEARCH.search(text, COUNTS, 10).tolist() == movies
    assert SEARCH.search(text, COUNTS, 1).tolist() == movies[:1]


@pytest.mark.parametrize(
    ("text", "movies"),
    [
        ("robot", [0]),  # a fact comes before the word
        ("wars", [3]),
        ("wars robots sci fi", [3]),  # what is not known does not count
        ("wars and a robot", []),  # a fact must be true
        ("sci-fi", [3, 0]),
        ("hanks", []),
        ("nothing known", []),
        ("", []),
    ],
)
def test_the_movies_that_hold_most_words(text: str, movies: list[int]) -> None:
    assert SEARCH.search_words(text, COUNTS, 10).tolist() == movies


@pytest.mark.parametrize(
    ("text", "known"),
    [("scifi 90s", True), ("the comedies", True), ("wars", False), ("comedy errors", False)],
)
def test_a_text_that_is_all_facts(text: str, known: bool) -> None:
    assert SEARCH.is_all_known(text) is known


def test_two_genres_have_one_name() -> None:
    terms = ("genre:comedy", "genre:romance", "genre:science fiction")
    rows = np.array([0, 0, 1, 1, 2], dtype=np.uint16)
    content = ContentModel(3, np.array([0, 1, 3, 4, 5]), rows, np.ones(5, dtype=np.float32))
    search = FactSearch(content, terms)
    for text in ("rom-com", "romantic comedies", "로맨틱 코미디", "로코"):
        assert search.search(text, np.ones(4), 9).tolist() == [1]
    assert search.search("sf", np.ones(4), 9).tolist() == [3]


def test_of_a_long_text_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[int] = []

    def fold(text: str) -> str:
        folded.append(len(text))
        return text_folding.fold(text)

    monkeypatch.setattr(facts, "fold", fold)
    assert SEARCH.search_words("war " + "x " * 500 + "comedy", COUNTS, 10).tolist() == [3, 2]
    assert folded == [text_folding.MAX_QUERY_LETTERS]


def test_a_catalogue_without_terms() -> None:
    empty = np.zeros(0, dtype=np.uint16)
    content = ContentModel(0, np.zeros(4, dtype=np.int64), empty, empty.astype(np.float32))
    assert FactSearch(content, []).search("war", np.ones(3), 5).tolist() == []


def test_the_sample_by_genre_and_decade(sample: Recommender) -> None:
    found = sample.search("sci-fi 1980s", 5, by="facts")
    assert found[0].title == "Star Wars: Episode V - The Empire Strikes Back"
    assert all("Sci-Fi" in movie.genres and 1980 <= (movie.year or 0) < 1990 for movie in found)


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("scifi 80s", {"Sci-Fi"}),
        ("rom-com", {"Romance", "Comedy"}),
        ("로맨틱 코미디", {"Romance", "Comedy"}),
        ("animated musicals", {"Animation", "Musical"}),
    ],
)
def test_the_sample_finds_what_is_said(sample: Recommender, text: str, genres: set[str]) -> None:
    found = sample.search(text, 20, by="facts")
    assert len(found) == 20
    assert all(genres <= set(movie.genres) for movie in found)
    if "80s" in text:
        assert {(movie.year or 0) // 10 for movie in found} == {198}


@pytest.mark.parametrize("text", ["tom hanks", "a heist that goes wrong", "biopic"])
def test_the_sample_says_that_nothing_fits(sample: Recommender, text: str) -> None:
    assert not sample.has_descriptions
    assert not sample.search(text, by="facts")
    assert not sample.search(text, by="words")
