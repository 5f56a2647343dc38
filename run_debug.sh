#!/usr/bin/env bash
# The app with the memory panel in its sidebar; see docs/memory.md.
export DEBUG_MEMORY=true
exec "$(dirname "$0")/run.sh" "$@"
