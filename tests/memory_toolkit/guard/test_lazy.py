import asyncio
import gc
import logging
import re
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.guard.lazy import Lazy
from memory_toolkit.measure.limit import Limit
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import fill, linux, near

SECONDS = 30


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Slow:
    """Loads an object, counts how often, and goes on only when it may."""

    def __init__(self) -> None:
        self.loads = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> list[int]:
        self.loads += 1
        self.begun.set()
        assert self.may_end.wait(SECONDS)
        return [self.loads]


def test_it_is_loaded_once_however_many_threads_ask() -> None:
    load = Slow()
    lazy = Lazy(load, need=MB)
    assert (load.loads, lazy.loaded) == (0, False)
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(lazy.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert load.begun.wait(SECONDS)
    load.may_end.set()
    for thread in threads:
        thread.join(SECONDS)
    assert [id(one) for one in found] == [id(found[0])] * 8
    assert (load.loads, lazy.loaded) == (1, True)


def test_an_event_loop_goes_on_while_many_coroutines_wait_for_one_load() -> None:
    load = Slow()
    lazy = Lazy(load, need=MB)

    async def use() -> list[int]:
        async with lazy as found:
            return found

    async def main() -> list[list[int]]:
        users = [asyncio.create_task(use()) for _ in range(50)]
        given_up = asyncio.create_task(use())
        await asyncio.to_thread(load.begun.wait, SECONDS)
        given_up.cancel()
        load.may_end.set()  # comes only if the loop was not held up
        return await asyncio.gather(*users)

    found = asyncio.run(asyncio.wait_for(main(), SECONDS))
    assert [id(one) for one in found] == [id(found[0])] * 50
    assert load.loads == 1


def test_an_error_is_everybodys_who_waited_and_the_next_use_tries_again() -> None:
    load = Slow()

    def fail() -> list[int]:
        load()
        if load.loads == 1:
            raise OSError("no such file")
        return [load.loads]

    lazy = Lazy(fail, need=MB)
    errors: list[str] = []

    def use() -> None:
        try:
            lazy.get()
        except OSError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: lazy._waiting == 4)
    load.may_end.set()
    for thread in threads:
        thread.join(SECONDS)
    assert (errors, load.loads) == (["no such file"] * 4, 1)
    assert lazy.get() == [2]


@linux
def test_unloading_gives_the_memory_back_and_the_next_use_loads_again() -> None:
    before = read().own
    lazy: Lazy[list[str]] = Lazy(lambda: [str(n) * 30 for n in range(200_000)], need=60 * MB)
    lazy.preload()
    taken = read().own - before
    assert taken > 30 * MB
    assert lazy.unload()
    assert read().own - before < 0.1 * taken
    assert not lazy.unload()
    assert len(lazy.get()) == 200_000
    lazy.unload()


def test_it_is_closed_when_the_last_that_uses_it_has_ended() -> None:
    closed: list[int] = []
    numbers = iter(range(9))
    lazy = Lazy(lambda: next(numbers), need=MB, close=closed.append)
    with lazy as first:
        assert lazy.unload()
        assert not lazy.loaded
        with lazy as second:
            assert (first, second, closed) == (0, 1, [])
            assert not lazy.evict()  # it is in use
    assert (closed, lazy.loaded) == ([0], True)
    assert lazy.evict()
    assert closed == [0, 1]


def test_what_is_idle_goes_by_itself_but_not_while_it_is_used() -> None:
    lazy = Lazy(lambda: object(), need=MB, idle=0.01)
    with lazy:
        time.sleep(0.1)
        assert lazy.loaded
    until(lambda: not lazy.loaded)
    lazy.get()
    until(lambda: not lazy.loaded)


def test_a_lazy_object_that_nobody_holds_does_not_wait_to_be_idle() -> None:
    gone = threading.Event()

    class Held:
        def __del__(self) -> None:
            gone.set()

    lazy = Lazy(Held, need=MB)
    lazy.preload()
    del lazy
    gc.collect()
    assert gone.is_set()


@linux
def test_loading_is_an_action_of_the_guard_and_shedding_unloads() -> None:
    own = read().own
    # What earlier tests left free in the heap counts against the ceiling, so there is room for it.
    guard = Guard(wait=0, limit=lambda: Limit((own + 300 * MB) * 100 // 95, "a test"))
    guard.start()
    try:
        first: Lazy[np.ndarray] = Lazy(lambda: fill(150), need=160 * MB, name="the first")
        second: Lazy[np.ndarray] = Lazy(lambda: fill(150), need=160 * MB, name="the second")
        with first, pytest.raises(Busy, match="the second"):
            second.get()
        second.preload()  # the first is in nobody's way any more
        assert (first.loaded, second.loaded) == (False, True)
        assert near(read().own - own, 150)
        second.unload()
    finally:
        guard.stop()


def test_the_log_says_what_it_took(caplog: pytest.LogCaptureFixture) -> None:
    lazy = Lazy(lambda: fill(50), need=60 * MB, name="model")
    with caplog.at_level(logging.INFO, "memory_toolkit"):
        lazy.preload()
        lazy.unload()
    share = r"[\d,.]+ MB \([\d.]+% of [\d,]+ MB\)"
    words = "before loading", "after loading", "before unloading", "after unloading"
    for word, message in zip(words, caplog.messages, strict=True):
        assert re.match(rf"\[{word} model\] {share}", message)
    assert caplog.messages[1].endswith(" MB")
