import csv
import gzip
import io
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import DataError, Recommender, read_ratings
from recommender.core.errors import ProfileError
from recommender.core.records import Id, Movie, Results
from recommender.visitors.ratings_files import MAX_BYTES, MAX_ROWS, FileRating, from_file
from recommender.visitors.ratings_matching import match, to_csv
from recommender.visitors.records import MARKS, OwnMark, OwnRating, VisitorRatings

SCALE = (0.5, 5.0)
LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2021-03-01,기생충,2019,https://example.invalid/1,4.5
2021-03-02,"Amelie",2001,https://example.invalid/2,0.5
2021-03-03,No Such Movie,1980,https://example.invalid/3,3
2021-03-04,Another *One*,,https://example.invalid/4,3
2021-03-05,Movie number 10,1960,https://example.invalid/5,
"""


def reason(data: bytes | str, scale: tuple[float, float] = SCALE) -> str:
    """Return why the file is refused."""
    with pytest.raises(ProfileError) as error:
        from_file(data.encode() if isinstance(data, str) else data, scale)
    assert "\n" not in str(error.value)
    return error.value.reason


def zipped(members: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_an_export_may_come_as_the_archive_that_it_is(tmp_path: Path, tiny: Recommender) -> None:
    other = LETTERBOXD.replace("4.5", "1")
    data = zipped({"deleted/ratings.csv": other, "diary.csv": other, "ratings.csv": LETTERBOXD})
    assert from_file(data, SCALE) == from_file(LETTERBOXD.encode(), SCALE)
    path = tmp_path / "letterboxd-export.zip"
    path.write_bytes(data)
    assert read_ratings(path, tiny).file.source == "Letterboxd"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped({"xl/workbook.xml": ""}), "file_zip"),
        (zipped({"ratings.csv": LETTERBOXD}, zipfile.ZIP_LZMA), "file_zip"),
        (zipped({"ratings.csv": LETTERBOXD})[:-30], "file_zip"),
        (zipped({"ratings.csv": "movieId,rating\n" + "1,5\n" * 2**20}), "file_size"),
        (zipped({"ratings.csv": "a,b\n"}), "file_columns"),
    ],
)
def test_archives_without_ratings_are_refused(data: bytes, why: str) -> None:
    assert reason(data) == why


def rated(movie_id: str | int) -> st.SearchStrategy[OwnRating]:
    return st.builds(OwnRating, st.just(movie_id), st.floats(*SCALE), st.integers(0, 1_700_000_000))


def said(movie_id: int) -> st.SearchStrategy[OwnRating | OwnMark]:
    marked = st.builds(
        OwnMark, st.just(movie_id), st.sampled_from(MARKS), st.integers(0, 1_700_000_000)
    )
    return rated(movie_id) | marked


@given(st.sets(st.integers(1, 60)).flatmap(lambda ids: st.tuples(*map(said, sorted(ids)))))
def test_what_goes_out_comes_in_again(
    tiny: Recommender, opinions: tuple[OwnRating | OwnMark, ...]
) -> None:
    own = VisitorRatings(
        [one for one in opinions if isinstance(one, OwnRating)],
        [one for one in opinions if isinstance(one, OwnMark)],
    )
    matched = match(from_file(to_csv(own, tiny), SCALE), tiny)
    assert (matched.ratings, matched.marks) == (own.ratings, own.marks)
    assert (matched.missing, matched.watched, matched.file.unrated) == ([], 0, 0)


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


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ids_may_hold_anything(tiny: Recommender, movie_id: str) -> None:
    (row,) = from_file(to_csv(VisitorRatings([OwnRating(movie_id, 4.0, 5)]), tiny), SCALE).rows
    assert (row.movie_id, row.stars, row.given_at) == (movie_id, 4.0, 5)


@given(
    st.binary() | st.text().map(lambda text: f"movieId,rating\n{text}".encode("utf-8", "replace"))
)
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        rows = from_file(data, SCALE).rows
    except ProfileError:
        return
    assert all(row.stars is None or SCALE[0] <= row.stars <= SCALE[1] for row in rows)


def test_the_file_has_the_columns_of_movielens_and_the_title(tiny: Recommender) -> None:
    ratings = [OwnRating(2, 4, 1_500_000_000), OwnRating(4, 3.5, 7)]
    data = to_csv(VisitorRatings(ratings, [OwnMark(3, "seen", 8)]), tiny)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["userId", "movieId", "rating", "timestamp", "title", "mark"],
        ["1", "2", "4.0", "1500000000", "기생충", ""],
        ["1", "4", "3.5", "7", tiny.movie(4).title, ""],
        ["1", "3", "", "8", tiny.movie(3).title, "seen"],
    ]


def test_movielens(tiny: Recommender) -> None:
    data = b"userId,movieId,rating,timestamp\n9,1,4.5,100\n9,77,2,100\n\n9,3,1,99999999999\n"
    matched = match(from_file(data, SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 4.5), (3, 1.0)]
    assert matched.ratings[0].given_at == 100
    assert 1_700_000_000 < matched.ratings[1].given_at < 10_000_000_000  # not in the future
    assert matched.missing == ["movieId 77"]


def test_a_missing_movie_is_named_by_its_title_where_the_file_has_it(tiny: Recommender) -> None:
    rows = from_file(b"movieId,rating,title\n77,3,Elsewhere\n", SCALE)
    assert match(rows, tiny).missing == ["Elsewhere"]


def test_letterboxd(tiny: Recommender) -> None:
    file = from_file(LETTERBOXD.encode(), SCALE)
    assert file.rows[0] == FileRating(None, "기생충", 2019, 4.5, 1_614_556_800)
    assert [row.stars for row in file.rows] == [4.5, 0.5, 3.0, 3.0]
    assert (file.source, file.unrated, file.scale) == ("Letterboxd", 1, None)
    matched = match(file, tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(2, 4.5), (4, 0.5)]
    assert matched.missing == ["No Such Movie (1980)", "Another *One*"]


def test_of_two_rows_for_one_movie_the_later_counts(tiny: Recommender) -> None:
    matched = match(from_file(b"movieId,rating\n1,1\n2,2\n1,5\n", SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 5.0), (2, 2.0)]


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


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nmovieId;rating\n2;4,5\n4;1\n",
        '"sep=|"\r\nmovieId|rating\r\n2|4.5\r\n4|1\r\n',
        "sep=;\nmovieId,rating\n2,4.5\n4,1\n",  # saved again by a program that does not know it
        "\n\nmovieId,rating\n2,4.5\n4,1\n",
        '{"movieId": 2, "rating": 4.5}\n{"movieId": 4, "rating": 1}\n',
        '{"page": 1, "ratings": [{"movieId": 2, "rating": 4.5}, {"movieId": 4, "rating": 1}]}',
        '{"2": 4.5, "4": 1}',
        '[{"film": {"title": "기생충", "year": 2019}, "score": 4.5}, '
        '{"film": {"title": "Amélie", "year": 2001}, "score": 1}]',
        gzip.compress(b"movieId,rating\n2,4.5\n4,1\n", mtime=0),
        "movieId,rating\n2,4.5\n4,1\n".encode("utf-16-le"),
        "movieId,rating\n2,4.5\n4,1\n".encode("utf-16-be"),
    ],
)
def test_files_in_any_wrapping(tiny: Recommender, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    found = match(from_file(data, SCALE), tiny)
    assert found.stars == {2: 4.5, 4: 1.0}


def test_a_broken_line_of_json_is_named() -> None:
    with pytest.raises(ProfileError, match="no JSON: line 2: Expecting"):
        from_file(b'{"movieId": 2, "rating": 4}\n{"movieId": 4, "rating":\n', SCALE)


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


@pytest.mark.parametrize(
    "text",
    [
        "movieId,rating,timestamp\n3,4,1704189600\n",
        "movie_id,rating,timestamp\n3.0,4.0,1704189600.0\n",
        "user_id,movie_id,rating,timestamp\n9.0,3.0,2,1\n9,3,4.0,1704189600.0\n",
        "Movie ID;Rating;Timestamp\n3;4;1704189600000\n",
        "user_id\tmovie_id\trating\ttimestamp\n9\t3\t4\t2024-01-02T10:00:00Z\n",
        "movieId,rating,timestamp\n3,4,2024-01-02 11:00:00+01:00\n",
        "user::item::rating::time\n9::3::4::1704189600\n",
        "uid|iid|rate|time\n9|3|4|1704189600\n",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n9\t3\t4\t1704189600\n",
        "movieId;rating;timestamp\n3;4,0;1704189600\n",
        '[{"movieId": 3, "rating": 4.0, "timestamp": 1704189600}]',
    ],
)
def test_one_file_in_any_spelling(tiny: Recommender, text: str) -> None:
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing) == ([OwnRating(3, 4.0, 1704189600)], [])


@pytest.mark.parametrize("time", ["inf", "nan", "1e999", "2024-13-01", "today", "3/4/2024"])
def test_a_time_that_is_none_is_counted(time: str) -> None:
    file = from_file(f"movieId,rating,timestamp\n3,4,{time}\n4,4,\n5,4,7\n".encode(), SCALE)
    assert [row.given_at for row in file.rows] == [None, None, 7]
    assert file.unreadable_times == 1


def test_of_two_rows_for_one_movie_the_later_time_counts(tiny: Recommender) -> None:
    text = "movieId,rating,timestamp\n1,1,200\n1,5,100\n2,2,200\n2,3,never\n"
    matched = match(from_file(text.encode(), SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 1.0), (2, 3.0)]


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


def test_ids_of_another_catalogue_give_way_to_title_and_year(tiny: Recommender) -> None:
    others = "".join(f"{i},3,Not this one {i},1999\n" for i in range(10, 15))
    text = f"movieId,rating,title,year\n{others}9,4,기생충,2019\n"
    found = match(from_file(text.encode(), SCALE), tiny)
    assert found.stars == {2: 4.0}
    assert len(found.missing) == 5


def test_of_a_few_ids_too_the_titles_tell_that_they_are_anothers(tiny: Recommender) -> None:
    text = "Score,Film ID,Film Name\n4,9,기생충 (2019)\n3,10,Elsewhere (1999)\n"
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.stars, found.missing) == ({2: 4.0}, ["Elsewhere (1999)"])


def test_ids_of_many_rows_may_be_floats_or_have_exponents(tiny: Recommender) -> None:
    rows = "".join(f"{number}.0,4\n" for number in range(1, 9))
    found = match(from_file(f"movieId,rating\n{rows}1e+01,3\n999.0,1\n".encode(), SCALE), tiny)
    assert found.stars == {**dict.fromkeys(range(1, 9), 4.0), 10: 3.0}
    assert found.missing == ["movieId 999.0"]


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


def test_halves_of_characters_can_be_shown(tiny: Recommender) -> None:
    found = match(from_file(b'[{"title": "\\ud800", "rating": 4}]', SCALE), tiny)
    assert found.missing == ["?"]


def test_text_of_excel_is_utf_16(tiny: Recommender) -> None:
    text = "Title\tYear\tRating\r\n기생충\t2019\t4,5\r\n"
    assert match(from_file(text.encode("utf-16"), SCALE), tiny).stars == {2: 4.5}


def test_a_column_of_movies_may_hold_their_titles(tiny: Recommender) -> None:
    found = match(from_file("movie,rating\n기생충,4\n3,2\n".encode(), SCALE), tiny)
    assert found.stars == {2: 4.0, 3: 2.0}


def test_the_library_reads_larger_files_than_the_app(tiny: Recommender, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("movieId,rating\n" + "1,3\n" * (MAX_ROWS + 1))
    assert read_ratings(path, tiny).stars == {1: 3.0}
    for problem in ("a,b", "movieId,rating\n1,99\n"):
        path.write_text(problem)
        with pytest.raises(DataError, match=r"^.*mine\.csv: "):
            read_ratings(path, tiny)
    with pytest.raises(DataError, match="cannot be read"):
        read_ratings(tmp_path / "none.csv", tiny)


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("2=2", "2=2"),
        ("", ""),
    ],
)
def test_a_title_is_no_formula(tiny: Recommender, title: str, cell: str) -> None:
    class Titled(Recommender):
        def movies(self, movie_ids: Iterable[Id]) -> Results[Movie]:
            return Results(replace(movie, title=title) for movie in super().movies(movie_ids))

    data = to_csv(VisitorRatings([OwnRating(7, 4.0, 5)]), Titled(tiny.bundle)).decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(data, newline="")))["title"] == cell


def test_titles_in_another_language_are_those_of_the_ids(
    sample: Recommender, tmp_path: Path
) -> None:
    titles = {318: "쇼생크 탈출", 912: "카사블랑카", 2571: "매트릭스", 1: "토이 스토리"}
    titles |= {296: "펄프 픽션", 356: "포레스트 검프", 593: "양들의 침묵"}
    rows = (f"{movie},{title},4" for movie, title in titles.items())
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["movieId,title,rating", *rows, "47,어떤 제목,5"]), encoding="utf-8")
    found = read_ratings(path, sample)
    assert dict(found.stars) == {**dict.fromkeys(titles, 4.0), 47: 5.0}
