# The options of autoconf's configure scripts, which packagers pass to any
# configure: most of them say where things are installed.
# SPDX-License-Identifier: GPL-2.0-or-later

# Those that meson has as well; as given, or empty for its own defaults.
declare -A directories=(
    [bindir]='' [sbindir]='' [libexecdir]='' [datadir]='' [sysconfdir]=''
    [localstatedir]='' [sharedstatedir]='' [includedir]='' [libdir]=''
    [mandir]='' [infodir]='' [localedir]=''
)
# Those that nothing is installed to
directories_unused=" oldincludedir runstatedir htmldir pdfdir dvidir psdir "
exec_prefix=
machine=
option_checking=yes

# Takes --NAMEdir=DIR; false if NAME is no directory.
# directories_take NAME DIR
directories_take() {
    local name=$1

    [ "$name" != datarootdir ] || name=datadir
    if [ "$name" = docdir ] || [ -n "${directories[$name]+known}" ]; then
        directories[$name]=$2
    elif [[ $directories_unused != *" $name "* ]]; then
        return 1
    fi
}

# Takes an option or a variable; false if it is none of these.
# take_of_packagers ARGUMENT
take_of_packagers() {
    case $1 in
    --exec-prefix=*)
        exec_prefix=${1#*=}
        ;;
    --[a-z]*dir=*)
        [[ $1 =~ ^--([a-z]+)=(.*)$ ]] &&
            directories_take "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        ;;
    --build=*|--host=*|--target=*)
        [ "${machine:=${1#*=}}" = "${1#*=}" ] ||
            die "RAMinate can't be built for another machine than that which" \
                "builds it, '$1' after '$machine'."
        ;;
    --disable-option-checking)
        option_checking=no
        ;;
    --enable-option-checking|--disable-silent-rules|--enable-silent-rules|\
    --disable-maintainer-mode|--enable-maintainer-mode|\
    --disable-dependency-tracking|--enable-dependency-tracking|\
    --disable-static|--enable-static|--disable-shared|--enable-shared|\
    --disable-fast-install|--enable-fast-install|--with-sysroot=*|\
    --with-libtool-sysroot=*|--cache-file=*|--program-prefix=|\
    --program-suffix=|--quiet|--silent|-q)
        ;;
    --enable-*|--disable-*|--with-*|--without-*)
        [ $option_checking = no ]
        ;;
    [A-Z]*=*)
        export "${1?}"
        ;;
    *)
        return 1
        ;;
    esac
}

# Prints a directory with what autoconf's scripts leave to make filled in.
# directories_expand DIR
directories_expand() {
    local dir=$1 before=
    local datarootdir=${directories[datadir]:-'${prefix}/share'}

    while [ "$dir" != "$before" ]; do
        before=$dir
        dir=${dir//'${datarootdir}'/$datarootdir}
        dir=${dir//'${exec_prefix}'/$exec_prefix}
        dir=${dir//'${prefix}'/$prefix}
    done
    printf '%s\n' "$dir"
}

# Makes all of them absolute and sets the arrays meson_directories and
# qemu_directories, arguments for both.  Nothing of QEMU's is where a
# distribution's QEMU has it, nor before that in PATH.
directories_finish() {
    local name dir libexec

    exec_prefix=$(directories_expand "${exec_prefix:-$prefix}")
    if [ "$exec_prefix" != "$prefix" ]; then
        for name in bin sbin lib libexec; do
            : "${directories[${name}dir]:=$exec_prefix/$name}"
        done
    fi
    meson_directories=(--prefix="$prefix")
    for name in "${!directories[@]}"; do
        [ -n "${directories[$name]}" ] || continue
        dir=$(directories_expand "${directories[$name]}")
        [ "${dir#/}" != "$dir" ] ||
            die "--$name needs an absolute path, not '$dir'."
        directories[$name]=$dir
        if [ "$name" = docdir ]; then
            meson_directories+=(-Ddocdir="$dir")
        else
            meson_directories+=(--"$name"="$dir")
        fi
    done
    libexec=${directories[libexecdir]:-$exec_prefix/libexec}/raminate
    meson_directories+=(-Dqemudir="$libexec")
    qemu_directories=(
        --prefix="$prefix" --bindir="$libexec" --libexecdir="$libexec"
        --datadir="${directories[datadir]:-$prefix/share}/raminate"
        --includedir="${directories[includedir]:-$prefix/include}/raminate"
        --libdir="${directories[libdir]:-$prefix/lib}/raminate"
        ${directories[sysconfdir]:+--sysconfdir="${directories[sysconfdir]}"}
        ${directories[localstatedir]:+--localstatedir="${directories[localstatedir]}"}
    )
}
