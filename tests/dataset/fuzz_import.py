"""Damaged and hostile data sets, imported under a memory limit, as many as fit in some minutes.

    .venv/bin/python -m tests.dataset.fuzz_import --minutes 10 --seed 1 --limit 256M

Small valid data sets (CSV, .dat, MovieLens 100K, Parquet, gzip) are mutated (`mutations.py`)
and imported one after the other by a worker process inside a control group of that size, or with
RLIMIT_DATA where no group can be made. Prints how many came in whole, how many were refused with
which message (digits folded), how many failed, and the most memory that the worker had. A failure
is a traceback, a message of several lines or one that names no file, an imported data set that
contradicts itself, a crash, more than 20 seconds, or the end of the memory. Each failing data set
is kept in --out with the command that imports it again. The exit status is 1 if there was any.

    .venv/bin/python -m tests.dataset.fuzz_import --again FOLDER     # imports one data set again
"""

from __future__ import annotations

import argparse
import json
import math
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from recommender.core.errors import MatineeError
from recommender.dataset import Dataset, ImportOptions, from_directory, import_dataset
from recommender.settings.memory_budget import MIN_BYTES
from tests.dataset.mutations import mutate, write_valid

MAX_SECONDS = 20.0


class BrokenPromiseError(Exception):
    """An import that ended as none may."""


def attempt(folder: Path) -> str:
    """Import the data set in `folder`: "" if it came in, or the message of the refusal."""
    out = folder / "out"
    try:
        dataset = import_dataset(from_directory(folder), out, ImportOptions(memory_limit=MIN_BYTES))
        contradiction = contradiction_in(dataset)
        if contradiction:
            raise BrokenPromiseError(contradiction)
    except MatineeError as error:
        message = str(error)
        if not message.isprintable():
            raise BrokenPromiseError(f"a message of several lines: {message!r}") from error
        if "cannot be written" in message:
            raise BrokenPromiseError(f"the disk is blamed: {message}") from error
        if str(folder) not in message and not message.startswith("--memory-limit"):
            raise BrokenPromiseError(f"a message that names no file: {message}") from error
        return message.replace(str(folder) + "/", "")
    finally:
        shutil.rmtree(out, ignore_errors=True)
    return ""


def contradiction_in(dataset: Dataset) -> str:
    """Return what is wrong with an imported data set; empty if all fits together."""
    offsets, movies, ratings = (
        np.load(dataset.folder / f"history_{name}.npy") for name in ("offsets", "movies", "ratings")
    )
    users = np.repeat(np.arange(dataset.n_users), np.diff(offsets))
    pairs = users.astype(np.int64) * dataset.n_movies + movies
    low, high = np.array(dataset.scale, np.float32)
    facts = {
        "the number of ratings": len(movies) == len(ratings) == offsets[-1] == dataset.n_ratings,
        "the order of the ratings": bool((np.diff(pairs) > 0).all()),
        "an index of a movie": movies.min() >= 0 and movies.max() < dataset.n_movies,
        "a user without ratings": bool((np.diff(offsets) > 0).all()),
        "a rating off the scale": bool(((low <= ratings) & (ratings <= high)).all()),
    }
    return ", ".join(what for what, holds in facts.items() if not holds)


def serve() -> None:
    """The worker: reads a folder a line, answers with a line of JSON."""
    for line in sys.stdin:
        try:
            answer = {"message": attempt(Path(line.strip()))}
        except Exception as error:
            own = "" if isinstance(error, BrokenPromiseError) else traceback.format_exc()
            answer = {"failure": f"{type(error).__name__}: {error}", "traceback": own}
        print(json.dumps(answer), flush=True)


class Worker:
    """A worker process under the limit, made anew when it has died."""

    def __init__(self, box: Enclosure) -> None:
        self._box = box
        self._process: subprocess.Popen[str] | None = None

    def attempt(self, folder: Path) -> dict[str, Any]:
        """Import `folder` in the worker, and return its answer."""
        if self._process is None:
            self._process = subprocess.Popen(
                [*self._box.prefix, sys.executable, "-m", "tests.dataset.fuzz_import", "--serve"],
                preexec_fn=self._box.enter,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        kills = self._box.oom_kills()
        print(folder, file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], MAX_SECONDS)[0]:
            self.end()
            return {"failure": f"no answer within {MAX_SECONDS:.0f} s"}
        if answer := self._process.stdout.readline():
            return dict(json.loads(answer))
        status = self.end()
        if self._box.oom_kills() > kills:
            return {"failure": "killed: it needed more memory than there is"}
        return {"failure": f"the process died with status {status}"}

    def peak(self) -> int:
        """Bytes that the worker had at most, file pages included."""
        if self._process is None:
            return 0
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def end(self) -> int:
        """See the process end, by force where it is still at it; returns its exit status."""
        if self._process is None:
            return 0
        try:
            status = self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process = None
        return status


def fuzz(options: argparse.Namespace, box: Enclosure) -> int:
    """Run until the time is up or enough are imported, and print the figures.

    Returns the number of failures.
    """
    worker, refused, failures = Worker(box), Counter[str](), Counter[str]()
    clean = peak = 0
    number = options.first
    last = math.inf if options.imports is None else number + options.imports
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        while number < last and time.monotonic() - started < 60 * options.minutes:
            folder = Path(scratch, str(number))
            random = Random(f"{options.seed}-{number}")
            write_valid(folder, random)
            done = mutate(folder, random)
            answer = worker.attempt(folder)
            peak = max(peak, worker.peak())
            if failure := answer.get("failure"):
                failures[_folded(failure)] += 1
                kept = options.out / f"{options.seed}-{number}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder, kept, symlinks=True)
                command = f".venv/bin/python -m tests.dataset.fuzz_import --again {kept}"
                text = "\n".join([*done, failure, command, answer.get("traceback", "")])
                (kept / "failure.txt").write_text(text)
                print(f"FAILED {failure}\n  {command}", flush=True)
            elif answer["message"]:
                refused[_folded(answer["message"])] += 1
            else:
                clean += 1
            shutil.rmtree(folder)
            number += 1
    worker.end()
    seconds, count = time.monotonic() - started, number - options.first
    print(f"{count:,} imports in {seconds:.0f} s ({count / seconds:.1f} a second), {box.means}")
    print(f"{clean:,} came in, {refused.total():,} were refused, {failures.total():,} failed")
    print(f"the worker had {format_bytes(peak)} at most, file pages included")
    for message, times in refused.most_common(options.shown):
        print(f"{times:>8,}  {message}")
    return failures.total()


def _folded(message: str) -> str:
    """The message without what differs from one file to the next."""
    message = re.sub(r"rating .{1,70}? (is|cannot)", r"rating … \1", message)
    message = re.sub(r"has: .*; rename", "has: …; rename", message)
    message = re.sub(r"'[^']*'|\"[^\"]*\"", "…", message)
    message = re.sub(r"(ratings|movies|tags|u)\.[a-z.]+", "FILE", message)
    message = re.sub(r"/\S*/fuzz-\w+/\d+", "FOLDER", message)
    message = re.sub(r"--(ratings|movies|tags)", "--FILE", message)
    return re.sub(r"[\d,]*\d", "0", message)[:150]


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="(default: %(default)s)")
    parser.add_argument("--imports", type=int, help="stop after so many (default: no limit)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first data set")
    parser.add_argument("--limit", type=parse_size, default=256 * MB, help="(default: 256M)")
    parser.add_argument("--shown", type=int, default=40, help="messages that are listed")
    failures = Path(tempfile.gettempdir(), "fuzz-failures")
    parser.add_argument("--out", type=Path, default=failures, help="(default: %(default)s)")
    parser.add_argument("--again", type=Path, metavar="FOLDER", help="import one data set")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.again:
        print(attempt(options.again) or "it came in")
    else:
        with enclosure(options.limit) as box:
            sys.exit(1 if fuzz(options, box) else 0)


if __name__ == "__main__":
    main()
