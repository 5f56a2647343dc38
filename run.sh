#!/usr/bin/env bash
# Sets everything up and serves the app at http://localhost:8501. Arguments go to Streamlit, as do
# its environment variables (STREAMLIT_SERVER_PORT=8600 ./run.sh). MATINEE_BUNDLE picks a bundle.
# docs/settings.md lists all that can be set, in the environment or in a file .env.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

setup requirements.lock

# A setting that cannot be used ends this with one line. What .env adds counts from here on.
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

# MATINEE_RUN_UNDER is a command that runs another; run_debug.sh --limit sets it.
exec ${MATINEE_RUN_UNDER:-} .venv/bin/matinee serve -- "$@"
