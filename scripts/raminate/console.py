# Reads and writes a guest's serial console.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
import re
import select
import socket
import time
from typing import Callable, Optional

TROUBLE = re.compile(r'checker: (?:ERROR|FAIL)|Kernel panic|\bBUG:|\bOops\b|'
                     r'WARNING: CPU|general protection fault|segfault at|'
                     r'Machine check|I/O error|killed by signal|'
                     r'init: cannot|rcu: INFO')


# How many times as long a wait may take if the guest goes on meanwhile: more
# than once in an emulated host, which may be kept waiting itself
STRETCH = int(os.environ.get('RAMINATE_STRETCH', '1'))


class GuestTrouble(Exception):
    """The guest reports an error, or does not say what was expected."""


class Patience:
    """Lasts for some seconds, and again if the sign has changed in them."""

    def __init__(self, seconds: float, sign: Callable[[], object],
                 stretch: int = STRETCH):
        self._seconds = seconds
        self._sign = sign
        self._left = stretch
        self._last = sign() if stretch > 1 else None
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        if time.monotonic() < self._end:
            return False
        self._left -= 1
        last = self._last
        if self._left > 0:
            self._last = self._sign()
        if self._last == last:
            return True
        self._end += self._seconds
        return False


class Console:
    """All that the guest has printed, and a way to answer.

    The sign of life changes as long as the guest runs, whatever it prints.
    """

    def __init__(self, sock: socket.socket,
                 sign: Callable[[], object] = lambda: None):
        self._sock = sock
        self._sock.setblocking(False)
        self._sign = sign
        self._seen = 0
        self.text = ''

    def patience(self, seconds: float) -> Patience:
        """As long as the guest may take for something."""
        return Patience(seconds, lambda: (len(self.text), self._sign()))

    def send(self, line: str) -> None:
        self._sock.setblocking(True)
        self._sock.sendall(line.encode() + b'\n')
        self._sock.setblocking(False)

    def read(self, timeout: float = 0) -> bool:
        """Takes in what has come; false once the guest has closed it."""
        if select.select([self._sock], [], [], timeout)[0]:
            try:
                data = self._sock.recv(65536)
            except ConnectionResetError:
                data = b''
            self.text += data.decode(errors='replace').replace('\r', '')
            return bool(data)
        return True

    def skip(self) -> None:
        """Lets the next wait look only at what comes from now on."""
        self.read()
        self._seen = len(self.text)

    def wait(self, pattern: str, timeout: float = 120) -> 're.Match[str]':
        """Waits for new output that matches; trouble ends the wait."""
        patience = self.patience(timeout)
        while True:
            match = re.compile(pattern).search(self.text, self._seen)
            if match:
                self._seen = match.end()
                return match
            self.check()
            if patience.is_over():
                raise GuestTrouble(f"no '{pattern}' on the console after "
                                   f"{timeout:.0f} s:\n{self.tail()}")
            if not self.read(0.2):
                raise GuestTrouble(f"QEMU ended before '{pattern}' came:\n"
                                   + self.tail())

    def check(self) -> None:
        """Raises if the guest has reported any error so far."""
        trouble = self.trouble()
        if trouble:
            self.read(1)    # what belongs to it
            raise GuestTrouble(f"the guest reports: {trouble}\n"
                               + self.tail())

    def trouble(self) -> Optional[str]:
        """The first line that reports an error, once it is complete."""
        lines = self.text.split('\n')[:-1]
        return next((line for line in lines if TROUBLE.search(line)), None)

    def tail(self) -> str:
        return '\n'.join('    ' + line
                         for line in self.text.splitlines()[-20:])
