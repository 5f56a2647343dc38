"""Updates of a bundle at an address, polled in a thread with retry and backoff."""

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

# Exponential backoff between two retries: 1, 2, 4 seconds and so on, up to a minute, or to the
# time between two polls where that is longer.
_MAX_BACKOFF = 60.0
_SECONDS_BETWEEN_LINES = 10.0

_log = logging.getLogger(__name__)


class Updater:
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
        self._logged_at = 0.0
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to poll, at once."""
        threading.Thread(target=self._run, name="bundle updates", daemon=True).start()

    def stop(self) -> None:
        """End, and with it what is being fetched; the next start goes on with that."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    @property
    def trouble(self) -> str | None:
        """The error of the last poll; None if there was none."""
        return self._trouble

    def missing(self) -> BundleError | None:
        """Return why nothing is in the folder yet; None if something is."""
        if manifest_stamp(self._folder) is not None:
            return None
        done, of = self._done, self._of
        if of:
            text = f"{self._address} is being fetched: {done / MB:.1f} of {format_bytes(of)}"
            return FetchingError(text)
        if self._trouble is not None:
            return BundleError(self._trouble)
        return FetchingError(f"{self._address} is being fetched")

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            found = self._poll()
            if self._stopped.is_set():
                return
            failures = 0 if found is None else failures + 1
            pause = self._seconds
            if found is not None:
                pause = min(2.0 ** min(failures - 1, 20), max(self._seconds, _MAX_BACKOFF))
            if found != self._trouble:
                if found is None:
                    _log.info("%s can be fetched again", self._address)
                else:
                    _log.error("%s; it is tried again and again", found)
            self._trouble = found
            self._stopped.wait(pause)

    def _poll(self) -> str | None:
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
        if of and now - self._logged_at > _SECONDS_BETWEEN_LINES:
            self._logged_at = now
            _log.info("fetching %s: %.1f of %s", self._address, done / MB, format_bytes(of))


_updater: Updater | None = None


def start(found: Settings, arrived: Callable[[], object], unusable: Callable[[], bool]) -> None:
    """Poll MATINEE_BUNDLE, if it is an address; the arguments are those of `Updater`."""
    global _updater
    if isinstance(found.bundle, Address):
        seconds = found.bundle_seconds
        _updater = Updater(found.bundle, found.bundle_folder, seconds, arrived, unusable)
        _updater.start()


def stop() -> None:
    """End what `start` began."""
    global _updater
    if _updater is not None:
        _updater.stop()
        _updater = None


def trouble() -> str | None:
    """Return why the bundle may not be the newest; None if it is, or has no address."""
    return None if _updater is None else _updater.trouble


def missing() -> BundleError | None:
    """Return why no bundle is on this machine yet; None if one is, or it has no address."""
    return None if _updater is None else _updater.missing()
