from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.search.titles import TitleIndex

TITLES = [
    ("The Matrix", 1999, 259),
    ("The Matrix Reloaded", 2003, 100),
    ("The Animatrix", 2003, 15),
    ("Amelie (Le Fabuleux destin d'Amélie Poulain)", 2001, 120),
    ("Up", 2009, 80),
    ("Up in the Air", 2009, 60),
    ("Superman", 1978, 90),
    ("기생충", 2019, 10),
    ("Star Wars: Episode IV - A New Hope", 1977, 291),
    ("War of the Stars", 2000, 1),
    ("100% Wolf_Man", 2020, 2),
    ("The", None, 1),
    ("A", 1998, 1),
    ("It", 1990, 4),
    ("It", 2017, 3),
    ("Spider-Man", 2002, 70),
    ("Spider-Man 2", 2004, 50),
    ("Rocky II", 1979, 17),
    ("Thelma & Louise", 1991, 45),
    ("Heat", 1995, 9),
    ("In the Heat of the Night", 1967, 30),
    ("The Godfather", 1972, 200),
    ("!!!", None, 5),
    ("괴물", 2006, 8),
    ("Inception", 2010, 111),
    ("The Lord of the Rings", 2003, 95),
    ("The Shawshank Redemption", 1994, 210),
]
KOREAN = {
    "The Lord of the Rings": "반지의 제왕: 왕의 귀환",
    "The Shawshank Redemption": "쇼생크 탈출",
    "The Matrix": "매트릭스",
    "Rocky II": "록키 2",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TitleIndex:
    return build(tmp_path_factory.mktemp("titles"))


def build(folder: Path) -> TitleIndex:
    counts = np.array([count for _, _, count in TITLES], dtype=np.int32)
    scratch = folder / "scratch.sqlite"
    titles = ((year, (title, *filter(None, [KOREAN.get(title)]))) for title, year, _ in TITLES)
    made = TitleIndex.build(titles, counts, scratch)
    assert not scratch.exists()
    return made


def found(index: TitleIndex, text: str, limit: int = 20) -> list[str]:
    return [TITLES[movie][0] for movie in index.search(text, limit)]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("matrix", ["The Matrix", "The Matrix Reloaded", "The Animatrix"]),
        ("MATRIX the", ["The Matrix Reloaded", "The Matrix", "The Animatrix"]),
        ("matrix 2003", ["The Matrix Reloaded", "The Animatrix"]),
        ("matr rel", ["The Matrix Reloaded"]),
        ("amélie", ["Amelie (Le Fabuleux destin d'Amélie Poulain)"]),
        ("poulain AMELIE", ["Amelie (Le Fabuleux destin d'Amélie Poulain)"]),
        ("le fabuleux destin", ["Amelie (Le Fabuleux destin d'Amélie Poulain)"]),
        ("up", ["Up", "Up in the Air", "Superman"]),
        ("wars star", ["Star Wars: Episode IV - A New Hope"]),
        ("war star", ["Star Wars: Episode IV - A New Hope", "War of the Stars"]),
        ("starwars", ["Star Wars: Episode IV - A New Hope"]),
        ("star wars episode 4", ["Star Wars: Episode IV - A New Hope"]),
        ("spiderman", ["Spider-Man", "Spider-Man 2"]),
        ("rocky 2", ["Rocky II"]),
        ("thelma and louise", ["Thelma & Louise"]),
        ("the inception", ["Inception"]),
        ("생충", ["기생충"]),
        ("기생충", ["기생충"]),
        ("깃", ["기생충"]),
        ("100%", ["100% Wolf_Man"]),
        ("wolf_man", ["100% Wolf_Man"]),
        ("nothing like it", []),
        ("  ", []),
        ("!?", []),
    ],
)
def test_finds(index: TitleIndex, text: str, titles: list[str]) -> None:
    assert found(index, text) == titles


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("쇼생크 탈출", ["The Shawshank Redemption"]),
        ("쇼 생크탈 출", ["The Shawshank Redemption"]),
        ("탈출", ["The Shawshank Redemption"]),
        ("왕의귀환", ["The Lord of the Rings"]),
        ("제왕 왕의귀환", ["The Lord of the Rings"]),
        ("매트릭스 1999", ["The Matrix"]),
        ("ㅅㅅㅋㅌㅊ", ["The Shawshank Redemption"]),
        ("ㅅㅅㅋ ㅌ", ["The Shawshank Redemption"]),
        ("ㅇㅇㄱㅎ", ["The Lord of the Rings"]),
        ("ㄹㅋ2", ["Rocky II"]),
        ("ㄱㅅㅊ", ["기생충"]),
        ("ㅎㅎㅎㅎ", []),
    ],
)
def test_korean_titles_are_found_without_spaces_and_by_initial_consonants(
    index: TitleIndex, text: str, titles: list[str]
) -> None:
    assert found(index, text) == titles
    assert not index.named(
        ["ᄀᄉᄎ"]
    )  # they are no name by which another catalogue's title is told


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("uita", ["Up in the Air"]),
        ("ihotn", []),
        ("ithotn", ["In the Heat of the Night"]),
        ("lotr", ["The Lord of the Rings"]),
        ("tlotr", ["The Lord of the Rings"]),
        ("anh", ["Star Wars: Episode IV - A New Hope"]),
    ],
)
def test_an_acronym_finds_its_title(index: TitleIndex, text: str, titles: list[str]) -> None:
    assert found(index, text) == titles
    assert index.search(text, 5, loose=False) == []


def test_without_parts_and_typos(index: TitleIndex) -> None:
    assert [TITLES[movie][0] for movie in index.search("matrix", 5, loose=False)] == [
        *("The Matrix", "The Matrix Reloaded"),
    ]
    assert index.search("matirx", 5, loose=False) == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("matirx", "The Matrix"),
        ("godfahter", "The Godfather"),
        ("incpetoin", "Inception"),
        ("the inceptoin", "Inception"),
        ("spidreman", "Spider-Man"),
        ("thelma luise", "Thelma & Louise"),
        ("haet", "Heat"),  # every word of it was typed, so it comes before the more famous one
        ("기셍충", "기생충"),
        ("괘물", "괴물"),
    ],
)
def test_finds_in_spite_of_typos(index: TitleIndex, text: str, first: str) -> None:
    assert found(index, text)[0] == first


@pytest.mark.parametrize("text", ["tu", "uo", "haxx", "gxxxather", "1978 2002", "matrix 1998"])
def test_short_words_numbers_and_more_typos_are_not_forgiven(index: TitleIndex, text: str) -> None:
    assert found(index, text) == []


def test_a_word_that_is_there_is_no_typo(index: TitleIndex) -> None:
    assert found(index, "heat") == ["Heat", "In the Heat of the Night"]
    assert found(index, "wars") == ["Star Wars: Episode IV - A New Hope"]


def test_a_year_picks_among_equal_names(index: TitleIndex) -> None:
    assert [TITLES[movie][1] for movie in index.search("it", 2)] == [1990, 2017]
    assert [TITLES[movie][1] for movie in index.search("it 2017", 1)] == [2017]


def test_a_title_that_is_an_article_is_found_first(index: TitleIndex) -> None:
    assert found(index, "the")[0] == "The"
    assert found(index, "a")[0] == "A"


def test_limit(index: TitleIndex) -> None:
    assert len(found(index, "a", 3)) == 3
    assert found(index, "a", 0) == []


@given(st.text(max_size=300))
def test_any_text_can_be_searched_for(index: TitleIndex, text: str) -> None:
    assert len(index.search(text, 5)) <= 5


@given(st.sampled_from([title for title in TITLES if title[0] != "!!!"]), st.randoms())
def test_every_title_is_found_by_its_own_words_in_any_order(
    index: TitleIndex, movie, random
) -> None:
    words = movie[0].split()
    random.shuffle(words)
    assert movie[0] in found(index, " ".join(words))


@given(st.sampled_from([title for title in TITLES if title[0] != "!!!"]), st.data())
def test_the_beginning_of_a_title_finds_it(index: TitleIndex, movie, data) -> None:
    end = data.draw(st.integers(1, len(movie[0])))
    assert movie[0] in found(index, movie[0][:end], len(TITLES))


def test_a_bundle_gives_the_same_answers(index: TitleIndex, tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "bundle") as writer:
        index.save(writer)
        writer.commit({})
    mapped = TitleIndex.from_bundle(Bundle.open(tmp_path / "bundle"))
    for field in fields(TitleIndex):
        array = getattr(mapped, field.name)
        assert array.dtype == getattr(index, field.name).dtype
        assert np.array_equal(array, getattr(index, field.name))
        assert not array.flags.owndata
    for text in ("matrix", "atrix", "matirx", "starwars"):
        assert found(mapped, text) == found(index, text) != []


def test_titles_without_any_letter(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch.sqlite"
    nothing = TitleIndex.build([(None, ("!!!",)), (None, ("?",))], np.zeros(2), scratch)
    with BundleWriter(tmp_path / "bundle") as writer:
        nothing.save(writer)
        writer.commit({})
    mapped = TitleIndex.from_bundle(Bundle.open(tmp_path / "bundle"))
    assert mapped.search("anything", 5) == nothing.search("anything", 5) == []


def test_what_a_killed_run_left_is_not_in_the_way(tmp_path: Path, index: TitleIndex) -> None:
    (tmp_path / "scratch.sqlite").write_bytes(b"half a database")
    assert found(build(tmp_path), "matrix") == found(index, "matrix")
