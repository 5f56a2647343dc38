"""Looks for new versions of a bundle at an address, in a thread, while the server lives."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from memory_toolkit.measure.sizes import MB, format_bytes
from recommender.bundle.manifest import manifest_stamp
from recommender.core.address import Address
from recommender.core.errors import BundleError, FetchingError, MatineeError
from recommender.remote import child
from recommender.settings.environment import Settings

# Between two tries while something goes wrong: 1, 2, 4 seconds and so on, up to a minute, or to
# the time between two looks where that is longer.
_LONGEST_PAUSE = 60.0
_SECONDS_BETWEEN_LINES = 10.0

_log = logging.getLogger(__name__)


class Follower:
    """Keeps the cached copy of a bundle what the one at its address is.

    Each look is a child process, so that this one stays as small as with a local bundle.

    Args:
        folder: of the cache, see `Address.folder`.
        seconds: between two looks.
        arrived: called in the thread when another version is in the folder.
        unusable: whether the version there cannot be used; it is checked file by file then.
    """

    def __init__(
        self,
        address: Address,
        folder: Path,
        seconds: float,
        arrived: Callable[[], object],
        unusable: Callable[[], bool],
    ) -> None:
        self._address = address
        self._folder = folder
        self._seconds = seconds
        self._arrived = arrived
        self._unusable = unusable
        self._stamp = manifest_stamp(folder)
        self._trouble: str | None = None
        self._done = self._of = 0
        self._told = 0.0
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to look, at once."""
        threading.Thread(target=self._go_on, name="following", daemon=True).start()

    def stop(self) -> None:
        """End, and with it what is being fetched; the next start goes on with that."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    @property
    def trouble(self) -> str | None:
        """What went wrong at the last look; None if nothing did."""
        return self._trouble

    def missing(self) -> BundleError | None:
        """Why there is nothing in the folder yet; None if there is something."""
        if manifest_stamp(self._folder) is not None:
            return None
        done, of = self._done, self._of
        if of:
            text = f"{self._address} is being fetched: {done / MB:.1f} of {format_bytes(of)}"
            return FetchingError(text)
        if self._trouble is not None:
            return BundleError(self._trouble)
        return FetchingError(f"{self._address} is being fetched")

    def _go_on(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            found = self._look()
            if self._stopped.is_set():
                return
            failures = 0 if found is None else failures + 1
            pause = self._seconds
            if found is not None:
                pause = min(2.0 ** min(failures - 1, 20), max(self._seconds, _LONGEST_PAUSE))
            if found != self._trouble:
                if found is None:
                    _log.info("%s can be fetched again", self._address)
                else:
                    _log.error("%s; it is tried again and again", found)
            self._trouble = found
            self._stopped.wait(pause)

    def _look(self) -> str | None:
        """Fetch what is new; what went wrong, in one line."""
        problem = None
        try:
            found = child.run_task(
                "fetch",
                self._address,
                self._folder,
                self._progress,
                self._started,
                thoroughly=self._stamp is not None and self._unusable(),
            )
            problem = found["problem"]
            if found["changed"]:
                _log.info(
                    "%s: the version of %s is here; %s fetched, %s were here",
                    *(self._address, found["created"]),
                    *(format_bytes(found[key]) for key in ("fetched", "reused")),
                )
        except MatineeError as error:
            problem = str(error)
        except Exception as error:
            _log.exception("%s cannot be looked at", self._address)
            problem = f"{self._address}: {type(error).__name__}; the log says more"
        self._done = self._of = 0
        stamp = manifest_stamp(self._folder)
        if stamp not in (None, self._stamp):  # brought by this process, or by another one
            self._stamp = stamp
            self._arrived()
        return problem

    def _started(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        if self._stopped.is_set():
            process.kill()

    def _progress(self, done: int, of: int) -> None:
        self._done, self._of = done, of
        now = time.monotonic()
        if of and now - self._told > _SECONDS_BETWEEN_LINES:
            self._told = now
            _log.info("fetching %s: %.1f of %s", self._address, done / MB, format_bytes(of))


_follower: Follower | None = None


def start(found: Settings, arrived: Callable[[], object], unusable: Callable[[], bool]) -> None:
    """Follow MATINEE_BUNDLE, if it is an address; the arguments are those of `Follower`."""
    global _follower
    if isinstance(found.bundle, Address):
        seconds = found.bundle_seconds
        _follower = Follower(found.bundle, found.bundle_folder, seconds, arrived, unusable)
        _follower.start()


def stop() -> None:
    """End what `start` began."""
    global _follower
    if _follower is not None:
        _follower.stop()
        _follower = None


def trouble() -> str | None:
    """Why the bundle is perhaps not the newest; None if it is, or has no address."""
    return None if _follower is None else _follower.trouble


def missing() -> BundleError | None:
    """Why there is no bundle on this machine yet; None if there is one, or it has no address."""
    return None if _follower is None else _follower.missing()
