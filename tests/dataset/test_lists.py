from collections.abc import Callable

import pytest

from recommender.dataset.lists import choose_delimiter, split_list, unescape


@pytest.mark.parametrize(
    "text",
    [
        "Action|Science Fiction",
        "Action;Science Fiction;",
        "Action, Science Fiction",
        "Action/Science Fiction",
        "Action\nScience Fiction",
        "Action、Science Fiction",
        "('Action', 'Science Fiction')",
        '["Action", "Science Fiction"]',
        "['Action', 'Science Fiction']",
        "['Action' 'Science Fiction']",  # numpy
        "[Action, Science Fiction]",
        "{Action,Science Fiction}",  # PostgreSQL
        "{'Action', 'Science Fiction'}",
        '[{"id": 28, "name": "Action"}, {"id": 878, "name": "Science Fiction"}]',
        "[{'id': 28, 'name': 'Action'}, {'name': 'Science Fiction', 'id': 878}]",
        '{"28": "Action", "878": "Science Fiction"}',
        '[["Action"], ["Science Fiction"]]',
        '["Action", null, "Science Fiction", "", "N/A"]',
        '["Action", "Science Fiction", "action"]',
        '[{"name": "Action"}, {"name": "Science Fiction"}, {"id": 12, "na',  # cut off
        '["Action", "Science Fiction", "Fan',
        '["Action", "Science\\u0020Fiction"]',
        "Action | nan | Science Fiction",
    ],
)
def test_a_list_of_any_spelling(text: str) -> None:
    assert split_list(text) == ["Action", "Science Fiction"]


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "nan", "NaN", "None", "NULL", "[]", "{}", "\\N", "N/A", "<NA>", "|"),
        *("(no genres listed)", "[None]", '[{"name": null}]', "['']"),
    ],
)
def test_words_for_nothing(text: str | None) -> None:
    assert split_list(text) == []


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("""["Schindler's \\"List\\"", "b"]""", ['Schindler\'s "List"', "b"]),
        ("""["Director's cut", 'it\\'s']""", ["Director's cut", "it's"]),
        ("[28, 12]", ["28", "12"]),
        ('["Food, Wine & Sex"]', ["Food, Wine & Sex"]),
        ("Rock &amp; Roll;Mystery", ["Rock & Roll", "Mystery"]),
        ('["Caf\\u00e9", "\\ud800x"]', ["Café", "\ufffdx"]),
        ('[{"character": "Neo", "name": "Keanu Reeves", "order": 0}]', ["Keanu Reeves"]),
    ],
)
def test_items_may_hold_anything(text: str, items: list[str]) -> None:
    assert split_list(text) == items


def test_the_column_says_what_separates() -> None:
    def cells(*texts: str) -> Callable[[str], int]:
        return lambda mark: sum(mark in text for text in texts)

    assert choose_delimiter(cells("Drama|War", "Food, Wine", "Drama")) == "|"
    assert choose_delimiter(cells("Drama, War", "AC/DC, Rock")) == ","
    assert choose_delimiter(cells("Drama/War", "Drama")) == "/"
    assert choose_delimiter(cells(*["Drama, War"] * 30, "a|b")) == ","
    assert choose_delimiter(cells("Drama")) == ","
    assert split_list("Food, Wine", "|") == ["Food, Wine"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Gintama&#039;", "Gintama'"),
        ("Gintama&deg; &amp; &#x41;", "Gintama° & A"),
        ("AT&T; Q&A &copy", "AT&T; Q&A &copy"),
    ],
)
def test_entities_are_characters(text: str, plain: str) -> None:
    assert unescape(text) == plain
