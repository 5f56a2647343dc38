"""Addresses that nobody's button wrote: each page takes what it can of them, without an error."""

from __future__ import annotations

import pytest

from recommender.app.pages import PAGES, url_path
from tests.app.conftest import OpenPage

NAMES = (
    *("n", "genres", "years", "fewest", "user", "order", "method", "movie", "id", "q", "variety"),
    *("obscurity", "weight", "part", "sort", "mood", "lang", "new", "find", "evening"),
)
ODD = (
    *("9" * 5000, "-1", "0", "1e999", "-1e999", "nan", "inf", "1.0", "007", "1_0", "٣", "½"),
    *("\0", "\x1b[2J", "\ufffd", "<script>alert(1)</script>", "../../etc/passwd", "' OR 1=1 --"),
    *("x" * 20_000, "", " ", "null", "[]", "{}", "%00", "99999999999999999999999", "1;2", "1,2"),
)


@pytest.mark.parametrize("page", PAGES)
def test_no_value_in_an_address_is_an_error(open_page: OpenPage, page: str) -> None:
    for value in ODD:
        for values in (value, [value] * 3):
            app = open_page(url_path(page), **dict.fromkeys(NAMES, values))
            assert not app.exception, (value[:50], app.exception[0].value)
