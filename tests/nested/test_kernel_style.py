#!/usr/bin/env python3
# The KVM extension keeps to the kernel's rules: checkpatch.pl --strict has
# nothing to say about it and the patches, nor has sparse, nor the compiler
# with the warnings of W=1.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import subprocess
import tempfile
from typing import List

from nestedlib import (NESTED, SERIES, SOURCE, NoKernel, Tap, builder,
                       headers_of, kernel_directory, locked, main, paths,
                       sparse)

KVM = SOURCE / 'kvm'
ALL_SERIES = (SERIES, '6.1', '7.3')
# C=2 alone asks a script for leave, which the headers of 7.3 lack.
CHECKED = ('C=2', 'KBUILD_CHECKSRC=2')
# Younger than Debian 13's sparse.
KNOWN = '-D__typeof_unqual__=__typeof__'
# BTF is not made.
HARMLESS = re.compile('warning: pahole version differs')


def checkpatch(*args: str, text: str = '') -> List[str]:
    """What checkpatch.pl complains of, in a file or in the patch given."""
    kernel = kernel_directory()
    script = kernel / 'source' / 'scripts' / 'checkpatch.pl'
    if not script.exists():
        raise paths.SetupError(f"{kernel} has no checkpatch.pl, as it was made "
                               "by an older version; remove it")
    ended = subprocess.run(
        ['perl', str(script), '--strict', '--no-tree', '--no-signoff',
         '--no-summary', '--terse', '--show-types', *args],
        input=text, text=True, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return ended.stdout.splitlines()


def compiler_and_sparse(series: str, copy: Path) -> List[str]:
    """Output of a build of the extension's files, each of them checked."""
    kernel = kernel_directory(series)
    headers = headers_of(kernel)
    with locked():
        inside = builder(headers)
    subprocess.run([str(KVM / 'build'), '--no-make', '--kernel', str(kernel),
                    str(copy)], check=True)
    objects = [f'raminate/{path.stem}.o' for path in KVM.glob('*.c')]
    ended = subprocess.run(
        [*inside, 'make', '-C', str(headers), f'M={copy / "arch/x86/kvm"}',
         'W=1', *CHECKED, f'CHECK={"sparse" if inside else sparse()} {KNOWN}',
         *objects],
        text=True, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ended.stdout.splitlines()


def run(tap: Tap) -> None:
    mistake = '-\treturn 0;\n+\treturn(0) ;\n'
    patch = '--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n' + mistake
    found = checkpatch('-', text=patch)
    tap.check('SPACING' in ' '.join(found), "checkpatch finds a mistake", found)

    for path in sorted(KVM.glob('*.[ch]')):
        found = checkpatch('--file', str(path))
        tap.check(not found, f'checkpatch: {path.name}', found)

    for series in ALL_SERIES:
        for path in sorted((SOURCE / 'patches' / f'linux-{series}').glob('*')):
            found = checkpatch('-', text=path.read_text())
            tap.check(not found, f'checkpatch: {series}, {path.name}', found)
        try:
            check_compiler_and_sparse(tap, series)
        except NoKernel as reason:
            tap.skip(str(reason))


def check_compiler_and_sparse(tap: Tap, series: str) -> None:
    # Where another root directory has it, too.
    with tempfile.TemporaryDirectory(dir=NESTED) as directory:
        output = compiler_and_sparse(series, Path(directory) / 'copy')
    found = [line for line in output if re.search(r'warning|error|Error', line)
             and not HARMLESS.match(line)]
    tap.check(not found, f'compiler with W=1, and sparse: {series}', found)
    checked = [line for line in output if line.startswith('  CHECK ')]
    tap.check(len(checked) == len(list(KVM.glob('*.c'))),
              f'{series}: each file is checked', output)


if __name__ == '__main__':
    main(run)
