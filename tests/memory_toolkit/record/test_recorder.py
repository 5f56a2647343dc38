"""The memory of real commands, from their start to whatever end they come to."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record import recorder
from memory_toolkit.record.recorder import CommandError, Recording, Sample, record
from tests.memory_toolkit.planted import ROOT, linux, near, resettable, run_python

pytestmark = linux


def python(code: str, limit: int | None = None, interval: float = 0.05) -> Recording:
    return record([sys.executable, "-c", code], limit, interval)


def needs_a_group(recording: Recording) -> None:
    if not recording.limit_source.startswith("cgroup"):
        pytest.skip("no memory control group that this user may make")


def test_what_is_held_is_seen_over_time() -> None:
    empty = python("import time; time.sleep(.3)")
    full = python("import time; time.sleep(.3); kept = b'x' * (64 << 20); time.sleep(.3)")
    assert empty.highest is not None
    assert full.highest is not None
    assert near(full.highest.peak - empty.highest.peak, 64)
    assert 0.3 < full.highest.seconds < full.duration
    assert 0.2 * 64 * MB < full.mean - empty.mean < 0.8 * 64 * MB
    assert full.samples == len(full.points) > 8
    assert full.points[1].own < full.points[-1].own
    assert full.points[-1].file > MB
    assert full.most_processes == 1
    assert full.rss_peak > full.highest.peak
    assert full.ending.text == "exited with status 0"


@resettable
def test_a_peak_between_two_samples_is_not_missed() -> None:
    code = "import time; time.sleep(.5); b'x' * (64 << 20) and 0; time.sleep(.5)"
    for _ in range(10):  # a sample may fall into the peak by chance, and then proves nothing
        found = python(code, interval=0.4)
        if all(point.own < 32 * MB for point in found.points):
            break
    else:
        pytest.fail("each peak was met by a sample")
    assert found.highest is not None
    assert found.highest.peak - found.highest.own > 60 * MB


def test_the_last_moment_counts_too() -> None:
    # From a small process: until it becomes the command, the child is as large as its parent.
    last = "import time; time.sleep(.5); kept = b'x' * (64 << 20)"
    said = run_python(
        "import sys; from memory_toolkit.record.recorder import record\n"
        f"found = record([sys.executable, '-c', {last!r}], interval=0.4)\n"
        "print(found.highest == found.points[-1], found.highest.peak)"
    )
    seen, peak = said.split()
    assert seen == "True"
    assert 64 * MB < int(peak) < 80 * MB


def test_processes_are_counted_and_shared_memory_once() -> None:
    code = "import os, time; kept = b'x' * (64 << 20); os.fork(); os.fork(); time.sleep(.4)"
    found = python(code)
    assert found.most_processes == 4
    assert found.points[-1].own < 2 * 64 * MB


def test_the_limit_kills_and_it_is_said() -> None:
    code = "import time; time.sleep(.2); kept = b'x' * (96 << 20)"
    found = python(code, 64 * MB)
    needs_a_group(found)
    assert (found.ending.kind, found.ending.status) == ("limit", 137)
    assert found.ending.text == "was killed by the limit of 64.0 MB, not by a crash"
    assert found.limit == found.group_peak == 64 * MB
    assert found.highest is not None
    assert found.highest.peak <= 64 * MB
    assert not Path(found.limit_source.split(" ", 2)[2]).exists()


def test_the_limit_kills_a_child_and_the_command_goes_on() -> None:
    child = "kept = b'x' * (96 << 20)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = python(code, 64 * MB)
    needs_a_group(found)
    text = "exited with status 0; one of its processes was killed by the limit of 64.0 MB"
    assert (found.ending.kind, found.ending.text) == ("limit", text)


def test_a_crash_is_no_limit() -> None:
    found = python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 256 * MB)
    assert (found.ending.kind, found.ending.status) == ("crash", 139)


def test_a_refusal_under_the_data_limit(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def nowhere(limit: int | None) -> AbstractContextManager[Enclosure]:
        return enclosure(limit, proc="/no-such-proc")

    monkeypatch.setattr(recorder, "enclosure", nowhere)
    monkeypatch.setenv("PATH", "/no-such-path")  # nor systemd-run
    found = python("kept = b'x' * (96 << 20)", 64 * MB)
    assert (found.limit_source, found.ending.kind) == ("RLIMIT_DATA", "limit")
    assert found.ending.text == "ran out of memory under the limit of 64.0 MB"
    assert capfd.readouterr().err.endswith("MemoryError\n")


CATCH = """
import signal, time
caught = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: caught.append(number))
print("ready", flush=True)
end = time.monotonic() + 20
while not caught and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.3)  # for more that may come
print([int(number) for number in caught], flush=True)
"""
RUN = f"""
import sys
from memory_toolkit.record.recorder import record
found = record([sys.executable, "-c", {CATCH!r}])
print(found.ending.text, found.samples > 2, flush=True)
"""


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl+C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_goes_to_the_command(number: int, name: str) -> None:
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        runner.send_signal(number)
        said = runner.stdout.read()
    assert said == f"[{int(number)}]\nexited with status 0 after {name} True\n"


def test_a_terminals_ctrl_c_comes_once() -> None:
    runner, terminal = pty.fork()
    if runner == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", RUN])
    with open(terminal, "rb", buffering=0) as screen:
        said = screen.read(100)
        os.write(terminal, b"\x03")
        try:
            while block := screen.read(100):
                said += block
        except OSError:  # what a terminal answers once all have left it
            pass
    assert os.waitpid(runner, 0)[1] == 0
    assert b"[2]\r\nexited with status 0 after Ctrl+C True\r\n" in said


@pytest.mark.parametrize(
    ("name", "make", "status"),
    [
        ("no-such-program-here", None, 127),
        ("./plain", lambda path: path.touch(0o644), 126),
        ("./broken", lambda path: (path.write_text("#!/no/such/shell\n"), path.chmod(0o755)), 126),
    ],
)
def test_what_cannot_be_run(
    name: str,
    make: Callable[[Path], object] | None,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(CommandError, match=f"^{name}") as caught:
        record([name])
    assert caught.value.status == status


def test_long_recordings_are_thinned_and_keep_their_peak() -> None:
    recording = Recording(("x",), 0.1, 64 * MB, "machine")
    total = 5 * recorder.KEPT
    for number in range(total):
        peak = 9 * MB if number == total // 3 else MB
        recording.add(Sample(number / 10, MB, peak, 0, 1, 1, "x"), 0.001)
    assert recording.samples == total
    assert recorder.KEPT // 2 <= len(recording.points) <= recorder.KEPT
    assert [p.seconds for p in recording.points if p.peak == 9 * MB] == [total // 3 / 10]
    assert recording.highest is not None
    assert recording.highest.peak == 9 * MB
    seconds = [point.seconds for point in recording.points]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0.99 * total / 10
    assert recording.mean == pytest.approx(MB)


def test_the_end_is_seen_whatever_other_threads_do() -> None:
    """They do not block the signal that tells of it; it comes while this one looks elsewhere."""
    said = run_python(
        "import sys, threading, time\n"
        "from memory_toolkit.record.recorder import record\n"
        "over = threading.Event()\n"
        "for _ in range(3):\n"
        "    threading.Thread(target=over.wait, daemon=True).start()\n"
        "for _ in range(5):\n"
        "    found = record(['true'], interval=0.05, each=lambda sample: time.sleep(0.2))\n"
        "    print(found.ending.text)\n"
    )
    assert said.splitlines() == ["exited with status 0"] * 5
