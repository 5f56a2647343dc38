"""Shows a source of memory live: redrawn in place in a terminal, else one line for each look."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from memory_toolkit.cli.watched import ReadView, View
from memory_toolkit.guard.guard import FULL, HIGH, SHEDDING
from memory_toolkit.measure.sizes import format_bytes

KEPT = 1000
_SPARKS = "▁▂▃▄▅▆▇█"
# What begins, redraws and ends a screen of its own. Source: xterm's control sequences.
_BEGIN, _HOME, _END = "\x1b[?1049h\x1b[?25l", "\x1b[H", "\x1b[?25h\x1b[?1049l"
_LINE_END, _SCREEN_END = "\x1b[K\n", "\x1b[J"
_COLOURS = ((FULL, 196), (SHEDDING, 208), (HIGH, 178), (0.0, 35))
_WORDS = ((FULL, "full"), (SHEDDING, "very high"), (HIGH, "high"), (0.0, ""))
_NO_ESCAPES = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def watch(read_view: ReadView, interval: float = 1.0) -> None:
    """Show what `read_view` returns every `interval` seconds, until q or Ctrl+C.

    Raises:
        WatchError: the source has nothing to show, or no longer.
    """
    with suppress(KeyboardInterrupt):
        if sys.stdout.isatty():
            _watch_screen(read_view, interval)
        else:
            while True:
                print(line(read_view()), flush=True)
                time.sleep(interval)


def _watch_screen(read_view: ReadView, interval: float) -> None:
    view = read_view()  # what is wrong from the start is said on the ordinary screen
    history: deque[int] = deque(maxlen=KEPT)
    with _screen() as pause:
        while True:
            history.append(view.own)
            size = shutil.get_terminal_size()
            lines = screen(
                view, history, interval, size.columns, colours="NO_COLOR" not in os.environ
            )
            shown = _LINE_END.join(lines[: size.lines - 1])
            print(_HOME + shown + _LINE_END + _SCREEN_END, end="", flush=True)
            if pause(interval):
                break
            view = read_view()


@contextmanager
def _screen() -> Iterator[Callable[[float], bool]]:
    """A screen of its own; gives what waits so many seconds, and says whether q was pressed."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None

    def pause(seconds: float) -> bool:
        if before is None:
            time.sleep(seconds)
            return False
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([sys.stdin], [], [], left)[0]:
                key = os.read(sys.stdin.fileno(), 1)
                if key in (b"q", b"Q", b""):
                    return True
        return False

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        if before is not None:
            tty.setcbreak(sys.stdin)
        print(_BEGIN, end="")
        yield pause
    finally:
        print(_END, end="", flush=True)
        if before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def line(view: View) -> str:
    """The view in one line, with the time of day."""
    words = [f"own {format_bytes(view.own)}"]
    if view.limit is not None:
        words.append(f"{view.own / view.limit:.0%} of {format_bytes(view.limit)}")
    if view.file is not None:
        words.append(f"file {format_bytes(view.file)}")
    return f"{datetime.now():%H:%M:%S} {', '.join([*words, view.counts])}"


def screen(
    view: View, history: Sequence[int], interval: float, width: int, *, colours: bool
) -> list[str]:
    """The lines of a screen that is `width` columns wide.

    Args:
        history: own memory at the looks so far, the last one now.
        interval: seconds between two of them.
    """
    share = view.own / view.limit if view.limit else 0.0
    word = next(word for start, word in _WORDS if share >= start)
    colour = next(colour for start, colour in _COLOURS if share >= start)
    paint = f"\x1b[38;5;{colour}m{{}}\x1b[0m" if colours else "{}"
    own = f"Own memory {format_bytes(view.own)}"
    if view.limit:
        own += f" of {format_bytes(view.limit)}, {share:.0%}" + (f" ({word})" if word else "")
    shown = list(history)[-max(1, width) :]
    low, high = format_bytes(min(history)), format_bytes(max(history))
    seconds = round((len(history) - 1) * interval)
    lines = [
        _cut(f"{view.title}, {view.counts}", width),
        "",
        _cut(own, width),
        *([paint.format(_bar(share, width))] if view.limit else []),
        paint.format(_sparkline(shown)),
        _cut(f"{low} to {high} in the last {seconds} s", width),
        "",
    ]
    facts = [("Limit", view.limit_source)] if view.limit_source else []
    if view.file is not None:
        facts.append(("File pages", f"{format_bytes(view.file)}, which the kernel can take back"))
    lines += [_cut(f"{name:26}{value}", width) for name, value in (*facts, *view.facts)]
    lines += ["", *_table(view.table, width)] if view.table else []
    return [*lines, "", _cut("q or Ctrl+C ends this", width)]


def _bar(share: float, width: int) -> str:
    filled = round(min(share, 1.0) * width)
    return "█" * filled + "░" * (width - filled)


def _sparkline(sizes: Sequence[int]) -> str:
    low, high = min(sizes), max(sizes)
    # What hardly moves shall look that way.
    span = max(high - low, high // 20, 1)
    return "".join(_SPARKS[round((len(_SPARKS) - 1) * (size - low) / span)] for size in sizes)


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Rows in columns: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [row[:1].isdigit() for row in rows[-1]]
    return [
        _cut(
            "  ".join(
                cell.rjust(size) if right else cell.ljust(size)
                for cell, size, right in zip(row, widths, numeric, strict=True)
            ),
            width,
        )
        for row in rows
    ]


def _cut(text: str, width: int) -> str:
    text = _NO_ESCAPES.sub("?", text)
    return text if len(text) <= width else text[: width - 1] + "…"
