# Which of Debian's kernels the extension has patches for.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Needs $here, the directory of this file.

# Prints the series that there are patches for, one a line, as 6.12.
series_all() {
    (cd "$here/../patches" && printf '%s\n' linux-*) | sed 's/^linux-//' |
        sort -V
}

# Prints a regular expression for the releases of these series, as uname -r
# prints them. The cloud and rt flavours are left out.
series_regex() {
    printf '^(%s)\\.[0-9]+([+][0-9a-z.]+|-[0-9]+)?-amd64$\n' \
        "$(series_all | sed 's/\./\\./' | paste -sd '|')"
}

# Prints the series of a release; false if there are no patches for it.
# series_of RELEASE
series_of() {
    [[ $1 =~ $(series_regex) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

# Prints why a release is refused.
# series_refusal RELEASE
series_refusal() {
    echo "kernel $1 is not of Debian's series" \
        "$(series_all | paste -sd ' ' | sed 's/ / or /g') for amd64, the" \
        "only ones that the extension has patches for."
}
