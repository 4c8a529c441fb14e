# What sanitizers report, of whatever programs a test runs.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import re
from typing import Iterator, List

# Reports go to files, for tests look at what programs print.  Undefined
# behaviour can't be reported there, and ends a program instead.
OPTIONS = {
    'ASAN_OPTIONS': 'log_path={}',
    'TSAN_OPTIONS': 'log_path={}',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
}
# Reports give their names in full.  Mere warnings, of which there are some each
# time that QEMU switches stacks, do not.
REPORT = re.compile(r'\b\w+Sanitizer\b')


def _found(directory: Path) -> List[str]:
    texts = [path.read_text(encoding='utf-8', errors='replace')
             for path in sorted(directory.iterdir())]
    return [text for text in texts if REPORT.search(text)]


@contextlib.contextmanager
def none_expected(directory: Path) -> Iterator[None]:
    """Fails if a program that is run meanwhile has something to report.

    What it says goes to the directory.
    """
    before = {name: os.environ.get(name) for name in OPTIONS}
    for name, options in OPTIONS.items():
        os.environ[name] = ':'.join([*filter(None, [before[name]]),
                                     options.format(directory / 'sanitizer')])
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        found = _found(directory)
        if found:
            raise AssertionError('\n'.join(found))
