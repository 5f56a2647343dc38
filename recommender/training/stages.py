"""The stages of a training: measured, and not repeated when a run that was killed had done them."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memory_toolkit.measure.reading import read
from memory_toolkit.measure.returning import return_memory
from recommender.bundle.manifest import StageRecord
from recommender.core.atomic_write import atomic_write, sync
from recommender.core.errors import SettingsError
from recommender.core.progress import StageProgress

_SECONDS_BETWEEN_LOOKS = 0.05


class Stages:
    """Runs the stages of one training, each to its end before the next.

    When a stage is done, its files are on the disk itself and a small file beside them says so,
    with what the stage returned; the next run in the same folder takes that and goes on behind it.

    Args:
        folder: where the stages write; its sub-folder ``work`` holds what is removed at the end.
    """

    def __init__(self, folder: Path, progress: StageProgress) -> None:
        self.records: list[StageRecord] = []
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)
        self._folder = folder
        self._progress = progress

    def run(self, name: str, stage: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result of `stage`, which must be JSON, from this run or an earlier one.

        Raises:
            SettingsError: there is too little memory for it.
        """
        done = self.work / f"{name}.json"
        if done.is_file():
            found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
            self.records.append(StageRecord(**found["record"], reused=True))
            self._progress(name, 1.0)
            return dict(found["result"])
        started = time.monotonic()
        self._progress(name, 0.0)
        try:
            with _Watch(self._folder) as watch:
                result = stage()
        except MemoryError:
            raise SettingsError(
                f"the stage {name} found too little memory; give more, or lower --factors and "
                "--max-features"
            ) from None
        # What the stage no longer needs would otherwise be missing in the next.
        return_memory()
        seconds = round(time.monotonic() - started, 1)
        record = StageRecord(name, seconds, watch.peak, watch.disk)
        for file in [*self._folder.iterdir(), *self.work.iterdir()]:
            sync(file)
        values = dataclasses.asdict(record)
        del values["reused"]
        with atomic_write(done) as temporary:
            text = json.dumps({"record": values, "result": result})
            temporary.write_text(text, encoding="utf-8")
        self.records.append(record)
        return result


class _Watch:
    """Looks 20 times a second at what the process and a folder hold, as long as a stage goes on.

    The kernel's own mark of the peak would not do: it counts the pages of mapped files, and the
    ratings that come and go are most of them.
    """

    def __init__(self, folder: Path) -> None:
        self.peak = self.disk = 0
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stage watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            ended = self._ended.wait(_SECONDS_BETWEEN_LOOKS)
            self.peak = max(self.peak, read().own)
            self.disk = max(self.disk, _disk_space(self._folder))
            if ended:
                return


def _disk_space(folder: Path) -> int:
    """Bytes of all files in `folder`; what goes away meanwhile does not count."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return total
