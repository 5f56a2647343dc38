import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.titles import restore_articles, split_year

# Text without what the functions look for at its end: parentheses and commas.
plain = st.text(min_size=1).map(lambda text: text.replace("(", "").replace(")", "").strip())


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Toy Story (1995)", ("Toy Story", 1995)),
        ("Toy Story (1995)  ", ("Toy Story", 1995)),
        ("Big Bang Theory, The (2007-)", ("Big Bang Theory, The", 2007)),
        ("Fawlty Towers (1975-1979)", ("Fawlty Towers", 1975)),
        ("Death Note (2006–07)", ("Death Note", 2006)),
        ("기생충 (2019)", ("기생충", 2019)),
        ("2001: A Space Odyssey (1968)", ("2001: A Space Odyssey", 1968)),
        ("1984 (1984)", ("1984", 1984)),
        ("Hyena Road", ("Hyena Road", None)),
        ("Airport (1234)", ("Airport (1234)", None)),
        ("Room (12)", ("Room (12)", None)),
        ("(1995)", ("(1995)", None)),
        ("", ("", None)),
    ],
)
def test_split_year(title: str, expected: tuple[str, int | None]) -> None:
    assert split_year(title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Matrix, The", "The Matrix"),
        ("Lord of the Rings: The Two Towers, The", "The Lord of the Rings: The Two Towers"),
        (
            "Amelie (Fabuleux destin d'Amélie Poulain, Le)",
            "Amelie (Le Fabuleux destin d'Amélie Poulain)",
        ),
        (
            "City of Lost Children, The (Cité des enfants perdus, La)",
            "The City of Lost Children (La Cité des enfants perdus)",
        ),
        (
            "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il)",
            "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)",
        ),
        ("Human Centipede II (Full Sequence), The", "The Human Centipede II (Full Sequence)"),
        ("Avventura, L' (Adventure, The)", "L'Avventura (The Adventure)"),
        ("Grapes (a.k.a. Wrath, The)", "Grapes (a.k.a. The Wrath)"),
        ("Boot, Das (Boat, The)", "Das Boot (The Boat)"),
        ("Laberinto del fauno, El", "El Laberinto del fauno"),
        ("Monsters, Inc.", "Monsters, Inc."),
        ("Paris, the", "Paris, the"),
        ("I, Robot", "I, Robot"),
        ("The Lobster", "The Lobster"),
    ],
)
def test_restore_articles(title: str, expected: str) -> None:
    assert restore_articles(title) == expected


@given(plain.filter(bool), st.integers(1800, 2099))
def test_any_title_gives_its_year_back(title: str, year: int) -> None:
    assert split_year(f"{title} ({year})") == (title, year)


@given(st.text())
def test_split_year_takes_nothing_else_away(title: str) -> None:
    name, year = split_year(title)
    assert title.strip().startswith(name)
    assert (year is None) == (name == title.strip())


@given(plain.filter(bool), st.sampled_from(["The", "La", "Der", "L'", "Il", "Un"]))
def test_restore_articles_undoes_the_move(name: str, article: str) -> None:
    space = "" if article == "L'" else " "
    assert restore_articles(f"{name}, {article}") == f"{article}{space}{name}"


@given(st.text())
def test_restore_articles_only_moves_characters(title: str) -> None:
    def letters(text: str) -> list[str]:
        return sorted("".join(text.replace(",", "").split()))

    assert letters(restore_articles(title)) == letters(title)
