#!/usr/bin/env bash
# Sets everything up and serves the app at http://localhost:8501. Arguments go to Streamlit, as do
# its environment variables (STREAMLIT_SERVER_PORT=8600 ./run.sh). MATINEE_BUNDLE picks a bundle.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

setup requirements.lock

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

echo "Matinee is at http://localhost:$port (Ctrl+C stops it)"
exec .venv/bin/streamlit run streamlit_app.py "$@"
