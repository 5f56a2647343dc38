#!/usr/bin/env bash
# Sets everything up and runs all checks and tests. Arguments go to pytest. Browser tests need
# Chromium (Debian: apt install chromium); without it they are skipped, and the summary says so.
# -m "" also builds what the container image holds, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

setup tests/requirements.lock
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
exec .venv/bin/python -m pytest "$@"
