"""Headers by which the browser protects visitors, on the real server."""

import json
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from tests.browser.serving import Server, serve

PAGE = {"Accept": "text/html"}
PASSED_ON = {"X-Forwarded-For": "192.0.2.7"}


def ask(server: Server, path: str, **headers: str) -> tuple[int, Message]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(f"{server.url}{path}", headers=named), timeout=20
        )
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers


def test_what_the_server_says_to_browsers(tiny_bundle: Path, tmp_path: Path) -> None:
    hosts = "127.0.0.1,movies.example"
    with serve(
        tiny_bundle, tmp_path, DEBUG_MEMORY_TOKEN="s3cret", MATINEE_ALLOWED_HOSTS=hosts
    ) as server:
        for path in ("/", "/my-ratings", "/_stcore/health", "/healthz", "/no/such", "/media/x"):
            _, headers = ask(server, path, **PAGE)
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["referrer-policy"] == "same-origin", path
            policy = dict(
                rule.split(" ", 1) for rule in headers["content-security-policy"].split("; ")
            )
            assert policy["default-src"] == policy["frame-ancestors"] == "'self'", path
            assert "http" not in headers["content-security-policy"], path

        # Over TLS both cookies, ours and Streamlit's, however the proxies say so.
        for path, name in (("/", "matinee_visitor="), ("/_stcore/health", "_streamlit_xsrf=")):
            for protocol in ("HTTPS", "https, http"):
                _, headers = ask(server, path, X_Forwarded_Proto=protocol, **PAGE)
                cookies = headers.get_all("set-cookie") or []
                assert any(cookie.startswith(name) for cookie in cookies)
                assert all(cookie.lower().count("; secure") == 1 for cookie in cookies)
            _, headers = ask(server, path, **PAGE)
            assert not any("secure" in c.lower() for c in headers.get_all("set-cookie") or [])

        # Streamlit's metrics, by whatever path they are reached.
        for path in ("/_stcore/metrics", "/_stcore/%6detrics", "/_stcore/metrics/"):
            assert ask(server, path, X_Forwarded_For="192.0.2.7")[0] == 401, path
        known = {"Authorization": "Bearer s3cret", **PASSED_ON}
        assert ask(server, "/_stcore/metrics", **known)[0] == 200

        # Nobody else's page may steer this one from the frame around it.
        with urllib.request.urlopen(f"{server.url}/_stcore/host-config", timeout=20) as answer:
            assert json.load(answer)["allowedOrigins"] == []

        assert ask(server, "/", Host="movies.example:8501")[0] == 200
        for host in ("evil.example", "movies.example.evil.example", ""):
            assert ask(server, "/healthz", Host=host)[0] == 400, host


@pytest.mark.parametrize("value", ["a b", "http://a", "a/b", "*", "a,,b", "a:8501"])
def test_what_is_no_host_name_is_refused(value: str) -> None:
    from recommender.core.errors import SettingsError
    from recommender.settings.environment import Settings

    with pytest.raises(SettingsError, match="give host names"):
        Settings.from_environment({"MATINEE_ALLOWED_HOSTS": value})
