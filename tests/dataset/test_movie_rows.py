from typing import Any

import pytest

from recommender.dataset.movie_rows import MAX_TAGS, movie_row

EMPTY = dict.fromkeys(
    [
        *("title", "genres", "year", "plot", "tags", "country", "runtime", "cast", "user_tags"),
        *("imdb_id", "tmdb_id", "titles", "given_titles", "poster"),
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


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *(("1h 30m", 90), ("1 hr 30 min", 90), ("1:30", 90), ("01:30:00", 90), ("2h", 120)),
        *(("PT1H30M", 90), ("PT90M", 90), ("90'", 90), ("1시간 30분", 90), ("2 hours", 120)),
        *(("PT", None), ("h", None), (":", None), ("90 pages", None), ("1h30x", None)),
    ],
)
def test_runtimes_and_years_of_any_form(text: str, minutes: int | None) -> None:
    assert row(runtime=text)["runtime"] == minutes
    assert row(year="19990131")["year"] == 1999
    assert row(year="19991399")["year"] is None


def test_cast_and_country_are_shown_with_commas() -> None:
    found = row(cast="Song Kang-ho|Lee Sun-kyun|", country="South Korea")
    assert found["cast"] == "Song Kang-ho, Lee Sun-kyun"
    assert found["country"] == "South Korea"


def test_json_and_entities_in_the_texts() -> None:
    names = [f"Actor {number}" for number in range(200)]
    found = row(
        title="Gintama&#039;",
        plot="Rock &amp; Roll",
        country="[{'iso': 'US', 'name': 'United States'}, {'iso': 'GB', 'name': 'United Kingdom'}]",
        cast=str([{"cast_id": 1, "name": name} for name in names]),
        user_tags=["r&amp;b"],
    )
    assert (found["title"], found["plot"]) == ("Gintama'", "Rock & Roll")
    assert found["country"] == "United States, United Kingdom"
    assert found["cast"].startswith("Actor 0, Actor 1, ")
    assert 900 < len(found["cast"]) < 1300
    assert found["tags"] == ["r&b"]


@pytest.mark.parametrize("text", ["nan", "None", "\\N", "[]", "N/A"])
def test_words_for_nothing(text: str) -> None:
    found = row(plot=text, country=text, cast=text, tags=text)
    assert [found[name] for name in ("plot", "country", "cast", "tags")] == [None, None, None, []]


def test_a_title_is_called_none_only_by_its_id() -> None:
    assert row(title="\\N")["title"] == "Movie 7"
    assert row(title="None")["title"] == "None"


def test_a_plot_in_paragraphs_is_one_text() -> None:
    assert row(plot='["A man waits.", "It rains."]')["plot"] == "A man waits. It rains."
    assert row(plot='["Rec"] is on the cover.')["plot"] == '["Rec"] is on the cover.'


def test_titles_in_other_languages() -> None:
    own = '{"ko": "히트 (1995)", "fr": "Heat &amp; Co", "ja": "nan", "de": null}'
    given = ['{"ko": "더 히트"}', '{"ko": "나중", "it": "Sfida, La"}']
    assert row(titles=own, year="1995")["titles"] == [("fr", "Heat & Co"), ("ko", "히트")]
    found = row(titles=own, given_titles=given)["titles"]
    assert found == [("fr", "Heat & Co"), ("it", "La Sfida"), ("ko", "더 히트")]
