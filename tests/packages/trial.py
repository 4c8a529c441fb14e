# What programs share that try something on a system that has just been booted:
# they print "ok NAME" or "not ok NAME", and why.
#
# Needs nothing but Python, as only Debian's and RAMinate's packages are there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import subprocess
import time
from typing import Callable, List, Sequence

PATIENCE = 600      # seconds; only a hang takes so long
SOCKET = '/run/raminate/vm1.sock'


def must(*args: str) -> str:
    return subprocess.run(args, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding='utf-8',
                          timeout=PATIENCE).stdout.strip()


def check(condition: object, what: object) -> None:
    if not condition:
        raise AssertionError(what)


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < end, f'still waiting for: {what}')
        time.sleep(0.5)


def vm(accel: str, fast: str, slow: str) -> List[str]:
    """A small VM; each tier is named by properties of its own."""
    return ['raminate-qemu', '-accel', accel, '-display', 'none', '-m', '64M',
            '-name', 'vm1', '-machine', 'memory-backend=dmcon0',
            '-object', 'memory-backend-container,id=dmcon0,size=64M',
            '-object', 'memory-backend-devmem,id=fast,size=16M,offset=0,'
                       f'parent=dmcon0,{fast}',
            '-object', 'memory-backend-devmem,id=slow,size=48M,offset=16M,'
                       f'parent=dmcon0,{slow}',
            '-qmp', f'unix:{SOCKET},server=on,wait=off']


def main(tests: Sequence[Callable[[], None]]) -> None:
    for test in tests:
        try:
            test()
            print(f'ok {test.__name__}', flush=True)
        except (AssertionError, OSError, ValueError,
                subprocess.SubprocessError) as err:
            print(f'not ok {test.__name__}: {err!r}', flush=True)
