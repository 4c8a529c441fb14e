# Check for what a build needs, and install what is missing.
# SPDX-License-Identifier: GPL-2.0-or-later

backports=bookworm-backports
# Debian 12 has these too, but too old.
backported=" meson python3-pycotap "
# Where systems keep the firmware that Debian's QEMU source package lacks.
firmware_path=/usr/share/seabios:/usr/lib/ipxe/qemu:/usr/share/ipxe/qemu
firmware_path+=:/usr/share/qemu

# QEMU wants a python that has meson.
find_python() {
    for python in /usr/bin/python3 "$(command -v python3)"; do
        if run_meson --version >/dev/null 2>&1; then
            return
        fi
    done
    python=/usr/bin/python3
}

run_meson() {
    "$python" -m mesonbuild.mesonmain "$@"
}

# An upstream tarball brings the meson that QEMU needs along.
meson_wanted() {
    if [ -n "$with_qemu" ] && [ "$(apt_codename)" != bookworm ]; then
        echo 1.0
    else
        echo "$1"
    fi
}

# probe CMD:ARGUMENT
probe() {
    local what=${1#*:} version dir

    case $1 in
    cmd:*)
        command -v "$what" >/dev/null
        ;;
    rom:*)
        for dir in ${firmware_path//:/ }; do
            [ ! -e "$dir/$what" ] || return 0
        done
        return 1
        ;;
    pc:*)
        pkg-config --exists "$what" 2>/dev/null
        ;;
    h:*)
        echo "#include <$what>" | cc -E -o /dev/null - 2>/dev/null
        ;;
    py:*)
        "$python" -c "import $what" 2>/dev/null
        ;;
    meson:*)
        version=$(run_meson --version 2>/dev/null) &&
            printf '%s\n' "$(meson_wanted "$what")" "$version" | sort -CV
        ;;
    *)
        die "scripts/setup/requirements: unknown way to find: '$1'."
        ;;
    esac
}

# Sets missing_needed and missing_wanted.
# packages_find_missing KIND...
packages_find_missing() {
    local kind package how purpose

    missing_needed=()
    missing_wanted=()
    find_python
    while read -r kind package how purpose; do
        case " $* " in
        *" $kind "*) ;;
        *) continue ;;
        esac
        probe "$how" && continue
        if [ "$kind" = want ]; then
            missing_wanted+=("$package")
        else
            missing_needed+=("$package")
        fi
        missing_purpose[$package]=$purpose
    done < <(grep -v '^#' "$source_dir/scripts/setup/requirements")
}

# Sorts package names into from_suites and from_backports.
packages_sort() {
    local package

    from_suites=()
    from_backports=()
    for package; do
        if [ "$(apt_codename)" = bookworm ] &&
           [[ $backported == *" $package "* ]]; then
            from_backports+=("$package")
        else
            from_suites+=("$package")
        fi
    done
}

packages_print_command() {
    local sudo=

    [ "$(id -u)" = 0 ] || sudo="sudo "
    packages_sort "$@"
    if [ ${#from_suites[@]} != 0 ]; then
        say "    ${sudo}apt-get install --no-install-recommends" \
            "${from_suites[@]}"
    fi
    if [ ${#from_backports[@]} != 0 ]; then
        say "and, with $backports among apt's sources:"
        say "    ${sudo}apt-get install -t $backports ${from_backports[*]}"
    fi
}

apt_install() {
    logged "$build_dir/apt.log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"
}

packages_install_needed() {
    [ $# != 0 ] || return 0
    say "Installing packages: $*"
    packages_sort "$@"
    if [ ${#from_suites[@]} != 0 ]; then
        apt_install "${from_suites[@]}"
    fi
    if [ ${#from_backports[@]} != 0 ]; then
        apt_use_suites deb "$(apt_codename)" "$backports" ||
            die "apt's sources name no mirror of Debian $(apt_codename);" \
                "install ${from_backports[*]} from $backports."
        apt_install "${apt_options[@]}" -t "$backports" "${from_backports[@]}"
    fi
}

# What a build can do without, a system need not have.
packages_install_wanted() {
    [ $# != 0 ] || return 0
    say "Installing packages: $*"
    (apt_install "$@") || true
}

may_install() {
    [ "$install" = yes ] && apt_available &&
        { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}

# packages_require KIND...
packages_require() {
    local -A missing_purpose=()
    local package

    packages_find_missing "$@"
    if [ $((${#missing_needed[@]} + ${#missing_wanted[@]})) != 0 ] &&
       may_install; then
        # Some mirror of the machine may be out of order.
        as_root apt-get -qq update >"$build_dir/apt.log" 2>&1 </dev/null || true
        packages_install_needed "${missing_needed[@]}"
        packages_install_wanted "${missing_wanted[@]}"
        packages_find_missing "$@"
    fi
    for package in "${missing_needed[@]}"; do
        say "Missing: $package (${missing_purpose[$package]})"
    done
    for package in "${missing_wanted[@]}"; do
        say "Left out without $package: ${missing_purpose[$package]}"
    done
    if [ $((${#missing_needed[@]} + ${#missing_wanted[@]})) != 0 ] &&
       apt_available; then
        say "To install what is missing:"
        packages_print_command "${missing_needed[@]}" "${missing_wanted[@]}"
    fi
    if [ ${#missing_needed[@]} != 0 ]; then
        die "a build needs: ${missing_needed[*]}."
    fi
}

packages_check() {
    packages_require need want
    ninja=$(command -v ninja)
}

packages_check_firmware() {
    if qemu_has_firmware; then
        packages_require blobs
    else
        packages_require firmware
    fi
}
