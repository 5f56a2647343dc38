"""What files of one's own ratings say: whose exports they are, scales, times, refusals."""

import pytest

from recommender import Recommender
from recommender.core.errors import ProfileError
from recommender.visitors.ratings_files import MAX_BYTES, MAX_ROWS, FileRating, from_file
from recommender.visitors.ratings_matching import match
from recommender.visitors.records import OwnRating
from tests.visitors.own_files import LETTERBOXD, SCALE, reason


@pytest.mark.parametrize(
    ("mark", "stars", "taken"),
    [
        ("saved", "", "saved"),
        (" Hidden ", "", "hidden"),
        ("saved", "4", 4.0),  # stars say more
        ("liked", "4", 4.0),
        ("liked", "", None),
        ("", "", None),
    ],
)
def test_a_mark_counts_where_there_are_no_stars(
    tiny: Recommender, mark: str, stars: str, taken: float | str | None
) -> None:
    matched = match(from_file(f"movieId,rating,mark\n3,{stars},{mark}\n".encode(), SCALE), tiny)
    found = [r.stars for r in matched.ratings] + [m.mark for m in matched.marks]
    assert found == ([] if taken is None else [taken])
    assert matched.file.unrated == (taken is None)
    assert len(matched.lines()) == (taken is None)


def test_movielens(tiny: Recommender) -> None:
    data = b"userId,movieId,rating,timestamp\n9,1,4.5,100\n9,77,2,100\n\n9,3,1,99999999999\n"
    matched = match(from_file(data, SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 4.5), (3, 1.0)]
    assert matched.ratings[0].given_at == 100
    assert 1_700_000_000 < matched.ratings[1].given_at < 10_000_000_000  # not in the future
    assert matched.missing == ["movieId 77"]


def test_letterboxd(tiny: Recommender) -> None:
    file = from_file(LETTERBOXD.encode(), SCALE)
    assert file.rows[0] == FileRating(None, "기생충", 2019, 4.5, 1_614_556_800)
    assert [row.stars for row in file.rows] == [4.5, 0.5, 3.0, 3.0]
    assert (file.source, file.unrated, file.scale) == ("Letterboxd", 1, None)
    matched = match(file, tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(2, 4.5), (4, 0.5)]
    assert matched.missing == ["No Such Movie (1980)", "Another *One*"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "file_columns"),
        ("1,3\n2,4\n", "file_columns"),
        ("actor,stars\n1,3\n", "file_columns"),
        ("movieId,userId\n1,3\n", "file_columns"),
        ('[{"listed_at": "2024-01-01", "movie": {"title": "A", "year": 2019}}]', "file_watchlist"),
        ('[{"collected_at": "2024-01-01", "movie": {"title": "A"}}]', "file_watchlist"),
        ("Position,Const,Created,Title,Year\n1,tt1,2020-01-01,A,2019\n", "file_watchlist"),
        ("Position,Const,Title,Year,Your Rating\n1,tt1,A,2019,\n", "file_watchlist"),
        ("movieId,rating\n1,4/5\n2,8/10\n", "file_row"),
        ("movieId,rating\n1,4/5\n2,4\n", "file_row"),
        ("movieId,rating\n1,6/5\n", "file_row"),
        ("[[1, 5], [2, 4]]", "file_kind"),
        (b"\x1f\x8b\x08\x00", "file_kind"),
        ("Book Id,Title,Author,My Rating\n1,A,B,3\n", "file_books"),
        ('{"movieId": 1', "file_kind"),
        ('{"movieId": 1}', "file_columns"),
        ("movieId,rating\n1,3\n".encode("utf-16")[:-1], "file_kind"),
        (b"PK\x03\x04\xff\xfe\x00", "file_zip"),
        ('movieId,rating\n"1"x,3\n', "file_kind"),
        ("movieId,rating\n1,3,4\n", "file_row"),
        ("movieId,rating\n1\n", "file_row"),
        ("movieId,rating\n1,good\n", "file_row"),
        ("movieId,rating\n1,0\n", "file_rating"),
        ("movieId,rating\n1,5.5\n", "file_rating"),
        ("movieId,rating\n1,inf\n", "file_row"),
        ("movieId,rating\n1,1e308\n", "file_row"),
        ("userId,movieId,rating\n1,1,3\n2,1,3\n", "file_people"),
        ("movieId,rating\n" + "1,3\n" * MAX_ROWS, "file_size"),
        ("movieId,rating\n" + "1,3" * MAX_BYTES, "file_size"),
    ],
)
def test_a_wrong_file_is_refused(data: str | bytes, why: str) -> None:
    assert reason(data) == why


NAMED = "movieId,title,year,rating\n2,기생충,2019,{}\n4,Amélie,2001,{}\n"


@pytest.mark.parametrize(
    ("first", "second", "stars"),
    [
        ("5/5", "3.5 / 5", (5, 3.5)),
        ("8/10", "2/10", (4, 1)),
        ("3/10", "2/10", (1.5, 1)),
        ("9 out of 10", "4.0 of 10.0", (4.5, 2)),
        ("100%", "20 %", (5, 1.4)),
        ("4 stars", "1 star", (4, 1)),
        ("★★★½", "★☆☆☆☆", (3.5, 1)),
        ("⭐️⭐️⭐️", "⭐", (3, 1)),
        ("👍🏽", "👎", (5, 0.5)),
        ("Liked", "disliked", (5, 0.5)),
        ("True", "False", (5, 0.5)),
        ('"=""4"""', '="3"', (4, 3)),
    ],
)
def test_ratings_in_signs_or_words(first: str, second: str, stars: tuple[float, float]) -> None:
    rows = from_file(NAMED.format(first, second).encode(), SCALE).rows
    assert [row.stars for row in rows] == pytest.approx(stars)


def test_kinopoisk(tiny: Recommender) -> None:
    text = (
        "№;русскоязычное название;оригинальное название;год;моя оценка;рейтинг IMDb;дата оценки\n"
        "1;Паразиты;기생충;2019;9;8.5;12.03.2024, 20:12\n"
        "2;Амели;Amelie;2001;2;8.3;15.03.2024, 00:00\n"
    )
    found = match(from_file(text.encode(), SCALE), tiny)
    assert found.stars == {2: 4.5, 4: 1.0}
    assert (found.file.source, found.file.scale) == ("Kinopoisk", (1.0, 10.0))
    assert found.ratings[1].given_at == 1710460800


@pytest.mark.parametrize(
    "header", ["Título;Año;Nota", "Titre;Année;Ma note", "Tytuł;Rok;Ocena", "Название;Год;Оценка"]
)
def test_exports_in_other_languages(tiny: Recommender, header: str) -> None:
    text = f"{header}\n기생충;2019;4,5\nAmélie;2001;1\n"
    assert match(from_file(text.encode(), SCALE), tiny).stars == {2: 4.5, 4: 1.0}


def test_what_letterboxd_calls_watched_and_what_is_to_be_seen(tiny: Recommender) -> None:
    data = b"Date,Name,Year,Letterboxd URI\n2024-03-15,Amelie,2001,x\n"
    found = match(from_file(data, SCALE, name="watched.csv"), tiny)
    mean = round(2 * tiny.statistics.mean_rating) / 2
    assert (found.stars, found.watched, found.file.source) == ({4: mean}, 1, "Letterboxd")
    for name in ("watchlist.csv", "watchlist-me.csv"):
        with pytest.raises(ProfileError, match="lists movies without your ratings"):
            from_file(data, SCALE, name=name)


def test_plays_are_no_rating(tiny: Recommender) -> None:
    text = "title,year,plays,date\nAmelie,2001,4,2024-03-15\n"
    assert reason(text) == "file_columns"


def test_the_error_names_row_value_and_scale() -> None:
    with pytest.raises(ProfileError, match=r"row 4: 6 is outside the scale 0\.5 to 5;") as error:
        from_file(b"movieId,rating\n1,3\n\n2,6\n", SCALE)
    assert error.value.values == {"row": 4, "value": "6", "low": "0.5", "high": "5"}


def letterboxd(*stars: float) -> str:
    rows = "".join(f"2021-03-01,A,2019,https://example.invalid/1,{one}\n" for one in stars)
    return "Date,Name,Year,Letterboxd URI,Rating\n" + rows


def csv_of(*stars: float) -> str:
    return "movieId,rating\n" + "".join(f"{i},{one}\n" for i, one in enumerate(stars))


IMDB = "Const,Your Rating,Title,Year\n"
HALVES = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5)


@pytest.mark.parametrize(
    ("text", "scale", "mapped", "own"),
    [
        (letterboxd(0.5, 4.5, 5), (1.0, 10.0), [1, 9, 10], (0.5, 5)),
        (letterboxd(0.5, 4.5, 5), (1.0, 5.0), [1, 4.5, 5], (0.5, 5)),
        (letterboxd(0.5, 4.5, 5), (0.0, 100.0), [0, 400 / 4.5, 100], (0.5, 5)),
        (IMDB + "tt1,9,A,2019\ntt2,1,B,2019\n", SCALE, [4.5, 0.5], (1, 10)),
        (IMDB + "tt1,9,A,2019\ntt2,1,B,2019\n", (1.0, 10.0), [9, 1], None),
        (csv_of(8, 3, 10, 7), SCALE, [4, 1.5, 5, 3.5], (1, 10)),
        (csv_of(80, 35, 100), SCALE, [4.1, 2.075, 5], (0, 100)),
        ("Title,Year,Rating10\nA,2019,4\n", SCALE, [2], (1, 10)),
        (csv_of(*HALVES), (1.0, 10.0), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], (0.5, 5)),
        (csv_of(3.5, 4), (1.0, 10.0), [3.5, 4], None),
        (csv_of(85), (0.0, 100.0), [85], None),
        (csv_of(*[3] * 9, 5), SCALE, [*[3] * 9, 5], None),
    ],
)
def test_the_scale_of_a_file_is_mapped_onto_that_of_the_catalogue(
    text: str, scale: tuple[float, float], mapped: list[float], own: tuple[float, float] | None
) -> None:
    file = from_file(text.encode(), scale)
    assert [row.stars for row in file.rows] == pytest.approx(mapped)
    assert file.scale == own


@pytest.mark.parametrize(
    "stars",
    [(4, 6), (0, 9), (*[3] * 9, 9), (-1, 8, 9), (8, 9, 101), (99,), (99, 99, 99), (3, 4, 99, 99)],
)
def test_a_wrong_rating_is_not_taken_for_another_scale(stars: tuple[float, ...]) -> None:
    assert reason(csv_of(*stars)) == "file_rating"


def test_of_a_long_cell_the_error_shows_the_beginning() -> None:
    with pytest.raises(ProfileError) as error:
        from_file(b'movieId,rating\n1,"a\n' + b"b" * 1000 + b'"\n', SCALE)
    assert str(error.value) == f"row 2: rating is a {'b' * 58}; mend the row"


@pytest.mark.parametrize("time", ["inf", "nan", "1e999", "2024-13-01", "today", "3/4/2024"])
def test_a_time_that_is_none_is_counted(time: str) -> None:
    file = from_file(f"movieId,rating,timestamp\n3,4,{time}\n4,4,\n5,4,7\n".encode(), SCALE)
    assert [row.given_at for row in file.rows] == [None, None, 7]
    assert file.unreadable_times == 1


def test_imdb(tiny: Recommender) -> None:
    text = (
        "Const,Your Rating,Date Rated,Title,Original Title,Title Type,Year\n"
        "tt1,9,2024-03-15,Parasite,기생충,Movie,2019\n"
        "tt2,10,2024-03-15,기생충,,TV Series,2019\n"
        "tt3,10,2024-03-15,기생충,,tvEpisode,2019\n"
        "tt4,,2024-03-15,Unrated,,Movie,2019\n"
        "tt5,3,2024-03-15,Elsewhere,,Movie,2019\n"
    )
    found = match(from_file(text.encode(), SCALE), tiny)
    assert found.ratings == [OwnRating(2, 4.5, 1710460800)]
    assert found.missing == ["Elsewhere (2019)"]
    assert found.file.series == ("기생충", "기생충")
    assert found.lines() == [
        "1 of 2 movies are not in the catalogue: Elsewhere (2019)",
        "2 series left out: 기생충; 기생충",
        "1 rows without a rating left out",
        "ratings from 1 to 10 mapped onto the catalogue's",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        "2024-03-20,기생충,2019,https://boxd.it/a,4.5,Yes,,2024-03-15\n",
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
        '2024-03-20,기생충,2019,https://boxd.it/a,4.5,,"Two ""lines"",\n2 stars",a,2024-03-15\n',
    ],
)
def test_letterboxds_diary_and_reviews(tiny: Recommender, text: str) -> None:
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing) == ([OwnRating(2, 4.5, 1710460800)], [])


def test_imdb_of_earlier_years_and_tmdb(tiny: Recommender) -> None:
    for text in (
        "position,const,created,modified,description,Title,Title type,Directors,You rated,IMDb "
        "Rating,Year\n1,tt1,Fri Mar 15 00:00:00 2024,,,기생충,Feature Film,X,9,8.6,2019\n",
        "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,"
        "Date Rated\n1,tt1,movie,기생충,2019-05-30T00:00:00Z,,,8.5,9,2024-03-15T00:00:00Z\n"
        "2,,tv,기생충,2019-05-30T00:00:00Z,,,8.5,9,2024-03-15T00:00:00Z\n",
    ):
        found = match(from_file(text.encode(), SCALE), tiny)
        assert found.stars == {2: 4.5}
        assert found.ratings[0].given_at == 1710460800


def test_trakt(tiny: Recommender) -> None:
    text = """[{"rated_at": "2024-03-15T00:00:00.000Z", "rating": 9, "type": "movie", "movie":
        {"title": "기생충", "year": 2019, "ids": {"trakt": 1, "slug": "a", "imdb": "tt1"}}},
        {"rated_at": "2024-03-15T00:00:00.000Z", "rating": 9, "type": "show", "show":
        {"title": "기생충", "year": 2019, "ids": {"trakt": 1}}}]"""
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing) == ([OwnRating(2, 4.5, 1710460800)], [])
    assert (found.file.source, found.file.series) == ("Trakt", ("기생충",))


WATCHED = (
    'Title,Date\n"기생충","3/15/24"\n"A Show: Season 1: 기생충","3/14/24"\n"Elsewhere","3/1/24"\n',
    """[{"plays": 1, "last_watched_at": "2024-03-15T00:00:00.000Z", "movie":
    {"title": "기생충", "year": 2019}}, {"plays": 3, "last_watched_at": "2024-03-15T00:00:00.000Z",
    "show": {"title": "A Show: Season 1: 기생충"}}, {"plays": 1, "last_watched_at": null, "movie":
    {"title": "Elsewhere", "year": null}}]""",
)


@pytest.mark.parametrize("text", WATCHED)
def test_titles_that_were_watched_count_as_the_mean(tiny: Recommender, text: str) -> None:
    found = match(from_file(text.encode(), SCALE), tiny)
    mean = round(2 * tiny.statistics.mean_rating) / 2
    assert found.ratings == [OwnRating(2, mean, 1710460800)]
    assert (found.missing, found.file.series) == (["Elsewhere"], ("A Show: Season 1: 기생충",))
    assert (found.watched, found.watched_stars) == (1, mean)


def test_movielens_org(tiny: Recommender) -> None:
    text = (
        "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n"
        "2,1,2,4.5,4.2,기생충 (2019)\n777,3,4,2.0,3.5,Elsewhere (1999)\n"
    )
    found = match(from_file(text.encode(), (1.0, 10.0)), tiny)
    assert found.stars == {2: 9.0}
    assert (found.file.source, found.missing) == ("movielens.org", ["Elsewhere (1999)"])


def test_simkl(tiny: Recommender) -> None:
    text = (
        "SIMKL_ID,Title,Type,Year,Watchlist,WatchedDate,Rating,TMDB,IMDB\n"
        "1,기생충,movie,2019,completed,2024-03-15,9,,tt1\n2,기생충,tv,2019,completed,,10,,\n"
    )
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.file.source, found.stars, found.file.series) == ("Simkl", {2: 4.5}, ("기생충",))


@pytest.mark.parametrize("header", ["Titel,Datum", "Título,Fecha", "제목,날짜"])
def test_netflix_in_other_languages(tiny: Recommender, header: str) -> None:
    found = match(from_file(f"{header}\n기생충,31.12.20\n".encode(), SCALE), tiny)
    assert (found.file.source, [one.movie_id for one in found.ratings]) == ("Netflix", [2])


def test_what_netflix_shows_beside_movies_is_not_watched(tiny: Recommender) -> None:
    text = (
        "Profile Name,Start Time,Title,Supplemental Video Type\n"
        "A,2024-03-15 20:00:00,기생충 (Trailer),TRAILER\nA,2024-03-15 20:00:00,기생충_hook,HOOK\n"
    )
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing, len(found.file.series)) == ([], [], 2)
