"""Limits of uploaded files: Streamlit's own routes behind them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.web.server.starlette.starlette_routes import create_upload_routes

from memory_toolkit.measure.sizes import MB
from recommender.app.server import upload_limits
from recommender.app.server.upload_limits import MAX_UPLOADED_FILES, UploadLimits

MAX_MB = 10
PATH = "/_stcore/upload_file"


@pytest.fixture
def browser(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(runtime._session_mgr, "is_active_session", lambda _name: True)
    wanted = {"server.enableXsrfProtection": False, "server.maxUploadSize": MAX_MB}
    before = {name: config.get_option(name) for name in wanted}
    for name, value in wanted.items():
        config.set_option(name, value)
    routes: Any = create_upload_routes(runtime, runtime.uploaded_file_mgr, "")  # type: ignore[arg-type]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(UploadLimits)])) as client:
        yield client
    for name, value in before.items():
        config.set_option(name, value)


def put(browser: TestClient, name: str, size: int, session: str = "one") -> int:
    files = {"file": (name, b"x" * size)}
    return browser.put(f"{PATH}/{session}/{name}", files=files).status_code


def held(runtime: Runtime, session: str = "one") -> dict[str, int]:
    files = runtime.uploaded_file_mgr.file_storage.get(session, {})  # type: ignore[attr-defined]
    return {name: len(file.data) for name, file in files.items()}


def test_a_session_holds_its_newest_files(browser: TestClient, runtime: Runtime) -> None:
    for number in range(MAX_UPLOADED_FILES + 3):
        assert put(browser, f"{number}.csv", 10) == 204
    assert list(held(runtime)) == ["3.csv", "4.csv"]
    assert put(browser, "other.csv", 10, "two") == 204
    assert list(held(runtime)) == ["3.csv", "4.csv"]


def test_a_session_holds_so_many_bytes(browser: TestClient, runtime: Runtime) -> None:
    for number in range(3):
        assert put(browser, f"{number}.csv", 6 * MB) == 204
    assert sum(held(runtime).values()) <= MAX_MB * MB
    assert list(held(runtime)) == ["2.csv"]


def test_what_is_too_large_is_413(browser: TestClient, runtime: Runtime) -> None:
    assert put(browser, "large.csv", 12 * MB) == 413
    assert not held(runtime)


def test_without_room_it_is_503(
    browser: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = upload_limits.guard()
    assert keeper is not None
    monkeypatch.setattr(type(keeper), "room", lambda _guard: MB)
    assert put(browser, "0.csv", MB) == 503
    assert put(browser, "1.csv", MB // 4) == 204
    monkeypatch.setattr(upload_limits, "MAX_UPLOADS_AT_ONCE", 0)
    assert put(browser, "2.csv", 10) == 503
    assert list(held(runtime)) == ["1.csv"]


def test_memory_that_ends_meanwhile_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    async def greedy(_request: object) -> None:
        raise MemoryError

    app = Starlette(
        routes=[Route(f"{PATH}/{{session}}/{{file}}", greedy, methods=["PUT"])],
        middleware=[Middleware(UploadLimits)],
    )
    monkeypatch.setattr(upload_limits, "_make_room", lambda _session, _left: None)
    with TestClient(app) as client:
        answers = [client.put(f"{PATH}/one/a", content=b"x") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].headers["retry-after"] == "10"


def at_once(count: int, address: str, seconds: float, size: int = 0) -> list[int]:
    """Answers to uploads that begin together and bring `size` bytes; the rest never comes."""

    async def main() -> list[int]:
        limits = UploadLimits(reads_all)
        found: list[int] = []

        async def one(number: int) -> None:
            pieces = iter([b"x" * size])

            async def receive() -> dict[str, Any]:
                piece = next(pieces, None)
                if piece is None:
                    await asyncio.sleep(seconds)
                return {"type": "http.request", "body": piece or b"", "more_body": True}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    found.append(message["status"])

            scope = {"type": "http", "method": "PUT", "path": f"{PATH}/{number}/f"}
            headers = [(b"content-length", b"1000000"), (b"x-forwarded-for", address.encode())]
            await limits({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)

        async with asyncio.timeout(30):
            await asyncio.gather(*map(one, range(count)))
        return sorted(found)

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()


async def reads_all(_scope: Any, receive: Any, _send: Any) -> None:
    while (await receive())["more_body"]:
        pass


def test_what_never_comes_holds_no_place_for_long(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_limits, "PATIENCE_SECONDS", 0.2)
    assert at_once(4, "192.0.2.7", 60) == [408, 408, 503, 503]
    # Ten kilobytes give it another second.
    assert at_once(1, "192.0.2.7", 60, size=10_000) == [408]
