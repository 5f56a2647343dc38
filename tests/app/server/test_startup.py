"""The server as it starts: a process of its own, without a browser."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from streamlit import config

from recommender.app.server import startup
from tests.app.conftest import APP
from tests.browser.serving import Server, serve

OWN = r"[\d.]+ MB \([\d.]+% of 512 MB\)"
STAGES = [
    rf"\[at start\] {OWN}",
    rf"\[before loading the bundle\] {OWN}",
    rf"\[after loading the bundle\] {OWN}, [+-]?[\d.]+ MB",
    rf"\[before drawing every page\] {OWN}",
    rf"\[after drawing every page\] {OWN}, [+-]?[\d.]+ MB",
]


def fetch(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, str, str | None]:
    """Status, content type, body, and what it says of caching."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(f"{server.url}{path}", method=method, headers=names)
    try:
        answer = urllib.request.urlopen(asked, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        kinds = answer.headers["content-type"], answer.headers["cache-control"]
        return answer.status, kinds[0], answer.read().decode(), kinds[1]


def wait_for(server: Server, status: str) -> str | None:
    """The reason that /healthz gives once it says `status`."""
    end = time.monotonic() + 120  # on a busy machine, too
    while time.monotonic() < end:
        body = json.loads(fetch(server, "/healthz")[2])
        if body["status"] == status:
            return body["reason"]
        time.sleep(0.1)
    raise AssertionError(body)


def wait_for_line(server: Server, text: str) -> str:
    """The server's log once it says `text`."""
    end = time.monotonic() + 120  # on a busy machine, too
    while text not in (log := server.log.read_text("utf-8")):
        assert time.monotonic() < end, log
        time.sleep(0.1)
    return log


def test_no_thread_watches_files() -> None:
    """Streamlit's command begins to watch its own before it imports the app."""
    code = """
import threading
from streamlit.web import bootstrap
bootstrap._install_config_watchers({})
watching = threading.active_count()
from recommender.app.server import startup
startup.prepare(0)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(20)
print(watching > 1, threading.active_count())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=APP.parent,
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["True", "1"]


def test_it_loads_the_bundle_and_says_what_it_took(tiny_bundle: Path, tmp_path: Path) -> None:
    with serve(tiny_bundle, tmp_path, MATINEE_MEMORY_LIMIT="512M") as server:
        assert wait_for(server, "ready") is None
        assert fetch(server, "/healthz", "HEAD")[:3] == (200, "application/json", "")
        status, kind, text, caching = fetch(server, "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert caching == "no-store"
        assert fetch(server, "/metrics", "HEAD")[2] == ""
        log = wait_for_line(server, "[after drawing every page]")
    lines = [line for line in log.splitlines() if re.search(r"\[(at|before|after) ", line)]
    assert len(lines) == len(STAGES)
    for line, stage in zip(lines, STAGES, strict=True):
        assert re.fullmatch(rf"[\d-]+ [\d:,]+ {stage}", line)
    assert "Traceback" not in log
    assert "ScriptRunContext" not in log
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert families["matinee_memory_limit_bytes"][0].value == 512 * 2**20
    kinds = {sample.labels["kind"]: sample.value for sample in families["matinee_memory_bytes"]}
    assert 20 * 2**20 < kinds["own"] < 512 * 2**20
    assert {sample.labels["state"] for sample in families["matinee_sessions"]} == {
        *("connected", "kept")
    }
    cached = {sample.labels["cache"] for sample in families["matinee_cache_entries"]}
    assert "recommender.app.server.loading._bundle" in cached
    assert "matinee_guard_decisions" in families
    assert "matinee_actions" not in families


def test_search_by_meaning_is_loaded_at_the_start_where_that_is_asked_for(
    embedded_bundle: Path, tmp_path: Path
) -> None:
    stage = "loading search by meaning"
    with serve(embedded_bundle, tmp_path) as server:
        assert stage not in wait_for_line(server, "[after drawing every page]")
    with serve(embedded_bundle, tmp_path, MATINEE_PRELOAD="semantic") as server:
        log = wait_for_line(server, f"[after {stage}]")
    assert f"[before {stage}]" in log


def test_without_vectors_there_is_a_line_and_the_rest_is_served(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    with serve(tiny_bundle, tmp_path, MATINEE_PRELOAD="semantic") as server:
        log = wait_for_line(server, "there is no semantic index; make it with `matinee embed")
        assert wait_for(server, "ready") is None
    assert "Traceback" not in log


def test_who_may_read_the_metrics(tiny_bundle: Path, tmp_path: Path) -> None:
    with serve(tiny_bundle, tmp_path, DEBUG_MEMORY="true", DEBUG_MEMORY_TOKEN="s3") as server:
        assert fetch(server, "/metrics")[0] == 200
        status, _, text, caching = fetch(server, "/metrics", X_Forwarded_For="127.0.0.1")
        assert (status, caching) == (401, "no-store")
        assert text == "give DEBUG_MEMORY_TOKEN: Authorization: Bearer …, or ?token=…\n"
        assert fetch(server, "/metrics?token=s3", X_Forwarded_For="127.0.0.1")[0] == 200
        assert fetch(server, "/healthz", X_Forwarded_For="127.0.0.1")[0] in (200, 503)


def test_without_a_bundle_it_waits_for_one(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    with serve(bundle, tmp_path) as server:
        reason = f"{bundle}: there is no bundle here; make one with `matinee train --out {bundle}`"
        assert wait_for(server, "unavailable") in ("the bundle is not loaded yet", reason)
        while wait_for(server, "unavailable") != reason:
            time.sleep(0.1)
        assert fetch(server, "/healthz")[0] == 503
        shutil.copytree(tiny_bundle, bundle)
        wait_for(server, "ready")
        log = server.log.read_text("utf-8")
    assert len(re.findall(re.escape(reason), log)) == 1
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("variables", "file", "line"),
    [
        (
            {"MATINEE_USER_BATCH": "abc"},
            "",
            "matinee: MATINEE_USER_BATCH=abc: give a whole number from 1 to 4,096",
        ),
        (
            {},
            "MATINEE_MEMORY_LIMIT=256",
            "matinee: MATINEE_MEMORY_LIMIT=256: give a size of at least 1M, such as 256M or 1.5G",
        ),
        ({}, "A=1\nMATINEE_BUNDLE bundle", "matinee: .env, line 2: write NAME=value"),
    ],
)
def test_a_setting_that_cannot_be_used_ends_it_with_one_line(
    tmp_path: Path, variables: dict[str, str], file: str, line: str
) -> None:
    (tmp_path / ".env").write_text(file, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(APP), "--server.headless=true"],
        cwd=tmp_path,
        env={**os.environ, "STREAMLIT_SERVER_PORT": "0", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [line]


def test_the_file_sets_what_the_environment_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # First of all: Streamlit reads its settings from the current folder when first asked.
    before = config.get_option("server.disconnectedSessionTTL")
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(
        "MATINEE_SESSION_SECONDS=7\nMATINEE_MEMORY_LIMIT=512M\nMATINEE_BUNDEL=x", "utf-8"
    )
    for name in ("MATINEE_SESSION_SECONDS", "MATINEE_BUNDEL"):
        monkeypatch.setenv(name, "")  # so that it is taken away again afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv("MATINEE_MEMORY_LIMIT", "1G")
    try:
        with caplog.at_level(logging.INFO):
            startup.prepare(256 * 2**20)
        assert config.get_option("server.disconnectedSessionTTL") == 7
    finally:
        config.set_option("server.disconnectedSessionTTL", before)
    assert [record.getMessage() for record in caplog.records] == [
        "MATINEE_BUNDEL is no setting: did you mean MATINEE_BUNDLE?",
        "[at start] 256.0 MB (25.0% of 1,024 MB)",
    ]
