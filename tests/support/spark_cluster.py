"""A real Spark cluster on this machine: a standalone master and workers, as processes of their own.

    .venv/bin/python -m tests.support.spark_cluster --workers 2 --memory 1g

Prints the address for --master and runs until it is interrupted. The tests of Spark and
`benchmarks/spark_growth.py` use `cluster()`. The workers' Python has numpy, pyarrow and scipy and
nothing else, as on a cluster that somebody else set up. Needs Java 17 and the extra `spark`; Linux
only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import psutil

LOCAL = "127.0.0.1"
START_SECONDS = 60
DAEMON_MEMORY = "-Xmx192m"
PACKAGES = ("numpy", "pyarrow", "scipy")
_CLASSES = "org.apache.spark.deploy.{0}.{1}"


class StartError(Exception):
    """The cluster does not start."""


@dataclass(frozen=True)
class Daemon:
    """A master or a worker.

    Attributes:
        process: the daemon itself. What it starts, executors and their Pythons, may be in other
            process groups and may outlive it, but is in its session.
        log: what it says.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def family(self) -> list[psutil.Process]:
        """The daemon and all that it has started and that still runs."""
        return [process for process in psutil.process_iter() if self._runs(process)]

    def kill(self) -> None:
        """End it and all that it has started by SIGKILL, as a machine that breaks would."""
        # Again and again, for what started while the others were ended.
        while family := self.family():
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.02)
        self.process.wait()

    def said(self, pattern: str) -> str:
        """Wait for a line of the log that fits `pattern`, and return its first group.

        Raises:
            StartError: it has not said so for a minute, or ended.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, self.log.read_text("utf-8", errors="replace")):
                return found[1]
            time.sleep(0.05)
        last = self.log.read_text("utf-8", errors="replace").strip().splitlines()[-1:]
        raise StartError(f"{self.log.stem} does not start: {' '.join(last) or 'without a word'}")

    def _runs(self, process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            ours = os.getsid(process.pid) == self.process.pid
            return ours and process.status() != psutil.STATUS_ZOMBIE
        return False


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        url: for --master.
        page: the master's page; `page/json` tells the same to programs.
        workers: those that were started.
        environment: what a process that uses the cluster has to have set.
    """

    url: str
    page: str
    workers: tuple[Daemon, ...]
    environment: dict[str, str]

    def alive(self) -> int:
        """Return the number of workers that have registered and were not lost since."""
        with urlopen(f"{self.page}/json/", timeout=10) as answer:
            return int(json.load(answer)["aliveworkers"])


@contextmanager
def cluster(
    folder: Path, workers: int = 2, cores: int = 1, memory: str = "1g"
) -> Iterator[Cluster]:
    """A cluster that is ready to work; every process of it ends with the block.

    Args:
        folder: for logs and what the workers keep on disk; is made.
        cores, memory: what each worker has for its executors.

    Raises:
        StartError: Java or pyspark is not there, or a process does not start.
    """
    spark = find_spec("pyspark")
    java = shutil.which("java")
    if spark is None or spark.origin is None or java is None:
        raise StartError("a cluster needs Java 17 and pyspark (the extra `spark`)")
    home = Path(spark.origin).parent
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOCAL,
        # Or else it looks for the folders of a build.
        "SPARK_SCALA_VERSION": "2.13",
        "PYTHONPATH": str(_packages(folder / "packages")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    base = [java, DAEMON_MEMORY, "-cp", f"{home}/jars/*"]
    with ExitStack() as stack:

        def start(name: str, kind: str, *arguments: str) -> Daemon:
            class_name = _CLASSES.format(kind, kind.title())
            ports = ("--host", LOCAL, "--port", "0", "--webui-port", "0")
            command = [*base, class_name, *ports, *arguments]
            own = folder / name
            own.mkdir()
            log = folder / f"{name}.log"
            with open(log, "wb") as file:
                process = subprocess.Popen(
                    command,
                    env=environment | {"SPARK_LOCAL_DIRS": str(own)},
                    cwd=own,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            daemon = Daemon(process, log)
            stack.callback(daemon.kill)
            return daemon

        master = start("master", "master")
        url = master.said(r"Starting Spark master at (spark://\S+)")
        page = master.said(r"MasterWebUI to .* at (http://\S+)")
        size = ("--cores", str(cores), "--memory", memory)
        started = tuple(
            start(f"worker-{i}", "worker", *size, "--work-dir", str(folder / f"worker-{i}"), url)
            for i in range(workers)
        )
        for worker in started:
            worker.said(r"(Successfully registered with master)")
        # That of this environment, but without the packages of it.
        python = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
        needs = {"PYSPARK_PYTHON": python, "SPARK_LOCAL_IP": LOCAL}
        yield Cluster(url, page, started, needs)


def _packages(folder: Path) -> Path:
    """A new folder with what the workers' Python has; their PySpark is Spark's own."""
    folder.mkdir()
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise StartError(f"a cluster needs {name} (the extra `train`)")
        package = Path(spec.origin).parent
        for part in (package, package.with_name(f"{name}.libs")):
            if part.exists():
                (folder / part.name).symlink_to(part)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    parser.add_argument("--memory", default="1g", help="of each worker")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(Path(folder), options.workers, options.cores, options.memory) as running,
    ):
        print(f"--master {running.url}    {running.page}", flush=True)
        for name, value in running.environment.items():
            print(f"export {name}={value}", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
