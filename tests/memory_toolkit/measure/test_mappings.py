"""The mappings of this process, and of processes of which only the file is there."""

import ctypes
import mmap
import sys
import threading
from pathlib import Path

import pytest

from memory_toolkit.measure.mappings import Mapping, heaps, read_mappings, stacks
from memory_toolkit.measure.reading import read

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
# Two arenas (the second is used up to its end), then something that only looks like one; a guard
# with a stack above it, and memory above a guard too large for a stack.
SMAPS = """\
55d0c0000000-55d0c0100000 rw-p 00000000 00:00 0                          [heap]
Rss:                1000 kB
Anonymous:          1000 kB
7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \nRss:                 100 kB
Anonymous:           100 kB
7f0000021000-7f0004000000 ---p 00000000 00:00 0 \nRss:                   0 kB
7f0004000000-7f0008000000 rw-p 00000000 00:00 0 \nRss:                 200 kB
Anonymous:           200 kB
7f0010000000-7f0010021000 rw-p 00000000 00:00 0 \nRss:                  50 kB
7f1000000000-7f1000001000 ---p 00000000 00:00 0 \nRss:                   0 kB
7f1000001000-7f1000801000 rw-p 00000000 00:00 0 \nRss:                  12 kB
7f2000000000-7f2001000000 ---p 00000000 00:00 0 \nRss:                   0 kB
7f2001000000-7f2002000000 rw-p 00000000 00:00 0 \nRss:                  16 kB
7f3000000000-7f3000001000 r--s 00001000 fe:00 42                         /data/my file (deleted)
Rss:                   4 kB
Pss_Dirty:            99 kB
Anonymous:             0 kB
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]
Rss:                  40 kB
"""


@pytest.fixture
def smaps(tmp_path: Path) -> str:
    file = tmp_path / "smaps"
    file.write_text(SMAPS, encoding="utf-8")
    return str(file)


def test_heaps_are_told_from_what_looks_like_them(smaps: str) -> None:
    found = heaps(read_mappings(smaps))
    assert [mapping.own for mapping in found] == [1000 * 1024, 100 * 1024, 200 * 1024]


@linux
def test_a_large_block_at_the_address_of_a_heap_is_none() -> None:
    """As two buffers of OpenBLAS are that lie side by side."""
    heap = 64 << 20
    with mmap.mmap(-1, 3 * heap, mmap.MAP_PRIVATE) as block:
        block[:: 1 << 20] = b"x" * (3 * heap >> 20)
        inside = ctypes.addressof(ctypes.c_char.from_buffer(block))
        (found,) = [m for m in read_mappings() if m.start <= inside < m.end]
        start = -found.start % heap + found.start
        aligned = Mapping(start, found.end, found.access, found.path)
        assert aligned not in heaps([aligned])


def test_stacks_are_told_from_other_memory_above_a_gap(smaps: str) -> None:
    assert [mapping.resident for mapping in stacks(read_mappings(smaps))] == [12 * 1024, 40 * 1024]


def test_a_heap_above_one_that_is_nearly_full_is_no_stack() -> None:
    heap, size, rest = 64 * 1024 * 1024, 65492 * 1024, 44 * 1024
    found = [
        Mapping(heap, heap + size, "rw-p", ""),
        Mapping(heap + size, 2 * heap, "---p", ""),
        Mapping(2 * heap, 3 * heap - rest, "rw-p", ""),
        Mapping(3 * heap - rest, 3 * heap, "---p", ""),
    ]
    assert heaps(found) == [found[0], found[2]]
    assert stacks(found) == []


def test_a_file_s_name_is_whole(smaps: str) -> None:
    (mapped,) = (mapping for mapping in read_mappings(smaps) if "/" in mapping.path)
    assert (mapped.path, mapped.resident, mapped.own) == ("/data/my file (deleted)", 4096, 0)


def test_where_they_are_not_told_there_are_none(tmp_path: Path) -> None:
    assert read_mappings(str(tmp_path / "smaps")) == []


@linux
def test_their_own_memory_adds_up_to_the_process_s() -> None:
    own = sum(mapping.own for mapping in read_mappings())
    assert own == pytest.approx(read().own, rel=0.02)


@linux
def test_a_mapped_file_has_pages_and_nothing_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(64 * 4096))
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert sum(data[:: mmap.PAGESIZE]) == 0  # reads each page
        (mapping,) = (mapping for mapping in read_mappings() if mapping.path == str(path))
    assert (mapping.end - mapping.start, mapping.resident, mapping.own) == (262144, 262144, 0)


@linux
def test_each_thread_has_a_stack() -> None:
    before = len(stacks(read_mappings()))
    end = threading.Event()
    threads = [threading.Thread(target=end.wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    after = len(stacks(read_mappings()))
    end.set()
    for thread in threads:
        thread.join()
    # Stacks of threads that ended before may have been used again.
    assert 20 <= after - before <= 40
