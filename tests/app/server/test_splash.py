from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import file_util
from streamlit.web.server.starlette.starlette_static_routes import (
    create_streamlit_static_assets_routes,
)

from recommender.app.server.splash import Splash

PLAIN = Path(file_util.get_static_dir(), "index.html").read_text("utf-8")


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = [
        Route("/flame-graph", lambda request: HTMLResponse("<title>Streamlit</title>")),
        *create_streamlit_static_assets_routes(None),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Splash)])
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/for-you", "/no/such/page"])
def test_every_page_begins_with_the_name(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html,*/*", "accept-encoding": "gzip"})
    assert '<div id="root"><div class="splash" aria-hidden="true">Matinee' in answer.text
    assert "<title>Matinee</title>" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers
    # Nothing else of the page is changed.
    assert answer.text.count("modulepreload") == PLAIN.count("modulepreload") > 0


def test_a_head_request_has_no_body(client: TestClient) -> None:
    answer = client.head("/")
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == len(client.get("/").content)


def test_other_answers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/flame-graph").text == "<title>Streamlit</title>"
    assert client.get("/favicon.png").content == (
        Path(file_util.get_static_dir(), "favicon.png").read_bytes()
    )
