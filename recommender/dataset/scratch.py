"""Folder for files that an import makes for itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recommender.core.errors import BundleError, DataError


@contextmanager
def scratch_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """Make a folder in `beside`, which is made if need be, and remove it in the end.

    Its name is left out of the messages of a DataError, since nobody else knows it.

    Raises:
        BundleError: `beside` cannot be written.
    """
    try:
        beside.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=prefix, dir=beside)
    except OSError as error:
        raise BundleError(f"{beside} cannot be written: {error.strerror}") from error
    with folder as name:
        try:
            yield Path(name)
        except DataError as error:
            raise DataError(str(error).replace(f"{name}{os.sep}", "")) from None
