from typing import Any

import pytest

from recommender.dataset.movie_rows import MAX_TAGS, movie_row, split_list

EMPTY = dict.fromkeys(
    [
        *("title", "genres", "year", "plot", "tags", "country", "runtime", "cast", "user_tags"),
        *("imdb_id", "tmdb_id"),
    ]
)


def row(**raw: Any) -> dict[str, Any]:
    return movie_row({"movie_id": 7, **EMPTY, **raw})


def test_year_and_article_come_out_of_the_title() -> None:
    found = row(title="Matrix, The  (1999)")
    assert (found["title"], found["year"]) == ("The Matrix", 1999)


@pytest.mark.parametrize("year", ["1999", "1999.0", "1999-03-31", "31-Mar-1999"])
def test_year_column(year: str) -> None:
    found = row(title="Matrix, The (1999)", year=year)
    assert (found["title"], found["year"]) == ("The Matrix", 1999)


def test_year_column_that_differs_leaves_the_title() -> None:
    found = row(title="Blade Runner (2049)", year="2017")
    assert (found["title"], found["year"]) == ("Blade Runner (2049)", 2017)


@pytest.mark.parametrize("year", [None, "soon", "0", "19999"])
def test_no_year(year: str | None) -> None:
    assert row(title="Hyena Road", year=year)["year"] is None


@pytest.mark.parametrize("title", [None, "\t "])
def test_without_a_title(title: str | None) -> None:
    assert row(title=title)["title"] == "Movie 7"


@pytest.mark.parametrize("text", ["Drama|Film-Noir", "Drama; Film-Noir;", "Drama, Film-Noir,Drama"])
def test_genres(text: str) -> None:
    assert row(genres=text)["genres"] == ["Drama", "Film-Noir"]


@pytest.mark.parametrize("text", [None, "(no genres listed)", "unknown", "|"])
def test_no_genres(text: str | None) -> None:
    assert row(genres=text)["genres"] == []


def test_an_item_of_a_list_may_hold_the_weaker_delimiters() -> None:
    assert split_list("Food, Wine & Sex|") == ["Food, Wine & Sex"]


def test_own_tags_come_before_those_of_users() -> None:
    found = row(tags="heist;Paris", user_tags=["paris", "slow", *map(str, range(30))])
    assert found["tags"][:3] == ["heist", "Paris", "slow"]
    assert len(found["tags"]) == MAX_TAGS


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("142", 142), ("142.0", 142), ("90 min", 90), ("0", None), ("long", None), (None, None)],
)
def test_runtime(text: str | None, minutes: int | None) -> None:
    assert row(runtime=text)["runtime"] == minutes


def test_cast_and_country_are_shown_with_commas() -> None:
    found = row(cast="Song Kang-ho|Lee Sun-kyun|", country="South Korea")
    assert found["cast"] == "Song Kang-ho, Lee Sun-kyun"
    assert found["country"] == "South Korea"
