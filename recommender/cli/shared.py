"""Options and output that several commands share, and the types of what a user types."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from memory_toolkit.guard.guard import Guard
from memory_toolkit.measure.sizes import parse_size
from recommender.core.address import parse_location
from recommender.core.progress_bar import ProgressBar
from recommender.core.records import LINKS, TITLE_IN, Results
from recommender.core.text_table import table
from recommender.recommender import Recommender
from recommender.remote.opening import open_bundle

# More is no use to anybody, and NumPy's generators take no larger seed.
MAX_NUMBER = 2**32 - 1


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    help_text: str,
    more: str = "",
) -> argparse.ArgumentParser:
    """Add a command to the subparsers `commands`; `run` is called with its options.

    Args:
        help_text: one line for the list of commands.
        more: what its own help says beside.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help_text, description=help_text + more
    )
    parser.set_defaults(run=run)
    return parser


def add_bundle(command: argparse.ArgumentParser, purpose: str = "to read") -> None:
    """Add --bundle."""
    command.add_argument(
        "--bundle",
        type=parse_location,
        metavar="BUNDLE",
        help=f"the bundle {purpose}, a folder or an address "
        "(default: MATINEE_BUNDLE, else ./bundle)",
    )


def add_count(command: argparse.ArgumentParser) -> None:
    """Add -n."""
    command.add_argument(
        "-n",
        type=whole_number(),
        metavar="N",
        default=10,
        help="how many movies; never more than there are (default: %(default)s)",
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """Add --json."""
    command.add_argument("--json", action="store_true", help="print JSON")


def whole_number(low: int = 1, high: int | None = None) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`, for argparse."""
    bounds = f"of at least {low}" if high is None else f"from {low} to {high:,}"

    def parse(text: str) -> int:
        # Longer texts take Python long to read, and no bound is as high.
        digits = text.removeprefix("-")
        number = int(text) if digits.isascii() and digits.isdigit() and len(text) < 100 else None
        if number is None or number < low or (high is not None and number > high):
            raise argparse.ArgumentTypeError(f"{text[:100]!r} is not a whole number {bounds}")
        return number

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a parser of numbers from `low` to `high`, for argparse."""

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = float("nan")
        if not low <= found <= high:
            raise argparse.ArgumentTypeError(
                f"{text[:100]!r} is not a number from {low:g} to {high:g}"
            )
        return found

    return parse


def size(text: str) -> int:
    """Parse a size such as 256M, in bytes, for argparse."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def open_recommender(options: argparse.Namespace) -> Recommender:
    """Open the bundle that the options or the settings name.

    Raises:
        BundleError, SettingsError: see `Recommender.open`.
    """
    # Batches follow the memory that is left.
    fit = Guard().batch if options.knobs.guard else None
    where = options.bundle or options.knobs.bundle
    with ProgressBar() as progress:

        def fetching(done: int, of: int) -> None:
            if of:
                progress(f"Fetching {where}", done / of)

        bundle = open_bundle(where, options.knobs, fetching)
    return Recommender(bundle, options.knobs, fit)


def print_results(found: Results[Any], as_json: bool, columns: tuple[str, ...]) -> None:
    """Print results as a table of `columns` and their movies' links and titles in other languages,
    or all of them as JSON."""
    rows = found.to_dicts()
    if as_json:
        utf_8 = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
        print(json.dumps(rows, ensure_ascii=not utf_8))
    elif rows:
        more = [name for name in rows[0] if name in LINKS or name.startswith(TITLE_IN)]
        print("\n".join(table(rows, (*columns, *more))))
