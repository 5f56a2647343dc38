import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.search import SCHEMA, fold, title_query, title_row

TITLES = [
    ("The Matrix", 1999, 259),
    ("The Matrix Reloaded", 2003, 100),
    ("The Animatrix", 2003, 15),
    ("Amelie (Le Fabuleux destin d'Amélie Poulain)", 2001, 120),
    ("Up", 2009, 80),
    ("Up in the Air", 2009, 60),
    ("Superman", 1978, 90),
    ("기생충", 2019, 10),
    ("Star Wars: Episode IV - A New Hope", 1977, 291),
    ("War of the Stars", 2000, 1),
    ("100% Wolf_Man", 2020, 2),
    ("The", None, 1),
    ("A", 1998, 1),
]


def search(text: str, limit: int = 20) -> list[str]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    rows = (title_row(i, *movie) for i, movie in enumerate(TITLES))
    connection.executemany("INSERT INTO titles VALUES (?,?,?,?)", rows)
    query = title_query(text, limit)
    return [] if query is None else [TITLES[i][0] for (i,) in connection.execute(*query)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("matrix", ["The Matrix", "The Matrix Reloaded", "The Animatrix"]),
        ("MATRIX the", ["The Matrix", "The Matrix Reloaded", "The Animatrix"]),
        ("matrix 2003", ["The Matrix Reloaded", "The Animatrix"]),
        ("amélie", ["Amelie (Le Fabuleux destin d'Amélie Poulain)"]),
        ("poulain AMELIE", ["Amelie (Le Fabuleux destin d'Amélie Poulain)"]),
        ("up", ["Up", "Up in the Air", "Superman"]),
        ("wars star", ["Star Wars: Episode IV - A New Hope"]),
        ("war star", ["Star Wars: Episode IV - A New Hope", "War of the Stars"]),
        ("생충", ["기생충"]),
        ("기생충", ["기생충"]),
        ("100%", ["100% Wolf_Man"]),
        ("wolf_man", ["100% Wolf_Man"]),
        ("nothing like it", []),
        ("  ", []),
        ("!?", []),
    ],
)
def test_finds(text: str, found: list[str]) -> None:
    assert search(text) == found


def test_a_title_that_is_an_article_is_found_first() -> None:
    assert search("the")[0] == "The"
    assert search("a")[0] == "A"


def test_limit() -> None:
    assert len(search("a", 3)) == 3
    assert search("a", 0) == []


def test_fold() -> None:
    assert fold("  Amélie: Le FABULEUX—Destin  ") == "amelie le fabuleux destin"
    assert fold("기생충 (Parasite)") == "기생충 parasite"
    assert fold("Straße") == "strasse"


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=50))
def test_any_text_can_be_searched_for(text: str) -> None:
    search(text)


@given(st.sampled_from(TITLES), st.randoms())
def test_every_title_is_found_by_its_own_words_in_any_order(movie, random) -> None:
    words = movie[0].split()
    random.shuffle(words)
    assert movie[0] in search(" ".join(words))
