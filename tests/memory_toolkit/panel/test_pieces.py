from collections.abc import Callable

import pytest

from debug_memory import ActionRecord
from memory_toolkit.panel.pieces import duration, facts, megabytes, peak, warning
from memory_toolkit.panel.texts import name_of


def test_what_comes_from_outside_is_escaped() -> None:
    assert "<b>" not in facts([("<b>", "<b>")]) + warning("<b>")


def test_a_name_of_the_texts_is_translated_and_any_other_stays() -> None:
    assert name_of("memory.return") == "Collect and return memory"
    assert name_of("rebuild <index>") == "rebuild <index>"


@pytest.mark.parametrize(
    ("source", "text"), [("exact", "50.0"), ("at least", "≥50.0"), ("sampled", "~50.0")]
)
def test_a_peak_says_how_it_was_found(
    record: Callable[..., ActionRecord], source: str, text: str
) -> None:
    assert peak(record(peak_source=source)) == text


@pytest.mark.parametrize(
    ("count", "signed", "text"),
    [
        (0, True, "0.0"),
        (1000, True, "0.0"),
        (-1000, True, "0.0"),
        (-1000, False, "0.0"),
        (3 << 20, True, "+3.0"),
        (-3 << 20, True, "-3.0"),
        (1500 << 20, False, "1,500.0"),
    ],
)
def test_megabytes(count: int, signed: bool, text: str) -> None:
    assert megabytes(count, signed=signed) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0 ms"), (0.45, "450 ms"), (0.9996, "1.0 s"), (3.21, "3.2 s"), (1234, "1,234.0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
