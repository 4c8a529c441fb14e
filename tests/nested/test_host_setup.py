#!/usr/bin/env python3
# docs/host-setup.md, from top to bottom: its commands work in an emulated
# host, and print what it says.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
import json
from pathlib import Path
import re
import tempfile
from typing import Any, Dict, List, Tuple

from hostroot import enter, install_kernel, must, shell
from machine import MIB, SOURCE, Machine, Result
from nestedlib import Tap, machine, main

PAGE = SOURCE / 'docs' / 'host-setup.md'
SCRIPT = Path(__file__).resolve().parent / 'host_commands.py'
MARK = re.compile(r'<!-- test: (.*) -->\n((?:    .*\n|\n(?=    ))+)')
BLOCK = re.compile(r'(?:^|\n\n)((?:    .*\n)+)')
CAP_SYS_RAWIO = 17
# Commands for the booted host; those of the second kind end with an error.
BOOTED = ('booted', 'fails')
# The root directory of the test is on no device that GRUB could find.
GRUB_PROBE = r'''#!/bin/sh
case "$*" in
*target=device*) echo /dev/vda1 ;;
*target=fs_uuid*|*target=*hint*|*target=partuuid*) ;;
*target=fs*) echo ext2 ;;
*target=partmap*) echo msdos ;;
esac
'''
# The host is told that it runs the kernel that it will boot.
UNAME = '''#!/bin/sh
[ "$*" = -r ] && echo {} || exec /usr/bin/uname "$@"
'''
# QEMU is built already; other tests may be using it.
SUBSTITUTES = {'make install': 'make install RUN_NINJA=true '
                               'INSTALLED=/tmp/installed.json'}


@dataclass
class Block:
    """What stands in a block of the page, and what it is for."""
    kind: str
    text: str

    @property
    def name(self) -> str:
        return self.text.splitlines()[0].split(' \\')[0]


class Host(Machine):
    """Without KVM, until somebody loads it."""
    kvm_modules = ()


def blocks() -> List[Block]:
    """All blocks of the page."""
    page = PAGE.read_text(encoding='utf-8')
    found = [Block(kind, re.sub('^    ', '', text, flags=re.M).strip('\n'))
             for kind, text in MARK.findall(page)]
    return found


def unmarked() -> List[str]:
    """Blocks that don't say what they are."""
    page = MARK.sub('', PAGE.read_text(encoding='utf-8'))
    return [text.strip() for text in BLOCK.findall(page)]


def prints(wanted: str, output: str) -> bool:
    """Whether the lines are all there, in order, perhaps among others."""
    lines = iter(output.splitlines())
    return all(any(line.strip() in found for found in lines)
               for line in wanted.splitlines())


def prepare() -> str:
    """Makes the root directory look like that of a host that was booted."""
    release = install_kernel()
    must('apt-get -q install -y --no-install-recommends grub2-common')
    for path, text in (('/usr/sbin/grub-probe', GRUB_PROBE),
                       ('/usr/local/bin/uname', UNAME.format(release))):
        Path(path).unlink(missing_ok=True)
        Path(path).write_text(text)
        Path(path).chmod(0o755)
    must('mkdir -p /boot/grub && getent group kvm || groupadd --system kvm')
    return release


def run_in_root(tap: Tap, block: Block) -> None:
    command = block.text
    for old, new in SUBSTITUTES.items():
        command = re.sub(f'^{old}$', new, command, flags=re.M)
    ended = shell(f'set -e; cd {SOURCE}; {command}')
    tap.check(ended.returncode == 0, block.name,
              ended.stdout.splitlines()[-20:])


def boot_parameters() -> List[str]:
    """What GRUB will pass: it takes away backslashes as a shell does."""
    line = must(r"grep -m 1 '^\s*linux\s.* memmap=' /boot/grub/grub.cfg")
    return [word for word in must(f'printf "%s\n" {line.strip()}').split()
            if word.startswith('memmap=')]


def boot(commands: List[str], parameters: List[str]) -> Result:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        path = Path(directory) / 'commands'
        path.write_text(json.dumps(commands))
        host = machine(Path(directory), parameters, make=Host)
        host.share = True
        host.memory = 6144 * MIB
        return host.run('/usr/bin/python3', str(SCRIPT), str(path),
                        timeout=1200)


def check_booted(tap: Tap, page: List[Block]) -> None:
    commands = [block.text for block in page if block.kind in BOOTED]
    parameters = boot_parameters()
    tap.check(len(parameters) == 1, "GRUB passes memmap= on", parameters)
    result = boot(commands, parameters)
    tap.check(result.status == 0 and not result.trouble,
              "the host runs without complaint",
              [*result.output.splitlines()[-10:], *result.trouble[:10]])
    booted, *results = json.loads(result.output.splitlines()[-1])
    tap.check(booted['status'] == 0, "the host has its own KVM at first",
              booted['output'].splitlines())
    locked_down, module = results[-2:]
    results = iter(results)
    last: Dict[str, Any] = {}
    for block in page:
        if block.kind in BOOTED:
            last = next(results)
            tap.check((last['status'] == 0) == (block.kind == 'booted'),
                      block.name, last['output'].splitlines()[-20:])
            if 'setpriv' in block.text:
                tap.check(int(last.get('capabilities', '0'), 16)
                          == 1 << CAP_SYS_RAWIO,
                          "QEMU has only this capability", [str(last)])
            elif '-run-with user=' in block.text:
                tap.check(int(last.get('capabilities', '-1'), 16) == 0,
                          "QEMU has no capability", [str(last)])
        elif block.kind in ('prints', 'monitor'):
            text = re.sub(r'^\(qemu\) .*\n', '', block.text)
            tap.check(prints(text, last['output']), f"prints {block.name}",
                      last['output'].splitlines()[-20:])
        elif block.kind == 'locked down':
            tap.check(locked_down['status'] != 0
                      and prints(block.text, locked_down['output']),
                      f"locked down: {block.name}",
                      locked_down['output'].splitlines())
            tap.check(module['status'] != 0,
                      "locked down: unsigned modules don't load",
                      module['output'].splitlines())


def split(page: List[Block]) -> Tuple[List[Block], List[Block]]:
    """What the root directory is told before and after the host runs."""
    first = next(number for number, block in enumerate(page)
                 if block.kind in BOOTED)
    last = max(number for number, block in enumerate(page)
               if block.kind in BOOTED)
    return ([block for block in page[:first] if block.kind == 'host'],
            [block for block in page[last:] if block.kind == 'host'])


def run(tap: Tap) -> None:
    page = blocks()
    left_out = unmarked()
    tap.check(not left_out, "each block of the page says what it is", left_out)
    before, after = split(page)
    release = prepare()
    for block in before:
        run_in_root(tap, block)
    check_booted(tap, page)
    for block in after:
        run_in_root(tap, block)
    taken = must(f'modinfo -k {release} -n kvm').strip()
    tap.check('/kernel/' in taken, "KVM is the distribution's again", [taken])


if __name__ == '__main__':
    enter()
    main(run)
