"""Each app of the examples in a real control group: killed before, alive after."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import example_apps
from benchmarks.example_apps import (
    PHOTOS,
    REQUESTS,
    ROUNDS,
    SEARCHES,
    START_SECONDS,
    TABS,
    limited,
    stored,
)
from memory_toolkit.guard.enclosure import enclosure
from memory_toolkit.measure.sizes import MB
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="Linux only")]


@pytest.fixture(autouse=True)
def group() -> None:
    """Skip where no control group can be made."""
    with enclosure(512 * MB) as box:
        if box.group is None:
            pytest.skip("no control group can be made here")


def test_streamlit_foreign(tmp_path: Path) -> None:
    with example_apps.streamlit_foreign("before", 512 * MB, tmp_path) as app:
        assert app.kills == 1
    with example_apps.streamlit_foreign("after", 512 * MB, tmp_path) as app:
        assert (app.kills, app.problems) == (0, []), app.logged()
        assert len(app.answers) == TABS * ROUNDS


def test_fastapi_vision(tmp_path: Path) -> None:
    with example_apps.fastapi_vision("before", 957 * MB, tmp_path) as app:
        assert app.kills == 1
    with example_apps.fastapi_vision("after", 957 * MB, tmp_path) as app:
        assert (app.kills, app.problems) == (0, []), app.logged()
        assert [answer.status for answer in app.answers] == [200] * REQUESTS
        assert app.logged().count("[after loading") == 2
        assert re.search(r"after loading detector\] .* MB \(.*% of 957 MB\), \+1\d\d", app.logged())
        too_many = app.ask("/api/analyze", {"names": ["one"] * (PHOTOS + 1)})
        assert (too_many.status, "at most" in too_many.body) == (413, True)
        assert app.ask("/api/analyze", {"names": []}).status == 500
        assert app.comes_true(lambda: "UnboundLocalError" in app.logged())
        assert json.loads(app.ask("/api/health").body)["status"] == "ready"
        assert app.ask("/api/analyze", {"names": ["one"]}).status == 200


def test_batch_embed(tmp_path: Path) -> None:
    """Killed in the middle, it goes on where it was."""
    with example_apps.batch_embed("before", 512 * MB, tmp_path) as app:
        assert (app.kills, stored(tmp_path / "vectors.sqlite")) == (1, 0)
    store, count = tmp_path / "after.sqlite", 30
    command = ("-m", "examples.batch_embed.after", str(store), str(count))
    with limited(command, 512 * MB, tmp_path) as app:
        assert app.comes_true(lambda: store.exists() and stored(store) >= 3)
        app.process.send_signal(signal.SIGKILL)
        app.process.wait(START_SECONDS)
    before = stored(store)
    assert (before % 3, before < count) == (0, True)
    with limited(command, 512 * MB, tmp_path) as app:
        assert app.process.wait(START_SECONDS) == 0
        assert (app.kills, stored(store)) == (0, count)
        assert f"{count - before} stored, {before} skipped" in app.logged()
        *_, size, _unit, _at, _the, _end = app.logged().split()
        assert float(size) < 60  # the model is gone
        assert app.peak < 200 * MB


def test_flask_tags(tmp_path: Path) -> None:
    with example_apps.flask_tags("before", 512 * MB, tmp_path) as app:
        assert app.kills >= 1
    with example_apps.flask_tags("after", 512 * MB, tmp_path) as app:
        assert (app.kills, app.problems, len(app.answers)) == (0, [], SEARCHES), app.logged()
        assert {answer.status for answer in app.answers} <= {200, 503}
        refused = [answer.body for answer in app.answers if answer.status == 503]
        assert all("too little memory just now" in body for body in refused)
        found = [json.loads(answer.body) for answer in app.answers if answer.status == 200]
        by_tag = [articles for articles in found if len(articles) == 9]
        assert len(by_tag) == SEARCHES // 2


def test_the_model_of_flask_tags_comes_when_it_is_wanted_and_goes(tmp_path: Path) -> None:
    settings = ("--config=examples/flask_tags/gunicorn.conf.py", "--bind=127.0.0.1:PORT")
    command = ("-m", "gunicorn", *settings, "examples.flask_tags.after:app")
    with limited(command, 512 * MB, tmp_path, IDLE_SECONDS="1") as app:
        assert app.wait_until_up("/tags/dog")
        assert app.used() < 200 * MB
        assert "loading" not in app.logged()
        assert app.ask("/search?q=animals").status == 200
        assert "[after loading sentence model]" in app.logged()
        assert app.comes_true(lambda: "[after unloading sentence model]" in app.logged())
        address = f"http://127.0.0.1:{app.port}"
        checked = subprocess.run(
            [sys.executable, "-m", "examples.flask_tags.check_memory", address],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (checked.returncode, checked.stdout.split()[0]) == (0, "ready"), checked.stderr
