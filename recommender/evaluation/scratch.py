"""The folder for what an evaluation writes and nobody keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recommender.core.errors import DataError


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, where TMPDIR says or the system has such; it goes with the block.

    Raises:
        DataError: there is none that can be written, or something in the block could not write.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="matinee-") as name:
            yield Path(name)
    except BrokenPipeError:
        raise  # whoever reads the output has gone
    except OSError as error:
        raise DataError(
            f"temporary files cannot be written ({error.strerror}: {error.filename or 'TMPDIR'}); "
            "set TMPDIR to a folder with room"
        ) from None
