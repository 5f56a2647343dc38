#!/usr/bin/env bash
# Sets everything up and serves the app at http://localhost:8501. Arguments go to Streamlit, as do
# its environment variables (STREAMLIT_SERVER_PORT=8600 ./run.sh). MATINEE_BUNDLE picks a bundle.
# docs/settings.md lists all that can be set, in the environment or in a file .env.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

setup requirements.lock

# It trains on the sample where there is no bundle yet, and becomes the server.
exec .venv/bin/matinee serve -- "$@"
