import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import Recommender
from recommender.core.errors import ProfileError
from recommender.visitors.csv_files import (
    MAX_BYTES,
    MAX_ROWS,
    FileRating,
    from_csv,
    match,
    to_csv,
)
from recommender.visitors.records import OwnRating

SCALE = (0.5, 5.0)
LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2021-03-01,기생충,2019,https://example.invalid/1,4.5
2021-03-02,"Amelie",2001,https://example.invalid/2,0.5
2021-03-03,No Such Movie,1980,https://example.invalid/3,3
2021-03-04,Another *One*,,https://example.invalid/4,3
2021-03-05,Movie number 10,1960,https://example.invalid/5,
"""


def reason(data: bytes | str, scale: tuple[float, float] = SCALE) -> str:
    """Why the file is refused."""
    with pytest.raises(ProfileError) as error:
        from_csv(data.encode() if isinstance(data, str) else data, scale)
    assert "\n" not in str(error.value)
    return error.value.reason


def rated(movie_id: str | int) -> st.SearchStrategy[OwnRating]:
    return st.builds(OwnRating, st.just(movie_id), st.floats(*SCALE), st.integers(0, 1_700_000_000))


@given(st.sets(st.integers(1, 60)).flatmap(lambda ids: st.tuples(*map(rated, sorted(ids)))))
def test_what_goes_out_comes_in_again(tiny: Recommender, ratings: tuple[OwnRating, ...]) -> None:
    matched = match(from_csv(to_csv(ratings, tiny), SCALE), tiny)
    assert matched.ratings == list(ratings)
    assert matched.missing == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ids_may_hold_anything(tiny: Recommender, movie_id: str) -> None:
    (row,) = from_csv(to_csv([OwnRating(movie_id, 4.0, 5)], tiny), SCALE)
    assert (row.movie_id, row.stars, row.given_at) == (movie_id, 4.0, 5)


@given(
    st.binary() | st.text().map(lambda text: f"movieId,rating\n{text}".encode("utf-8", "replace"))
)
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        rows = from_csv(data, SCALE)
    except ProfileError:
        return
    assert all(SCALE[0] <= row.stars <= SCALE[1] for row in rows)


def test_the_file_has_the_columns_of_movielens_and_the_title(tiny: Recommender) -> None:
    data = to_csv([OwnRating(2, 4, 1_500_000_000), OwnRating(4, 3.5, 7)], tiny)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["userId", "movieId", "rating", "timestamp", "title"],
        ["1", "2", "4.0", "1500000000", "기생충"],
        ["1", "4", "3.5", "7", tiny.movie(4).title],
    ]


def test_movielens(tiny: Recommender) -> None:
    data = b"userId,movieId,rating,timestamp\n9,1,4.5,100\n9,77,2,100\n\n9,3,1,99999999999\n"
    matched = match(from_csv(data, SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 4.5), (3, 1.0)]
    assert matched.ratings[0].given_at == 100
    assert 1_700_000_000 < matched.ratings[1].given_at < 10_000_000_000  # not in the future
    assert matched.missing == ["movieId 77"]


def test_a_missing_movie_is_named_by_its_title_where_the_file_has_it(tiny: Recommender) -> None:
    rows = from_csv(b"movieId,rating,title\n77,3,Elsewhere\n", SCALE)
    assert match(rows, tiny).missing == ["Elsewhere"]


def test_letterboxd(tiny: Recommender) -> None:
    rows = from_csv(LETTERBOXD.encode(), SCALE)
    assert rows[0] == FileRating(None, "기생충", 2019, 4.5, 1_614_556_800)
    assert [row.stars for row in rows] == [4.5, 0.5, 3.0, 3.0]  # what has no stars is passed over
    matched = match(rows, tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(2, 4.5), (4, 0.5)]
    assert matched.missing == ["No Such Movie (1980)", "Another *One*"]


def test_of_two_rows_for_one_movie_the_later_counts(tiny: Recommender) -> None:
    matched = match(from_csv(b"movieId,rating\n1,1\n2,2\n1,5\n", SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 5.0), (2, 2.0)]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "file_columns"),
        ("\n\nmovieId,rating\n1,3\n", "file_columns"),
        ("movie,stars\n1,3\n", "file_columns"),
        ("movieId|rating\n1|3\n", "file_columns"),
        ("Date,Name,Year,Letterboxd URI\n2021-03-01,A,2019,x\n", "file_columns"),
        ("movieId,rating\n1,3\n".encode("utf-16"), "file_kind"),
        (b"PK\x03\x04\xff\xfe\x00", "file_kind"),
        ('movieId,rating\n"1"x,3\n', "file_kind"),
        ("movieId,rating\n1,3,4\n", "file_row"),
        ("movieId,rating\n1\n", "file_row"),
        ("movieId,rating\n1,\n", "file_row"),
        ("movieId,rating\n1,good\n", "file_row"),
        ("movieId,rating,timestamp\n1,3,today\n", "file_row"),
        ("Name,Year,Rating,Date\nA,2001,3,1.2.2020\n", "file_row"),
        ("movieId,rating\n1,0\n", "file_rating"),
        ("movieId,rating\n1,5.5\n", "file_rating"),
        ("movieId,rating\n1,nan\n", "file_rating"),
        ("userId,movieId,rating\n1,1,3\n2,1,3\n", "file_people"),
        ("movieId,rating\n" + "1,3\n" * MAX_ROWS, "file_size"),
        ("movieId,rating\n" + "1,3" * MAX_BYTES, "file_size"),
    ],
)
def test_a_wrong_file_is_refused(data: str | bytes, why: str) -> None:
    assert reason(data) == why


def test_the_error_names_row_value_and_scale() -> None:
    with pytest.raises(ProfileError, match=r"row 4: 9 is outside the scale 0\.5 to 5;") as error:
        from_csv(b"movieId,rating\n1,3\n\n2,9\n", SCALE)
    assert error.value.values == {"row": 4, "value": "9", "low": "0.5", "high": "5"}


def test_letterboxd_stars_are_not_taken_for_those_of_another_scale() -> None:
    assert reason(LETTERBOXD, (1.0, 10.0)) == "file_scale"
    assert reason(LETTERBOXD, (1.0, 5.0)) == "file_rating"  # it has half a star


def test_another_scale_is_read_by_its_own_ends() -> None:
    assert [row.stars for row in from_csv(b"movieId,rating\n1,85\n", (0.0, 100.0))] == [85.0]


def test_of_a_long_cell_the_error_shows_the_beginning() -> None:
    with pytest.raises(ProfileError) as error:
        from_csv(b'movieId,rating\n1,"a\n' + b"b" * 1000 + b'"\n', SCALE)
    assert str(error.value) == f"row 2: rating is a {'b' * 58}; mend the row"


@pytest.mark.parametrize(
    "text",
    [
        "movieId,rating,timestamp\n3,4,1704189600\n",
        "movie_id,rating,timestamp\n3.0,4.0,1704189600.0\n",
        "Movie ID;Rating;Timestamp\n3;4;1704189600000\n",
        "user_id\tmovie_id\trating\ttimestamp\n9\t3\t4\t2024-01-02T10:00:00Z\n",
        "movieId,rating,timestamp\n3,4,2024-01-02 11:00:00+01:00\n",
    ],
)
def test_one_file_in_any_spelling(tiny: Recommender, text: str) -> None:
    found = match(from_csv(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing) == ([OwnRating(3, 4.0, 1704189600)], [])


@pytest.mark.parametrize("time", ["inf", "nan", "1e999", "2024-13-01"])
def test_a_time_that_is_none(time: str) -> None:
    with pytest.raises(ProfileError, match="row 2: the time is"):
        from_csv(f"movieId,rating,timestamp\n3,4,{time}\n".encode(), (0.5, 5.0))


@pytest.mark.parametrize(("scale", "stars"), [((0.5, 5.0), 4.5), ((1.0, 10.0), 9.0)])
def test_imdb_is_mapped_onto_the_scale_and_a_series_is_missing(
    tiny: Recommender, scale: tuple[float, float], stars: float
) -> None:
    text = (
        "Const,Your Rating,Date Rated,Title,Title Type,Year\n"
        "tt1,9,2024-03-15,기생충,Movie,2019\n"
        "tt2,10,2024-03-15,기생충,TV Series,2019\n"
        "tt3,,2024-03-15,Unrated,Movie,2019\n"
    )
    rows = from_csv(text.encode(), scale)
    found = match(rows, tiny)
    assert [(r.stars, r.given_at) for r in found.ratings] == [(stars, 1710460800)]
    assert tiny.movie(found.ratings[0].movie_id).title == "기생충"
    assert found.missing == ["기생충 (2019)"]
