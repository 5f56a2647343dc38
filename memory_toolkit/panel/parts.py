"""The parts of the process's memory, which add up to it, and what is counted but not measured."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape

from streamlit.runtime import Runtime
from streamlit.runtime.stats import CACHE_MEMORY_FAMILY, CacheStat, Stat

from memory_toolkit.measure.heap import kept_free
from memory_toolkit.measure.mappings import Mapping, read_mappings, stacks
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.panel.host import host
from memory_toolkit.panel.pieces import draw, facts, faint, heading
from memory_toolkit.panel.sessions import sessions
from memory_toolkit.panel.texts import t

FRESH_SECONDS = 3.0
# The colours of the bar, in order; the rest is grey.
COLOURS = ("#2a8a83", "#3b7dd8", "#e0912f", "#8e5bb5", "#c2477f", "#6b8e23", "#c8a415", "#4aa3c7")
REST_COLOUR = "color-mix(in srgb, currentColor 38%, transparent)"
_DATA, _RESOURCE, _STATE = "st_cache_data", "st_cache_resource", "st_session_state"
_FILES = {
    "UploadedFileManager": "memory_parts.uploads",
    "st_memory_media_file_storage": "memory_parts.downloads",
}


@dataclass(frozen=True)
class Part:
    """A part of `size` bytes: a key of the texts, with the values of its placeholders."""

    key: str
    size: int
    name: str = ""
    of: str = ""

    @property
    def label(self) -> str:
        """The name in the visitor's language; not escaped."""
        return t(self.key, name=host().translate(self.name), of=self.of)


@dataclass(frozen=True)
class Parts:
    """The parts of the memory.

    Attributes:
        own: parts that add up to own memory.
        files: parts that add up to the file pages.
        disk: files on disk that are not mapped.
        counts: what Streamlit counts but does not measure: keys, names, numbers.
    """

    own: list[Part]
    files: list[Part]
    disk: list[Part]
    counts: list[Part] = field(default_factory=list)


_last: tuple[float, Parts] | None = None


def draw_parts(level: int = 4) -> None:
    """Draw the parts of the process's memory: a bar, a list, and what is known beside it.

    Args:
        level: of the headings.
    """
    global _last
    now = time.monotonic()
    if _last is None or now - _last[0] > FRESH_SECONDS:
        _last = now, find_parts()
    found = _last[1]
    total = sum(part.size for part in found.own)
    blocks = [_own(found.own, total, level)]
    if found.files:
        blocks += [heading(t("memory_parts.files"), level), _sizes(found.files)]
        blocks += [faint(t("memory_parts.files_note"))]
    if found.disk:
        blocks += [heading(t("memory_parts.disk"), level), _sizes(found.disk)]
    blocks += [heading(t("memory_parts.counts"), level)]
    blocks += [facts((part.label, f"{part.size:,}") for part in found.counts)]
    blocks += [faint(t("memory_parts.counts_note"))]
    draw(*blocks)


def find_parts() -> Parts:
    """Find the parts of the memory now; takes a few milliseconds."""
    mappings = read_mappings()
    stats = _streamlit_stats()
    now = read()
    known, files, resident = [*_allocators(mappings), *_caches(stats)], [], 0
    for name, folder in host().mapped.items():
        mapped = [m for m in mappings if m.path.startswith(f"{folder().resolve()}/")]
        known.append(Part("memory_parts.changed", sum(m.own for m in mapped), name))
        size = sum(m.resident - m.own for m in mapped)
        most = format_bytes(sum(m.end - m.start for m in mapped))
        files.append(Part("memory_parts.mapped", size, name, most))
        resident += size
    files.append(Part("memory_parts.libraries", max(0, (now.file or 0) - resident)))
    own = adding_up(now.own, host().start(), known)
    return Parts(own, [] if now.file is None else files, _on_disk(), _counts(stats))


def adding_up(own: int, start: int | None, known: Iterable[Part]) -> list[Part]:
    """Return parts whose sizes add up to `own` exactly: the start, what is known, and the rest.

    What is known comes first, since some of it was there at the start already; so the start is
    what is left of it, and less when some of it was given back.
    """
    left, parts = own, []
    for part in known:
        size = min(part.size, left)
        left -= size
        if size:
            parts.append(Part(part.key, size, part.name, part.of))
    parts.sort(key=lambda part: part.size, reverse=True)
    if start is None:
        return [*parts, Part("memory_parts.all_else", left)]
    first = min(start, left)
    return [Part("memory_parts.start", first), *parts, Part("memory_parts.rest", left - first)]


def _allocators(mappings: list[Mapping]) -> list[Part]:
    """Return the parts that C libraries report."""
    found = stacks(mappings)
    own = sum(mapping.own for mapping in found)
    parts = [Part("memory_parts.stacks", own, f"{len(found):,}")]
    free = kept_free(mappings)
    if free is not None:
        parts.append(Part("memory_parts.free", free))
    used = _sqlite_used(mappings)
    if used is not None:
        parts.append(Part("memory_parts.sqlite", used))
    # Only those that are loaded: asking must not bring them in.
    if arrow := sys.modules.get("pyarrow"):
        parts.append(Part("memory_parts.arrow", arrow.total_allocated_bytes()))
    notes = sys.modules.get("tracemalloc")
    if notes is not None and notes.is_tracing():
        parts.append(Part("memory_parts.tracking", notes.get_tracemalloc_memory()))
    return parts


def _sqlite_used(mappings: list[Mapping]) -> int | None:
    """Bytes that SQLite holds over all connections, pages and all. Source: sqlite3_memory_used.

    None unless it is a library of its own, that can be asked.
    """
    paths = (mapping.path for mapping in mappings if "/libsqlite3." in mapping.path)
    path = next(paths, None)
    if path is None:
        return None
    try:
        ask = ctypes.CDLL(path).sqlite3_memory_used
    except (OSError, AttributeError):  # the file was replaced since
        return None
    ask.restype = ctypes.c_int64
    return int(ask())


def _streamlit_stats() -> list[CacheStat]:
    found: Iterable[Stat] = (
        Runtime.instance().stats_mgr.get_stats([CACHE_MEMORY_FAMILY]).get(CACHE_MEMORY_FAMILY, ())
    )
    return [stat for stat in found if isinstance(stat, CacheStat)]


def _caches(stats: list[CacheStat]) -> list[Part]:
    """Return what Streamlit keeps and knows the bytes of."""
    sizes: dict[tuple[str, str], int] = {}
    for stat in stats:
        key = _FILES.get(stat.category_name)
        if stat.category_name == _DATA:
            key = "memory_parts.cached"
        if key is not None:
            label = key, _short(stat.cache_name)
            sizes[label] = sizes.get(label, 0) + stat.byte_length
    return [Part(key, size, name) for (key, name), size in sizes.items()]


def _counts(stats: list[CacheStat]) -> list[Part]:
    """Return what Streamlit only counts."""
    connected, kept = sessions()
    values = sum(stat.byte_length for stat in stats if stat.category_name == _STATE)
    return [
        Part("memory_parts.connected", connected),
        Part("memory_parts.kept", kept),
        Part("memory_parts.state", values),
        *(
            Part("memory_parts.resource", stat.byte_length, _short(stat.cache_name))
            for stat in stats
            if stat.category_name == _RESOURCE
        ),
    ]


def _on_disk() -> list[Part]:
    """Return the files that the app named, with their sizes."""
    found = []
    for name, files in host().disk.items():
        size = 0
        for file in files():
            with suppress(OSError):
                size += file.stat().st_size
        found.append(Part("memory_parts.named", size, name))
    return found


def _short(name: str) -> str:
    """A function's own name, of the whole one by which Streamlit knows it."""
    return name.rpartition(".")[2]


def _own(parts: list[Part], total: int, level: int) -> str:
    title = t("memory_parts.own", own=format_bytes(total))
    colours = [*COLOURS[: len(parts) - 1], *[REST_COLOUR] * len(parts)][: len(parts) - 1]
    rows = list(zip(parts, [*colours, REST_COLOUR], strict=True))
    bar = "".join(
        f'<i style="width: {part.size / total:.2%}; background: {colour}"></i>'
        for part, colour in rows
    )
    names = "".join(
        f'<span><i style="background: {colour}"></i>{escape(part.label)}</span>'
        f"<span>{format_bytes(part.size)}</span>"
        for part, colour in rows
    )
    note = faint(t("memory_parts.own_note"))
    return (
        f'{heading(title, level)}<div class="memory-parts" role="img" aria-label="{escape(title)}">'
        f'{bar}</div><div class="memory-facts memory-keys">{names}</div>{note}'
    )


def _sizes(parts: Iterable[Part]) -> str:
    return facts((part.label, format_bytes(part.size)) for part in parts)
