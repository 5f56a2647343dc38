import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.text_folding import fold, title_length, title_names, title_words, words


def test_fold() -> None:
    assert fold("  Amélie: Le FABULEUX—Destin  ") == "amelie le fabuleux destin"
    assert fold("기생충 (Parasite)") == "기생충 parasite"
    assert fold("Straße") == "strasse"


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_words_do_not_depend_on_case_or_on_being_folded_before(text: str) -> None:
    assert words(fold(text)) == words(text.replace("&", " ").replace("+", " "))
    assert words(text.upper().lower()) == words(text.upper())


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1))
def test_korean_text_begins_with_itself_less_the_last_letter(text: str) -> None:
    letters = words(text)[0]
    assert letters.startswith(words(text[:-1] or text)[0])
    assert not any("\u11a8" <= letter <= "\u11ff" for letter in letters)


@pytest.mark.parametrize(("typed", "meant"), [("기ㅅ", "기생충"), ("깃", "기생충"), ("달", "닭")])
def test_a_syllable_in_progress_begins_what_it_will_be(typed: str, meant: str) -> None:
    assert words(meant)[0].startswith(words(typed)[0])


@pytest.mark.parametrize(
    ("title", "year", "found_by"),
    [
        ("Spider-Man 2", 2004, {"spider", "man", "spiderman", "2", "ii", "2004"}),
        ("Rocky II", None, {"rocky", "ii", "2"}),
        ("X", 2022, {"x", "2022"}),  # a numeral is not the first word
        ("Thelma & Louise", None, {"thelma", "and", "louise"}),
        ("Don't Look", None, {"don", "t", "dont", "look"}),
        ("!!!", None, set()),
    ],
)
def test_title_words(title: str, year: int | None, found_by: set[str]) -> None:
    assert title_words(title, year) == found_by


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("The Matrix", {"thematrix", "matrix"}),
        ("Seven (a.k.a. Se7en)", {"seven", "se7en", "sevense7en"}),
        ("Osaka (Story)", {"osaka", "story", "osakastory"}),
        ("Rocky II", {"rockyii", "rocky2"}),
        ("The", {"the"}),
        ("!!!", set()),
    ],
)
def test_title_names(title: str, names: set[str]) -> None:
    assert title_names(title) == names


def test_title_length() -> None:
    assert title_length("The Matrix") == 1
    assert title_length("Amelie (Le Fabuleux destin d'Amélie Poulain)") == 1
    assert title_length("Wallace & Gromit") == 3
