import pytest

from recommender.dataset.columns import ColumnUse, column_use, match_columns


@pytest.mark.parametrize(
    "header",
    [
        ["userId", "movieId", "rating", "timestamp"],
        ["User ID", "Item-Id", "Score", "Time"],
        ["USER", "movie", "stars", "date"],
        ["user_id:token", "item_id:token", "rating:float", "timestamp:float"],
        ["user", "movie", "rate", "time"],  # KMRD
        ["uid", "iid", "target", "ts"],
        ["reviewerID", "asin", "overall", "unixReviewTime"],  # Amazon reviews
        ["User-ID", "ISBN", "Book-Rating", "created_at"],  # Book-Crossing
        ["userID", "movieID", "user_rating", "rated_at"],
        ["user_id", "anime_id", "my_score", "date"],
        ["customer_id", "film_id", "rating_val", "datetime"],
        ["profileName", "tconst", "grade", "review_date"],
        [":userId", "movie.id", "r", "createdAt"],
        ["USER_MD5", "MOVIE_ID", "RATING", "RATING_TIME"],  # Douban
    ],
)
def test_ratings_by_any_usual_name(header: list[str]) -> None:
    parts = {"user_id": 0, "movie_id": 1, "rating": 2, "timestamp": 3}
    assert match_columns("ratings", header) == parts


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        (
            ["id", "name", "title", "movie_id", "overview"],
            {"movie_id": 3, "title": 2, "plot": 4},
        ),
        (
            ["item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"],
            {"movie_id": 0, "title": 1, "year": 2, "genres": 3},
        ),
        (
            ["tconst", "titleType", "primaryTitle", "startYear", "runtimeMinutes", "genres"],
            {"movie_id": 0, "title": 2, "year": 3, "runtime": 4, "genres": 5},
        ),
        (["movie", "title", "title_eng", "year"], {"movie_id": 0, "title": 1, "year": 3}),
        (["id", "movie", "genre"], {"movie_id": 0, "title": 1, "genres": 2}),
        (
            ["movieId:ID(Movie)", "title:string", "genre:token_seq"],
            {"movie_id": 0, "title": 1, "genres": 2},
        ),
    ],
)
def test_movies_by_any_usual_name(header: list[str], parts: dict[str, int]) -> None:
    assert match_columns("movies", header) == parts


def test_of_several_ids_that_of_the_file_itself_is_taken() -> None:
    header = ["imdb_id", "tmdb_id", "id", "title"]
    assert match_columns("movies", header)["movie_id"] == 2


def test_a_report_names_what_was_taken_for_what() -> None:
    header = [" uid", "movie_id", "overall:float", "helpful", ""]
    use = column_use("r.csv", header, match_columns("ratings", header))
    assert use == ColumnUse(
        "r.csv", {"user_id": "uid", "movie_id": "movie_id", "rating": "overall:float"}, ("helpful",)
    )
    assert use.line() == (
        "r.csv: read user_id from 'uid', movie_id, rating from 'overall:float'; not used: helpful"
    )


def test_columns_without_names_are_told_by_their_number() -> None:
    use = column_use("u.data", ("user_id", ""), {"user_id": 0}, named=False)
    assert use.line() == "u.data: read user_id from 'column 1'; not used: column 2"
