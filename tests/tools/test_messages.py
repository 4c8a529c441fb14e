#!/usr/bin/env python3
# The messages that the troubleshooting page tells are those of the programs.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
from typing import List, Set

from toolslib import check, paths, run_tests, section


def source_strings(*folders: str) -> str:
    """All texts in C sources, with those joined that the compiler joins."""
    texts: List[str] = []
    for folder in folders:
        for path in (paths.SOURCE / folder).rglob('*.c'):
            code = re.sub(r'"\s*(PRI\w+|G_G\w+_FORMAT)?\s*"', '',
                          path.read_text())
            texts += re.findall(r'"((?:[^"\\]|\\.)*)"', code)
    return '\n'.join(texts)


def phrases_in(text: str) -> Set[str]:
    cells = re.findall(r'^\| (`[^|]*`) \|', text, re.M)
    return {phrase for cell in cells
            for phrase in re.findall('`([^`]+)`', cell)}


def messages_are_those_of_the_source(_: Path) -> None:
    text = (paths.SOURCE / 'docs' / 'troubleshooting.md').read_text()
    heading = "\n## QEMU's own messages\n"
    of_qemu = section(text, heading, '\n## ')
    for part, folders, least in (
            (text.replace(of_qemu, ''),
             ('backends', 'hw/raminate', 'tools'), 50),
            (of_qemu, [f'qemu/src/{name}' for name in
                       ('hw/core', 'qapi', 'qom', 'util')], 4)):
        phrases = phrases_in(part)
        check(len(phrases) > least, f"{len(phrases)} messages")
        strings = source_strings(*folders)
        missing = sorted(phrase for phrase in phrases
                         if phrase not in strings)
        check(not missing, f"no such message: {missing}")


run_tests(messages_are_those_of_the_source)
