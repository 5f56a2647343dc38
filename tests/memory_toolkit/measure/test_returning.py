import json
import linecache
import sys
from importlib.util import find_spec

import psutil
import pytest

from memory_toolkit.measure.returning import Returned, return_memory
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import linux, near, run_python, run_script


@linux
@pytest.mark.parametrize("trim", ["psutil", "ctypes"])
def test_nearly_all_of_mixed_garbage_comes_back(trim: str) -> None:
    if trim == "psutil" and not hasattr(psutil, "heap_trim"):
        pytest.skip("this psutil cannot trim")
    found = json.loads(run_script("tests/support/garbage.py", trim))
    assert found["taken"] > 270 * MB
    assert found["left"] < 0.1 * found["taken"]
    steps = found["collected"] + (found["arrow"] or 0) + found["trimmed"]
    assert near(steps, (found["dropped"] - found["left"]) / MB)
    assert found["trimmed"] > 0
    assert (found["arrow"] is None) == (find_spec("pyarrow") is None)


@linux
def test_a_second_time_there_is_nothing_left_to_return() -> None:
    return_memory()
    assert abs(return_memory().total) < MB


@linux
@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
def test_arrow_gives_its_pool_back() -> None:
    printed = run_python(
        "import debug_memory as d, pyarrow as pa\n"
        "d.return_memory()\n"
        "before = d.snapshot().own\n"
        "held = [pa.allocate_buffer(1 << 18) for _ in range(400)]\n"
        "for buffer in held: memoryview(buffer).cast('B')[:] = bytes(1 << 18)\n"
        "taken = d.snapshot().own - before\n"
        "del held, buffer\n"
        "returned = d.return_memory()\n"
        "print(taken, returned.arrow, d.snapshot().own - before)"
    )
    taken, arrow, left = map(int, printed.split())
    assert taken > 95 * MB
    assert left < 0.1 * taken
    assert arrow >= 0


def test_arrow_is_not_imported_for_it() -> None:
    printed = run_python(
        "import sys, debug_memory as d\nprint(d.return_memory().arrow, 'pyarrow' in sys.modules)"
    )
    assert printed == "None False"


def test_what_python_keeps_at_hand_goes_too() -> None:
    assert linecache.getlines(__file__)
    name = "".join(["looked", "_", "up"])  # no literal: those are kept in any case
    before = sys.getrefcount(name)
    getattr(Returned, name, None)
    assert sys.getrefcount(name) > before  # its cache of attributes holds it, too
    return_memory()
    assert sys.getrefcount(name) == before
    assert not linecache.cache


@linux
@pytest.mark.parametrize("allocator", ["pymalloc", "malloc"])
def test_small_objects_come_back_only_without_pythons_own_allocator(
    allocator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONMALLOC", allocator)
    printed = run_python(
        "import debug_memory as d\n"
        "before = d.snapshot().own\n"
        "rows = [str(number) for number in range(300_000)]\n"
        "kept, taken = rows[::500], d.snapshot().own - before\n"
        "del rows\n"
        "returned = d.return_memory()\n"
        "print(taken, d.snapshot().own - before, 'PYTHONMALLOC' in (returned.advice or ''))"
    )
    taken, left, advised = printed.split()
    assert int(taken) > 15 * MB
    assert (int(left) < 0.4 * int(taken)) == (allocator == "malloc")
    assert advised == str(allocator == "pymalloc")


def test_the_total_counts_the_steps_that_could_be_taken() -> None:
    assert Returned(collected=5, arrow=None, trimmed=20).total == 25
    assert Returned(collected=-5, arrow=7, trimmed=None).total == 2


def test_there_is_advice_where_little_came_back_and_more_could() -> None:
    assert Returned(MB, None, MB, small_objects_kept=True).advice
    assert Returned(MB, None, 90 * MB, small_objects_kept=True).advice is None
    assert Returned(MB, None, MB).advice is None


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_without_a_trim_the_step_is_said_not_to_be_taken() -> None:
    printed = run_python(
        "import ctypes, psutil, debug_memory as d\n"
        "vars(psutil).pop('heap_trim', None)\n"
        "ctypes.CDLL = lambda name: object()\n"  # a C library without malloc_trim, such as musl
        "print(d.return_memory().trimmed)"
    )
    assert printed == "None"
