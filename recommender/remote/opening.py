"""Opens a bundle wherever it lies; for one at an address, the copy in the cache."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from memory_toolkit.measure.sizes import MB
from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import manifest_stamp
from recommender.bundle.shards import Shards
from recommender.core.address import Address, parse_location
from recommender.core.errors import BundleError
from recommender.core.progress import ByteProgress, no_progress
from recommender.remote import cache, child
from recommender.settings.environment import Settings

_log = logging.getLogger(__name__)
# A version may be replaced and removed between two looks at it, but hardly again and again.
_MAX_ATTEMPTS = 5
# Somebody waits for a shard, and others may wait for their turn.
_VISITOR_STALL_SECONDS = 10.0
_TURN_SECONDS = 30.0
# After it stalled, nobody waits for the storage for so long.
_BACKOFF_SECONDS = 5.0
# A child process takes more memory than a visitor, so there is one at a time for all of them.
_turn = threading.Lock()


def open_bundle(
    where: str | Path | Address,
    settings: Settings,
    progress: ByteProgress = no_progress,
) -> Bundle:
    """Open the bundle in a folder, or the newest version of that at an address.

    Where the address cannot be reached, or what is there is broken, the version that was fetched
    last is opened, and the log says so.

    Args:
        progress: told the bytes that are here and those that there will be.

    Raises:
        BundleError: it is missing, of another format version, truncated or altered, or it cannot
            be fetched and never was.
        SettingsError: it has an address that cannot be used, or for which a package is missing.
    """
    where = parse_location(where) if isinstance(where, str) else where
    if isinstance(where, Path):
        return Bundle.open(where)
    folder = where.cache_folder(settings.bundle_cache)
    try:
        child.run_task("fetch", where, folder, progress, thoroughly=False)
    except BundleError as error:
        if manifest_stamp(folder) is None:
            raise
        _log.warning("%s; the version that was fetched last is used", error)
    try:
        return open_fetched(where, settings)
    except BundleError:  # the cache was damaged; whole files are not fetched again
        child.run_task("fetch", where, folder, progress, thoroughly=True)
        return open_fetched(where, settings)


def open_fetched(address: Address, settings: Settings) -> Bundle:
    """Open what the cache has of the bundle at `address`; nothing is fetched but user shards.

    Raises:
        BundleError: the cache has nothing, or it is damaged.
    """
    folder = address.cache_folder(settings.bundle_cache)
    for _ in range(_MAX_ATTEMPTS):
        fetch = _ShardFetcher(address, folder, settings.bundle_cache_mb * MB)
        bundle = Bundle.open(folder, fetch=fetch)
        if fetch.hold(bundle):
            return bundle
    raise BundleError(f"{folder}: versions come and go too fast to open one")


class _ShardFetcher:
    """Brings the user shards of one version when they are asked for; `Bundle` keeps it as its hook.

    While it lives, the version stays in the cache. Of its shards, those that were used least
    recently make room for the new ones where the cache is full. A storage that stalls keeps those
    who wait for it no longer than the first of them.
    """

    def __init__(self, address: Address, folder: Path, most: int) -> None:
        self._address = address
        self._folder = folder
        self._most = most
        self._stalled = ""
        self._stalled_until = 0.0

    def hold(self, bundle: Bundle) -> bool:
        """Keep the files of `bundle` from being removed; whether they are still there."""
        self._version = bundle.file(next(iter(bundle.files))).parent
        descriptor = cache.hold_version(self._version)
        if descriptor is None:
            return False
        weakref.finalize(self, os.close, descriptor)
        self._bundle = weakref.ref(bundle)
        return True

    def __call__(self, names: Sequence[str]) -> None:
        if not _turn.acquire(timeout=_TURN_SECONDS):
            raise BundleError(f"{self._address}: other users' shards are being fetched; try again")
        try:
            if time.monotonic() < self._stalled_until:
                raise BundleError(self._stalled)
            self._ask(names)
            bundle = self._bundle()
            if bundle is not None:
                self._evict_shards(bundle.shards)
        finally:
            _turn.release()

    def _ask(self, names: Sequence[str]) -> None:
        began = time.monotonic()
        try:
            child.run_task(
                "fetch_shards",
                self._address,
                self._folder,
                version=self._version.name,
                names=list(names),
                stall=_VISITOR_STALL_SECONDS,
            )
        except BundleError as error:
            if (now := time.monotonic()) - began >= _VISITOR_STALL_SECONDS:
                self._stalled, self._stalled_until = str(error), now + _BACKOFF_SECONDS
            raise

    def _evict_shards(self, shards: Shards) -> None:
        for number in shards.mapped:
            if cache.shard_bytes(self._folder) <= self._most:
                return
            files = [self._version / name for name in shards.files[number].values()]
            if not any(map(cache.just_used, files)):
                for file in files:
                    file.unlink(missing_ok=True)  # `Shards` sees that, and unmaps it
