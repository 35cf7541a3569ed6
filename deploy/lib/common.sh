# shellcheck shell=bash
# What the entry scripts share. Sourced, never run; sets `root` to the repository's top folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Replaces this shell by one of the Python programs in deploy/lib, so that signals reach it directly.
run_python() {
    command -v python3 >/dev/null || die 'python3 is missing; run deploy/install first'
    PYTHONPATH="$root/deploy/lib${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1 exec python3 -m "$@"
}
