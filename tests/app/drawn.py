"""What AppTest drew, as a visitor reads it."""

from __future__ import annotations

import json
import re
import secrets
from html import unescape

from streamlit.testing.v1 import AppTest

PAGES = ("", "my-ratings", "for-you", "similar", "hybrid", "about")


def html(app: AppTest) -> str:
    """The HTML of our own in the main part of the page."""
    return "".join(element.proto.body for element in app.main.get("html"))


def texts(app: AppTest, pattern: str) -> list[str]:
    """What the pattern's group holds, each time it is found, as the browser would show it."""
    return [unescape(found) for found in re.findall(pattern, html(app))]


def titles(app: AppTest) -> list[str]:
    """The titles in the grid of cards, in order."""
    return texts(app, r'<article class="mt-card"><header[^>]*><h3>(.*?)</h3>')


def links(app: AppTest) -> list[str]:
    """Where the page's links lead, and those of the cards after them: page and query."""
    own = [f"{link.proto.page}?{link.proto.query_string}" for link in app.page_link]
    return own + texts(app, r'<a href="(.*?)"')


def away(app: AppTest) -> list[str]:
    """The movies of the cards that can be turned away, in order."""
    return texts(app, r'data-act="away" data-movie="(.*?)"')


def click(app: AppTest, action: str, *movies: object) -> AppTest:
    """Click the button of each movie's card, faster than the server takes them up."""
    clicks = [[secrets.token_hex(4), action, str(movie)] for movie in movies]
    return app.text_input(key="clicks").set_value(json.dumps(clicks)).run()
