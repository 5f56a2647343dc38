from pathlib import Path

import pytest

from recommender.core.errors import DataError
from recommender.dataset import Dataset, ImportOptions, from_files, import_dataset
from tests.dataset.test_importing import SMALL, movies_of, ratings_of

PLAIN = "userId,movieId,rating\n1,101,5\n1,102,4\n2,103,1\n2,104,2\n"
ALL = [(1, 0, 5.0), (1, 1, 4.0), (2, 2, 1.0), (2, 3, 2.0)]


def imported(folder: Path, *, options: ImportOptions = SMALL, **texts: str) -> Dataset:
    """Import these texts, each the CSV file of its name."""
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    tags = folder / "tags.csv" if "tags" in texts else None
    source = from_files(folder / "ratings.csv", folder / "movies.csv", tags)
    return import_dataset(source, folder / "out", options)


def rated(dataset: Dataset) -> list[tuple[int, int, float]]:
    """The ratings by user and the number in the movie's title."""
    titles = {movie["movie_id"]: int(movie["title"][-1]) for movie in movies_of(dataset)}
    return [(user, titles[movie], stars) for user, movie, stars in ratings_of(dataset)]


def catalogue(*ids: str, column: str = "id", more: tuple[str, ...] = ()) -> str:
    """A file of movies "Film 0", "Film 1", … with these ids, and `more` as the first columns."""
    rows = [f"{one},Film {number}" for number, one in enumerate(ids)]
    return "\n".join([f"{column},title", *rows, *more]) + "\n"


@pytest.mark.parametrize(
    ("movies", "links", "how"),
    [
        (catalogue("0101", "0102", "0103", "0104"), "", "numbers without leading zeros"),
        (catalogue("tt0000101", "tt0000102", "tt0000103", "tt0000104"), "", "their IMDb ids"),
        (
            "id,title,imdb_id\n11,Film 0,tt0000101\n12,Film 1,tt0000102\n13,Film 2,tt0000103\n"
            "14,Film 3,tt0000104\n",
            "",
            "the IMDb ids of the movies",
        ),
        (
            # Two of the ids exist in both, and mean other movies there.
            catalogue("103", "104", "13", "14"),
            "movieId,imdbId,tmdbId\n101,,103\n102,,104\n103,,13\n104,,14\n",
            "the TMDB ids in links.csv",
        ),
        (
            catalogue("tt0000011", "tt0000012", "tt0000013", "tt0000014"),
            "movieId,imdbId,tmdbId\n101,0000011,\n102,0000012,\n103,0000013,\n104,0000014,\n",
            "the IMDb ids in links.csv",
        ),
        (
            catalogue("1", "2", "3", "4", column="movieId"),
            "movieId,imdbId,tmdbId\n1,,101\n2,,102\n3,,103\n4,,104\n",
            "the TMDB ids in links.csv",
        ),
    ],
)
def test_ids_of_another_kind_are_joined(tmp_path: Path, movies: str, links: str, how: str) -> None:
    texts = {"links": links} if links else {}
    dataset = imported(tmp_path, ratings=PLAIN, movies=movies, **texts)
    assert rated(dataset) == ALL
    assert any(line.endswith(how) for line in dataset.report.lines())


def test_ratings_may_name_movies_by_their_titles(tmp_path: Path) -> None:
    movies = "id,title\n1,Film 0 (1999)\n2,Film 1\n3,Film 2\n4,film 2\n"
    ratings = "user,movie,rating\n1,Film 0 (1999),5\n1,film 1,4\n2,Film 2,1\n"
    found = imported(tmp_path, ratings=ratings, movies=movies)
    assert ratings_of(found) == [(1, 1, 5.0), (1, 2, 4.0)]  # which "Film 2" nobody knows
    assert found.report.notes[0].endswith("by their titles")


def test_titles_may_lack_the_years(tmp_path: Path) -> None:
    movies = "id,title\n1,Film 0 (1999)\n2,Film 1 (2001)\n3,Film 1 (2005)\n"
    ratings = "user,movie,rating\n1,film 0,5\n1,Film 1,4\n"
    found = imported(tmp_path, ratings=ratings, movies=movies)
    assert ratings_of(found) == [(1, 1, 5.0)]  # which "Film 1" nobody knows
    assert found.report.notes[0].endswith("by their titles without years")


def test_movies_in_the_column_of_the_users_are_told(tmp_path: Path) -> None:
    movies = "asin,title\nB001,Film 0\nB002,Film 1\n"
    ratings = "B001,A7,5.0,1200000000\nB002,A9,4.0,1200000001\n"
    with pytest.raises(DataError, match="the movies stand in the column of the users: put a first"):
        imported(tmp_path, ratings=ratings, movies=movies)
    header = "movie_id,user_id,rating,timestamp\n"
    found = imported(tmp_path, ratings=header + ratings, movies=movies)
    assert ratings_of(found) == [("A7", "B001", 5.0), ("A9", "B002", 4.0)]


def test_tags_and_links_follow_the_ratings(tmp_path: Path) -> None:
    dataset = imported(
        tmp_path,
        ratings=PLAIN,
        movies=catalogue("11", "12", "13", "14"),
        tags="movieId,tag\n101,first\n104,last\n",
        links="movieId,imdbId,tmdbId\n101,1,11\n102,2,12\n103,3,13\n104,4,14\n",
    )
    assert [(m["tags"], m["imdb_id"]) for m in movies_of(dataset)] == [
        (["first"], 1),
        ([], 2),
        ([], 3),
        (["last"], 4),
    ]


def test_links_are_not_asked_where_the_ids_are_the_same(tmp_path: Path) -> None:
    links = "movieId,imdbId,tmdbId\n101,,104\n102,,103\n103,,102\n104,,101\n"
    movies = catalogue("101", "102", "103", "104")
    dataset = imported(tmp_path, ratings=PLAIN, movies=movies, links=links)
    assert rated(dataset) == ALL
    assert not dataset.report.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("above", ["", "sep=;\n", "\n"])
def test_links_as_excel_writes_them_are_found(tmp_path: Path, encoding: str, above: str) -> None:
    links = above + "movieId;imdbId\n101;1\n102;2\n103;3\n104;4\n"
    (tmp_path / "links.csv").write_bytes(links.encode(encoding))
    dataset = imported(tmp_path, ratings=PLAIN, movies=catalogue("tt1", "tt2", "tt3", "tt4"))
    assert rated(dataset) == ALL
    assert any(line.endswith("by the IMDb ids in links.csv") for line in dataset.report.lines())


def test_an_id_that_would_be_two_movies_is_none(tmp_path: Path) -> None:
    movies = catalogue("0101", "00101", "0103", "0104")
    dataset = imported(tmp_path, ratings=PLAIN.replace(",102,", ",104,"), movies=movies)
    assert rated(dataset) == [(1, 3, 4.0), (2, 2, 1.0), (2, 3, 2.0)]
    ratings = PLAIN.replace(",101,", ",104,").replace(",102,", ",0104,")
    movies = catalogue("0103", "104")
    assert len(ratings_of(imported(tmp_path, ratings=ratings, movies=movies))) == 2


ELEVEN = "userId,movieId,rating\n" + "".join(f"{i},{101 + i % 2},{1 + i % 5}\n" for i in range(20))


@pytest.mark.parametrize("unknown", [2, 3])
def test_more_than_a_tenth_without_a_movie_is_told(tmp_path: Path, unknown: int) -> None:
    ratings = ELEVEN.replace(",101,", ",7,", unknown)
    dataset = imported(tmp_path, ratings=ratings, movies=catalogue("101", "102"))
    lines = [line for line in dataset.report.lines() if "such as '7'" in line]
    assert bool(lines) == (unknown > 2)
    if lines:
        assert lines[0].startswith("3 of 20 ratings are of movies (such as '7') that are not in ")
        assert "(which has such as '101'); the ids may be of two kinds" in lines[0]


def test_more_than_half_without_a_movie_is_refused(tmp_path: Path) -> None:
    texts = {"ratings": ELEVEN, "movies": catalogue("m101", "102")}
    assert imported(tmp_path, **texts).report.notes
    texts["ratings"] = ELEVEN.replace(",102,", ",tt7,", 1)
    with pytest.raises(DataError) as error:
        imported(tmp_path, **texts)
    assert "ratings.csv: 11 of 20 ratings are of movies (such as '101')" in str(error.value)
    assert "--allow-unmatched" in str(error.value)
    options = ImportOptions(memory_limit=SMALL.memory_limit, allow_unmatched=True)
    assert imported(tmp_path, options=options, **texts).n_ratings == 9


def test_the_likely_cause_is_said(tmp_path: Path) -> None:
    texts = {"ratings": "userId,movieId,rating\n1,tt0000007,4\n2,x,5\n", "movies": catalogue("x")}
    (note,) = imported(tmp_path, **texts).report.notes
    assert "the ids of the ratings are IMDb's and the others are not" in note


def test_what_is_not_joined_is_told_by_its_own_id(tmp_path: Path) -> None:
    ratings = "userId,movieId,rating\n1,101,5\n1,102,4\n2,999,1\n"
    found = imported(tmp_path, ratings=ratings, movies=catalogue("0101", "0102"))
    assert "1 of 3 ratings are of movies (such as '999')" in found.report.notes[1]
