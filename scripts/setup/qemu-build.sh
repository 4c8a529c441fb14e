# Configure the build directory: ours with meson, and QEMU's below it.
# SPDX-License-Identifier: GPL-2.0-or-later

# Features that QEMU gets if their library is there: feature, how to find it.
# docs/build.md lists them.
qemu_optional="
slirp           pc:slirp
linux-aio       h:libaio.h
linux-io-uring  pc:liburing
numa            h:numa.h
seccomp         pc:libseccomp
attr            h:attr/libattr.h
virtfs          h:attr/libattr.h
cap-ng          pc:libcap-ng
curses          pc:ncursesw
iconv           pc:ncursesw
gnutls          pc:gnutls
nettle          pc:nettle
zstd            pc:libzstd
spice           pc:spice-server
spice-protocol  pc:spice-server
usb-redir       pc:libusbredirparser-0.5
libusb          pc:libusb-1.0
vnc-sasl        pc:libsasl2
vnc-jpeg        pc:libjpeg
png             pc:libpng
"

# Sets the array qemu_arguments.
qemu_collect_arguments() {
    local feature how pkg_config_path=$build_dir

    if [ -n "${PKG_CONFIG_PATH:-}" ]; then
        pkg_config_path+=,${PKG_CONFIG_PATH//:/,}
    fi
    qemu_arguments=(
        --python="$python" "${qemu_directories[@]}"
        --target-list=x86_64-softmmu
        --without-default-features
        --enable-system --enable-tools
        --enable-tcg --enable-kvm --enable-plugins
        --enable-vhost-kernel --enable-vhost-net --enable-vhost-vdpa
        --enable-vhost-user
        --enable-vnc --enable-pixman --enable-fdt=system
        --enable-membarrier --enable-malloc-trim --enable-avx2
        --enable-tpm --enable-l2tpv3
        --enable-bochs --enable-cloop --enable-dmg --enable-parallels
        --enable-qcow1 --enable-qed --enable-vdi --enable-vhdx --enable-vmdk
        --enable-vpc --enable-vvfat
        --disable-download --disable-docs --disable-werror
        -Dpkg_config_path="$pkg_config_path"
    )
    while read -r feature how; do
        if [ -n "$feature" ] && probe "$how"; then
            qemu_arguments+=(--enable-"$feature")
        fi
    done <<<"$qemu_optional"
    if ! qemu_has_firmware; then
        qemu_arguments+=(--disable-install-blobs
                         --firmwarepath="$firmware_path")
    fi
    if [ "$asan" = yes ]; then
        qemu_arguments+=(--enable-asan --enable-ubsan)
    fi
    if [ "$tsan" = yes ]; then
        qemu_arguments+=(--enable-tsan)
    fi
    if command -v ccache >/dev/null; then
        qemu_arguments+=(--cc="ccache ${CC:-cc}")
    fi
    qemu_arguments+=("${qemu_options[@]}")
}

# QEMU in its build directory looks for everything below qemu-bundle.
qemu_link_firmware() {
    local dir file bundle=$build_dir/qemu/qemu-bundle

    for dir in ${firmware_path//:/ }; do
        [ -d "$dir" ] || continue
        mkdir -p "$bundle$dir"
        for file in "$dir"/*; do
            [ -e "$bundle$dir/${file##*/}" ] || ln -s "$file" "$bundle$dir"
        done
    done
}

# Configures DIR only if the arguments, kept in FILE, are not those of last
# time, or if ninja was interrupted while it did so, and left no build.ninja.
# configure_once DIR FILE WHAT COMMAND...
configure_once() {
    local dir=$1 file=$2 what=$3 now

    shift 3
    now=$(printf '%q ' "$what" "$@")
    if [ -e "$dir/build.ninja" ] && [ -e "$file" ] &&
           [ "$(cat "$file")" = "$now" ]; then
        return
    fi
    say "Configuring $what"
    rm -f "$file"
    logged "${file%.*}.log" "$@"
    printf '%s\n' "$now" >"$file"
}

meson_setup() {
    if [ -e "$build_dir/meson-private/coredata.dat" ]; then
        set -- --reconfigure "$@"
    fi
    run_meson setup "$@"
}

build_prepare() {
    local sanitize=none
    local werror=false

    # As QEMU has it: compilers to come warn of more than releases can know.
    [ ! -e "$source_dir/.git" ] || werror=true
    [ "$asan" = no ] || sanitize=address,undefined
    [ "$tsan" = no ] || sanitize=thread
    configure_once "$build_dir" "$build_dir/configure-top.args" RAMinate \
        meson_setup "${meson_directories[@]}" -Demulator="$emulator" \
        -Dbuildtype=debugoptimized -Dwerror="$werror" \
        -Db_sanitize="$sanitize" \
        -Db_lundef=false "$build_dir" "$source_dir"
    # QEMU's meson looks for the file, which make then builds.
    [ -e "$build_dir/libraminate-engine.a" ] ||
        ar rc "$build_dir/libraminate-engine.a"

    qemu_collect_arguments
    mkdir -p "$build_dir/qemu"
    cd "$build_dir/qemu"
    configure_once "$build_dir/qemu" "$build_dir/configure-qemu.args" \
        "QEMU $(cat "$qemu_src/VERSION")" \
        "$qemu_src/configure" "${qemu_arguments[@]}"
    qemu_has_firmware || qemu_link_firmware
    cd "$build_dir"
}
