"""The command ``matinee settings``."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from recommender.cli import shared


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "settings", _run, "every variable that can be set, and what is in force"
    )
    command.add_argument(
        "--export", action="store_true", help="print what .env adds, for a shell to evaluate"
    )


def _run(options: argparse.Namespace) -> None:
    if options.export:
        for name, value in options.from_file.items():
            print(f"export {name}={shlex.quote(value)}")
        return
    for variable, value, text in options.knobs.described():
        print(f"{variable:<34}{value:<28}{text}")
