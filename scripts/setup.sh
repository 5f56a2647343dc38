# Shared by run.sh and test.sh, which source it from the project's folder: `setup LOCK` makes .venv
# and installs what the lock file pins. It does nothing when that has been done for this very lock.

fail() {
    echo "$0: $1" >&2
    exit 1
}

setup() {
    local lock=$1 python stamp wanted
    stamp=.venv/installed
    wanted=$(cat "$lock" pyproject.toml recommender/models/passes.c recommender/models/descend.h | cksum)
    if [ -x .venv/bin/python ] && grep -qxF "$wanted" "$stamp" 2>/dev/null; then
        return
    fi
    python=$(find_python)
    if [ ! -x .venv/bin/pip ]; then
        "$python" -c 'import venv, ensurepip' 2>/dev/null ||
            fail "this Python lacks venv; install it (Debian, Ubuntu: apt install python3-venv) and start again."
        echo "Making the virtual environment .venv …"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    echo "Installing what $lock pins (once; a few minutes) …"
    # The lock names all there is to install, so nothing is looked up beside it.
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock" ||
        fail "the installation failed, see above; mend that (a compiler may be needed: apt install gcc python3-dev) and start again."
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ||
        fail "Matinee itself could not be installed, see above."
    .venv/bin/python -c 'import recommender.models.passes' 2>/dev/null ||
        fail "training needs a C compiler; install one (Debian, Ubuntu: apt install gcc python3-dev) and start again."
    # The test lock holds all of the running lock, so either is satisfied by what was installed.
    if [ "$lock" != requirements.lock ]; then
        cat requirements.lock pyproject.toml recommender/models/passes.c recommender/models/descend.h | cksum >"$stamp"
        echo "$wanted" >>"$stamp"
    else
        echo "$wanted" >"$stamp"
    fi
}

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; install it, or name it: PYTHON=/path/to/python3.12 $0"
}
