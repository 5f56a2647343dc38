import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.responses import HTMLResponse

from recommender.app.server.visitor import COOKIE, VisitorCookie

SECRET = "0123456789abcdefghijklmnopqrstu-"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def answer(
    headers: dict[str, str], *, method: str = "GET", scheme: str = "http", kind: str = "http"
) -> dict[str, list[str]]:
    """The headers of the answer to a request, as the middleware lets them through."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind,
        "method": method,
        "scheme": scheme,
        "path": "/my-ratings",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    page = HTMLResponse("<html>", headers={"Cache-Control": "no-cache", "ETag": "x"})
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, VisitorCookie(page)(scope, receive, send)).result()
    found: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        found.setdefault(name.decode().lower(), []).append(value.decode())
    return found


def secret(headers: dict[str, list[str]]) -> str:
    (cookie,) = headers["set-cookie"]
    return cookie.split(";")[0].removeprefix(f"{COOKIE}=")


def test_a_new_browser_gets_a_secret_of_its_own() -> None:
    first, second = answer(PAGE), answer(PAGE)
    assert re.fullmatch(r"[\w-]{32}", secret(first))
    assert secret(first) != secret(second)
    (cookie,) = first["set-cookie"]
    assert cookie.split("; ")[1:] == ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"]


def test_no_cache_may_hand_it_on() -> None:
    assert answer(PAGE)["cache-control"] == ["private, no-cache"]
    assert answer(PAGE)["etag"] == ["x"]


def test_a_known_browser_keeps_its_secret_for_another_year() -> None:
    headers = {**PAGE, "cookie": f"other=1; {COOKIE}={SECRET}; _streamlit_xsrf=2|a|b"}
    (cookie,) = answer(headers)["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={SECRET}; ")
    assert "Max-Age=31536000" in cookie


@pytest.mark.parametrize("value", ["", "short", "a" * 33, "ä" * 32, SECRET[:-1] + "!", '"; x=1'])
def test_what_is_no_secret_is_replaced(value: str) -> None:
    found = secret(answer({**PAGE, "cookie": f"{COOKIE}={value}"}))
    assert found != value
    assert re.fullmatch(r"[\w-]{32}", found)


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ({"accept": "*/*"}, "GET"),
        ({"accept": "image/avif,*/*"}, "GET"),
        ({}, "GET"),
        (PAGE, "HEAD"),
    ],
)
def test_scripts_images_and_probes_get_none(headers: dict[str, str], method: str) -> None:
    found = answer(headers, method=method)
    assert "set-cookie" not in found
    assert found["cache-control"] == ["no-cache"]
