"""Run a script in a worker of Dask, and print what its dashboard shows of the worker's memory.

python dask_worker.py LIMIT SCRIPT ARGUMENTS
"""

import runpy
import sys
import time

from dask.distributed import Client, LocalCluster


def run(script: str, arguments: list[str]) -> None:
    """Run the script as the main program of a worker."""
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def main() -> None:
    """Run, and look ten times a second."""
    limit, script, *arguments = sys.argv[1:]
    workers = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": limit}
    with LocalCluster(dashboard_address=None, **workers) as cluster, Client(cluster) as client:
        future, most = client.submit(run, script, arguments, pure=False), 0
        while not future.done():
            found = client.scheduler_info()["workers"].values()
            most = max([most, *(worker["metrics"]["memory"] for worker in found)])
            time.sleep(0.1)
        print(f"peak {most}")
        if future.status == "error":
            print(repr(future.exception()))


if __name__ == "__main__":
    main()
