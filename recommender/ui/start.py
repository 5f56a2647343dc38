"""What happens once when the server starts, before the first visitor, and when it ends."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit import config

from memory_toolkit.sizes import MB, format_bytes
from memory_toolkit.snapshot import snapshot
from recommender.environment import load_env_file
from recommender.errors import MatineeError, SettingsError
from recommender.settings import Settings, unknown_variables
from recommender.ui.keeping import Housekeeper
from recommender.ui.loading import initialize_recommender

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
    except SettingsError as error:
        print(f"matinee: {error}", file=sys.stderr)
        sys.exit(2)
    for line in unknown_variables():
        _log.warning("%s", line)
    config.set_option("server.disconnectedSessionTTL", found.session_seconds)
    _log_stage("at start", own_at_start)


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Around the server's life: it answers at once, while a thread loads the bundle."""
    housekeeper = Housekeeper()
    housekeeper.start()
    load_in_background()
    try:
        yield
    finally:
        housekeeper.stop()


def load_in_background() -> None:
    """Load the bundle in a thread of its own, unless one is at it."""
    if _loading.acquire(blocking=False):
        threading.Thread(target=_load, name="bundle", daemon=True).start()


def start_memory() -> int | None:
    """Own memory before the bundle was first loaded, in bytes; None until then."""
    return _before_bundle


def _load() -> None:
    global _before_bundle
    try:
        # The pages too, so that what a bundle takes is told apart from what they take.
        from recommender.ui import about, home  # noqa: F401

        # Streamlit collects garbage after each run of a page, and need not look at what stays.
        gc.collect()
        gc.freeze()
        before = snapshot().own
        if _before_bundle is None:
            _before_bundle = before
        _log_stage("before loading the bundle", before)
        initialize_recommender()
        _log_stage("after loading the bundle", snapshot().own, before)
    except MatineeError as error:
        _log.error("%s", error)
    except Exception:
        _log.exception("the bundle cannot be used")
    finally:
        _loading.release()


def _log_stage(stage: str, own: int, before: int | None = None) -> None:
    limit = snapshot().limit
    change = "" if before is None else f", {format_bytes(own - before, signed=True)}"
    share = f"{own / limit:.1%} of {limit / MB:,.0f} MB"
    _log.info("[%s] %s (%s)%s", stage, format_bytes(own), share, change)
