"""Progress of long work, on stderr: a moving line in a terminal, elsewhere a line a stage and one
every half minute."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_STAGES = {
    "import": "Reading and checking the data",
    "stars": "Training the stars model",
    "content": "Reading the movies' texts",
    "ranking": "Training the ranking model",
    "catalogue": "Writing the bundle",
}
_SECONDS_BETWEEN_LINES = 30.0


class ProgressBar:
    """ProgressBar shows the fraction of a stage that is done, and the time that is left.

    Call it with the name of a stage and the fraction; leave its block to end the last line.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._stage = ""
        self._started = self._drawn = 0.0

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *exc: object) -> None:
        self._end_line()

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._end_line()
            self._stage, self._started, self._drawn = stage, now, 0.0 if self._live else now
            if not self._live:
                print(f"{_STAGES.get(stage, stage)} …", file=self._stream, flush=True)
        if self._live and (now - self._drawn > 0.1 or fraction >= 1):
            self._drawn = now
            self._draw(min(1.0, fraction), now - self._started)
        elif not self._live and now - self._drawn > _SECONDS_BETWEEN_LINES:
            self._drawn = now
            print(
                f"  {_said(min(1.0, fraction), now - self._started)}", file=self._stream, flush=True
            )

    def _draw(self, fraction: float, seconds: float) -> None:
        filled = round(fraction * 24)
        bar = "█" * filled + "░" * (24 - filled)
        label = _STAGES.get(self._stage, self._stage)
        line = f"\r{label:<32} {bar} {_said(fraction, seconds)}"
        print(f"{line}\x1b[K", end="", file=self._stream, flush=True)

    def _end_line(self) -> None:
        if self._live and self._stage:
            print(file=self._stream)
        self._stage = ""


def _said(fraction: float, seconds: float) -> str:
    left = ""
    if 0.02 < fraction < 1 and seconds > 1:
        left = f", {seconds / fraction - seconds:.0f} s left"
    return f"{fraction:4.0%} {seconds:.0f} s{left}"
