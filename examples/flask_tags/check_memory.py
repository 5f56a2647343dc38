"""Says how full a running app is: ``python -m examples.flask_tags.check_memory [ADDRESS]``.

The exit status is 1 while it refuses requests, for a host's health check or cron.
"""

import json
import sys
import urllib.error
import urllib.request


def main(address: str = "http://127.0.0.1:8000") -> int:
    """Print the health, and what each process under the limit holds."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answer:
            health = json.load(answer)
    except urllib.error.HTTPError as error:
        health = json.load(error)
    print(health["status"], health["reason"] or "")
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(("app_worker_bytes", "app_memory_limit_bytes")):
                name, size = line.rsplit(" ", 1)
                print(f"{name}: {int(float(size)) >> 20} MB")
    return int(health["status"] == "unavailable")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
