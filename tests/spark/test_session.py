import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from memory_toolkit.measure.sizes import MB
from recommender.core import optional_packages
from recommender.core.errors import SettingsError
from recommender.spark.session import open_session
from tests.conftest import ROOT


def refused(message: str, *arguments: object) -> None:
    with pytest.raises(SettingsError, match=message), open_session(*arguments):  # type: ignore[arg-type]
        pass


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process of its own, since a process has one Spark at a time."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_pyspark_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    refused(r"needs pyspark, which is not installed: pip install 'pyspark\S+'")


def test_java_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("there is none: Spark needs Java 17 or later; install it .* or set JAVA_HOME")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    refused(f"JAVA_HOME={tmp_path} has none that runs: Spark needs Java 17")


@pytest.mark.parametrize(("version", "called"), [("1.8.0_402", "8"), ("11.0.22", "11")])
def test_java_is_too_old(
    version: str, called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    refused(f"{java} is Java {called}: Spark needs Java 17")


def test_memory_is_too_little(java: str) -> None:
    refused(
        r"--memory-limit 512\.0 MB is too little: Spark on 2 cores of this machine needs 1552M",
        *("local[2]", None, 512 * MB),
    )


def test_spark_connect_is_refused(java: str) -> None:
    refused("--master sc://host: training needs the cluster itself", "sc://host")


@pytest.mark.parametrize(
    ("master", "problem"),
    [
        ("spark://127.0.0.1:1", "Connection refused"),
        ("spark://127.0.0.1:1,127.0.0.1:2", "Connection refused"),
        ("spark://127.0.0.1", "it names no port"),
        ("spark://127.0.0.1:seven", "Port could not be cast"),
    ],
)
def test_a_master_that_does_not_answer(java: str, master: str, problem: str) -> None:
    refused(rf"--master {master}: no master answers there \({problem}.*\); check it", master)


def test_a_master_that_is_none(java: str) -> None:
    done = run("""
from recommender.core.errors import SettingsError
from recommender.spark.session import open_session
try:
    with open_session("lokal"):
        pass
except SettingsError as error:
    print(error)
""")
    assert done.stdout.startswith("--master lokal: Spark does not start (")
    assert "Master must either be yarn or start with spark, k8s, or local" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


WHOLE = """
import os, signal, sys
from recommender.spark.session import open_session

before = dict(os.environ), list(sys.path), signal.getsignal(signal.SIGINT)
for memory_limit in (2 << 30, 3 << 30):
    with open_session("local[1]", {"spark.app.name": "mine"}, memory_limit) as spark:
        print(spark.conf.get("spark.driver.memory"), spark.conf.get("spark.app.name"))
        java = spark.sparkContext._gateway.proc
        print(spark.sparkContext.parallelize([3]).map(lambda n: n * n).collect())
    print(java.poll() is not None)
print(before == (dict(os.environ), list(sys.path), signal.getsignal(signal.SIGINT)))
"""


def test_a_session_leaves_nothing_behind(java: str, tmp_path: Path) -> None:
    done = run(WHOLE, TMPDIR=str(tmp_path))
    assert done.stderr == ""
    session = ["[9]", "True"]
    expected = ["1024m mine", *session, "1536m mine", *session, "True"]
    assert done.stdout.splitlines() == expected
    assert list(tmp_path.iterdir()) == []


def wait_for_the_end(process: psutil.Process) -> None:
    waited = time.monotonic()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() - waited < 60
        time.sleep(0.1)


def test_ctrl_c_while_java_starts_leaves_none_behind(java: str, tmp_path: Path) -> None:
    code = """
from recommender.spark.session import open_session

try:
    with open_session("local[1]"):
        print("too late")
except KeyboardInterrupt:
    print("stopped")
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        here, started = psutil.Process(process.pid), []
        while not started:  # of two, the first is asked for its version
            assert process.poll() is None
            with suppress(psutil.NoSuchProcess):
                started = [one for one in here.children() if "pyspark-shell" in one.cmdline()]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=120) == ("stopped\n", "")
    wait_for_the_end(started[0])
    assert list(tmp_path.iterdir()) == []


def test_java_ends_with_a_process_that_is_killed(java: str, tmp_path: Path) -> None:
    killed = """
import os, signal
from recommender.spark.session import open_session

with open_session("local[1]") as spark:
    print(spark.sparkContext._gateway.proc.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = run(killed, TMPDIR=str(tmp_path))
    assert done.returncode == -signal.SIGKILL
    wait_for_the_end(psutil.Process(int(done.stdout)))
    assert list(tmp_path.iterdir()) == []


def test_the_executors_have_the_modules_and_nothing_compiled(spark) -> None:
    def look(_: int) -> tuple[bool, list[str]]:
        import sys
        import zipfile

        zipped = next(path for path in sys.path if path.endswith("matinee-modules.zip"))
        names = zipfile.ZipFile(zipped).namelist()
        return "recommender/spark/partitions.py" in names, [
            name for name in names if not name.endswith(".py")
        ]

    assert spark.sparkContext.parallelize([0], 1).map(look).collect() == [(True, [])]


def test_a_second_session_is_refused(spark) -> None:
    refused("a Spark session is open in this process already", "local[1]")
