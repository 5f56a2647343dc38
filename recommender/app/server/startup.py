"""Start and end of the server: settings, loading, warm-up, and closing the store of ratings."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager

from streamlit import config
from streamlit.watcher.polling_path_watcher import PollingPathWatcher

from memory_toolkit.guard.guard import Busy
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.record import stage_log
from recommender.app.components import semantic_search
from recommender.app.server import bundle_updates, evenings, worker
from recommender.app.server.configuration import settings
from recommender.app.server.garbage_collection import FullCollection
from recommender.app.server.housekeeper import Housekeeper
from recommender.app.server.loading import initialize_recommender, trouble
from recommender.app.server.request_heads import watch_heads
from recommender.app.server.visitor import close_store
from recommender.app.server.warm_up import draw_every_page
from recommender.core.address import Address
from recommender.core.errors import MatineeError, SettingsError
from recommender.recommender import Recommender
from recommender.remote.storages import check_usable
from recommender.settings.env_file import load_env_file
from recommender.settings.environment import Settings, unknown_variables
from recommender.visitors.stores import open_database

_log = logging.getLogger(__name__)
_before_bundle: int | None = None
_loading = threading.Lock()


def prepare(own_at_start: int) -> None:
    """Read `.env`, check every setting and tell Streamlit those that concern it.

    A setting that cannot be used ends the process with one line, status 2.

    Args:
        own_at_start: own memory before this package was imported, in bytes.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        load_env_file()
        found = Settings.from_environment()
        found.apply_memory_limit(worker.count())
        if found.ratings_url is not None:
            open_database(found)  # says now what is missing or wrong; asks nobody yet
        if isinstance(found.bundle, Address):
            check_usable(found.bundle)
    except SettingsError as error:
        print(f"matinee: {error}", file=sys.stderr)
        sys.exit(2)
    for line in unknown_variables():
        _log.warning("%s", line)
    config.set_option("server.disconnectedSessionTTL", found.session_seconds)
    if config.get_option("server.fileWatcherType") == "none":
        _stop_watching_files()
    stage_log.log_stage("at start", own_at_start)


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Run the server's background work; it answers at once, while a thread loads the bundle."""
    loop = asyncio.get_running_loop()
    watch_heads(loop, worker.here())
    housekeeper = Housekeeper(FullCollection().collect_if_due, evenings.forget_ended)
    housekeeper.start()
    bundle_updates.start(settings(), lambda: _arrived(loop), lambda: trouble() is not None)
    if bundle_updates.missing() is None:
        load_in_background()
    try:
        yield
    finally:
        bundle_updates.stop()
        housekeeper.stop()
        await asyncio.to_thread(close_store)


def _stop_watching_files() -> None:
    """End the threads that look at Streamlit's own files five times a second, whatever the option
    `server.fileWatcherType` says. Source: Streamlit 1.67, bootstrap._install_config_watchers.
    """
    PollingPathWatcher._schedule = lambda _watcher: None  # type: ignore[assignment,method-assign]
    PollingPathWatcher._executor.shutdown(wait=False)


def load_in_background() -> None:
    """Load the bundle in a thread of its own, unless one is at it; to be used on the event loop."""
    if _loading.acquire(blocking=False):
        loop = asyncio.get_running_loop()
        threading.Thread(target=_load, args=(loop,), name="bundle", daemon=True).start()


def is_loading() -> bool:
    """Return True while the bundle is being loaded and its pages are drawn for the first time."""
    return _loading.locked()


def _arrived(loop: asyncio.AbstractEventLoop) -> None:
    """Open the new version of a bundle at an address, so that no visitor waits for it."""
    if loop.is_closed():
        return
    if trouble() is not None:  # there was none that could be used
        loop.call_soon_threadsafe(load_in_background)
        return
    try:
        with stage_log.around("opening the new version"):
            initialize_recommender()
    except MatineeError as error:
        _log.error("%s", error)
    except Exception:
        _log.exception("the new version cannot be used")


def start_memory() -> int | None:
    """Return own memory before the bundle was first loaded, in bytes; None until then."""
    return _before_bundle


def _load(loop: asyncio.AbstractEventLoop) -> None:
    global _before_bundle
    try:
        # The pages too, so that what a bundle takes is told apart from what they take.
        from recommender.app.pages import about, tonight  # noqa: F401

        # No later collection need look at what stays for good.
        gc.collect()
        gc.freeze()
        with stage_log.around("loading the bundle") as before:
            _before_bundle = before if _before_bundle is None else _before_bundle
            matinee = initialize_recommender()
        _warm_up(matinee, loop)
        if settings().preload == "semantic":
            semantic_search.load(matinee)
    except MatineeError as error:
        _log.error("%s", error)
    except Busy:
        pass  # the guard has written it to the log; the first search tries again
    except Exception:
        _log.exception("the bundle cannot be used")
    finally:
        _loading.release()


def _warm_up(matinee: Recommender, loop: asyncio.AbstractEventLoop) -> None:
    if loop.is_closed():  # the server has ended
        return
    try:
        with stage_log.around("drawing every page"):
            asyncio.run_coroutine_threadsafe(draw_every_page(matinee), loop).result()
            return_memory()
    except CancelledError:
        pass  # it ends now
    except Exception:  # visitors can still be served
        _log.exception("the pages could not be drawn ahead of the first visitor")
