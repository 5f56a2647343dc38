from recommender.core.records import Movie, Reason, Recommendation, Results, SimilarMovie

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
    assert table.columns.tolist()[:4] == ["rank", "title", "year", "score"]
    assert set(ROW) - set(table.columns) == {"genres", "reasons", "terms"}
    assert set(RESULTS.to_pandas(nested=True).columns) == set(ROW)
    assert table.title.tolist() == ["Heat"]


def test_at_a_prompt_it_is_a_table() -> None:
    head, line = repr(RESULTS).splitlines()
    assert head.split()[:4] == ["rank", "title", "year", "score"]
    assert "Heat" in line
    assert repr(Results()) == "no results"


def test_in_a_notebook_titles_are_text() -> None:
    movie = Movie(1, "<b>Heat</b>", 1995, (), None, 0)
    html = Results([SimilarMovie(1, movie, 0.5)])._repr_html_()
    assert "<td>&lt;b&gt;Heat&lt;/b&gt;</td>" in html
    assert "<th>similarity</th>" in html
