"""Peaks of known height, each planted in a process of its own.

    .venv/bin/python tests/support/plants.py truth numpy 100 unused

plants.py make KIND MB FILE     write what "pickle" and "json" read
plants.py truth KIND MB FILE    print the height by the life-long mark of an untouched process
plants.py action KIND MB FILE   print the height as the record of an action has it
plants.py together - MB FOLDER  plant every kind at once, each in a thread and an action of its
                                own; print the height by the mark, then by each record
"""

import argparse
import json
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

KINDS = ["numpy", "bytes", "pickle", "json"]


def make(kind: str, megabytes: int, file: Path) -> None:
    """Write about `megabytes` of objects."""
    count = megabytes * (1024 if kind == "pickle" else 700)
    rows = [[row, {"stars": 3.5, "plot": str(row).ljust(500)}] for row in range(count)]
    file.write_bytes(pickle.dumps(rows) if kind == "pickle" else json.dumps(rows).encode())


def plant(kind: str, megabytes: int, file: Path) -> Callable[[], object]:
    """Return a function that makes so many MB; all that it needs is held before."""
    if kind == "numpy":
        import numpy as np

        return lambda: np.ones(megabytes << 17)
    if kind == "bytes":
        return lambda: b"x" * (megabytes << 20)
    held = file.read_bytes()
    return lambda: pickle.loads(held) if kind == "pickle" else json.loads(held)


def status(name: str) -> int:
    """A size in /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def truth(kind: str, megabytes: int, file: Path) -> int:
    """The height of the peak, without the toolkit: nothing has touched the mark before."""
    work = plant(kind, megabytes, file)
    before = status("RssAnon")
    work()
    return status("VmHWM") - status("RssFile") - before


def by_action(kind: str, megabytes: int, file: Path) -> int:
    from memory_toolkit.record.actions import action

    work = plant(kind, megabytes, file)
    with action(kind) as measured:
        work()
    assert measured.record.peak_source == "exact"
    return measured.record.peak - measured.record.before


def together(_: str, megabytes: int, folder: Path) -> str:
    """All actions have begun before the first plant, and none ends before the mark is read."""
    from memory_toolkit.record.actions import action, actions

    works = {kind: plant(kind, megabytes, folder / f"{kind}{megabytes}") for kind in KINDS}
    step = threading.Barrier(len(KINDS) + 1)

    def run(kind: str) -> None:
        with action(kind):
            step.wait()
            held = works[kind]()
            step.wait()
            step.wait()
        del held

    before = status("RssAnon")
    threads = [threading.Thread(target=run, args=(kind,)) for kind in KINDS]
    for thread in threads:
        thread.start()
    step.wait()
    step.wait()
    height = status("VmHWM") - status("RssFile") - before
    step.wait()
    for thread in threads:
        thread.join()
    return json.dumps([height, [record._asdict() for record in actions()], before])


COMMANDS = {"make": make, "truth": truth, "action": by_action, "together": together}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("kind", choices=[*KINDS, "-"])
    parser.add_argument("megabytes", type=int, metavar="MB")
    parser.add_argument("file", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(COMMANDS[options.command](options.kind, options.megabytes, options.file))


if __name__ == "__main__":
    main()
