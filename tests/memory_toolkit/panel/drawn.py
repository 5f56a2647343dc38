"""Reads the sidebar as a visitor would."""

from __future__ import annotations

import re
from html import unescape

from streamlit.testing.v1 import AppTest


def html(side: AppTest) -> str:
    """The HTML in the sidebar, after a run without an exception."""
    assert not side.exception
    return "".join(element.proto.body for element in side.sidebar.get("html"))


def words(side: AppTest) -> str:
    """The text of that HTML, its elements parted by a bar."""
    return flat(html(side))


def flat(markup: str) -> str:
    return re.sub(r"(\|\s*)+", "|", unescape(re.sub(r"<[^>]*>", "|", markup)))


def show(side: AppTest, view: str) -> AppTest:
    """Open the view with this name, such as "actions"."""
    return side.sidebar.segmented_control(key="memory.view").set_value(f"memory.view_{view}").run()
