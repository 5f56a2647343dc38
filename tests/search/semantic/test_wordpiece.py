import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recommender.core.errors import SettingsError
from recommender.search.semantic.teacher import DEFAULT_MODEL, Teacher, model_folder
from recommender.search.semantic.wordpiece import pieces, tokens, words

VOCABULARY = {"[UNK]": 0, "he": 1, "##ist": 2, "heist": 3, "un": 4, "##aff": 5, "##able": 6}


def test_words() -> None:
    assert words("Amélie's  HEIST,\tgone\nwrong") == [
        "amelie",
        "'",
        "s",
        "heist",
        ",",
        "gone",
        "wrong",
    ]
    assert words("中文 film") == ["中", "文", "film"]
    assert words("soft\u00adhyphen \ufffd zero\u200bwidth") == ["softhyphen", "zerowidth"]
    assert words(" \n") == []


def test_the_longest_token_comes_first() -> None:
    assert pieces("heist", VOCABULARY.get) == [3]
    assert pieces("heistable", VOCABULARY.get) == [3, 6]
    assert pieces("unaffable", VOCABULARY.get) == [4, 5, 6]


def test_a_word_that_cannot_be_put_together_is_unknown() -> None:
    assert pieces("heistx", VOCABULARY.get) is None
    assert pieces("he" + "ist" * 40, VOCABULARY.get) is None
    assert list(tokens("heist, heist", VOCABULARY.get, 0)) == [3, 0, 3]


@pytest.fixture(scope="module")
def both():
    """Our tokens of a text, and those of the model's own tokenizer."""
    library = pytest.importorskip("tokenizers")
    try:
        folder: Path = model_folder(DEFAULT_MODEL)
    except SettingsError as error:
        pytest.skip(str(error))
    tokenizer = library.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    teacher = Teacher(folder)
    return lambda text: (teacher.tokens(text), tokenizer.encode(text).ids)


def test_any_text_becomes_the_tokens_of_the_library(both) -> None:
    @given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
    @example("\U00013430")
    def check(text: str) -> None:
        ours, theirs = both(text)
        assert ours == theirs

    check()


def test_any_character_becomes_the_tokens_of_the_library(both) -> None:
    """Each but the letters, of which the random texts are full."""
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.category(character) not in ("Cn", "Co", "Cs", "Lo"):
            ours, theirs = both(f"a{character}b {character} {character}a")
            assert ours == theirs, hex(number)


@pytest.mark.parametrize(
    "text",
    [
        "A heist that goes wrong",
        "Amelie (Le Fabuleux destin d'Amélie Poulain), 2001.",
        "기생충 (Parasite) — naïve café",
        "中文字 mixed with İstanbul, ǅ and ß",
        "x" * 101,
        "long " * 200,
    ],
)
def test_titles_and_plots_become_the_tokens_of_the_library(both, text: str) -> None:
    ours, theirs = both(text)
    assert ours == theirs
