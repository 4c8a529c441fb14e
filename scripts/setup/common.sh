# Messages and small helpers for configure.
# SPDX-License-Identifier: GPL-2.0-or-later

say() {
    echo "$*"
}

die() {
    echo "configure: $*" >&2
    exit 1
}

# Runs a command whose output is only of interest if it fails.
# logged LOG COMMAND...
logged() {
    local log=$1

    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        die "this failed: $* (the whole output is in $log)"
    fi
}

# as_root COMMAND...
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Writes standard input to a file only if that changes it.
write_if_changed() {
    local new

    new=$(cat)
    if [ ! -f "$1" ] || [ "$(cat "$1")" != "$new" ]; then
        printf '%s\n' "$new" >"$1"
    fi
}
