"""The guard against real allocations; what is limited is far from the machine's own memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from memory_toolkit.guard import guard as module
from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.measure.limit import LIMIT_VARIABLE, Limit
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

linux = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts on Linux only")


def a_guard(*, room: int, **options: Any) -> Guard:
    """A guard whose limit leaves `room` bytes below the most, from what the process holds now."""
    limit = Limit(int((read().own + room) / module.FULL), LIMIT_VARIABLE)
    return Guard(limit=lambda: limit, **{"wait": 0.2, **options})


def held_at(share: float, **options: Any) -> Guard:
    """A guard of whose limit this process uses `share`."""
    limit = Limit(int(read().own / share), LIMIT_VARIABLE)
    return Guard(limit=lambda: limit, **{"wait": 0.2, **options})


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_fits_begins_and_is_counted() -> None:
    guard = a_guard(room=100 * MB)
    with guard.admit("small", 10 * MB):
        assert guard.state().active == 1
    state = guard.state()
    assert state.active == state.waiting == 0
    assert state.counts == dict.fromkeys(module.DECISIONS, 0) | {"admitted": 1}


def test_what_can_never_fit_is_refused_at_once() -> None:
    guard = a_guard(room=100 * MB, wait=1000.0)
    with guard.admit("other", 10 * MB):  # its end could not help
        with pytest.raises(Busy, match=r"^huge$"), guard.admit("huge", 200 * MB):
            raise AssertionError("it began")
        with guard.admit("small", 10 * MB):
            pass
    assert guard.state().counts["refused"] == 1


def test_the_needs_of_those_that_run_are_kept_free() -> None:
    guard = a_guard(room=100 * MB)
    said = []

    def second() -> None:
        try:
            with guard.admit("second", 70 * MB):
                said.append("began")
        except Busy:
            said.append("refused")

    with guard.admit("first", 70 * MB):
        in_thread(second).join(20)
    in_thread(second).join(20)
    assert said == ["refused", "began"]


def test_what_was_taken_is_not_counted_twice() -> None:
    guard = a_guard(room=150 * MB)
    with guard.admit("first", 100 * MB):
        kept = bytearray(100 * MB)
        with guard.admit("second", 30 * MB):
            assert len(kept) == 100 * MB


def test_it_waits_for_another_to_end() -> None:
    guard = a_guard(room=100 * MB, wait=20.0)
    begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with guard.admit("first", 80 * MB):
            begun.set()
            may_end.wait(20)

    thread = in_thread(hold)
    assert begun.wait(20)
    order = []

    def follow() -> None:
        with guard.admit("second", 80 * MB):
            order.append("second")

    follower = in_thread(follow)
    while not guard.state().waiting:
        pass
    order.append("first ends")
    may_end.set()
    follower.join(20)
    thread.join(20)
    assert order == ["first ends", "second"]
    assert guard.state().counts["waited"] == 1
    assert guard.state().counts["refused"] == 0


def test_no_more_at_once_than_allowed() -> None:
    guard = a_guard(room=1000 * MB, at_once=2, wait=20.0)
    running, most = [], []
    lock = threading.Lock()

    def work() -> None:
        with guard.admit("work", MB):
            with lock:
                running.append(1)
                most.append(len(running))
            threading.Event().wait(0.01)
            with lock:
                running.pop()

    threads = [in_thread(work) for _ in range(8)]
    for thread in threads:
        thread.join(20)
    assert len(most) == 8
    assert max(most) <= 2
    assert guard.state().counts["shed"] == 0  # it was not for want of memory


def test_the_log_names_slots_where_memory_is_not_short(caplog: pytest.LogCaptureFixture) -> None:
    guard = a_guard(room=1000 * MB, at_once=1, wait=0.0)
    refused: list[bool] = []

    def work() -> None:
        with pytest.raises(Busy), guard.admit("second", MB):
            raise AssertionError("it began")
        refused.append(True)

    with guard.admit("first", MB):
        in_thread(work).join(20)
    assert refused
    assert caplog.messages == ["second was refused: all 1 slots are taken"]


def test_from_95_per_cent_on_all_is_refused_and_below_it_begins_again() -> None:
    limit = [Limit(int(read().own / 0.96), LIMIT_VARIABLE)]
    guard = Guard(limit=lambda: limit[0], wait=0.2)
    assert guard.state().level == "full"
    with pytest.raises(Busy), guard.admit("anything", 1):
        pass
    limit[0] = Limit(read().own * 2, LIMIT_VARIABLE)
    guard = Guard(limit=lambda: limit[0])
    with guard.admit("anything", 1):
        pass


@pytest.mark.parametrize(
    ("share", "level"), [(0.5, "ok"), (0.75, "high"), (0.87, "shedding"), (1.2, "full")]
)
def test_levels(share: float, level: str) -> None:
    assert held_at(share).state().level == level


def test_caches_are_given_up_before_somebody_is_refused() -> None:
    cache = [bytearray(100 * MB)]
    guard = a_guard(room=20 * MB, shed=[cache.clear])
    with guard.admit("needs the room", 80 * MB):
        assert cache == []
    assert guard.state().counts["shed"] == 1


def test_a_cache_that_cannot_be_given_up_does_not_keep_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = [bytearray(100 * MB)]

    def fails() -> None:
        raise OSError("gone")

    guard = a_guard(room=20 * MB, shed=[fails, cache.clear])
    with guard.admit("needs the room", 80 * MB):
        pass
    assert "a cache could not be given up" in caplog.text


def test_shedding_that_gives_nothing_is_not_done_again_and_again() -> None:
    given_up: list[int] = []
    guard = held_at(0.96, shed=[lambda: given_up.append(1)])
    for _ in range(5):
        with pytest.raises(Busy), guard.admit("anything", MB):
            pass
    assert given_up == [1]


def test_the_watcher_sheds_from_80_per_cent_on() -> None:
    given_up = threading.Event()
    guard = held_at(0.85, shed=[given_up.set])
    guard.start()
    try:
        assert given_up.wait(20)
    finally:
        guard.stop()
    guard.stop()  # a second time does no harm


def test_batches_follow_the_room() -> None:
    guard = a_guard(room=100 * MB)
    assert guard.batch(10, 1000) == 10
    assert 20 <= guard.batch(1000, MB) <= 25
    assert guard.batch(1000, 1000 * MB) == 1
    assert guard.state().counts["shrunk"] == 2


def test_an_error_ends_only_the_action_it_belongs_to() -> None:
    guard = a_guard(room=100 * MB)
    with pytest.raises(ZeroDivisionError), guard.admit("fails", 50 * MB):
        _ = 1 / 0
    with pytest.raises(MemoryError), guard.admit("takes too much", 50 * MB):
        raise MemoryError
    state = guard.state()
    assert state.active == 0
    assert state.counts["memory_errors"] == 1
    with guard.admit("next", 80 * MB):
        pass


def test_a_wrong_limit_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "lots")
    with pytest.raises(ValueError, match=f"^{LIMIT_VARIABLE}=lots: give a size of at least 1M"):
        Guard()


@linux
@pytest.mark.parametrize("slowness", ["0", "1.2"])
def test_the_one_who_took_it_is_ended_and_not_who_began_first(slowness: str) -> None:
    """However long it takes to give it back. It takes no more in a second than a guard on a busy
    machine can follow: what slips through fails in whichever thread is next."""
    code = """
import sys, threading, time
from memory_toolkit.guard.guard import Guard
from memory_toolkit.measure.limit import Limit
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
limit = Limit(read().own + 150 * MB, "configured")
guard = Guard(limit=lambda: limit)
guard.start()
begun, may_end, ends = threading.Event(), threading.Event(), []
def patient():
    try:
        with guard.admit("patient", MB):
            begun.set()
            while not may_end.wait(0.001):
                pass
        ends.append("patient ended well")
    except MemoryError:
        ends.append("patient was ended")
def greedy():
    try:
        with guard.admit("greedy", MB):
            kept = []
            try:
                while True:
                    kept.append(bytes(2000))
                    if not len(kept) % 500:
                        time.sleep(0.02)
            finally:
                time.sleep(float(sys.argv[1]))
    except MemoryError:
        ends.append("greedy was ended")
first = threading.Thread(target=patient)
first.start()
begun.wait()
second = threading.Thread(target=greedy)
second.start()
second.join()
may_end.set()
first.join()
guard.stop()
print(ends)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, slowness],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == "['greedy was ended', 'patient ended well']"


def test_an_action_within_another_neither_waits_for_it_nor_counts_twice() -> None:
    guard = a_guard(room=100 * MB, at_once=1, wait=1000.0)
    with guard.admit("outer", 80 * MB):
        with guard.admit("inner", 80 * MB):  # it is a part of the outer one's
            assert guard.room() >= 10 * MB
        with pytest.raises(Busy), guard.admit("inner", 200 * MB):
            raise AssertionError("it began")
    assert guard.state().counts["waited"] == 0


def test_an_action_takes_from_what_those_around_it_said_and_from_no_others() -> None:
    guard = a_guard(room=100 * MB, wait=0.0)
    started, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with guard.admit("another", 80 * MB):
            started.set()
            may_end.wait(20)

    thread = in_thread(hold)
    assert started.wait(20)
    with guard.admit("outer", MB), pytest.raises(Busy), guard.admit("inner", 40 * MB):
        raise AssertionError("it may take 40 MB, and 19 are left")
    may_end.set()
    thread.join()


def test_what_an_action_took_is_its_need_the_next_time() -> None:
    guard = a_guard(room=100 * MB)

    def lie() -> None:
        with guard.admit("liar", MB):
            kept = np.ones(40 * MB // 8)
            raise MemoryError(len(kept))

    with pytest.raises(MemoryError):
        lie()
    started, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with guard.admit("honest", 70 * MB):
            started.set()
            may_end.wait(20)

    thread = in_thread(hold)
    assert started.wait(20)
    with pytest.raises(Busy), guard.admit("liar", MB):
        raise AssertionError("it may take 41 MB, and 30 are left")
    may_end.set()
    thread.join(20)
    for _ in range(5):  # it is believed again
        with guard.admit("liar", MB):
            pass
    with guard.admit("honest", 90 * MB), guard.admit("liar", MB):
        pass


def test_there_is_one_started_guard() -> None:
    guard = a_guard(room=1000 * MB)
    other = a_guard(room=1000 * MB)
    guard.start()
    try:
        threads = threading.active_count()
        again = Guard(at_once=3)
        again.start()
        assert again is guard
        assert threading.active_count() == threads
        other.start()  # made by a thread that saw none
        assert threading.active_count() == threads
        with other.admit("here", MB):
            assert guard.state().active == 1
    finally:
        other.stop()
    assert Guard.started() is None
    assert threading.active_count() < threads


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` in a thread of its own: the main one may hold the loop of a browser's driver."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, main).result()


def test_coroutines_wait_without_holding_up_the_loop() -> None:
    guard = a_guard(room=100 * MB, at_once=1, wait=20.0)
    order: list[str] = []

    async def main() -> None:
        begun, went_on = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            async with guard.admit("first", 80 * MB):
                order.append("first")
                begun.set()
                await went_on.wait()
            order.append("first ended")

        async def second() -> None:
            await begun.wait()
            async with guard.admit("second", 80 * MB):
                order.append("second")

        async def other() -> None:
            await begun.wait()
            # Second asks meanwhile. If it held up the loop, it would wait for first in vain.
            await asyncio.sleep(0.05)
            order.append("the loop goes on")
            went_on.set()

        await asyncio.gather(first(), second(), other())

    run_loop(main())
    assert order == ["first", "the loop goes on", "first ended", "second"]


def test_a_coroutine_is_refused_in_the_end() -> None:
    guard = a_guard(room=100 * MB)

    async def main() -> None:
        with pytest.raises(Busy):
            async with guard.admit("huge", 200 * MB):
                raise AssertionError("it began")
        with pytest.raises(Busy), guard.admit("huge", 200 * MB):
            raise AssertionError("it began")

    run_loop(main())
    assert guard.state().counts["refused"] == 2
