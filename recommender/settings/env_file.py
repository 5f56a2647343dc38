"""The `.env` file: variables that stand in a file of the working directory.

Read by python-dotenv, which costs the serving process 0.1 MB. Stricter than that library is by
itself: what cannot be read is an error and not passed over, and ``$NAME`` is not replaced.
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

from dotenv.parser import parse_stream

from recommender.core.errors import SettingsError

FILE = Path(".env")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_env_file(path: Path = FILE) -> dict[str, str]:
    """The variables in the file at `path`, the last of equal names; none if there is no file.

    Raises:
        SettingsError: it cannot be read, or a line does not say NAME=value.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = list(parse_stream(file))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}; mend or remove it") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is no UTF-8 text; save it as UTF-8") from None
    values = {}
    for one in found:
        if one.key is None and not one.error:
            continue  # an empty line or a comment
        name, value = one.key or "", one.value
        if one.error or value is None or not _NAME.fullmatch(name) or "\0" in value:
            # Its text may be a secret, so it is not shown. Empty lines before it count as its own.
            text = one.original.string
            line = one.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            raise SettingsError(f"{path}, line {line}: write NAME=value")
        values[name] = value
    return values


def load_env_file(
    path: Path = FILE, environment: MutableMapping[str, str] = os.environ
) -> dict[str, str]:
    """Add the variables of the file at `path` to `environment`, which wins; returns those added.

    Raises:
        SettingsError: as `read_env_file`.
    """
    added = {n: value for n, value in read_env_file(path).items() if n not in environment}
    environment.update(added)
    return added
