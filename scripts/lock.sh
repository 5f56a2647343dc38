#!/usr/bin/env bash
# Pins every dependency with its hashes, for every supported platform and Python, without naming
# an index: requirements.lock for running, tests/requirements.lock with the test tools on top.
# Needs uv; run it after changing the dependencies in pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url "$@"
}
# setuptools builds this project itself from within the environment.
echo "setuptools>=77" | lock pyproject.toml - -o requirements.lock
echo "setuptools>=77" | lock pyproject.toml - --extra test -c requirements.lock -o tests/requirements.lock
