# Completion of RAMinate's tools for bash, by what their --help says.
# SPDX-License-Identifier: GPL-2.0-or-later

# Prints the options of a tool, long ones with = if they take a value.
_raminate_options() {
    "$1" --help 2>/dev/null | sed -nE \
        's/^  (-(.), )?(--[a-z-]+)(=?).*/\3\4/p; s/^  (-[a-z]), .*/\1/p'
}

# Prints what may come where an option does not.
_raminate_words() {
    case ${1##*/} in
    raminate-pool)
        if [ "$2" = args ] || [ "$2" = xml ]; then
            sed -n 's/^\[type \(.*\)\]$/\1/p' \
                "${RAMINATE_POOLS:-/etc/raminate/pools.conf}" 2>/dev/null
        else
            echo list args xml
        fi
        ;;
    raminate-synth)
        "$1" --list 2>/dev/null | cut -d ' ' -f 1
        ;;
    raminate-exporter|raminate-map|raminate-top)
        ls -d /run/raminate/*.sock 2>/dev/null
        ;;
    esac
}

# Prints the values that an option may have.
_raminate_values() {
    case $2 in
    -p|--policy) "$1" --list 2>/dev/null | cut -d ' ' -f 1 ;;
    esac
}

_raminate() {
    local tool=$1 word=$2 before=$3
    local line=${COMP_LINE:0:COMP_POINT}

    # readline takes --policy=cm apart at the =, and only the end is replaced.
    [[ ${line##* } != --*=* ]] || before=${line##* } before=${before%%=*}
    [ "$word" != = ] || word=
    COMPREPLY=()
    case $word in
    -*)
        mapfile -t COMPREPLY < <(
            compgen -W "$(_raminate_options "$tool")" -- "$word")
        [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(
        compgen -W "$(_raminate_values "$tool" "$before")" -- "$word")
    [ ${#COMPREPLY[@]} = 0 ] || return
    mapfile -t COMPREPLY < <(
        compgen -W "$(_raminate_words "$tool" "$before")" -- "$word"
        compgen -f -- "$word")
    compopt -o filenames
}

complete -F _raminate raminate-exporter raminate-map raminate-merge \
    raminate-pool raminate-sim raminate-synth raminate-top
