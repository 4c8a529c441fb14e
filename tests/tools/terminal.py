# A terminal of tmux's with a program in it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import itertools
import os
from pathlib import Path
import shutil
import subprocess
from typing import Iterator

from toolslib import Skip, wait_until

SHELL_LEFT = 'status='
NUMBERS = itertools.count()


class Terminal:
    """Shows a command; when that ends, its status and the terminal's."""

    def __init__(self, directory: Path, command: str, columns: int,
                 lines: int, term: str):
        number = next(NUMBERS)
        # A server that ends takes its time to let go of its socket.
        self._socket = directory / f'tmux{number}'
        self._pid = directory / f'pid{number}'
        run = directory / f'run{number}'
        run.write_text(f"echo $$ >{self._pid}\nexec {command}\n")
        script = directory / f'script{number}'
        script.write_text(f"export TERM={term} LC_ALL=C.UTF-8\n"
                          f"echo before\n"
                          f"sh {run}\n"
                          f"echo {SHELL_LEFT}$?\n"
                          f"stty -a\n"
                          f"exec sleep 600\n")
        self._tmux('-f', '/dev/null', 'new-session', '-d',
                   '-x', str(columns), '-y', str(lines), f'sh {script}')

    def _tmux(self, *args: str) -> str:
        return subprocess.run(['tmux', '-u', '-S', str(self._socket), *args],
                              check=True, stdout=subprocess.PIPE,
                              encoding='utf-8').stdout

    def text(self) -> str:
        return self._tmux('capture-pane', '-p')

    def coloured(self) -> str:
        """The same, with escape sequences."""
        return self._tmux('capture-pane', '-e', '-p')

    def keys(self, *keys: str) -> None:
        self._tmux('send-keys', *keys)

    def resize(self, columns: int, lines: int) -> None:
        self._tmux('resize-window', '-x', str(columns), '-y', str(lines))

    def wait(self, text: str) -> str:
        """Waits until the screen shows it."""
        try:
            wait_until(lambda: text in self.text(), text)
        except AssertionError as err:
            raise AssertionError(f"'{text}' is not on the screen:\n"
                                 f"{self.text()}") from err
        return self.text()

    def kill(self, number: int) -> None:
        os.kill(self.pid(), number)

    def pid(self) -> int:
        """Of the command."""
        return int(self._pid.read_text())

    def close(self) -> None:
        self._tmux('kill-server')


@contextlib.contextmanager
def terminal(directory: Path, command: str, columns: int = 80,
             lines: int = 24, term: str = 'screen-256color'
             ) -> Iterator[Terminal]:
    if not shutil.which('tmux'):
        raise Skip("there is no tmux")
    shown = Terminal(directory, command, columns, lines, term)
    try:
        yield shown
    finally:
        shown.close()
