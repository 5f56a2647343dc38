import shutil
import subprocess
import sys
from pathlib import Path

import debug_memory

ROOT = Path(debug_memory.__file__).parent


def test_all_that_is_promised_is_there() -> None:
    assert sorted(set(debug_memory.__all__)) == sorted(debug_memory.__all__)
    things = [getattr(debug_memory, name) for name in debug_memory.__all__]
    assert all(thing.__doc__ for thing in things)


def test_it_works_alone(tmp_path: Path) -> None:
    """In a program that has neither the rest of the project nor what that needs."""
    shutil.copy(ROOT / "debug_memory.py", tmp_path)
    shutil.copytree(ROOT / "memory_toolkit", tmp_path / "memory_toolkit")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); found = set(sys.modules)\n"
        "import debug_memory as d\n"
        "with d.action('one'): pass\n"
        "d.snapshot(); d.return_memory()\n"
        "added = {name.partition('.')[0] for name in set(sys.modules) - found}\n"
        "print(d.__file__, d.actions()[0].name, d.summaries()[0].calls)\n"
        "print(*sorted(added - sys.stdlib_module_names))\n"
        "print('tracemalloc' in added)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [
        f"{tmp_path / 'debug_memory.py'} one 1",
        "debug_memory memory_toolkit psutil",
        "False",
    ]
