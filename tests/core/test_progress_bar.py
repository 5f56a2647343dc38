import io

import pytest

from recommender.core import progress_bar as module
from recommender.core.progress_bar import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def feed(stream: io.StringIO) -> str:
    with ProgressBar(stream) as progress:
        for fraction in (0.0, 0.5, 1.0):
            progress("stars", fraction)
        progress("content", 1.0)
    return stream.getvalue()


def test_elsewhere_a_line_a_stage() -> None:
    assert feed(io.StringIO()).splitlines() == [
        "Training the stars model …",
        "Reading the movies' texts …",
    ]


def test_in_a_terminal_a_moving_line() -> None:
    text = feed(Terminal())
    assert text.count("\n") == 2
    assert "100%" in text
    assert text.rindex("Reading the movies' texts") > text.rindex("Training the stars model")


def test_elsewhere_long_stages_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 20.0, 40.0, 50.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    stream = io.StringIO()
    progress = ProgressBar(stream)
    for fraction in (0.0, 0.2, 0.4, 0.5):
        progress("stars", fraction)
    assert stream.getvalue().splitlines() == [
        "Training the stars model …",
        "   40% 40 s, 60 s left",
    ]
