"""The kinds of storage, and what each needs: optional dependencies, options, retries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from memory_toolkit.measure.sizes import MB
from recommender.core.address import Address
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require


@dataclass(frozen=True)
class Storage:
    """Storage says what one kind of storage needs.

    Attributes:
        package: what fsspec needs for it.
        options, reading, writing: for fsspec's file system, its `open` and its `put_file`.
        variables: for the package, where the environment does not have them.
        folders: whether a folder must be there before a file in it.
        check: the settings that say who we are, and to whom we speak.
    """

    package: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=lambda: {"block_size": 2 * MB})
    writing: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    folders: bool = True
    check: str = ""


_WEB = Storage(
    "aiohttp",
    # One request, read as it comes; with a size nobody asks for it with another one.
    reading={"block_size": 0, "size": 1},
)
_S3 = Storage(
    "s3fs",
    options={
        "config_kwargs": {
            # s3fs tries five times what botocore, below it, would by itself try five times.
            "retries": {"total_max_attempts": 2},
            "read_timeout": 10,
            # Not every server but Amazon's knows these sums, or has one for a part of a file.
            # What is fetched is checked by the manifest.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
    },
    # Else ten pieces of 50 MB are in memory at the same time.
    writing={"chunksize": 8 * MB, "max_concurrency": 2},
    folders=False,  # it would make the bucket that somebody misspelt
    check="AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL",
)
_GCS = Storage(
    "gcsfs",
    options={"requests_timeout": 30},
    writing={"chunksize": 8 * MB},
    # Else it asks what kind the bucket is, which a reader may not know, and warns each time.
    variables={"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},
    folders=False,
    check="GOOGLE_APPLICATION_CREDENTIALS",
)
_OTHER = Storage()
_BY_SCHEME = {"http": _WEB, "https": _WEB, "s3": _S3, "s3a": _S3, "gs": _GCS, "gcs": _GCS}


def storage_of(address: Address) -> Storage:
    """Return the kind of storage that `address` is in."""
    return _BY_SCHEME.get(address.scheme, _OTHER)


def check_usable(address: Address) -> None:
    """Check that `address` can be used, as far as that shows without a request.

    Raises:
        SettingsError: a package is not installed, or the address holds what it must not.
    """
    require("a bundle at an address", "fsspec", extra="remote")
    storage = storage_of(address)
    if storage is _WEB:
        require("a bundle at an address", "aiohttp", extra="remote")
    elif storage.package and find_spec(storage.package) is None:
        raise SettingsError(
            f"{address}: this needs {storage.package}, which is not installed: "
            f"pip install {storage.package}"
        )
    if storage.check and address.has_user:
        raise SettingsError(
            f"{address}: no user or password may stand in an address of {address.scheme}://; "
            f"use {storage.check}"
        )
