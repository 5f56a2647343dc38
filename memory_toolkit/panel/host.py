"""The app that shows the panel: its names for things, and the parts and caches it registers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from memory_toolkit.guard.guard import Guard, started_guard
from memory_toolkit.integrations.access import TOKEN_VARIABLE


class Loaded(NamedTuple):
    """Something large that the panel offers to unload while it is in memory."""

    is_loaded: Callable[[], bool]
    unload: Callable[[], object]


def _token() -> str | None:
    return os.environ.get(TOKEN_VARIABLE) or None


@dataclass(frozen=True)
class Host:
    """Description of an app for the panel; all may be left out. Names may be keys of its texts.

    Attributes:
        language: the visitor's, "en" or "ko"; by default the browser's.
        translate: the text for a name of the app's actions and parts, in the visitor's language.
        guard: by default the one that was started in this process.
        token: what the panel asks for; by default the environment's DEBUG_MEMORY_TOKEN.
        start: own memory in bytes before the app loaded its data, once that is known.
        mapped: folders whose mapped files are a part of their own, by its name.
        disk: files whose sizes on disk are shown, by the name of what they hold.
        clear: called beside clearing `st.cache_data`, to let go of what the app keeps.
        loaded: what can be unloaded, by the text of the button.
        flame_graph: the address at which the app itself sends the report of a flame graph; by
            default a download button keeps it in memory.
        file_prefix: of the names of files for download.
        page: the address of the page that `streamlit_memory_page` draws, for a link in the panel.
        record_runs: record each run of a page or a fragment, and each callback, as an action.
    """

    language: Callable[[], str] | None = None
    translate: Callable[[str], str] = lambda name: name
    guard: Callable[[], Guard | None] = started_guard
    token: Callable[[], str | None] = _token
    start: Callable[[], int | None] = lambda: None
    mapped: Mapping[str, Callable[[], Path]] = field(default_factory=dict)
    disk: Mapping[str, Callable[[], Iterable[Path]]] = field(default_factory=dict)
    clear: Sequence[Callable[[], object]] = ()
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    flame_graph: Callable[[], str] | None = None
    file_prefix: str = "memory"
    page: Callable[[], str] | None = None
    record_runs: bool = True


_host = Host()


def host() -> Host:
    """Return what the app told last: a process serves one app."""
    return _host


def introduce(found: Host) -> None:
    """Let `host` return `found` from now on."""
    global _host
    _host = found
