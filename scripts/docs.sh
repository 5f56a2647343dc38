#!/usr/bin/env bash
# Builds the documentation and the API reference into build/site, and fails on a link that leads
# nowhere. Needs the extra `docs`, which test.sh installs.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python -m mkdocs build --strict --quiet "$@"
