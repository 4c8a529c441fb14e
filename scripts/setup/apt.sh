# Private apt configuration: another suite from the machine's own mirror,
# without any change to the system's sources.
# SPDX-License-Identifier: GPL-2.0-or-later

apt_available() {
    command -v apt-get >/dev/null && [ -r /etc/os-release ]
}

apt_codename() {
    (. /etc/os-release; echo "${VERSION_CODENAME:-}")
}

# Sets the array apt_options so that apt sees the given suites, and no others.
# apt_use_suites deb|deb-src SUITE...
apt_use_suites() {
    local dir=$temp_dir/apt type=$1

    shift
    rm -rf "$dir"
    mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/cache/archives/partial"
    chmod -R go+rX "$temp_dir"
    python3 "$source_dir/scripts/setup/apt-sources.py" \
        "$dir/sources" "$(apt_codename)" "$type" "$@" || return 1
    apt_options=(
        -o Dir::Etc::sourcelist=/dev/null
        -o Dir::Etc::sourceparts="$dir/sources"
        -o Dir::State::lists="$dir/lists"
        -o Dir::Cache="$dir/cache"
        -o Acquire::Languages=none
        -o APT::Get::List-Cleanup=false
    )
    # A third-party mirror of the machine need not have the suite.
    apt-get "${apt_options[@]}" -qq update >"$build_dir/apt.log" 2>&1 || true
}
