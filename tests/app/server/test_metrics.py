import pytest
from starlette.requests import Request

from recommender.app.server.metrics import may_read

TOKEN = "s3cret"


def request(host: str | None, headers: dict[str, str] | None = None, query: str = "") -> Request:
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    client = None if host is None else (host, 50_000)
    return Request(
        {"type": "http", "headers": pairs, "client": client, "query_string": query.encode()}
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert may_read(request(host), TOKEN)


@pytest.mark.parametrize(
    "host", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "fe80::1%eth0", "a name", None]
)
def test_others_need_it(host: str | None) -> None:
    assert not may_read(request(host), TOKEN)
    assert may_read(request(host), None)
    assert may_read(request(host, {"Authorization": f"Bearer {TOKEN}"}), TOKEN)
    assert may_read(request(host, {"authorization": f"bearer  {TOKEN} "}), TOKEN)
    assert may_read(request(host, query=f"token={TOKEN}"), TOKEN)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {TOKEN}"}]
)
@pytest.mark.parametrize("query", ["", "token=", "token=S3CRET", "token=s3cre", "token=%ED%95%9C"])
def test_a_wrong_token_is_none(headers: dict[str, str], query: str) -> None:
    assert not may_read(request("192.0.2.7", headers, query), TOKEN)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_passes_on_is_not_from_this_machine(header: str) -> None:
    assert not may_read(request("127.0.0.1", {header: "127.0.0.1"}), TOKEN)
    assert may_read(request("127.0.0.1", {header: "127.0.0.1"}, f"token={TOKEN}"), TOKEN)
