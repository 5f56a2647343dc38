"""Reads what AppTest drew, as a visitor would."""

from __future__ import annotations

import json
import re
import secrets
from html import unescape

from streamlit.testing.v1 import AppTest

PAGES = ("", "discover", "my-ratings", "me", "for-you", "similar", "hybrid", "about")


def html(app: AppTest) -> str:
    """The HTML of our own in the main part of the page."""
    return "".join(element.proto.body for element in app.main.get("html"))


def texts(app: AppTest, pattern: str) -> list[str]:
    """Return what the group holds, each time it is found, as the browser would show it."""
    return [unescape(found) for found in re.findall(pattern, html(app))]


def titles(app: AppTest) -> list[str]:
    """The titles in the grid of cards, in order."""
    return texts(app, r'<article class="mt-card"><img[^>]*><header><h3><a [^>]*>(.*?)</a></h3>')


def single(app: AppTest) -> list[str]:
    """The title of the movie that the page is about, if there is one."""
    return texts(app, r'mt-single"><img[^>]*><div><header><h2><a [^>]*>(.*?)</a></h2>')


def links(app: AppTest) -> list[str]:
    """Return where the page's links lead, and those of the cards after them: page and query.

    Not among them are the head of the page, and the links of posters and titles.
    """
    own = [f"{link.proto.page}?{link.proto.query_string}" for link in app.page_link]
    inside = re.sub(r'<a class="mt-mark".*?</a>|<nav.*?</nav>', "", html(app))
    found = [unescape(address) for address in re.findall(r'<a href="(.*?)"', inside)]
    return own + [address for address in found if not address.startswith("movie?")]


def cards(app: AppTest) -> list[str]:
    """The movies of the cards with a row of buttons, in order."""
    return texts(app, r'mt-acts" data-movie="(.*?)"')


def mark(app: AppTest, mark: str, *movies: object) -> AppTest:
    """Click the button of a mark on the card of each movie, as `click`."""
    return click(app, "mark", *movies, value=mark)


def pressed(app: AppTest, mark: str) -> list[str]:
    """The movies of the cards on which the button of a mark is pressed, in order."""
    pattern = rf'data-movie="([^"]*)">(?:(?!mt-acts).)*?data-value="{mark}" aria-pressed="true"'
    return texts(app, pattern)


def hidden(app: AppTest) -> list[str]:
    """The movies of the cards that say "not interested", in order."""
    return texts(app, r'mt-away" data-movie="(.*?)"')


def click(app: AppTest, action: str, *movies: object, value: str = "") -> AppTest:
    """Click the button of each movie, faster than the server takes them up."""
    clicks = [[secrets.token_hex(4), action, str(movie), value] for movie in movies]
    return app.text_input(key="clicks").set_value(json.dumps(clicks)).run()


def offered(app: AppTest) -> list[int]:
    """The movies with stars to click, in order."""
    return [int(movie) for movie in texts(app, r'mt-stars-row".*?data-movie="(.*?)"')]


def stars(app: AppTest, movie: int) -> int | None:
    """The star, 1 to 5, that is shown as given to a movie."""
    shown = texts(app, rf'aria-checked="true"[^>]* data-movie="{movie}" data-value="(.)"')
    return int(shown[0]) + 1 if shown else None


def rate(app: AppTest, movie: int, star: int | None) -> AppTest:
    """Click a star, 1 to 5; None is the one that is shown."""
    value = str((star or stars(app, movie) or 0) - 1)
    (action,) = texts(app, rf'data-act="(\w+)" data-movie="{movie}" data-value="{value}"')
    return click(app, action, movie, value=value)
