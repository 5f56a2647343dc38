import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit import file_util
from streamlit.web.server.starlette.starlette_static_routes import (
    create_streamlit_static_assets_routes,
)

from memory_toolkit.measure.sizes import MB
from recommender.app.server.compressed_files import MAX_FILE_BYTES, CompressedFiles

STATIC = Path(file_util.get_static_dir())
SCRIPTS = sorted((STATIC / "static" / "js").glob("*.js"), key=lambda file: file.stat().st_size)


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = create_streamlit_static_assets_routes(None)
    app = Starlette(routes=routes, middleware=[Middleware(CompressedFiles)])
    with TestClient(app, headers={"accept-encoding": "gzip"}) as client:
        yield client


def test_what_a_first_visit_loads_is_a_third(client: TestClient) -> None:
    page = client.get("/").text
    names = re.findall(r'"\./(static/(?:js|css)/[^"]+\.(?:js|css))"', page)
    assert len(names) > 20
    sent = sizes = 0
    for name in names:
        answer = client.get(f"/{name}")
        assert answer.content == (STATIC / name).read_bytes()
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))
        sent += int(answer.headers["content-length"])
        sizes += len(answer.content)
    assert sent < sizes / 2.5


@pytest.mark.parametrize(
    "headers", [{"accept-encoding": "identity"}, {"range": "bytes=0-9"}], ids=str
)
def test_who_does_not_accept_it_gets_the_file(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get(f"/static/js/{SCRIPTS[0].name}", headers=headers)
    assert "content-encoding" not in answer.headers
    assert SCRIPTS[0].read_bytes().startswith(answer.content)


@pytest.mark.parametrize("path", ["js/no-such.js", "js/../../index.html", "media/x.png", "js/"])
def test_what_is_no_script_is_passed_on(client: TestClient, path: str) -> None:
    assert "content-encoding" not in client.get(f"/static/{path}").headers


def test_whoever_asks_for_everything_takes_little_memory(client: TestClient) -> None:
    held = CompressedFiles(Starlette())
    for script in SCRIPTS:
        content = held._compressed(f"js/{script.name}")
        if script.stat().st_size > MAX_FILE_BYTES:
            assert content is None
        else:
            assert gzip.decompress(content or b"") == script.read_bytes()
    assert sum(map(len, held._files.values())) <= 4 * MB


def test_a_large_file_is_sent_as_it_is(client: TestClient) -> None:
    answer = client.get(f"/static/js/{SCRIPTS[-1].name}")
    assert "content-encoding" not in answer.headers
    assert answer.content == SCRIPTS[-1].read_bytes()
