"""Gives a task to a child process, so that this one never imports what speaks to storages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recommender.core.address import Address
from recommender.core.errors import BundleError
from recommender.core.progress import ByteProgress, no_progress
from recommender.remote.storages import check_usable

# A server that sends nothing for so long is given up.
STALL_SECONDS = 30.0
_PACKAGE = Path(__file__).resolve().parents[2]


def run_task(
    task: str,
    address: Address,
    folder: Path,
    progress: ByteProgress = no_progress,
    started: Callable[[subprocess.Popen[str]], object] = lambda process: None,
    **more: Any,
) -> Any:
    """Run `task`, a function of `fetching`, in a child process and return its result.

    Args:
        progress: told the bytes that are here and those that there will be.
        started: given the process, for whoever may want to end it.
        more: the function's other arguments.

    Raises:
        BundleError: it could not be done; says why.
        SettingsError: as `check_usable`.
    """
    check_usable(address)
    order = {"task": task, "address": address.full, "folder": str(folder), **more}
    answer: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "recommender.remote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # addresses may be in it, secrets and all
        text=True,
        env={**os.environ, "PYTHONPATH": _path(), "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        started(process)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"stall": STALL_SECONDS, **order}) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                if "of" in answer:
                    progress(answer["done"], answer["of"])
        except (OSError, ValueError):  # it was ended in the middle of a line
            answer = {}
        except BaseException:
            process.kill()
            raise
    if "result" in answer:
        return answer["result"]
    raise BundleError(
        answer.get("error") or f"{address}: what fetches it ended with status {process.returncode}"
    )


def _path() -> str:
    return os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
