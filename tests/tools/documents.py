# What is in a document that can be tried: its blocks of commands.
#
# A comment before a block says what becomes of it:
#
#   <!-- run -->                    run here; each line must work
#   <!-- run with a guest at ... -->    likewise, beside a running guest
#   <!-- run in a copy of the source -->
#   <!-- background: TEXT -->       started here; it must print TEXT
#   <!-- screen: TEXT -->           run on a terminal, which must show TEXT
#   <!-- monitor -->                lines after (qemu) go to a guest's monitor
#   <!-- qmp -->                    what follows -> goes to a guest's QMP
#   <!-- file PATH -->              becomes that file of the source's copy
#   <!-- run by PATH -->            another test does
#   <!-- not run: REASON -->
#
# Likewise in a manual page, with .\" before an example.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
import re
import shutil
import textwrap
from typing import List

COMMENT = re.compile(r'<!-- (.*) -->')
EXAMPLE = re.compile(r'(?:^\.\\" ([^\n]*)\n)?^\.EX\n(.*?)^\.EE$',
                     re.M | re.S)
KINDS = re.compile(r'(run|run (with|in|by) .+|(background|screen|not run): .+'
                   r'|monitor|qmp|file .+)')
# What is no file of this host, but a command all the same.
PROGRAMS = re.compile(r'make|cd|sudo|\./.*|(build|scripts|tests)/.*'
                      r'|raminate-.*|qemu-.*|\(qemu\)|->|virsh|prom\w+')


@dataclass
class Block:
    """A piece of code in a document."""
    document: str
    line: int
    kind: str       # of the comment before it, or ''
    text: str

    @property
    def where(self) -> str:
        return f'{self.document}:{self.line}'

    def has_commands(self) -> bool:
        """Whether any line looks like a command."""
        words = [line.split()[0] for line in self.text.splitlines()
                 if line.strip() and not line.startswith((' ', '#'))]
        return any(PROGRAMS.fullmatch(word) or shutil.which(word)
                   for word in words)


def blocks(document: Path) -> List[Block]:
    """All code in a document, fenced or indented, or a page's examples."""
    if document.suffix == '.md':
        return _code_of(document)
    return _examples_of(document)


def _examples_of(page: Path) -> List[Block]:
    text = page.read_text()
    return [Block(page.name, text.count('\n', 0, match.start(2)) + 1,
                  match.group(1) or '',
                  match.group(2).replace('\\-', '-').replace('\\(aq', "'"))
            for match in EXAMPLE.finditer(text)]


def _code_of(document: Path) -> List[Block]:
    found: List[Block] = []
    lines: List[str] = []
    kind, start, fence = '', 0, False
    text = document.read_text().splitlines()
    for number, line in enumerate([*text, 'end'], 1):
        comment = COMMENT.fullmatch(line.strip())
        if line.startswith('```'):
            fence = not fence
            if fence:
                start = number
                continue
        elif fence or line.startswith('    ') or (lines and not line):
            start = start or number
            lines.append(line if fence else line[4:])
            continue
        if lines:
            found.append(Block(document.name, start, kind,
                               textwrap.dedent('\n'.join(lines)).rstrip()
                               + '\n'))
            kind, lines = '', []
        start = 0
        if comment:
            kind = comment.group(1)
        elif line and not line.startswith('```'):
            kind = ''
    return found
