"""Sources to watch from outside: a process with all that it started, or an app's /metrics."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from memory_toolkit.measure.limit import enforced_limit
from memory_toolkit.measure.processes import process_tree, read_processes
from memory_toolkit.measure.sizes import format_bytes

_TIMEOUT = 5.0
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+([^\s]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class WatchError(Exception):
    """There is nothing to watch, or no longer; says why."""


@dataclass(frozen=True)
class View:
    """View of one moment, in bytes.

    Attributes:
        limit_source: what says so, or "".
        counts: how many processes or sessions there are, in words.
        facts: names and values beside the memory.
        table: rows of words, the first of them the headings.
    """

    title: str
    own: int
    file: int | None
    limit: int | None
    limit_source: str
    counts: str
    facts: tuple[tuple[str, str], ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


ReadView = Callable[[], View]


def process_source(pid: int) -> ReadView:
    """Looks at process `pid` and all that it started; `WatchError` once it has ended.

    Raises:
        WatchError: there is no such process.
    """
    try:
        root = psutil.Process(pid)
    except (psutil.Error, ValueError, OverflowError):
        raise WatchError(f"there is no process {pid} that can be seen from here") from None

    def look() -> View:
        tree = read_processes(process_tree(pid)) if root.is_running() else None
        # Its number may be another's by now, and its children outlive it.
        if tree is None or pid not in (process.pid for process in tree.processes):
            raise WatchError(f"process {pid} has ended, or is the system's own")
        limit = enforced_limit(pid)
        rows = [
            (
                str(process.pid),
                process.name,
                format_bytes(process.reading.own),
                "" if process.reading.file is None else format_bytes(process.reading.file),
            )
            for process in tree.processes
        ]
        kills = limit.home.oom_kills() if limit.home else None
        used = limit.used()
        facts = [("Under the limit in all", "" if used is None else format_bytes(used))]
        facts += [("Killed for want of memory", "" if kills is None else f"{kills} in its group")]
        name = next(process.name for process in tree.processes if process.pid == pid)
        return View(
            title=f"{name} ({pid})",
            own=tree.own,
            file=tree.file if tree.processes[0].reading.file is not None else None,
            limit=limit.bytes,
            limit_source=limit.source,
            counts=_count(len(rows), "process", "processes"),
            facts=tuple((name, value) for name, value in facts if value),
            table=(("PID", "Name", "Own", "File"), *rows),
        )

    return look


def url_source(url: str, token: str | None = None) -> ReadView:
    """Read the page at `url`, in the text format of `memory_toolkit.integrations.metrics`.

    Raises:
        WatchError: `url` is no address of the web.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WatchError(f"{url} is no address; write http://host:port/metrics")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def look() -> View:
        return _view(url, parse_metrics(_fetch(url, headers)))

    return look


def parse_metrics(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of Prometheus's text format: by name, the labels and the value of each.

    Lines that are none are passed over. Source: Prometheus's documentation, "Exposition formats".
    """
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.match(line.strip())
        if match is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = {key: _unescape(label) for key, label in _LABEL.findall(match[2] or "")}
        found.setdefault(match[1], []).append((labels, value))
    return found


def _fetch(url: str, headers: dict[str, str]) -> str:
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            return str(answer.read(_MAX_ANSWER_BYTES).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 401:
            raise WatchError(
                f"{url} wants to know the server's DEBUG_MEMORY_TOKEN: give --token, the right one"
            ) from None
        raise WatchError(f"{url} answers {error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise WatchError(f"{url} cannot be asked: {why}") from None


def _view(url: str, metrics: dict[str, list[tuple[dict[str, str], float]]]) -> View:
    name = next((name for name in metrics if name.endswith("memory_bytes")), "")
    prefix = name.removesuffix("memory_bytes")

    def labelled(name: str, label: str) -> dict[str, float]:
        samples = metrics.get(prefix + name, ())
        return {labels[label]: value for labels, value in samples if label in labels}

    def plain(name: str) -> float | None:
        return next((value for _, value in metrics.get(prefix + name, ())), None)

    memory = labelled("memory_bytes", "kind")
    if "own" not in memory:
        raise WatchError(f"{url} does not tell of memory; give the address of an app's /metrics")
    limit, sessions = plain("memory_limit_bytes"), labelled("sessions", "state")
    decisions = labelled("guard_decisions_total", "decision")
    caches = labelled("cache_bytes", "cache")
    facts = [
        (name, format_bytes(round(size)))
        for name, size in (
            ("RSS", memory.get("rss")),
            ("Highest RSS so far", memory.get("peak")),
            ("Room until the limit", plain("memory_headroom_bytes")),
            ("Caches", sum(caches.values()) if caches else None),
        )
        if size is not None
    ]
    kills, active, waiting = map(plain, ("oom_kills_total", "guard_active", "guard_waiting"))
    if kills is not None:
        facts.append(("Killed for want of memory", f"{kills:.0f} in its group"))
    if active is not None and waiting is not None:
        facts.append(("Actions now", f"{active:.0f} run, {waiting:.0f} wait"))
    if decisions:
        words = [
            f"{count:.0f} {name.replace('_', ' ')}" for name, count in decisions.items() if count
        ]
        facts.append(("Guard", ", ".join(words) or "nothing to decide so far"))
    return View(
        title=url,
        own=round(memory["own"]),
        file=round(memory["file"]) if "file" in memory else None,
        limit=None if limit is None else round(limit),
        limit_source=next(iter(labelled("memory_limit_bytes", "source")), ""),
        counts=_count(round(sessions.get("connected", 0)), "session", "sessions"),
        facts=tuple(facts),
        table=tuple(
            _actions(
                labelled("actions_total", "action"),
                labelled("action_seconds_total", "action"),
                labelled("action_peak_bytes", "action"),
            )
        ),
    )


def _actions(
    calls: dict[str, float], seconds: dict[str, float], peaks: dict[str, float]
) -> Iterator[tuple[str, ...]]:
    """A row for each action, the one with the highest peak first."""
    if calls:
        yield "Action", "Calls", "Each", "Peak"
    for name in sorted(calls, key=lambda name: -peaks.get(name, 0)):
        each = 1000 * seconds.get(name, 0) / max(calls[name], 1)
        yield name, f"{calls[name]:.0f}", f"{each:.0f} ms", format_bytes(round(peaks.get(name, 0)))


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _unescape(text: str) -> str:
    kept = {"n": "\n"}
    return re.sub(r"\\(.)", lambda match: kept.get(match[1], match[1]), text)
