from recommender.records import Movie, Recommendation, Results

MOVIE = Movie(1, "Heat", 1995, ("Crime",), None, 0)
RESULTS = Results([Recommendation(1, MOVIE, 0.5, 4.0)])
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
    "collaborative": None,
    "content": None,
}


def test_dictionaries_are_flat() -> None:
    assert RESULTS.to_dicts() == [ROW]


def test_pandas() -> None:
    table = RESULTS.to_pandas()
    assert table.columns.tolist() == list(ROW)
    assert table.title.tolist() == ["Heat"]
