"""Files that are compressed, or members of an archive, read as if they were plain.

All is known by content, not by names: gzip, bzip2, xz, Zstandard, ZIP and tar, also one within
another, as in ``.tar.gz``. Nothing is unpacked to disk here.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import pyarrow as pa

from recommender.core.errors import DataError, one_line

GZIP, BZIP2 = b"\x1f\x8b", b"BZh"
ZIP = b"PK\x03\x04"
XZ, ZSTD = b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"
_TAR, _TAR_MAGIC = b"ustar", slice(257, 262)
_DEEPEST = 3  # layers of compression within each other


def _zstd(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], pa.CompressedInputStream(pa.PythonFile(file), "zstd"))


_DECOMPRESSORS: dict[bytes, Callable[[Any], Any]] = {
    GZIP: lambda file: gzip.GzipFile(fileobj=file),
    BZIP2: bz2.BZ2File,
    XZ: lzma.LZMAFile,
    ZSTD: _zstd,
}
_FAILURES = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
    *(RuntimeError, NotImplementedError, KeyError, ValueError),  # a password, an unknown method
)


@contextmanager
def reading(place: object) -> Iterator[None]:
    """Turn what goes wrong while a compressed file is read into one line.

    Raises:
        DataError: the file is damaged, or made in a way that cannot be read.
    """
    try:
        yield
    except (DataError, UnicodeError):  # whoever decodes knows the line
        raise
    except _FAILURES as error:
        reason = one_line(str(error), 200)
        raise DataError(f"{place} cannot be read: {reason}; is it whole?") from None


def begins_compressed(start: bytes) -> bool:
    """Return whether a file that begins with the bytes `start` is compressed or an archive."""
    return start.startswith((ZIP, *_DECOMPRESSORS)) or start[_TAR_MAGIC] == _TAR


def is_compressed(path: Path) -> bool:
    """Return whether `path` is compressed, or an archive, by its content."""
    with path.open("rb") as file:
        return begins_compressed(file.read(512))


def is_gzip(path: Path) -> bool:
    """Return whether `path` is gzip by its content, whatever its name says."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


@contextmanager
def open_bytes(path: Path, member: str | None = None) -> Iterator[IO[bytes]]:
    """Open the content of `path`, decompressed, or of one of its members.

    Reading raises what `reading` turns into one line.
    """
    if member is None:
        with path.open("rb") as file:
            yield _decompressed(file)
    elif _begins_zip(path):
        with zipfile.ZipFile(path) as archive, archive.open(member) as inner:
            yield _decompressed(inner)
    else:
        with _opened_tar(path) as tar:
            info = next(one for one in tar if one.name == member)
            yield _decompressed(cast(IO[bytes], tar.extractfile(info)))


def members(path: Path) -> list[str] | None:
    """Return the names of the files in the archive `path`; None if it is no archive.

    What operating systems add to archives is left out.

    Raises:
        DataError: the archive is damaged.
    """
    with reading(path):
        if _begins_zip(path):
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
        else:
            with open_bytes(path) as file:
                if file.read(512)[_TAR_MAGIC] != _TAR:
                    return None
            with _opened_tar(path) as tar:
                names = [info.name for info in tar if info.isfile()]
    return [name for name in names if not _is_hidden(PurePosixPath(name))]


def _is_hidden(name: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.parts)


def _begins_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


@contextmanager
def _opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    # As a stream: its members are read in their order, and nothing of them is held in memory.
    with open_bytes(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        yield tar


def _decompressed(stream: IO[bytes]) -> IO[bytes]:
    """The content of `stream` without any compression around it."""
    for _ in range(_DEEPEST):
        buffered = _peekable(stream)
        start = buffered.peek(6)[:6]
        opener = next((o for magic, o in _DECOMPRESSORS.items() if start.startswith(magic)), None)
        if opener is None:
            return cast(IO[bytes], buffered)
        stream = opener(buffered)
    return stream


def _peekable(stream: IO[bytes]) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Raw(stream))


class _Raw(io.RawIOBase):
    """A stream of bytes of any kind as one that `io.BufferedReader` takes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
