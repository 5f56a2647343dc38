"""The files at an address, read and written through fsspec; an error becomes one line."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from recommender.core.address import Address, redact
from recommender.core.errors import BundleError
from recommender.remote.storages import storage_of

_CHUNK = 1 << 20
_ERRNO = re.compile(r"^\[Errno \d+\] ")


class MissingFileError(BundleError):
    """MissingFileError: there is no such file at the address."""


class Origin:
    """The files at `address`. Memory: one chunk of 1 MB, and what the storage's library buffers.

    Raises:
        BundleError: fsspec does not know the address, or the library for it is not installed.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._storage = storage_of(address)
        self._options = dict(self._storage.options)
        for name, value in self._storage.variables.items():
            os.environ.setdefault(name, value)
        if self._storage.package:  # some log with a traceback what they raise as well
            logging.getLogger(self._storage.package).setLevel(logging.CRITICAL)
        if address.is_http:
            with _one_line_errors(address):
                from aiohttp import ClientTimeout

            # By default a file that takes five minutes is given up. What stalls is seen to by the
            # child process, for every kind of storage.
            self._options["client_kwargs"] = {"timeout": ClientTimeout(total=None)}
        self._at("")

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read the file `name`, of at most `max_bytes` bytes.

        Raises:
            MissingFileError: there is none.
            BundleError: it cannot be read, or is longer.
        """
        parts, length = [], 0
        for chunk in self.chunks(name):
            length += len(chunk)
            if length > max_bytes:
                raise BundleError(f"{self.address.joinpath(name)}: longer than {max_bytes:,} bytes")
            parts.append(chunk)
        return b"".join(parts)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the file `name` in chunks of at most 1 MB.

        Raises:
            MissingFileError, BundleError: as `read`.
        """
        address = self.address.joinpath(name)
        with _one_line_errors(address):
            storage, path = self._at(name)
            file = storage.open(path, "rb", **self._storage.reading)
        try:
            while True:
                with _one_line_errors(address):
                    chunk = file.read(_CHUNK)
                if not chunk:
                    return
                yield chunk
        finally:
            file.close()

    def write(self, name: str, file: Path, progress: Callable[[int], object]) -> None:
        """Write `file` of this machine as `name`; `progress` is told the bytes of each piece.

        Raises:
            BundleError: it cannot be written.
        """
        with _one_line_errors(self.address.joinpath(name)):
            from fsspec.callbacks import Callback  # type: ignore[import-untyped]

            class Pieces(Callback):
                def relative_update(self, inc: int = 1) -> None:
                    progress(inc)

            storage, path = self._at(name)
            if self._storage.folders:
                storage.makedirs(storage._parent(path), exist_ok=True)
            try:
                storage.put_file(str(file), path, callback=Pieces(), **self._storage.writing)
            except FileNotFoundError:
                if self._storage.folders:
                    raise
                raise BundleError(
                    f"{self.address}: there is no such bucket; make it, or mend the address"
                ) from None

    def sizes(self, folder: str = "") -> dict[str, int | None]:
        """List `folder`: each name with its bytes, None for a folder. Empty if it is not there.

        Raises:
            BundleError: it cannot be listed.
        """
        with _one_line_errors(self.address.joinpath(folder)):
            storage, path = self._at(folder)
            storage.invalidate_cache()
            try:
                found = storage.ls(path, detail=True)
            except FileNotFoundError:
                return {}
        return {
            entry["name"].rstrip("/").rpartition("/")[2]: (
                entry["size"] if entry["type"] == "file" else None
            )
            for entry in found
        }

    def remove(self, folder: str) -> None:
        """Remove `folder` and what lies in it.

        Raises:
            BundleError: it cannot be removed.
        """
        with _one_line_errors(self.address.joinpath(folder)):
            storage, path = self._at(folder)
            storage.rm(path, recursive=True)

    def _at(self, name: str) -> tuple[Any, str]:
        address = self.address.joinpath(name) if name else self.address
        with _one_line_errors(address):
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]

            # A copy, since botocore writes into it, and fsspec would take that for another storage,
            # with a client of its own.
            storage, path = url_to_fs(address.full, **deepcopy(self._options))
        return storage, path


@contextmanager
def _one_line_errors(address: Address) -> Iterator[None]:
    """Turn an error of fsspec, or of a library that it uses, into one line about `address`."""
    try:
        yield
    except BundleError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"{address}: there is no such file") from None
    # Each storage has errors of its own, and no common base.
    except Exception as error:
        raise BundleError(f"{address}: {_reason(error, storage_of(address).check)}") from None


def _reason(error: Exception, check: str) -> str:
    if status := getattr(error, "status", None):  # aiohttp's
        return f"the server answers {status}"
    if "Redirect" in type(error).__name__:  # aiohttp's, too
        return "the server redirects in a circle, or to what is not on the web"
    text = _ERRNO.sub("", " ".join(redact(str(error)).split())) or type(error).__name__
    # s3fs has a number for a server in trouble, as the system has for its errors, gcsfs a code.
    in_trouble = getattr(error, "errno", None) or str(getattr(error, "code", "")).startswith("5")
    return f"{text.rstrip('.')}; check {check}" if check and not in_trouble else text
