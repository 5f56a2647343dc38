"""Files at any path or address that Spark reads, seen from the driver.

Source: Hadoop's ``FileSystem``, which is what Spark itself opens paths with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from recommender.core.errors import DataError
from recommender.dataset.columns import Kind
from recommender.spark.errors import error_reason

_START = 4096
_PATTERN = re.compile(r"([\\*?\[\]{}])")


@dataclass(frozen=True)
class FileStatus:
    """One file: its full address, its size in bytes, and its time of change (ms since 1970)."""

    address: str
    size: int
    changed: int

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]


class FileSystem:
    """The files that `spark` sees at paths and addresses; a path without a scheme is one of the
    cluster's own file system, in local mode of this machine."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration = spark.sparkContext._jsc.hadoopConfiguration()

    def find(self, path: str, kind: Kind) -> list[FileStatus]:
        """List the files at `path` (a file, a folder of part files, a pattern) by address.

        Files whose names begin with a dot or an underscore are none of the data, as for Spark.

        Raises:
            DataError: there are none, or they cannot be listed.
        """
        try:
            pattern = self._path(escape_pattern(path))
            system = pattern.getFileSystem(self._configuration)
            statuses = system.globStatus(pattern) or []
            found = [file for status in statuses for file in self._within(system, status)]
        except Py4JJavaError as error:
            raise DataError(
                f"{path} cannot be opened: {error_reason(error)}; check --{kind}"
            ) from None
        if not found:
            problem = "holds no files" if len(statuses) else "does not exist"
            raise DataError(f"{path} {problem}; check --{kind}")
        return sorted(found, key=lambda file: file.address)

    def names(self, folder: str) -> list[str]:
        """List the names in a folder.

        Raises:
            DataError: it is none, or cannot be listed.
        """
        try:
            path = self._path(folder)
            system = path.getFileSystem(self._configuration)
            return [status.getPath().getName() for status in system.listStatus(path)]
        except Py4JJavaError as error:
            problem = f"{folder} cannot be opened: {error_reason(error)}"
            raise DataError(f"{problem}; check --dataset") from None

    def first_bytes(self, file: FileStatus) -> bytes:
        """Read the first 4096 bytes of a file."""
        path = self._path(file.address)
        stream = path.getFileSystem(self._configuration).open(path)
        try:
            return bytes(stream.readNBytes(_START))
        finally:
            stream.close()

    def fetch(self, file: FileStatus, folder: Path) -> Path:
        """Return the file on the driver's disk: itself if it is there, else a copy of its name in
        `folder`."""
        if file.address.startswith("file:"):
            return Path(local_path(file.address))
        folder.mkdir(parents=True, exist_ok=True)
        path, copy = self._path(file.address), folder / file.name
        system = path.getFileSystem(self._configuration)
        system.copyToLocalFile(False, path, self._path(str(copy)), True)
        return copy

    def _within(self, system: Any, status: Any) -> list[FileStatus]:
        if status.isDirectory():
            inner = system.listStatus(status.getPath())
            plain = [one for one in inner if one.getPath().getName()[0] not in "._"]
            return [file for one in plain for file in self._within(system, one)]
        address = status.getPath().toString()
        return [FileStatus(address, status.getLen(), status.getModificationTime())]

    def _path(self, text: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(text)


def escape_pattern(path: str) -> str:
    """Escape `path` for Spark if it is a file of this machine whose name looks like a pattern."""
    return _PATTERN.sub(r"\\\1", path) if Path(path).exists() else path


def local_path(address: str) -> str:
    """Strip the scheme from the address of a file of this machine."""
    return re.sub(r"^file:/+", "/", address)
