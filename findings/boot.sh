# shellcheck shell=bash
# To be sourced by findings: boots a kernel of Debian with a program as its only
# process, and looks at what that prints between BEGIN and END.
#
# The directory is a temporary one afterwards; the program is to be put there,
# as probe.c, beside the headers.  Ends the script with status 2 if anything
# can't be had.
#
# SPDX-License-Identifier: GPL-2.0-or-later

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cp "$(dirname "${BASH_SOURCE[0]}")"/*.h "$directory" || exit 2
cd "$directory" || exit 2

cannot_tell() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 2
}

# put_entry NAME MODE FILE: a file of an archive of cpio, as the kernel has it
put_entry() {
    local size

    size=$(stat -c %s "$3")
    printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\0' \
        0 "$2" 0 0 1 0 "$size" 0 0 0 0 "$((${#1} + 1))" 0 "$1"
    head -c "$(((4 - (110 + ${#1} + 1) % 4) % 4))" /dev/zero
    cat "$3"
    head -c "$(((4 - size % 4) % 4))" /dev/zero
}

# build_probe [GCC-OPTION...]: makes the initramfs of probe.c
build_probe() {
    gcc -O1 -static "$@" -o probe probe.c ||
        cannot_tell "gcc can't link a static program; install libc6-dev"
    : >empty
    { put_entry init $((0100755)) probe
      put_entry 'TRAILER!!!' 0 empty; } >initrd
}

# Has get_kernel know Debian 13's packages, whatever is installed here: by
# "${debian_13[@]}".
use_debian_13() {
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg suite

    for suite in trixie trixie-backports; do
        echo "deb [signed-by=$keys] http://deb.debian.org/debian $suite main"
    done >sources.list
    mkdir -p lists/partial archives/partial
    debian_13=(-o Dir::Etc::SourceList="$PWD/sources.list"
               -o Dir::Etc::SourceParts=/dev/null
               -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD")
    apt-get -q -o APT::Sandbox::User=root "${debian_13[@]}" update \
        >log 2>&1 || cannot_tell "can't get Debian's lists: $(tail -n 1 log)"
}

# get_kernel PACKAGE VERSION [APT-OPTION...]
get_kernel() {
    apt-get -q -o APT::Sandbox::User=root "${@:3}" download "$1=$2" \
        >log 2>&1 || cannot_tell "can't get $1 $2: $(tail -n 1 log)"
    dpkg-deb --fsys-tarfile "$1"_*.deb |
        tar -xO --wildcards '*/vmlinuz*' >kernel ||
        cannot_tell "$1 has no kernel"
}

# Of the machine that boots; a script may set others.
memory=(-m 512)
parameters='console=ttyS0 quiet'

# Puts what the probe prints in $seen.
boot_probe() {
    timeout 300 "${QEMU:-qemu-system-x86_64}" -accel tcg -cpu max \
        "${memory[@]}" \
        -nodefaults -display none -no-reboot -serial file:console \
        -kernel kernel -initrd initrd \
        -append "$parameters" ||
        cannot_tell "QEMU failed, or took more than 300 s"
    seen=$(tr -d '\r' <console | sed -n '/^BEGIN$/,/^END$/p' | sed '1d;$d')
}

# check_seen EXPECTED: ends the script with status 1 if it has changed
check_seen() {
    [ "$(printf '%s\n' "$seen" | wc -l)" = \
      "$(printf '%s\n' "$1" | wc -l)" ] ||
        cannot_tell "the probe failed: $(tail -n 3 console)"
    printf '%s\n' "$seen"
    [ "$seen" = "$1" ] || {
        echo "This has changed; it was:"
        printf '%s\n' "$1"
        exit 1
    }
}

# check_kernel PACKAGE VERSION EXPECTED: the same with a kernel of Debian 13,
# whose packages use_debian_13 has made known
check_kernel() {
    get_kernel "$1" "$2" "${debian_13[@]}"
    boot_probe
    printf '%s:\n' "$1"
    check_seen "$3"
}
