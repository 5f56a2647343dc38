import functools
import gc
import mmap
import os
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import action, clear_actions
from memory_toolkit.record.summaries import CALLS_KEPT, NAMES, Call, Summary, add_call, summaries
from tests.memory_toolkit.planted import fill, linux, near, run_python


@pytest.fixture(autouse=True)
def _forget() -> None:
    clear_actions()


def of(name: str) -> Summary:
    return next(summary for summary in summaries() if summary.name == name)


def series(*changes: float, name: str = "planted", between: float = 0, alone: bool = True) -> None:
    """Calls that keep so many MB each; so many more are added after each of them."""
    # Far below what the tests hold, so that the present level changes nothing.
    level = -10_000.0
    for change in changes:
        before, after = int(level * MB), int((level + change) * MB)
        add_call(name, Call(before, after, max(before, after), alone), 0.0, error=False)
        level += change + between


def repeat(times: int, work: Callable[[], object], name: str = "planted") -> Summary:
    """The summary of `name` after so many real calls, to which no free page of before is left."""
    return_memory()
    for _ in range(times):
        with action(name):
            work()
    return of(name)


# Totals


def test_totals_are_of_all_calls_and_the_newest_name_comes_first() -> None:
    for number in range(CALLS_KEPT + 10):
        add_call("old", Call(0, 0, 100 - number, True), 0.5, error=number < 3)
    add_call("new", Call(50, 30, 80, True), 1.5, error=False)
    new, old = summaries()
    assert (new.name, old.name) == ("new", "old")
    assert (new.calls, new.errors, new.seconds, new.last_change) == (1, 0, 1.5, -20)
    assert (new.median_peak, new.worst_peak) == (30, 30)
    assert (old.calls, old.errors, old.seconds) == (CALLS_KEPT + 10, 3, 30.0)
    # The worst of all; the median of the last 50, which took 90 down to 41.
    assert (old.worst_peak, old.median_peak) == (100, 65)


def test_calls_beside_others_tell_the_peak_only_where_none_ran_alone() -> None:
    add_call("busy", Call(0, 0, 700, False), 0.0, error=False)
    assert (of("busy").median_peak, of("busy").worst_peak) == (700, 700)
    add_call("busy", Call(10, 10, 60, True), 0.0, error=False)
    add_call("busy", Call(0, 0, 900, False), 0.0, error=False)
    assert (of("busy").median_peak, of("busy").worst_peak) == (50, 50)


def test_of_many_names_the_longest_unused_is_forgotten() -> None:
    for number in range(NAMES):
        add_call(str(number), Call(0, 0, 0, True), 0.0, error=False)
    add_call("0", Call(0, 0, 0, True), 0.0, error=False)
    add_call("one more", Call(0, 0, 0, True), 0.0, error=False)
    names = [summary.name for summary in summaries()]
    assert len(names) == NAMES
    assert names[:2] == ["one more", "0"]
    assert "1" not in names


def test_actions_are_counted_from_every_thread() -> None:
    def work() -> None:
        for _ in range(200):
            with action("counted"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(ZeroDivisionError), action("counted"):
        _ = 1 / 0
    assert (of("counted").calls, of("counted").errors) == (801, 1)
    clear_actions()
    assert summaries() == []


@linux
def test_a_real_peak_and_change() -> None:
    kept = []

    def work() -> None:
        fill(60).sum()
        kept.append(fill(40))

    summary = repeat(3, work)
    assert near(summary.median_peak, 60)
    assert near(summary.worst_peak, 60)
    assert near(summary.last_change, 40)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_counts_on() -> None:
    printed = run_python(
        "import os, debug_memory as d\n"
        "from memory_toolkit.record import summaries\n"
        "with d.action('once'): pass\n"
        "with summaries._lock:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        with d.action('once'): pass\n"
        "        print(d.summaries()[0].calls, flush=True)\n"
        "        os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert printed == "2"


# The leak hint, on series of numbers


@pytest.mark.parametrize("calls", [20, 23, 37, 50, 120])
@pytest.mark.parametrize("kept", [0.1, 1, 30])
def test_a_steady_leak_is_loud(kept: float, calls: int) -> None:
    series(*[kept] * calls)
    assert of("planted").leak
    assert of("planted").growth_per_call == pytest.approx(kept * MB, rel=0.01)


def test_a_leak_takes_twenty_calls() -> None:
    series(*[5] * 19)
    assert not of("planted").leak
    assert of("planted").growth_per_call == 5 * MB


def test_a_leak_beside_noise_is_loud() -> None:
    noise = np.random.default_rng(0).uniform(0, 2, 51)
    series(*(1 + np.diff(noise)))
    assert of("planted").leak


def test_a_leak_that_grows_on_every_third_call_is_loud() -> None:
    series(*[0, 0, 3] * 17)
    assert of("planted").leak


@pytest.mark.parametrize("full_after", [1, 5, 10, 20, 35])
def test_a_cache_that_fills_and_stops_is_quiet(full_after: int) -> None:
    series(*[2] * full_after, *[0] * (50 - full_after))
    assert not of("planted").leak


def test_growth_that_fades_away_is_quiet() -> None:
    series(*[20 * 0.9**call for call in range(50)])
    assert not of("planted").leak


@pytest.mark.parametrize("moment", range(0, 50, 7))
def test_one_large_allocation_is_quiet(moment: int) -> None:
    noise = np.random.default_rng(moment).normal(0, 0.2, 51)
    noise[moment + 1 :] += 300
    series(*np.diff(noise))
    assert not of("planted").leak
    assert abs(of("planted").growth_per_call) < 0.1 * MB


def test_what_grows_by_less_than_a_megabyte_is_quiet() -> None:
    series(*[0.02] * 50)
    assert not of("planted").leak


def test_growth_between_the_calls_is_not_theirs() -> None:
    series(*[0] * 50, between=1)
    assert not of("planted").leak
    assert of("planted").growth_per_call == 0


def test_what_is_freed_between_the_calls_is_no_leak() -> None:
    series(*[1] * 50, between=-1)
    assert not of("planted").leak
    assert of("planted").growth_per_call == 0


def test_growth_in_calls_beside_others_is_not_theirs() -> None:
    series(*[1] * 50, alone=False)
    assert not of("planted").leak
    assert of("planted").growth_per_call == 0


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=20, max_size=60),
    st.integers(0, 59),
    st.floats(0, 1000),
)
def test_whatever_falls_back_to_where_it_was_is_quiet(
    levels: list[float], moment: int, spike: float
) -> None:
    clear_actions()
    levels[moment % len(levels)] += spike
    series(*np.diff([0.0, *levels, 0.0]))
    assert not of("planted").leak
    assert of("planted").growth_per_call <= 0


@settings(deadline=None)
@given(st.floats(0.1, 50), st.lists(st.floats(0, 1), min_size=20, max_size=50))
def test_a_leak_is_loud_whatever_each_call_holds_for_a_while(
    kept: float, noise: list[float]
) -> None:
    """As long as what it holds for a while is less than what it leaks."""
    clear_actions()
    level = kept * (np.arange(len(noise)) + np.array(noise))
    series(*np.diff(level, prepend=0.0))
    assert of("planted").leak


# The leak hint, on real memory


@linux
@pytest.mark.parametrize(("kept_bytes", "calls"), [(MB, 25), (100_000, 60)])
def test_a_real_leak_is_loud(kept_bytes: int, calls: int) -> None:
    leaked: list[bytes] = []
    summary = repeat(calls, lambda: leaked.append(b"x" * kept_bytes))
    assert summary.leak
    assert summary.growth_per_call == pytest.approx(kept_bytes, rel=0.25)


def pages() -> mmap.mmap:
    """A megabyte outside the heap, so that nobody's free pages are used again."""
    mapped = mmap.mmap(-1, MB)
    for place in range(0, MB, mmap.PAGESIZE):
        mapped[place] = 1
    return mapped


@linux
def test_only_the_action_that_leaks_is_told_from_those_around_it() -> None:
    leaked = []
    for _ in range(25):
        with action("page"), action("leaks"):
            leaked.append(pages())
        with action("innocent"):
            pages().close()
    assert {summary.name: summary.leak for summary in summaries()} == {
        "innocent": False,
        "page": True,
        "leaks": True,
    }


@linux
def test_a_leak_out_of_the_free_pages_of_another_action_is_still_seen() -> None:
    """In a process of its own, which has no free pages but those of that action."""
    code = """
from memory_toolkit.record.actions import action
from memory_toolkit.record.summaries import summaries
from tests.memory_toolkit.planted import fill
leaked = []
for _ in range(25):
    with action("leaks"):
        leaked.append(fill(1))
    with action("leaves free pages"):
        fill(1).sum()
print(any(summary.leak for summary in summaries()))
"""
    assert run_python(code) == "True"


@linux
def test_growth_by_another_thread_at_the_same_time_is_quiet() -> None:
    leaked: list[np.ndarray] = []

    def leak() -> None:
        with action("leaks"):
            leaked.append(fill(1))

    def work() -> None:
        thread = threading.Thread(target=leak)
        thread.start()
        thread.join()

    summary = repeat(25, work)
    assert len(leaked) == 25
    assert not summary.leak
    assert summary.growth_per_call == 0


@linux
def test_a_real_cache_that_has_filled_is_quiet() -> None:
    load = functools.lru_cache(maxsize=16)(lambda key: fill(1))
    keys = iter(range(100))
    assert not repeat(50, lambda: load(next(keys))).leak
    assert load.cache_info().currsize == 16


@linux
def test_real_garbage_is_quiet_once_it_was_given_back() -> None:
    def work() -> None:
        knot: list[object] = [b"x" * MB]
        knot.append(knot)

    gc.disable()
    try:
        assert repeat(25, work).leak  # so far it is a leak
        assert return_memory().total > 20 * MB
    finally:
        gc.enable()
    assert not of("planted").leak
    assert of("planted").growth_per_call < 0.1 * MB
