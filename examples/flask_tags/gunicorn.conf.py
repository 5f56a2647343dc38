"""Settings of gunicorn: two workers a core and one more, as its documentation advises."""

import subprocess
import sys
from typing import Any

workers = 5
worker_class = "gthread"
threads = 4
timeout = 120


def on_starting(_server: Any) -> None:
    """Write the articles in a process of its own, whose memory is gone before workers start."""
    subprocess.run([sys.executable, "-m", "examples.flask_tags.articles"], check=True)
