"""The command ``matinee publish``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from memory_toolkit.measure.sizes import format_bytes
from recommender.cli import shared
from recommender.core.address import Address, parse_location
from recommender.core.errors import SettingsError


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "publish", _run, "put a bundle at an address, from where servers fetch it"
    )
    command.add_argument("folder", type=Path, metavar="BUNDLE", help="the bundle, a folder")
    command.add_argument(
        "address",
        type=parse_location,
        metavar="ADDRESS",
        help="s3://bucket/folder, file:///folder, …",
    )


def _run(options: argparse.Namespace) -> None:
    from recommender.core.progress_bar import ProgressBar
    from recommender.remote.publishing import publish

    if not isinstance(options.address, Address):
        raise SettingsError(f"{options.address} is no address; give s3://bucket/folder or the like")
    with ProgressBar() as progress:
        done = publish(options.folder, options.address, progress)
    print(
        f"{options.address}: {format_bytes(done.written)} written, {format_bytes(done.kept)} were "
        f"there, {len(done.removed)} old versions removed"
    )
