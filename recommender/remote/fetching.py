"""Downloads the bundle at an address into its folder of the cache, and user shards on demand.

Nothing is used before it was checked: the manifest by its own checksum, every file by its bytes
and SHA-256. What an earlier version had, or an earlier attempt brought, is not fetched again. The
manifest of the cache is replaced last: whatever goes wrong leaves the version that was there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from memory_toolkit.measure.sizes import MB, format_bytes
from recommender.bundle.files import FileEntry
from recommender.bundle.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SEMANTIC,
    Manifest,
    read_manifest,
)
from recommender.bundle.shards import shard_number
from recommender.core.address import Address
from recommender.core.atomic_write import atomic_write, remove_temporaries
from recommender.core.errors import BundleError
from recommender.core.file_hash import sha256
from recommender.core.progress import ByteProgress, no_progress
from recommender.remote.cache import evict_unused, mark_used, wait_for_lock
from recommender.remote.origin import MissingFileError, Origin

# Left free on the disk, where the visitors' ratings may lie, too.
_SPARE_BYTES = 16 * MB


@dataclass(frozen=True)
class Fetched:
    """Fetched says what a fetch brought.

    Attributes:
        created: when the version that is in the cache now was written.
        changed: whether it is another one than before, or its semantic index is.
        fetched, reused: bytes that came, and that were here before.
        problem: why the semantic index is not the newest, where that is so.
    """

    created: str
    changed: bool = False
    fetched: int = 0
    reused: int = 0
    problem: str | None = None


def fetch(
    address: Address,
    folder: Path,
    progress: ByteProgress = no_progress,
    *,
    thoroughly: bool = False,
) -> Fetched:
    """Make `folder` hold the version that is at `address` now, without user shards.

    Memory: one chunk of 1 MB, and the manifest.

    Args:
        folder: of the cache, see `Address.cache_folder`.
        thoroughly: check the files that are here as well, and mend them.

    Raises:
        BundleError: the address cannot be read, what is there is broken, or the cache cannot be
            written; the version that was in `folder` is as it was.
    """
    with _local_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(folder, ".lock", lambda: progress(0, 0)):
            found = _fetch(address, folder, progress, thoroughly)
            if found is None:
                raise BundleError(
                    f"{address}: there is no bundle here; put one there with `matinee publish`"
                )
            try:
                index = _fetch(address.joinpath(SEMANTIC), folder / SEMANTIC, progress, thoroughly)
            except BundleError as error:
                return replace(found, problem=str(error))
    if index is None:  # `matinee embed` has not run
        return found
    return Fetched(
        found.created,
        found.changed or index.changed,
        found.fetched + index.fetched,
        found.reused + index.reused,
    )


def fetch_shards(
    address: Address,
    folder: Path,
    version: str,
    names: Sequence[str],
    progress: ByteProgress = no_progress,
) -> None:
    """Download the files `names` of a version into its folder, unless they are there.

    Args:
        version: the name of the version's folder in `folder`.

    Raises:
        BundleError: as `fetch`; the version may be too old to be still at the address.
    """
    with _local_errors(folder), wait_for_lock(folder, ".shards", lambda: progress(0, 0)):
        _, manifest = read_manifest(folder / version)
        here = folder / version
        files = {name: manifest.files[name] for name in names}
        missing = {name: e for name, e in files.items() if not _matches(here / name, e)}
        _download(Origin(address), here, missing, progress)
        for name in names:
            mark_used(here / name)


def _fetch(
    address: Address, folder: Path, progress: ByteProgress, thoroughly: bool
) -> Fetched | None:
    """Fetch the bundle or its index as `fetch` does; None if there is none at the address."""
    origin = Origin(address)
    try:
        text = origin.read(MANIFEST, MAX_MANIFEST_BYTES)
    except MissingFileError:
        return None
    folder.mkdir(exist_ok=True)
    manifest = _checked_manifest(address, folder, text)
    version, files = folder / manifest.data, manifest.files
    known = (folder / MANIFEST).read_bytes() if (folder / MANIFEST).exists() else b""
    if text == known and not thoroughly and _is_whole(version, files):
        evict_unused(folder, version.name)
        return Fetched(manifest.created)
    version.mkdir(exist_ok=True)
    earlier = _known_files(folder)
    missing, reused = {}, 0
    for name, entry in files.items():
        progress(reused, 0)
        if _matches(version / name, entry) or _reuse(earlier, version / name, entry):
            reused += entry.bytes
        elif shard_number(name) is not None:
            (version / name).unlink(missing_ok=True)
        else:
            missing[name] = entry
    _download(origin, version, missing, progress)
    for file in (version / MANIFEST, folder / MANIFEST):
        with atomic_write(file) as temporary:
            temporary.write_bytes(text)
    evict_unused(folder, version.name)
    brought = sum(entry.bytes for entry in missing.values())
    return Fetched(manifest.created, text != known, brought, reused)


def _checked_manifest(address: Address, folder: Path, text: bytes) -> Manifest:
    """Return the manifest in `text`, checked as that of a bundle on this machine is."""
    incoming = folder / "incoming"
    incoming.mkdir(exist_ok=True)
    try:
        (incoming / MANIFEST).write_bytes(text)
        return read_manifest(incoming)[1]
    except BundleError as error:
        raise BundleError(str(error).replace(str(incoming), str(address))) from None
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _is_whole(version: Path, files: Mapping[str, FileEntry]) -> bool:
    """Return whether all files but shards are there, as far as their sizes tell."""
    for name, entry in files.items():
        try:
            if (version / name).stat().st_size != entry.bytes:
                return False
        except OSError:
            if shard_number(name) is None:
                return False
    return (version / MANIFEST).exists()


def _known_files(folder: Path) -> dict[str, list[Path]]:
    """The files of all versions here, by checksum."""
    found: dict[str, list[Path]] = {}
    for version in folder.glob("data-*"):
        with contextlib.suppress(BundleError):
            for name, entry in read_manifest(version)[1].files.items():
                found.setdefault(entry.sha256, []).append(version / name)
    return found


def _reuse(earlier: dict[str, list[Path]], file: Path, entry: FileEntry) -> bool:
    """Make an earlier version's file of the same content this one's, without a copy if possible."""
    for other in earlier.get(entry.sha256, ()):
        if other != file and _matches(other, entry):
            with atomic_write(file) as temporary:
                try:
                    os.link(other, temporary)
                except OSError:  # not every file system has links
                    shutil.copyfile(other, temporary)
            return True
    return False


def _download(
    origin: Origin, version: Path, files: Mapping[str, FileEntry], progress: ByteProgress
) -> None:
    """Fetch `files` into the folder `version`, each checked before it gets its name."""
    needed, done = sum(entry.bytes for entry in files.values()), 0
    free = shutil.disk_usage(version).free
    if needed + _SPARE_BYTES > free and needed:
        raise BundleError(
            f"{version.parent}: {format_bytes(needed)} are to be fetched and {format_bytes(free)} "
            "are free on the disk; make room, or set MATINEE_BUNDLE_CACHE to another place"
        )
    for name, entry in files.items():
        for length in _download_file(origin, version / name, entry):
            done += length
            progress(done, needed)


def _download_file(origin: Origin, file: Path, entry: FileEntry) -> Iterator[int]:
    address = origin.address.joinpath(f"{file.parent.name}/{file.name}")
    digest, length = hashlib.sha256(), 0
    remove_temporaries(file)
    with atomic_write(file) as temporary:
        with open(temporary, "wb") as out:
            for chunk in origin.chunks(f"{file.parent.name}/{file.name}"):
                length += len(chunk)
                if length > entry.bytes:
                    raise BundleError(
                        f"{address}: longer than the {entry.bytes:,} bytes of the manifest"
                    )
                digest.update(chunk)
                out.write(chunk)
                yield len(chunk)
        if length != entry.bytes:
            raise BundleError(
                f"{address}: {length:,} bytes where the manifest says {entry.bytes:,}"
            )
        if digest.hexdigest() != entry.sha256:
            raise BundleError(f"{address}: its checksum is not that of the manifest")


def _matches(file: Path, entry: FileEntry) -> bool:
    try:
        return file.stat().st_size == entry.bytes and sha256(file) == entry.sha256
    except OSError:
        return False


@contextlib.contextmanager
def _local_errors(folder: Path) -> Iterator[None]:
    """Turn an error of this machine's disk into one line; those of the storage are one already."""
    try:
        yield
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be written: {error.strerror or error}; "
            "mend that, or set MATINEE_BUNDLE_CACHE to another place"
        ) from None
