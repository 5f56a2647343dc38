from recommender.core.records import Movie, Reason, Recommendation, Results

MOVIE = Movie(1, "Heat", 1995, ("Crime",), None, 0)
WHY = (Reason(MOVIE, 0.25),)
RESULTS = Results([Recommendation(1, MOVIE, 0.5, 4.0, 0.6, 0.1, WHY, ("genre:crime",))])
ROW = {
    "rank": 1,
    "movie_id": 1,
    "title": "Heat",
    "year": 1995,
    "genres": ["Crime"],
    "mean_rating": None,
    "n_ratings": 0,
    "score": 0.5,
    "stars": 4.0,
    "collaborative": 0.6,
    "content": 0.1,
    "reasons": [
        {
            "movie_id": 1,
            "title": "Heat",
            "year": 1995,
            "genres": ["Crime"],
            "mean_rating": None,
            "n_ratings": 0,
            "part": 0.25,
        }
    ],
    "terms": ["genre:crime"],
}


def test_dictionaries_are_flat() -> None:
    assert RESULTS.to_dicts() == [ROW]


def test_pandas() -> None:
    table = RESULTS.to_pandas()
    assert table.columns.tolist() == list(ROW)
    assert table.title.tolist() == ["Heat"]
