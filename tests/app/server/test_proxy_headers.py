from typing import Any

import pytest

from recommender.app.server.proxy_headers import client_address, is_encrypted


def scope(*headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"type": "http", "scheme": scheme, "headers": pairs, "client": ("192.0.2.1", 50_000)}


@pytest.mark.parametrize(
    ("value", "encrypted"),
    [
        ("https", True),
        ("HTTPS", True),
        ("https, http", True),  # the browser's own connection is the first
        (" Https ,http", True),
        ("wss", True),
        ("http", False),
        ("http, https", False),
        ("httpsx", False),
        ("", False),
    ],
)
def test_a_proxy_says_how_the_browser_speaks(value: str, encrypted: bool) -> None:
    assert is_encrypted(scope(("X-Forwarded-Proto", value))) == encrypted


def test_the_server_knows_how_it_is_spoken_to() -> None:
    assert is_encrypted(scope(scheme="https"))
    assert is_encrypted(scope(scheme="wss"))
    assert not is_encrypted(scope())


def test_the_address_is_the_one_that_the_nearest_proxy_saw() -> None:
    assert client_address(scope()) == "192.0.2.1"
    assert client_address(scope(("x-forwarded-for", "1.2.3.4, 198.51.100.7"))) == "198.51.100.7"
    several = (("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "198.51.100.8"))
    assert client_address(scope(*several)) == "198.51.100.8"
    assert client_address({**scope(), "client": None}) == ""
