"""The limit on address space, each time in a process of its own, where it can do no harm."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from memory_toolkit.guard.data_limit import DataLimit
from memory_toolkit.measure.reading import Reading

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts on Linux only")


def run_python(code: str) -> str:
    begin = (
        "import resource, threading\n"
        "from memory_toolkit.guard.data_limit import DataLimit\n"
        "from memory_toolkit.measure.reading import read\n"
        "from memory_toolkit.measure.sizes import MB\n"
        "limit = DataLimit()\n"
        "def allow(room, calm=False, needs=0):\n"
        "    now = read()\n"
        "    limit.refresh(now, now.own + room, calm=calm, needs=needs)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_what_is_too_much_is_a_memory_error_and_the_rest_goes_on() -> None:
    printed = run_python(
        "allow(100 * MB)\n"
        "fits = bytearray(80 * MB)\n"
        "try:\n"
        "    bytearray(80 * MB)\n"
        "except MemoryError:\n"
        "    print('too much', len(bytearray(10 * MB)) // MB)\n"
        "del fits\n"
        "print(len(bytearray(80 * MB)) // MB)\n"
    )
    assert printed.split("\n") == ["too much 10", "80"]


def test_growing_a_list_without_end_ends_in_a_memory_error() -> None:
    printed = run_python(
        "allow(50 * MB)\n"
        "before = read().rss\n"
        "def grow():\n"
        "    grown = []\n"
        "    while True:\n"
        "        grown.append(bytes(1000))\n"
        "try:\n"
        "    grow()\n"
        "except MemoryError:\n"
        "    limit.lift()\n"  # what was grown is still there
        "print(35 * MB < read().peak - before < 60 * MB)\n"
    )
    assert printed == "True"


def test_large_blocks_stay_out_of_the_heaps_where_the_limit_would_not_see_them() -> None:
    printed = run_python(
        "allow(200 * MB)\n"
        "data = read().data\n"
        "def fill():\n"
        "    pieces = [bytes(MB) for _ in range(100)]\n"
        "fill()\n"
        "fill()\n"
        "print(read().data - data < 10 * MB)\n"
    )
    assert printed == "True"


def test_a_refresh_follows() -> None:
    printed = run_python(
        "allow(100 * MB)\n"
        "kept = bytearray(90 * MB)\n"
        "allow(0)\n"
        "try:\n"
        "    bytearray(2 * MB)\n"
        "except MemoryError:\n"
        "    print('too much')\n"
        "allow(100 * MB)\n"
        "print(len(bytearray(90 * MB)) // MB)\n"
    )
    assert printed.split("\n") == ["too much", "90"]


def test_what_is_mapped_counts_though_nobody_has_touched_it() -> None:
    printed = run_python(
        "import mmap\n"
        "def map_private(size):\n"
        "    try:\n"
        "        return mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
        "before = map_private(500 * MB)\n"  # no matter: it was there at the start
        "allow(200 * MB)\n"
        "first = map_private(140 * MB)\n"
        "allow(200 * MB)\n"
        "second = map_private(140 * MB)\n"
        "now = read()\n"
        "print(limit.reach(now) - now.own >= 140 * MB)\n"
        "print(limit.reach(now) - now.own < 160 * MB)\n"
    )
    assert printed.split("\n") == ["Cannot allocate memory", "True", "True"]


def test_stacks_of_threads_do_not_count() -> None:
    printed = run_python(
        "threading.stack_size(64 * MB)\n"
        "over = threading.Event()\n"
        "for _ in range(4):\n"
        "    allow(100 * MB)\n"
        "    threading.Thread(target=over.wait).start()\n"
        "allow(100 * MB)\n"
        "print(len(bytearray(90 * MB)) // MB)\n"
        "over.set()\n"
    )
    assert printed == "90"


def test_what_heaps_no_longer_hold_is_credited_for_what_actions_need() -> None:
    printed = run_python(
        "from memory_toolkit.measure.returning import return_memory\n"
        "allow(300 * MB)\n"
        "pieces = [bytes(2000) for _ in range(60_000)]\n"
        "some = pieces[::500]\n"  # they keep the heap from shrinking
        "del pieces\n"
        "return_memory()\n"
        "allow(120 * MB)\n"
        "try:\n"
        "    bytearray(50 * MB)\n"
        "except MemoryError:\n"
        "    print('too much')\n"
        "allow(120 * MB, calm=True, needs=55 * MB)\n"
        "print(len(bytearray(50 * MB)) // MB, limit.credit == 55 * MB)\n"
        "limit.lend(MB)\n"
        "print(limit.credit == MB)\n"
        "allow(120 * MB, calm=True, needs=500 * MB)\n"
        "print(limit.credit <= 60 * MB)\n"
        "allow(120 * MB)\n"
        "limit.lend(55 * MB)\n"
        "print(limit.credit)\n"
    )
    assert printed.split("\n") == ["too much", "50 True", "True", "True", "0"]


def test_lifting_restores_what_was_there() -> None:
    printed = run_python(
        "resource.setrlimit(resource.RLIMIT_DATA, (900 * MB, 950 * MB))\n"
        "allow(100 * MB)\n"
        "inside = resource.getrlimit(resource.RLIMIT_DATA)\n"
        "allow(10_000 * MB)\n"
        "print(inside[0] < 900 * MB, inside[1] == 950 * MB)\n"
        "print(resource.getrlimit(resource.RLIMIT_DATA) == (900 * MB, 950 * MB))\n"
        "allow(100 * MB)\n"
        "limit.lift()\n"
        "print(resource.getrlimit(resource.RLIMIT_DATA) == (900 * MB, 950 * MB))\n"
    )
    assert printed.split("\n") == ["True True", "True", "True"]


def test_where_the_address_space_is_not_known_nothing_is_limited() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = DataLimit()
    limit.refresh(Reading(rss=1), 1, calm=False)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    limit.lift()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_little_is_allowed_beyond_what_is_mapped_where_there_is_room() -> None:
    printed = run_python(
        "import dataclasses\n"
        "soft = lambda: resource.getrlimit(resource.RLIMIT_DATA)[0]\n"
        "allow(20 * MB)\n"
        "mapped = resource.getrlimit(resource.RLIMIT_DATA)[0] + 10 * MB\n"  # as bloated heaps have
        "full = dataclasses.replace(read(), data=mapped)\n"
        "print(limit.allow_little(full), soft() > mapped)\n"
        "allow(4 * MB)\n"
        "before = soft()\n"
        "print(limit.allow_little(read()), soft() == before)\n"
    )
    assert printed.split("\n") == ["True True", "False True"]
