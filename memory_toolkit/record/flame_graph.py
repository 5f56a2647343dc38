"""Records where one action allocates, with memray, as a flame graph in an HTML file.

memray is asked for only when a recording is: `pip install memray`. It stays loaded, with 2 MB of
own memory in a web app and 6 MB in a bare Python; the HTML is drawn in a process of its own, with
about 100 MB for a second or two. An action takes about a tenth longer while it is recorded.
"""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from memory_toolkit.record import actions

RecordingState = Literal["off", "waiting", "recording", "drawing", "ready", "failed"]
DRAWING_SECONDS = 120.0
_log = logging.getLogger(__name__)


class FlameGraphError(Exception):
    """A recording cannot be made; the message says why and what to do.

    Attributes:
        reason: "missing" (memray is not installed), "folder" (no file can be written), "busy"
            (a recording goes on), "tracking" (something else uses memray in this process) or
            "drawing" (the HTML could not be made).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Recording:
    """State of a recording.

    Attributes:
        state: "off", then "waiting" for the action, "recording" it, "drawing" the HTML, and
            "ready" or "failed".
        wanted: the name of the action to wait for; None takes any.
        action: the name of the action that was recorded.
        report: the HTML file, once it is ready. It needs nothing from elsewhere.
        error: what went wrong, when it failed.
    """

    state: RecordingState = "off"
    wanted: str | None = None
    action: str | None = None
    report: Path | None = None
    error: FlameGraphError | None = None


_lock = threading.Lock()
_now = Recording()
# Its files go with the process, however it ends short of a kill.
_folder: tempfile.TemporaryDirectory[str] | None = None


def recording() -> Recording:
    """The recording as it is now."""
    return _now


def record_next_action(name: str | None = None) -> None:
    """Record the next action of any thread, or the next called `name`; the last report goes.

    What other threads allocate meanwhile is in the report too, as memory belongs to the process.
    Source: memray.Tracker, aggregated allocations.

    Raises:
        FlameGraphError: memray is missing, no file can be written, or a recording goes on.
    """
    global _now, _folder
    with _lock:
        if _now.state in ("recording", "drawing"):
            raise FlameGraphError("busy", f"{_now.action} is being recorded; wait until it is done")
        try:
            importlib.import_module("memray")
        except ImportError:
            message = "memray is not installed; run pip install memray"
            raise FlameGraphError("missing", message) from None
        _remove_report()
        try:
            _folder = tempfile.TemporaryDirectory(prefix="flame-graph-")
        except OSError as error:
            message = f"no folder for temporary files ({error}); let TMPDIR name one"
            raise FlameGraphError("folder", message) from None
        _now = Recording("waiting", wanted=name)
        actions.observe(_observe)


def stop_recording() -> None:
    """Wait no longer, or remove the report; what is being recorded or drawn goes on."""
    global _now
    with _lock:
        if _now.state not in ("recording", "drawing"):
            actions.observe(None)
            _remove_report()
            _now = Recording()


def _remove_report() -> None:
    global _folder
    if _folder is not None:
        with suppress(OSError):
            _folder.cleanup()
        _folder = None


def _observe(name: str) -> AbstractContextManager[Any] | None:
    """Called as an action begins: what is to be around it."""
    global _now
    with _lock:
        if _now.state != "waiting" or _now.wanted not in (None, name):
            return None
        actions.observe(None)
        _now = replace(_now, state="recording", action=name)
    return _Recorder()


class _Recorder:
    """Around the recorded action. Nothing that goes wrong here reaches the action."""

    def __enter__(self) -> None:
        assert _folder is not None
        self._file = Path(_folder.name) / "allocations.bin"
        # memray hides as many of a thread's frames as there were when it was started from it, and
        # that is deeper here than the action will be. Of other threads it shows all.
        self._aside = ThreadPoolExecutor(1, "flame graph")
        try:
            self._aside.submit(self._start).result()
        except RuntimeError as error:
            message = f"{error}; end what else uses memray in this process"
            _fail(FlameGraphError("tracking", message))
        except OSError as error:
            _fail(FlameGraphError("folder", f"{error}; make room in the temporary folder"))

    def __exit__(self, *error: object) -> None:
        global _now
        with self._aside:
            if _now.state != "recording":
                return
            try:
                self._aside.submit(self._tracker.__exit__, None, None, None).result()
            except OSError as problem:
                _fail(FlameGraphError("folder", f"{problem}; make room in the temporary folder"))
                return
        _now = replace(_now, state="drawing")
        threading.Thread(target=_draw, args=(self._file,), name="flame graph", daemon=True).start()

    def _start(self) -> None:
        memray = importlib.import_module("memray")
        kind = memray.FileFormat.AGGREGATED_ALLOCATIONS
        self._tracker = memray.Tracker(self._file, file_format=kind)
        self._tracker.__enter__()


def _draw(file: Path) -> None:
    global _now
    report = file.with_name("flame-graph.html")
    options = ("--no-web", "--force", "--output", str(report))  # no-web: drawn without a network
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "memray", "flamegraph", *options, str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as drawing:
            _offer_first(drawing.pid)
            try:
                _, stderr = drawing.communicate(timeout=DRAWING_SECONDS)
            except subprocess.TimeoutExpired:
                drawing.kill()
                raise
    except (OSError, subprocess.TimeoutExpired) as error:
        _fail(FlameGraphError("drawing", f"memray flamegraph: {error}; try a shorter action"))
        return
    file.unlink(missing_ok=True)
    if drawing.returncode or not report.exists():
        lines = stderr.decode(errors="replace").split("\n")
        why = next((line for line in reversed(lines) if line.strip()), "it was ended")
        _fail(FlameGraphError("drawing", f"memray flamegraph: {why.strip()}; free some memory"))
        return
    _now = replace(_now, state="ready", report=report)


def _offer_first(pid: int) -> None:
    """Offer the drawing to the kernel, and not the server, where memory runs out."""
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")


def _fail(error: FlameGraphError) -> None:
    global _now
    _log.warning("no flame graph of %s: %s", _now.action, error)
    _now = replace(_now, state="failed", error=error)
