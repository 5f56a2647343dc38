#!/usr/bin/env bash
# The app with the memory panel in its sidebar; see docs/memory.md. With --limit 512M it runs under
# a real memory limit, and when it ends, it is said why. Other arguments go to run.sh.
set -euo pipefail

arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --limit) limit=${2-} && shift ;;
    --limit=*) limit=${1#*=} ;;
    *) arguments+=("$1") ;;
    esac
    shift || true
done

if [ -n "${limit+given}" ]; then
    # Looked at here, since setting everything up may take minutes.
    if ! [[ $limit =~ ^[0-9]+(\.[0-9]+)?[MmGg]$ ]]; then
        echo "$0: --limit $limit: write a size such as 256M or 1.5G" >&2
        exit 2
    fi
    # `matinee serve` runs the server by it, not what sets it up.
    export MATINEE_RUN_UNDER=".venv/bin/python debug_memory.py run --limit $limit --"
fi

export DEBUG_MEMORY=true
exec "$(dirname "$0")/run.sh" ${arguments[@]+"${arguments[@]}"}
