"""A Spark session for one command: quiet, within the memory there is, and ended with the command.

Sources: Spark's documentation, "Configuration" and "Performance Tuning" (adaptive execution splits
what is skewed and joins what is small), and PySpark's ``java_gateway``.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from memory_toolkit.measure.sizes import MB
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require_spark
from recommender.settings.memory_budget import MIN_BYTES, MemoryBudget
from recommender.spark import LOCAL_MASTER

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

_MIN_JAVA = 17
# In local mode: what this process and Java take beside Java's heap, and what each core's Python.
_BESIDE, _PER_CORE = 600 * MB, 220 * MB
# Spark starts with no less; a driver whose executors are elsewhere needs no more.
_MIN_HEAP, _DRIVER_HEAP = 512 * MB, 1024 * MB
_SECONDS_TO_END = 10.0
_SECONDS_FOR_MASTER = 10.0
_SECONDS_FOR_EXECUTORS = 120
_PACKAGES = ("numpy", "pyarrow", "scipy")
_MODULES = "matinee-modules.zip"
_CONFIGURATION = {
    "spark.app.name": "matinee",
    "spark.log.level": "OFF",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.skewJoin.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # A row may be a block of megabytes.
    "spark.sql.execution.arrow.maxBytesPerBatch": "16m",
    # Any encoding that Java knows, for text files that are not UTF-8.
    "spark.sql.legacy.javaCharsets": "true",
    # Times as pandas writes them to Parquet, which Spark has no type for; see `dataset.times`.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
}
_LOCAL_CONFIGURATION = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


@contextmanager
def open_session(
    master: str = LOCAL_MASTER,
    conf: Mapping[str, str] | None = None,
    memory_limit: int | None = None,
) -> Iterator[SparkSession]:
    """Open a Spark session on `master`, which is stopped at the end of the block with its Java.

    The executors get the package's own Python modules, so that a cluster needs only Python, numpy,
    pyarrow and scipy.

    Args:
        master: Spark's URL of the cluster; ``local[*]`` is this machine.
        conf: further settings of Spark; they come before those that are made here.
        memory_limit: bytes that this process, Java and, in local mode, the executors may take
            together; None: what `MemoryBudget.find` finds.

    Raises:
        SettingsError: PySpark or Java is missing, there is too little memory, or `master` cannot be
            used.
    """
    require_spark()
    _check_java()
    if master.startswith("sc://"):
        raise SettingsError(
            f"--master {master}: training needs the cluster itself, not Spark Connect; give "
            "local[*], spark://HOST:PORT, yarn or k8s://URL"
        )
    _check_master(master)
    settings = _CONFIGURATION | _memory(master, MemoryBudget.find(memory_limit))
    with tempfile.TemporaryDirectory(prefix="matinee-spark-") as name:
        folder = Path(name)
        if _is_local(master):
            settings |= _LOCAL_CONFIGURATION | {"spark.local.dir": name}
        with _started(master, settings | dict(conf or {}), folder) as spark:
            spark.sparkContext.addPyFile(str(_zipped_modules(folder)))
            if not _is_local(master):
                _check_executors(spark, master)
            yield spark


def _check_java() -> None:
    """See that there is a Java that is new enough.

    Raises:
        SettingsError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else Path(shutil.which("java") or "")
    advice = (
        f"Spark needs Java {_MIN_JAVA} or later; install it (Debian, Ubuntu: apt install "
        "openjdk-17-jre-headless) or set JAVA_HOME"
    )
    try:
        output = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=True, errors="replace"
        ).stderr
    except (OSError, subprocess.CalledProcessError):
        where = f"JAVA_HOME={home} has none that runs" if home else "there is none"
        raise SettingsError(f"{where}: {advice}") from None
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    if version and int(version[1]) < _MIN_JAVA:
        raise SettingsError(f"{java} is Java {version[1]}: {advice}")


def _check_master(master: str) -> None:
    """See that a standalone master answers; Spark itself would try for more than a minute.

    Raises:
        SettingsError: none of those that `master` names does.
    """
    if not master.startswith("spark://"):
        return
    problem = ""
    for address in master.removeprefix("spark://").split(","):
        try:
            place = urlsplit(f"//{address}")
            if place.port is None:
                raise ValueError("it names no port")
            with socket.create_connection((place.hostname, place.port), _SECONDS_FOR_MASTER):
                return
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or str(error)
    raise SettingsError(f"--master {master}: no master answers there ({problem}); check it")


def _is_local(master: str) -> bool:
    return master == "local" or master.startswith("local[")


def _memory(master: str, budget: MemoryBudget) -> dict[str, str]:
    """Return the size of Java's heap; in local mode the executors are in it."""
    if not _is_local(master):
        heap = max(_MIN_HEAP, min(_DRIVER_HEAP, budget.bytes // 2))
        return {"spark.driver.memory": f"{heap // MB}m"}
    threads = re.match(r"local\[(\d+)", master)
    cores = int(threads[1]) if threads else (1 if master == "local" else budget.cores)
    heap = min(budget.bytes - _BESIDE - cores * _PER_CORE, budget.bytes // 2)
    if heap < _MIN_HEAP:
        least = max(_MIN_HEAP + _BESIDE + cores * _PER_CORE, 2 * _MIN_HEAP)
        raise budget.shortage(
            f"Spark on {cores} cores of this machine needs {least // MB}M (--engine local "
            f"begins at {MIN_BYTES // MB}M)"
        )
    return {"spark.driver.memory": f"{heap // MB}m"}


@contextmanager
def _started(master: str, settings: dict[str, str], folder: Path) -> Iterator[SparkSession]:
    """A session in a Java of its own, whose complaints go into `folder` unless logs are asked for.

    Whoever lives longer, this process or its Java, removes the folder.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    if SparkSession.getActiveSession() is not None:
        raise SettingsError("a Spark session is open in this process already; stop it first")
    # It would print, in a form for machines, what is raised as well.
    PySparkLogger.getLogger("DataFrameQueryContextLogger").disabled = True
    python = settings.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON")
    configuration = SparkConf(loadDefaults=False).setMaster(master).setAll(list(settings.items()))
    quiet = settings["spark.log.level"] == "OFF"
    with _process_restored(quiet), ExitStack() as stack:
        os.environ["PYSPARK_PYTHON"] = python or (
            sys.executable if _is_local(master) else "python3"
        )
        log = folder / "java.log"
        complaints = stack.enter_context(log.open("wb"))
        try:
            gateway = _launched(configuration, {"stderr": complaints} if quiet else {})
            stack.callback(_end, gateway)
            for path in (folder, log, folder / _MODULES):  # removed in the opposite order
                gateway.jvm.java.io.File(str(path)).deleteOnExit()
            context = SparkContext(conf=configuration, gateway=gateway)
            stack.callback(_if_java_lives, context.stop)
            server: Any = context._accumulatorServer
            server.handle_error = lambda *_: None  # it prints a traceback when Java is killed
            spark = SparkSession(context)
            stack.callback(_if_java_lives, spark.stop)
        except Exception as error:
            raise SettingsError(
                f"--master {master}: Spark does not start ({_why(error, log)}); check it and "
                "--spark-conf"
            ) from None
        yield spark


def _launched(configuration: SparkConf, options: dict[str, Any]) -> Any:
    """The gateway to a new Java.

    Started in a thread, where Ctrl+C does not arrive: a Java that waits in vain for the process
    that started it stays for good.
    """
    from pyspark.java_gateway import launch_gateway

    with ThreadPoolExecutor(1) as thread:
        launching = thread.submit(launch_gateway, configuration, options)
        try:
            return launching.result()
        except (KeyboardInterrupt, SystemExit):
            _end(launching.result())
            raise


@contextmanager
def _process_restored(quiet: bool) -> Iterator[None]:
    """Put back what PySpark changes in this process: variables, paths, what Ctrl+C does.

    Args:
        quiet: whether what its logger says of a call that Ctrl+C interrupts is left out.
    """
    variables, paths = dict(os.environ), list(sys.path)
    handler = signal.getsignal(signal.SIGINT)
    silence = logging.NullHandler()  # without any, `logging.exception` makes one that prints
    if quiet:
        logging.getLogger().addHandler(silence)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
            warnings.filterwarnings("ignore", "Unable to cleanly shutdown Spark", RuntimeWarning)
            yield
    finally:
        logging.getLogger().removeHandler(silence)
        os.environ.clear()
        os.environ.update(variables)
        sys.path[:] = paths
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


def _if_java_lives(stop: Callable[[], None]) -> None:
    """Call `stop`; a Java that was killed needs none, and must not hide what it was killed for."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]

    with suppress(Py4JError, OSError):
        stop()


def _end(gateway: Any) -> None:
    """End the Java behind `gateway`; PySpark itself would keep it as long as the process."""
    from pyspark import SparkContext

    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    gateway.proc.stdin.close()  # at which it ends by itself
    try:
        gateway.proc.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def _why(error: Exception, log: Path) -> str:
    """The reason why Spark did not start: what Java says last, where it did not even begin."""
    from recommender.spark.errors import error_reason

    if "JAVA_GATEWAY_EXITED" not in str(error):
        return error_reason(error)
    return error_reason(log.read_text(encoding="utf-8", errors="replace"))


def _zipped_modules(folder: Path) -> Path:
    """This project's Python modules, without what a compiler made, as a file that Python imports
    from."""
    root = Path(__file__).resolve().parents[2]
    path = folder / _MODULES
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for package in ("recommender", "memory_toolkit"):
            for module in sorted((root / package).rglob("*.py")):
                file.write(module, module.relative_to(root))
    return path


def _check_executors(spark: SparkSession, master: str) -> None:
    """See, before anything long, that the cluster has executors and they what they need.

    Raises:
        SettingsError: they do not come, or their Python is of another version or lacks a package.
    """
    from recommender.spark.errors import error_reason

    packages, context = _PACKAGES, spark.sparkContext

    def missing(_: int) -> list[str]:
        from importlib.util import find_spec

        return [name for name in packages if find_spec(name) is None]

    def look() -> list[str]:
        context.setJobGroup("matinee-look", "what the executors have")
        return context.parallelize([0], 1).flatMap(missing).collect()

    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(look)
        try:
            lacking = found.result(_SECONDS_FOR_EXECUTORS)
        except TimeoutError:
            problem = f"no executor came within {_SECONDS_FOR_EXECUTORS} s"
        except Exception as error:
            problem = f"the executors cannot run Python ({error_reason(error)}); set PYSPARK_PYTHON"
        else:
            problem = f"the executors' Python has no {' and no '.join(lacking)}" if lacking else ""
        finally:
            context.cancelJobGroup("matinee-look")
    if problem:
        raise SettingsError(f"--master {master}: {problem}; check the cluster")
