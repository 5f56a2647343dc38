#!/usr/bin/env bash
# Sets everything up, then checks and tests it.
#
#   ./test.sh                  lint, types and every test of a few seconds at most
#   ./test.sh --all            the slow tests too: trainings killed at any moment, training on
#                              Spark, replicas behind a proxy, what the container image holds
#   ./test.sh --all --explore  and hypothesis looks for new examples; else it tries the same ones
#
# A few tests that fail beside others run once more, one after another, and are named at the end:
# memory and processes are the machine's. What fails alone, too, fails the run.
#
# Further arguments go to pytest. Browser tests need Chromium (Debian: apt install chromium);
# without it they are skipped, and the summary says so.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

options=()
while (($#)); do
    case $1 in
    --all) options+=(-m "") ;;
    --explore) options+=(--hypothesis-profile explore) ;;
    *) break ;;
    esac
    shift
done
setup tests/requirements.lock
# Hundreds of processes import the project and its tests: let them be compiled once.
unset PYTHONDONTWRITEBYTECODE
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy

run() { # as a child, so that it can be followed by another; ended by what ends this script
    .venv/bin/python -m pytest "$@" &
    pytest=$!
    wait "$pytest"
}
trap 'kill "$pytest"; wait "$pytest" || exit 143' TERM
trap 'wait "$pytest" || exit 130' INT # the terminal tells both

status=0
# Many tests wait for a server of theirs most of the time.
workers=$((($(nproc) * 3 + 1) / 2))
run -n "$workers" "${options[@]}" "$@" || status=$?
failed=$(grep -c '::' .pytest_cache/v/cache/lastfailed || true)
if ((status == 1 && failed > 0 && failed <= 5)); then # so few are an accident
    echo "Once more, one after another:"
    run -v -n 0 "${options[@]}" --last-failed "$@" || exit
    echo "Passed, but only alone: a defect of the tests above, to be mended."
    status=0
fi
exit "$status"
