"""Puts a bundle at an address: the files first, the manifest last, and old versions away after it.

The version that was served until then stays beside the new one, so that whoever is in the middle of
fetching it, or needs a user shard of it, is not cut off. Those before it are removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SEMANTIC,
    manifest_stamp,
    read_manifest,
)
from recommender.core.address import Address
from recommender.core.errors import SettingsError
from recommender.core.progress import StageProgress, no_progress
from recommender.remote.origin import MissingFileError, Origin
from recommender.remote.storages import check_usable


@dataclass(frozen=True)
class Published:
    """Published counts the bytes of a publication; `removed` are the folders of old versions."""

    written: int
    kept: int
    removed: tuple[str, ...]


def publish(path: Path, address: Address, progress: StageProgress = no_progress) -> Published:
    """Put the bundle at `path`, and its semantic index where it has one, at `address`.

    A file that is there with the same bytes, of a publication that was interrupted, stays.

    Raises:
        BundleError: the bundle is damaged, or the address cannot be written; until the very end
            the version that was there is served.
        SettingsError: as `check_usable`, or the address can only be read.
    """
    check_usable(address)
    if address.is_http:
        raise SettingsError(
            f"{address}: what is read by HTTP cannot be written by it; publish to the storage "
            "behind it, s3://bucket/folder or file:///folder"
        )
    Bundle.open(path)  # whoever fetches it would refuse what is damaged
    parts = [(path, address)]
    if manifest_stamp(path / SEMANTIC) is not None:
        Bundle.open(path / SEMANTIC)
        parts.insert(0, (path / SEMANTIC, address.joinpath(SEMANTIC)))
    done = [_publish(*part, progress) for part in parts]
    return Published(
        sum(one.written for one in done),
        sum(one.kept for one in done),
        tuple(name for one in done for name in one.removed),
    )


def _publish(path: Path, address: Address, progress: StageProgress) -> Published:
    origin = Origin(address)
    manifest = read_manifest(path)[1]
    version, files = manifest.data, manifest.files
    present = origin.sizes(version)
    missing = [name for name, entry in files.items() if present.get(name) != entry.bytes]
    kept = sum(entry.bytes for name, entry in files.items() if name not in missing)
    total, written = sum(entry.bytes for entry in files.values()), 0
    for name in missing:
        before = written

        def report(length: int) -> None:
            nonlocal written
            written += length
            progress(f"Publishing to {address}", (kept + written) / total)

        origin.write(f"{version}/{name}", path / version / name, report)
        written = before + files[name].bytes  # not every storage tells of pieces
        report(0)
    previous = _version_at(origin)
    origin.write(MANIFEST, path / MANIFEST, lambda length: None)
    old = []
    if previous != version:  # else it is the first publication that removed what was old
        old = [n for n in origin.sizes() if n.startswith("data-") and n not in (version, previous)]
    for name in old:
        origin.remove(name)
    return Published(written, kept, tuple(old))


def _version_at(origin: Origin) -> str | None:
    """The folder that the manifest at the address names; None if there is none, or none of ours."""
    try:
        return str(json.loads(origin.read(MANIFEST, MAX_MANIFEST_BYTES))["data"])
    except (MissingFileError, ValueError, TypeError, KeyError):
        return None
