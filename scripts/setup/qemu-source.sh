# QEMU's source: fetch, unpack, patch, and link our folders into it.
# SPDX-License-Identifier: GPL-2.0-or-later

qemu_dir=$source_dir/qemu
qemu_src=$qemu_dir/src
qemu_new=$qemu_dir/src.new
qemu_old=$qemu_dir/src.old
qemu_download=$qemu_dir/download
qemu_patches=$source_dir/patches/qemu
# Only a tree that was unpacked and patched to the end has it.
qemu_stamp=.raminate-stamp
qemu_suites="trixie bookworm-backports"

# link LINK TARGET
link() {
    [ "$(readlink "$qemu_src/$1")" = "$2" ] || ln -sfn "$2" "$qemu_src/$1"
}

qemu_link_folders() {
    local schema

    link backends/raminate ../../../backends
    link hw/raminate ../../../hw/raminate
    link tests/qtest/raminate ../../../../tests/qtest
    link scripts/raminate-version ../../../scripts/version
    for schema in "$source_dir"/hw/raminate/*.json; do
        link "qapi/${schema##*/}" "../../../hw/raminate/${schema##*/}"
    done
}

# The tree has the firmware that Debian's source package lacks.
qemu_has_firmware() {
    [ -e "$qemu_src/pc-bios/bios-256k.bin" ]
}

# Prints the patches in the order in which they are applied: fixes of QEMU,
# which know nothing of RAMinate, come before its hooks.
qemu_list_patches() {
    printf '%s\n' "$qemu_patches"/fixes/*.patch "$qemu_patches"/*.patch
}

qemu_patches_hash() {
    qemu_list_patches | xargs -d '\n' cat -- | sha256sum | cut -d ' ' -f 1
}

# Newest version of the series in the suite that apt_options show.
qemu_newest_version() {
    apt-cache "${apt_options[@]}" showsrc --only-source qemu 2>/dev/null |
        sed -n "s/^Version: \(\(.*:\)\?${series//./\\.}\.[0-9].*\)/\1/p" |
        sort -V | tail -n 1
}

# Fetches Debian's tarball, unless an earlier run did.
qemu_fetch() {
    local suite version='' new=$temp_dir/download tarballs

    if [ -d "$qemu_download" ] &&
       (cd "$qemu_download" && sha256sum --quiet -c SHA256SUMS) 2>/dev/null
    then
        return
    fi
    apt_available ||
        die "QEMU's source comes through apt, which this system does not" \
            "have; give it with --with-qemu=qemu-$series.x.tar.xz."
    for suite in $qemu_suites; do
        say "Looking for QEMU $series.x in Debian's $suite"
        apt_use_suites deb-src "$suite" || break
        version=$(qemu_newest_version)
        [ -z "$version" ] || break
    done
    [ -n "$version" ] ||
        die "no apt source of this system offers QEMU $series.x" \
            "(suites $qemu_suites; apt's messages are in" \
            "$build_dir/apt.log); give it with" \
            "--with-qemu=qemu-$series.x.tar.xz."
    say "Downloading QEMU $version"
    mkdir "$new"
    (cd "$new" &&
     logged "$build_dir/apt.log" apt-get "${apt_options[@]}" source \
         --download-only --only-source "qemu=$version")
    tarballs=("$new"/qemu_*.orig.tar.*[!c])
    rm -rf "$qemu_download" "$qemu_download.new"
    mkdir "$qemu_download.new"
    mv "${tarballs[0]}" "$qemu_download.new"
    (cd "$qemu_download.new" && sha256sum -- * >"$temp_dir/sums" &&
     mv "$temp_dir/sums" SHA256SUMS)
    mv "$qemu_download.new" "$qemu_download"
}

qemu_unpack_tarball() {
    say "Unpacking $1"
    tar -xf "$1" -C "$qemu_new" --strip-components=1 ||
        die "'$1' cannot be unpacked; is it a tarball of QEMU's source?"
    qemu_check_version "$qemu_new" "$1"
}

qemu_copy_tree() {
    qemu_check_version "$1" "$1"
    [ ! -e "$1/$qemu_stamp" ] ||
        die "'$1' was patched for RAMinate already;" \
            "give a tree as it was released."
    say "Copying $1"
    tar -c -C "$1" --exclude=./.git --exclude=./build . |
        tar -x -C "$qemu_new"
}

# qemu_check_version DIRECTORY ORIGIN
qemu_check_version() {
    local version

    version=$(cat "$1/VERSION" 2>/dev/null) ||
        die "'$2' is not QEMU's source: it has no file VERSION."
    # A third number of 50 and more marks a development version.
    [[ $version =~ ^${series//./\\.}\.[1-4]?[0-9]$ ]] ||
        die "'$2' is QEMU $version; RAMinate needs $series.x."
    [ -e "$1/subprojects/keycodemapdb/meson.build" ] ||
        die "'$2' lacks QEMU's subprojects, as a git checkout does;" \
            "give a release tarball or a tree unpacked from one."
}

qemu_apply_patches() {
    local patches patch

    mapfile -t patches < <(qemu_list_patches)
    for patch in "${patches[@]}"; do
        say "Applying ${patch##*/}"
        patch -d "$qemu_new" -p1 -s -N --no-backup-if-mismatch <"$patch" ||
            die "${patch##*/} does not apply to QEMU" \
                "$(cat "$qemu_new/VERSION")."
    done
}

# Puts a fresh tree into place, whatever happens on the way.
# qemu_renew KIND ORIGIN
qemu_renew() {
    rm -rf "$qemu_new"
    mkdir "$qemu_new"
    trap 'rm -rf "$temp_dir" "$qemu_new"' EXIT
    case $1 in
    tree) qemu_copy_tree "$2" ;;
    *)    qemu_unpack_tarball "$2" ;;
    esac
    qemu_apply_patches
    "$python" "$source_dir/scripts/setup/keep-times.py" "$qemu_src" "$qemu_new"
    printf '%s\n' "$(qemu_patches_hash)" "$1" "$2" >"$qemu_new/$qemu_stamp"
    rm -rf "$qemu_old"
    [ ! -d "$qemu_src" ] || mv "$qemu_src" "$qemu_old"
    mv "$qemu_new" "$qemu_src"
    trap 'rm -rf "$temp_dir"' EXIT
    rm -rf "$qemu_old"
}

# Leaves the wanted tree in qemu_src.
qemu_source_prepare_locked() {
    local hash='' kind='' origin='' want_kind want_origin

    # An earlier run ended between the two renames of qemu_renew.
    if [ -d "$qemu_old" ] && [ ! -e "$qemu_src" ]; then
        mv "$qemu_old" "$qemu_src"
    fi
    if [ -e "$qemu_src/.git" ]; then
        [ -z "$with_qemu" ] ||
            die "qemu/src is a git repository of its own and stays as it is;" \
                "move it away to use --with-qemu."
        say "qemu/src is a git repository of its own: left as it is."
        return
    fi
    if [ -e "$qemu_src/$qemu_stamp" ]; then
        { read -r hash; read -r kind; read -r origin; } \
            <"$qemu_src/$qemu_stamp"
    fi
    if [ -z "$with_qemu" ]; then
        want_kind=${kind:-debian}
        want_origin=$origin
    elif [ -d "$with_qemu" ]; then
        want_kind=tree
        want_origin=$with_qemu
    else
        want_kind=tarball
        want_origin=$with_qemu
    fi
    if [ "$hash" = "$(qemu_patches_hash)" ] && [ "$kind" = "$want_kind" ] &&
       [ "$origin" = "$want_origin" ]; then
        return
    fi
    if [ "$want_kind" = debian ]; then
        qemu_fetch
        want_origin=$(ls "$qemu_download"/*.orig.tar.*)
    fi
    [ -e "$want_origin" ] ||
        die "QEMU's source came from '$want_origin', which is gone;" \
            "give it anew with --with-qemu=, or run make distclean to take" \
            "Debian's."
    qemu_renew "$want_kind" "$want_origin"
}

qemu_source_prepare() {
    local lock

    exec {lock}>"$qemu_dir/.lock"
    flock "$lock"
    qemu_source_prepare_locked
    qemu_link_folders
    exec {lock}>&-
}
