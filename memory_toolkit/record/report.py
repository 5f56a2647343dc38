"""Reports of a recording: a few lines of text, and sample by sample as CSV."""

from __future__ import annotations

import csv
import os
import shlex
from pathlib import Path
from types import TracebackType
from typing import IO

from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.record.recorder import Recording, Sample

# The guard's last decisions that are shown of a command that was killed.
_DECISIONS = 5
_COLUMNS = (
    *("seconds", "own_mb", "peak_mb", "file_mb"),
    *("processes", "largest_pid", "largest_name"),
)


class UnwritableError(Exception):
    """A file cannot be written; says which, why and what to do."""


class WholeFile:
    """A file that appears under its name only when it is complete: at the end of a ``with`` block.

    Until then, and for good if the block ends in an exception, what was there before stays.

    Raises:
        UnwritableError: it cannot be written; known as soon as the object is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        if self._path.exists() and not self._path.is_file():
            raise UnwritableError(f"{path} is no file; name a file to write")
        try:
            self.file: IO[str] = open(self._part, "x", encoding="utf-8", newline="")  # noqa: SIM115
        except OSError as error:
            raise UnwritableError(
                f"{path} cannot be written: {error.strerror}; name another file"
            ) from None

    def __enter__(self) -> WholeFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        try:
            self.file.close()
            if kind is None:
                self._part.replace(self._path)
        except OSError as failed:
            raise UnwritableError(f"{self._path} was not written: {failed.strerror}") from None
        finally:
            self._part.unlink(missing_ok=True)


class SampleTable:
    """Writes samples as CSV, one row each; memory in MB of 1024 x 1024 bytes."""

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(_COLUMNS)

    def add(self, sample: Sample) -> None:
        """Write the row of `sample`."""
        sizes = (sample.own, sample.peak, sample.file)
        self._writer.writerow(
            [
                f"{sample.seconds:.3f}",
                *(f"{size / MB:.2f}" for size in sizes),
                *(sample.processes, sample.pid, sample.name),
            ]
        )


def command_line(recording: Recording) -> str:
    """The command as it could be typed into a shell."""
    return shlex.join(recording.command)


def format_seconds(seconds: float) -> str:
    """A duration in words: ``"3.2 s"``, ``"2 min 5 s"`` or ``"1 h 10 min"``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def share_of_limit(recording: Recording) -> str:
    """Return the share of the limit that the peak took: ``"42%"``, or ``"under 1%"``."""
    share = recording.highest.peak / recording.limit if recording.highest else 0.0
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def facts(recording: Recording) -> list[tuple[str, str]]:
    """List the facts to tell beside the ending, as pairs of a name and its value."""
    pairs = [("Duration", format_seconds(recording.duration))]
    highest = recording.highest
    if highest is None or recording.samples < 2:
        pairs.append(("Own memory", "not known: the command ended too soon to look at it"))
    else:
        share = f"{share_of_limit(recording)} of the limit"
        at = f"{format_bytes(highest.peak)} after {highest.seconds:.1f} s ({share})"
        pairs += [
            ("Own memory, peak", at),
            ("Own memory, mean", format_bytes(round(recording.mean))),
        ]
    pairs.append(("Limit", f"{format_bytes(recording.limit)} ({recording.limit_source})"))
    if recording.rss_peak:
        most = f"{format_bytes(recording.rss_peak)} at most in one process"
        if recording.group_peak is not None:
            most += f", {format_bytes(recording.group_peak)} in its group"
        pairs.append(("With file pages", most))
    pairs.append(("Processes", f"{recording.most_processes} at most"))
    if recording.left:
        pairs.append(("Left behind", f"{recording.left} processes, ended with their group"))
    for note in recording.decisions[-_DECISIONS:]:
        when = format_seconds(max(0.0, recording.started + recording.duration - note.time))
        words = f"{note.decision} {note.name} ({format_bytes(note.need)}), {when} before the end"
        pairs.append(("Guard", words))
    every = f"one every {recording.interval:g} s"
    cost = f"{recording.cost * 1000:.2f} ms each"
    pairs.append(("Samples", f"{recording.samples:,}, {every}, {cost}"))
    return pairs


def summary(recording: Recording) -> str:
    """The ending and the facts, one a line."""
    lines = [f"{os.path.basename(recording.command[0])} {recording.ending.text}"]
    lines += [f"  {name + ':':18} {value}" for name, value in facts(recording)]
    return "\n".join(lines)
