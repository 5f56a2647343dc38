#!/usr/bin/env bash
# Sets everything up and serves the app at http://localhost:8501. Arguments go to Streamlit, as do
# its environment variables (STREAMLIT_SERVER_PORT=8600 ./run.sh). MATINEE_BUNDLE picks a bundle.
# docs/settings.md lists all that can be set, in the environment or in a file .env.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

setup requirements.lock

# A setting that cannot be used ends this with one line. What .env adds counts from here on, for
# Streamlit and the C library too.
added=$(.venv/bin/matinee settings --export)
eval "$added"

if [ -z "${MATINEE_BUNDLE:-}" ]; then
    if ! .venv/bin/matinee info --bundle bundle >/dev/null 2>&1; then
        echo "Training on the sample data (once; under a minute) …"
        .venv/bin/matinee train --ratings data/ratings.parquet --movies data/movies.parquet --evaluate \
            --credit "$(cat data/CREDIT.txt)" --out bundle
    fi
    export MATINEE_BUNDLE=$PWD/bundle
fi

# The port as Streamlit will see it: argument, then environment, then its default.
port=${STREAMLIT_SERVER_PORT:-8501}
previous=
for argument in "$@"; do
    case $argument in --server.port=*) port=${argument#*=} ;; esac
    if [ "$previous" = --server.port ]; then port=$argument; fi
    previous=$argument
done
.venv/bin/python scripts/port_is_free.py "$port" ||
    fail "port $port is in use; stop what runs there, or choose another: STREAMLIT_SERVER_PORT=8600 $0"

# The serving process answers many visitors at once, a little each. What threads and allocators do
# to be fast with large tasks only takes memory here; docs/settings.md says how much.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
# Python's own allocator gives memory back by the megabyte, and one small object that stays holds a
# whole one; the system's gives back each page that is free.
export PYTHONMALLOC="${PYTHONMALLOC:-malloc}"

echo "Matinee is at http://localhost:$port (Ctrl+C stops it)"
# MATINEE_RUN_UNDER is a command that runs another; run_debug.sh --limit sets it.
exec ${MATINEE_RUN_UNDER:-} .venv/bin/streamlit run streamlit_app.py "$@"
