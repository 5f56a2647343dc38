import re
import string

import pytest

from recommender.app.components.markup import brief, escape, plain, with_links
from tests.conftest import ODD_TITLES

TEXTS = [
    *(title for title, _, _ in ODD_TITLES.values()),
    string.printable.strip(),
    "1. one", "- two", "# three", "> four", "http://example.invalid", ":material/home:",
    "a\\b", "[x]{.y}", "$a$ $$b$$", ":red[c]", "&lt;", "a__b__ ~~c~~ `d`",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_every_character_stays(text: str) -> None:
    # A backslash before punctuation is what Markdown takes away again.
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", with_links(text)) == text
    assert plain(text).replace("\u2060", "") == with_links(text)


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_left_that_markdown_reads(text: str) -> None:
    assert re.fullmatch(r"(?:\\[!-/:-@\[-`{-~]|[^\\`*_{}\[\]()<>#+\-.!|$~:&])*", plain(text), re.S)


@pytest.mark.parametrize(
    "text", ["<https://a.example>", "HTTP://a.example", "www.a.example", "a@b.example"]
)
def test_an_address_is_text_but_in_a_credit(text: str) -> None:
    address = r"https?\\?://|www\\?\.|\w@"
    assert re.search(address, with_links(text), re.I)
    assert not re.search(address, plain(text), re.I)


def test_what_is_long_is_cut() -> None:
    assert brief("a" * 60) == "a" * 60
    assert brief("a" * 61) == "a" * 60 + "…"


def test_letters_stay_bare() -> None:
    assert plain("기생충 2019 Amélie") == "기생충 2019 Amélie"


def test_html_is_escaped_for_text_and_for_attributes() -> None:
    assert escape("<a href=\"x\">'&'</a>") == (
        "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;&#x27;&lt;/a&gt;"
    )
