import re
from collections.abc import Callable

from debug_memory import MB, ActionRecord
from memory_toolkit.panel.recent import SHOWN, recent
from tests.memory_toolkit.panel.drawn import flat

Record = Callable[..., ActionRecord]


def test_before_anything_was_measured() -> None:
    assert recent([]) == ""


def test_the_last_ones_are_ranked_on_a_scale_of_their_own(record: Record) -> None:
    held = 40 * MB
    small = record("small <b>", before=held, after=held + 50 * 1024, peak=held + 100 * 1024)
    large = record("large", before=held, after=held - MB, peak=held + 2 * MB, peak_source="sampled")
    failed = record("failed", before=held, after=held, peak=held + MB, error=True)
    old = [record(f"old {n}", peak=900 * MB) for n in range(9)]
    html = recent([small, large, failed, *old[: SHOWN - 3]])
    assert re.findall(r"<li><span>(.*?)</span>", html)[-3:] == [
        "large",
        "failed",
        "small &lt;b&gt;",
    ]
    html = recent([small, large, failed])
    words = flat(html)
    assert "|large|peak ~+2.0 MB, change -1.0 MB|failed|peak +1.0 MB, change 0 KB|" in words
    assert "|small <b>|peak +100 KB, change +50 KB|" in words
    bars = re.findall(r'<div([^>]*) style="width: ([\d.]+)%"><i style="width: ([\d.]+)%">', html)
    assert [(float(width), float(kept)) for _, width, kept in bars] == [
        (100.0, 0.0),
        (50.0, 0.0),
        (4.9, 50.0),
    ]
    assert [bool(kind) for kind, *_ in bars] == [False, True, False]


def test_older_ones_are_left_out(record: Record) -> None:
    assert recent([record(f"n{n}") for n in range(SHOWN + 5)]).count("<li>") == SHOWN
