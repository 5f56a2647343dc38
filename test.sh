#!/usr/bin/env bash
# Sets everything up, then checks and tests it.
#
#   ./test.sh                  lint, types and every test that needs no long training
#   ./test.sh --all            the slow tests too: trainings killed at any moment, training on
#                              Spark, replicas behind a proxy, what the container image holds
#   ./test.sh --all --explore  and hypothesis looks for new examples; else it tries the same ones
#
# Further arguments go to pytest. Browser tests need Chromium (Debian: apt install chromium);
# without it they are skipped, and the summary says so.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

options=(-n logical)
while (($#)); do
    case $1 in
    --all) options+=(-m "") ;;
    --explore) options+=(--hypothesis-profile explore) ;;
    *) break ;;
    esac
    shift
done
setup tests/requirements.lock
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
exec .venv/bin/python -m pytest "${options[@]}" "$@"
