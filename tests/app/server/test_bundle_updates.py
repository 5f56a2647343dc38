"""The app with a bundle at an address, without a server of its own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recommender.app.server import bundle_updates, loading
from recommender.app.server.configuration import settings
from recommender.core.address import Address
from recommender.remote.publishing import publish
from tests.app.conftest import OpenPage
from tests.app.drawn import texts
from tests.remote.conftest import address, behind, newer_bundle, storage  # noqa: F401
from tests.remote.origin_server import Storage, silence, status

USERS = "<dd>(.*?)</dd>"


@pytest.fixture
def arrived() -> threading.Event:
    return threading.Event()


@pytest.fixture
def follow(
    open_page: OpenPage,
    address: Address,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arrived: threading.Event,
) -> Iterator[Callable[[], None]]:
    """Begins to follow `address`, with a look each second."""
    monkeypatch.setenv("MATINEE_BUNDLE", address.full)
    monkeypatch.setenv("MATINEE_BUNDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MATINEE_BUNDLE_SECONDS", "1")
    yield lambda: bundle_updates.start(
        settings(), arrived.set, lambda: loading.trouble() is not None
    )
    bundle_updates.stop()


def wait_until(wanted: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_pages_show_what_was_fetched_and_then_the_next_version(
    open_page: OpenPage,
    follow: Callable[[], None],
    arrived: threading.Event,
    behind: Address,  # noqa: F811
    newer_bundle: Path,  # noqa: F811
) -> None:
    follow()
    assert arrived.wait(60)
    assert loading.trouble() is not None  # nobody has asked for it yet
    home = open_page("discover")
    assert not home.exception
    assert texts(home, USERS)[2] == "50"
    assert loading.trouble() is None
    before = loading.initialize_recommender()
    arrived.clear()
    publish(newer_bundle, behind)
    assert arrived.wait(60)
    assert not home.run().exception
    after = loading.initialize_recommender()
    assert after.bundle.created != before.bundle.created or after is not before
    assert before.rated_by(1) != after.rated_by(1)  # the shard of the old one is still to be had


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-US", "is fetching its movies"), ("ko-KR", "영화 데이터를 가져오는 중입니다")],
)
def test_until_it_is_here_the_page_says_so(
    open_page: OpenPage,
    follow: Callable[[], None],
    storage: Storage,  # noqa: F811
    address: Address,  # noqa: F811
    locale: str,
    sentence: str,
) -> None:
    storage.faults["*"] = silence
    follow()
    page = open_page(locale=locale)
    (said,) = [block.value for block in page.markdown if "127" in block.value]
    assert sentence in said
    assert "is being fetched" in said
    assert len(page.button) == 1
    found = loading.trouble()
    assert found is not None
    assert found.reason == f"{address} is being fetched"


def test_what_goes_wrong_at_first_is_shown(
    open_page: OpenPage,
    follow: Callable[[], None],
    storage: Storage,  # noqa: F811
    address: Address,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage.faults["*"] = status(403)
    reason = f"{address}/manifest.json: the server answers 403"
    with caplog.at_level(logging.INFO):
        follow()
        wait_until(lambda: bundle_updates.trouble() == reason)
    assert caplog.messages == [f"{reason}; it is tried again and again"]
    page = open_page()
    assert any("answers 403" in block.value for block in page.markdown)
    storage.faults.clear()
    wait_until(lambda: bundle_updates.trouble() is None)
    assert not texts(page.run(), "answers 403")


def test_a_local_bundle_is_not_followed(open_page: OpenPage) -> None:
    earlier = set(threading.enumerate())  # those of other tests may still be ending
    bundle_updates.start(settings(), lambda: None, lambda: False)
    assert (bundle_updates.trouble(), bundle_updates.missing()) == (None, None)
    begun = set(threading.enumerate()) - earlier
    assert "bundle updates" not in {thread.name for thread in begun}


def test_a_cache_that_is_damaged_while_nothing_runs_is_mended(
    open_page: OpenPage, follow: Callable[[], None], arrived: threading.Event
) -> None:
    follow()
    assert arrived.wait(60)
    bundle_updates.stop()
    (file,) = settings().bundle_folder.rglob("movie_year.npy")
    file.write_bytes(bytes(file.stat().st_size))
    assert any("checksum does not match" in block.value for block in open_page().markdown)
    arrived.clear()
    follow()
    assert arrived.wait(60)
    assert texts(open_page("discover"), USERS)[2] == "50"
