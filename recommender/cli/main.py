"""The command line: ``matinee train|recommend|similar|search|predict|info|serve|settings|…``.

Exit status: 0 done; 1 what was asked for is not there or cannot be used; 2 wrong usage; 130 and 143
stopped by Ctrl+C and SIGTERM. Errors are one line on stderr.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from recommender import __version__
from recommender.cli import (
    check_data,
    embed,
    evaluate,
    info,
    move_ratings,
    predict,
    publish,
    recommend,
    search,
    serve,
    settings,
    similar,
    train,
    tune,
)
from recommender.core.errors import MatineeError, SettingsError
from recommender.settings.env_file import load_env_file
from recommender.settings.environment import Settings, unknown_variables

# In the order in which --help lists them.
COMMANDS = (
    check_data,
    train,
    evaluate,
    tune,
    embed,
    publish,
    recommend,
    similar,
    search,
    predict,
    info,
    serve,
    move_ratings,
    settings,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a title need not be in a terminal's character set
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    asked = [signal.SIGINT]

    def stop(number: int, frame: object) -> NoReturn:
        """End as Ctrl+C does, which removes what is half done."""
        asked.append(signal.Signals(number))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        options.from_file = load_env_file()
        options.knobs = Settings.from_environment()
        options.knobs.apply_memory_limit()
        for line in [] if vars(options).get("export") else unknown_variables():
            print(f"matinee: {line}", file=sys.stderr)
        options.run(options)
        sys.stdout.flush()
    except SettingsError as error:
        return _fail(error, 2)
    except MatineeError as error:
        return _fail(error, 1)
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _fail("stopped; nothing was changed", 128 + asked[-1])
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _fail(error: object, status: int) -> int:
    print(f"matinee: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="matinee",
        description="Movie recommendations in the memory you have.",
        epilog='Completion in bash or zsh: eval "$(register-python-argcomplete matinee)"',
    )
    parser.add_argument("--version", action="version", version=f"matinee {__version__}")
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_command(commands)
    return parser
