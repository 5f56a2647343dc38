import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memory_toolkit.guard.guard import Busy
from memory_toolkit.measure.limit import Group, configure_memory_limit, memory_limit
from memory_toolkit.measure.reading import read
from recommender import BundleError
from recommender.app.server import health, housekeeper, loading, startup, visitor
from recommender.app.server.health import Health
from recommender.app.server.housekeeper import guard
from recommender.app.server.loading import initialize_recommender
from recommender.core.errors import ProfileError
from recommender.visitors.records import Change
from tests.app.conftest import OpenPage
from tests.conftest import ROOT

# Has a process beside it killed for want of memory, and prints what is complained of.
KILLED = """
import subprocess, sys
from recommender.app.server.health import Health
health = Health()
print(health.complaints())
hog = "open('/proc/self/oom_score_adj', 'w').write('1000'); b'x' * 10**9"
print(subprocess.run([sys.executable, "-c", hog]).returncode, health.complaints())
"""


def ask(asked: Health) -> tuple[int, str, str | None]:
    """Status code, status and reason."""
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asyncio.run, asked.answer(None)).result()  # type: ignore[arg-type]
    assert answer.headers["cache-control"] == "no-store"
    body = json.loads(answer.body)
    assert list(body) == ["status", "reason"]
    return answer.status_code, body["status"], body["reason"]


@pytest.fixture(autouse=True)
def served(own_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "profiles" / "p.sqlite"))
    return own_bundle


def fill_to(share: float) -> None:
    """Let the limit be such that what this process holds is so much of it."""
    initialize_recommender()
    configure_memory_limit(int(read().own / share))
    housekeeper._guard.cache_clear()  # a guard looks for its limit every ten seconds only


def test_ready_once_the_bundle_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(loading, "_trouble", loading.Trouble("the bundle is not loaded yet"))
        before.setenv("MATINEE_BUNDLE", "/no/such")
        assert ask(Health()) == (503, "unavailable", "the bundle is not loaded yet")
    health.settings.cache_clear()
    initialize_recommender()
    with startup._loading:
        drawing = "every page is being drawn for the first time"
        assert ask(Health()) == (503, "unavailable", drawing)
    assert ask(Health()) == (200, "ready", None)


def test_a_bundle_that_cannot_be_used_and_is_mended(served: Path) -> None:
    kept = served.with_name("kept")
    shutil.move(served, kept)
    with pytest.raises(BundleError):
        initialize_recommender()
    code, status, reason = ask(Health())
    assert (code, status) == (503, "unavailable")
    assert reason is not None
    assert reason.startswith(f"{served}: there is no bundle here")
    shutil.move(kept, served)
    for _ in range(100):  # no visitor comes: asking is enough
        if ask(Health())[1] == "ready":
            return
        health.time.sleep(0.05)
    pytest.fail("the mended bundle was never opened")


def test_a_page_that_found_the_bundle_damaged_counts_too(open_page: OpenPage, served: Path) -> None:
    open_page()
    assert ask(Health())[1] == "ready"
    (served / "manifest.json").write_text("{")
    open_page()
    code, _, reason = ask(Health())
    assert code == 503
    assert str(served / "manifest.json") in str(reason)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.5, (200, "ready", None)),
        (0.75, (200, "ready", None)),
        (0.87, (200, "degraded", "memory is short: caches are given up")),
        (0.99, (503, "unavailable", "memory is full")),
    ],
)
def test_levels_of_memory(share: float, expected: tuple[int, str, str | None]) -> None:
    fill_to(share)
    assert ask(Health()) == expected


def test_without_the_guard_memory_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_GUARD", "false")
    fill_to(0.99)
    assert ask(Health()) == (200, "ready", None)


def test_refusals_count_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    initialize_recommender()
    asked, keeper = Health(), guard()
    assert keeper is not None
    assert ask(asked)[1] == "ready"
    with pytest.raises(Busy), keeper.admit("too much", 10**15):
        pass
    sentence = "visitors were asked to try again; the log says for want of what"
    assert ask(asked) == ask(asked) == (200, "degraded", sentence)
    monkeypatch.setattr(health, "RECENT_SECONDS", 0.0)
    assert ask(asked)[1] == "ready"


def test_ratings_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initialize_recommender()
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for name in ("file/p.sqlite", "folder"):
        monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / name))
        health.settings.cache_clear()
        sentence = f"{tmp_path / name} cannot be written, so that ratings are not kept"
        assert ask(Health()) == (200, "degraded", sentence)
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "file"))
    health.settings.cache_clear()
    assert ask(Health())[1] == "ready"


def test_a_table_without_room_for_newcomers(monkeypatch: pytest.MonkeyPatch) -> None:
    initialize_recommender()
    monkeypatch.setenv("MATINEE_PROFILE_VISITORS", "1")
    health.settings.cache_clear()
    store = visitor._shared_store()
    try:
        store.change("first", Change({1: (4.0, 1)}))
        assert ask(Health()) == (200, "ready", None)
        with pytest.raises(ProfileError):
            store.change("second", Change({1: (4.0, 1)}))
        code, status, reason = ask(Health())
        assert (code, status) == (200, "degraded")
        assert "newcomers' ratings are not kept" in str(reason)
        store.change("first", Change(erase=True))
        store.change("second", Change({1: (4.0, 1)}))
        assert ask(Health()) == (200, "ready", None)
    finally:
        visitor.close_store()


@pytest.fixture
def group() -> Iterator[Group]:
    """A control group of 300 MB inside this process's own."""
    home = memory_limit().home
    if home is None:
        pytest.skip("there are no control groups here")
    made = Group(f"{home.directory}/matinee-health-{os.getpid()}", home.version)
    try:
        os.mkdir(made.directory)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        for file in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max"):
            if Path(made.directory, file).exists():
                Path(made.directory, file).write_text(str(300 * 2**20))
        yield made
    finally:
        for _ in range(50):  # the kernel takes a moment to let go of a process
            try:
                os.rmdir(made.directory)
                break
            except OSError:
                health.time.sleep(0.1)


def test_a_process_killed_for_want_of_memory(group: Group) -> None:
    enter = f'echo $$ >"{group.directory}/cgroup.procs" && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", enter, "sh", sys.executable, "-c", KILLED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "[]",
        "-9 ['processes of this container killed for want of memory: 1']",
    ], done.stderr
