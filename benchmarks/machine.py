"""Machine that a figure was measured on: processor, memory, limit, system, versions.

    .venv/bin/python -m benchmarks.machine

Prints a Markdown table, which stands beside the figures that the other benchmarks print.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from benchmarks.command_line import command_line
from memory_toolkit.measure.limit import memory_limit

# Those that a figure depends on.
PACKAGES = ("numpy", "scikit-surprise", "scikit-learn", "duckdb", "pandas", "pyarrow", "streamlit")


def main() -> None:
    """Print the description of this machine."""
    command_line(__doc__, rows=False).parse_args()
    print("| | |\n|---|---|")
    for name, value in describe().items():
        print(f"| {name} | {value} |")


def describe() -> dict[str, str]:
    """Return the machine, the memory limit that holds in it, and the versions, in words."""
    limit = memory_limit()
    return {
        "processor": processor(),
        "cores": f"{cores()} of {os.cpu_count()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GB",
        "memory limit": f"{limit.bytes / 2**30:.1f} GB ({limit.source})",
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }


def one_line() -> str:
    """Return the machine in a few words."""
    found = describe()
    return f"{found['cores']} × {found['processor']}, {found['memory']}, {found['system']}"


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


if __name__ == "__main__":
    main()
