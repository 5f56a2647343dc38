from recommender.core.text_table import table


def test_columns_are_aligned_and_a_missing_value_is_blank() -> None:
    rows = [
        {"rank": 1, "title": "Heat", "score": 0.12345, "left out": 0},
        {"rank": 10, "title": "기생충", "score": None},
    ]
    assert list(table(rows, ("rank", "title", "score"))) == [
        "rank  title  score",
        "   1  Heat   0.123",
        "  10  기생충",
    ]


def test_without_rows_the_names_stand_alone() -> None:
    assert list(table([], ("title",))) == ["title"]
