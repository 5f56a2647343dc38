"""The command ``matinee info``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from recommender.bundle.feedback import feedback_notes
from recommender.cli import shared


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(commands, "info", _run, "what a bundle holds")
    shared.add_bundle(command)
    shared.add_json(command)


def _run(options: argparse.Namespace) -> None:
    bundle = shared.open_recommender(options).bundle
    if options.json:
        print(
            json.dumps({"created": bundle.created, "files": bundle.files, **bundle.manifest.info})
        )
        return
    data = bundle.training.data
    print(f"{bundle.path}: {bundle.size / 2**20:.1f} MB, written {bundle.created}")
    print(
        f"{data.ratings:,} ratings by {data.users:,} users of {data.movies:,} movies, "
        f"mean {data.mean_rating:.2f} on a scale of {data.scale[0]:g} to {data.scale[1]:g}"
    )
    for note in feedback_notes(data.feedback):
        print(note)
    print(
        f"The stars model was trained on {data.trained_users:,} users "
        f"and {data.trained_movies:,} movies"
    )
    for name, size in bundle.files.items():
        print(f"  {size:>12,} bytes  {name}")
