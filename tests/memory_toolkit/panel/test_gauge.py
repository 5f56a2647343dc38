from dataclasses import replace

import pytest

from debug_memory import MB, Snapshot
from memory_toolkit.guard.guard import DECISIONS as GUARD_DECISIONS
from memory_toolkit.guard.guard import GuardState
from memory_toolkit.measure.thrashing import Refaults
from memory_toolkit.panel.gauge import DECISIONS, gauge
from tests.memory_toolkit.panel.drawn import flat

NOW = Snapshot(
    rss=90 * MB,
    anon=60 * MB,
    shmem=4 * MB,
    file=26 * MB,
    swap=2 * MB,
    peak=95 * MB,
    limit=256 * MB,
    limit_source="cgroup v1 /sys/fs/cgroup/memory/<a>",
    group_used=74 * MB,
    oom_kills=3,
    pressure=1.25,
)
GUARD = GuardState(256 * MB, 74 * MB, "ok", 2, 1, dict.fromkeys(GUARD_DECISIONS, 0))


def test_everything_that_is_known() -> None:
    words = flat(gauge(NOW, None))
    assert words.startswith("|Own memory|Fine|64.0 MB|25% of 256.0 MB|")
    assert "|this process 64.0 MB|others 10.0 MB|free 182.0 MB|" in words
    assert "|RSS, everything resident|90.0 MB|" in words
    assert "|File pages, reclaimable|26.0 MB|" in words
    assert "|Moved out to swap|2.0 MB|" in words
    assert "|Highest RSS so far|95.0 MB|" in words
    assert "|Killed for want of memory|3|" in words
    assert "|The whole machine waited for memory, last 10 s|1.2%|" in words
    assert "|Limit set by cgroup v1 /sys/fs/cgroup/memory/<a>|" in words
    assert "|Others: what else counts against the same limit" in words
    assert "<a>" not in gauge(NOW, None)


@pytest.mark.parametrize(
    ("limit", "others", "top"), [(24_105, 700, 128), (1000, 0, 1000), (24_105, 18_000, 24_105)]
)
def test_far_below_the_limit_the_bar_has_a_scale_of_its_own(
    limit: int, others: int, top: int
) -> None:
    html = gauge(replace(NOW, limit=limit * MB, group_used=(64 + others) * MB), None)
    assert f'class="memory-own" style="width: {64 / top:.1%}"' in html
    sentence = f"|The bar ends at {top}.0 MB, to show this process; the limit, {limit:,}.0 MB,"
    assert (sentence in flat(html)) == (top < limit)
    assert html.count('<i style="left:') == (3 if top == limit else 0)


def test_it_says_whose_waiting_it_was() -> None:
    assert "|This app's group waited for memory, last 10 s|1.2%|" in flat(
        gauge(replace(NOW, pressure_of="group"), None)
    )


def test_thrashing_is_said_first_with_what_to_do() -> None:
    calm, wild = (
        flat(gauge(replace(NOW, refaults=Refaults(9 * MB, thrashing)), None))
        for thrashing in (False, True)
    )
    assert "|Read again each second|9.0 MB|" in calm
    assert calm.startswith("|Own memory|")
    assert wild.startswith("|Thrashing: the mapped files that are in use do not fit")


def test_the_bar_tells_own_memory_from_others() -> None:
    html = gauge(NOW, None)
    assert 'role="meter"' in html
    assert 'aria-valuenow="25"' in html
    assert 'aria-valuetext="64.0 MB, Fine"' in html
    assert 'class="memory-own" style="width: 25.0%"' in html
    assert 'class="memory-others" style="width: 3.9%"' in html


def test_what_is_not_known_is_left_out() -> None:
    bare = Snapshot(rss=90 * MB, limit=1024 * MB, limit_source="machine")
    words = flat(gauge(bare, None))
    assert "|8.8% of 1,024.0 MB|" in words
    assert "|this process 90.0 MB|free 934.0 MB|" in words
    assert "|RSS, everything resident|90.0 MB|Limit set by the machine|Guard: off|" in words
    assert "This system does not tell file pages apart" in words
    assert "thers" not in words


@pytest.mark.parametrize(
    ("used", "word", "colour"),
    [
        (0.69, "Fine", "#2a9d63"),
        (0.70, "High", "#d6a400"),
        (0.80, "Very high", "#e8760c"),
        (0.95, "Full", "#d93a2f"),
        (1.20, "Full", "#d93a2f"),
    ],
)
def test_from_70_80_and_95_per_cent_on_it_warns(used: float, word: str, colour: str) -> None:
    own = int(used * 1000) * MB
    html = gauge(replace(NOW, anon=own - 4 * MB, limit=1000 * MB, group_used=None), GUARD)
    assert f"|{word}|" in flat(html)
    assert html.count(f"--colour: {colour}") == 3
    assert html.count("--colour") == 3
    assert ("From 80% on caches are given up" in html) == (used >= 0.8)
    assert ('class="memory-own" style="width: 100.0%"' in html) == (used > 1)
    assert ("free 0.0 MB" in html) == (used > 1)


def test_what_others_hold_counts_too() -> None:
    crowded = replace(NOW, group_used=250 * MB)
    assert "|Full|64.0 MB|25% of 256.0 MB|" in flat(gauge(crowded, None))


def test_the_guard_in_one_line() -> None:
    assert "|Guard: running 2, waiting 1|" in flat(gauge(NOW, GUARD))
    counts = dict.fromkeys(GUARD_DECISIONS, 0) | {"admitted": 1234, "refused": 5}
    words = flat(gauge(NOW, replace(GUARD, counts=counts)))
    assert "|Guard: running 2, waiting 1, admitted 1,234, refused 5|" in words


def test_every_decision_of_the_guard_has_a_word() -> None:
    assert tuple(DECISIONS) == GUARD_DECISIONS
