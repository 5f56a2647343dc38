"""Own ratings to movies of a catalogue and back, and the file of them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import DataError, Recommender, read_ratings
from recommender.core.records import Id, Movie, Results
from recommender.visitors.ratings_files import MAX_ROWS, from_file
from recommender.visitors.ratings_matching import match, to_csv
from recommender.visitors.records import MARKS, OwnMark, OwnRating, VisitorRatings
from tests.visitors.own_files import SCALE


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


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ids_may_hold_anything(tiny: Recommender, movie_id: str) -> None:
    (row,) = from_file(to_csv(VisitorRatings([OwnRating(movie_id, 4.0, 5)]), tiny), SCALE).rows
    assert (row.movie_id, row.stars, row.given_at) == (movie_id, 4.0, 5)


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


def test_a_missing_movie_is_named_by_its_title_where_the_file_has_it(tiny: Recommender) -> None:
    rows = from_file(b"movieId,rating,title\n77,3,Elsewhere\n", SCALE)
    assert match(rows, tiny).missing == ["Elsewhere"]


def test_of_two_rows_for_one_movie_the_later_counts(tiny: Recommender) -> None:
    matched = match(from_file(b"movieId,rating\n1,1\n2,2\n1,5\n", SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 5.0), (2, 2.0)]


def test_of_two_rows_for_one_movie_the_later_time_counts(tiny: Recommender) -> None:
    text = "movieId,rating,timestamp\n1,1,200\n1,5,100\n2,2,200\n2,3,never\n"
    matched = match(from_file(text.encode(), SCALE), tiny)
    assert [(r.movie_id, r.stars) for r in matched.ratings] == [(1, 1.0), (2, 3.0)]


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
