# QMP servers that answer, hang, break off or talk nonsense.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import copy
import json
from pathlib import Path
import selectors
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional

GREETING = {'QMP': {'version': {'qemu': {'micro': 13, 'minor': 0,
                                         'major': 10}, 'package': ''},
                    'capabilities': ['oob']}}
GIB = 1 << 30
TIMES = {'count': 7, 'last': 1500000, 'mean': 2000000, 'p50': 1900000,
         'p90': 3000000, 'p99': 4000000, 'max': 5000000, 'total': 14000000}


def tier(name: str, rank: int, size: int, written: int) -> Dict[str, Any]:
    return {'id': name, 'rank': rank, 'mem-path': '/dev/mem',
            'phy-offset': 0x100000000 + rank * GIB, 'offset': rank * GIB,
            'size': size, 'pages': size // 4096, 'written': written,
            'total-written': 100 * written}


def container(name: str = 'dmcon0', **more: Any) -> Dict[str, Any]:
    """An entry of query-raminate."""
    return {'id': name, 'size': 4 * GIB, 'page-size': 4096,
            'state': 'running', 'policy': 'cmq', 'sampler': 'dirty-log',
            'sampler-reason': 'no KVM extension', 'mover': 'mmap',
            'mover-reason': 'no KVM extension', 'scan-period': 1000,
            'swap-period': 5000, 'life-time': 5000, 'max-swaps': 1000,
            'reverse-window': 60000, 'max-cpu': 10,
            'fault-budget': 5000,
            'tiers': [tier('dram0', 0, GIB, 300),
                      tier('mram0', 1, 3 * GIB, 100)],
            'bytes-per-page': 32, 'memory': 2097152, 'scans': 100, 'scans-put-off': 3, 'pages-written': 40000,
            'slow-share': 25.0, 'slow-share-last': 25.0, 'batches': 20,
            'batches-given-up': 4, 'swaps': 1234, 'swaps-failed': 0, 'swaps-busy': 0, 'swaps-no-room': 0, 'swaps-reversed': 5,
            'swaps-held': 0, 'pages-failed': 0, 'pages-astray': 0, 'watch-faults': 0,
            'huge-pages': 0, 'huge-splits': 0, 'huge-collapses': 0,
            'huge-moves': 0,
            'pages-adopted': 0, 'pages-resized': 0, 'pages-to-resize': 0,
            'slow-writes-saved': 30000, 'slow-writes-by-swaps': 1234,
            'energy': [{'slow-write-cost': cost, 'dram-only': 5,
                        'unmoved': 0.5 * cost, 'placed': 0.125 * cost}
                       for cost in (10, 100, 1000)],
            'mappings': 10, 'mappings-limit': 60000,
            'scan-time': TIMES, 'batch-time': TIMES, 'pause-time': TIMES,
            'main-loop-time': TIMES, 'cpu-time': TIMES,
            **more}


class Client:
    """What a server knows of a connection."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.buffer = b''

    def send(self, message: object) -> None:
        self.send_bytes(json.dumps(message).encode() + b'\r\n')

    def send_bytes(self, data: bytes) -> None:
        self.sock.setblocking(True)
        try:
            self.sock.sendall(data)
        except OSError:
            pass
        self.sock.setblocking(False)


class Vm:
    """A fake VM; subclasses misbehave."""

    def __init__(self, name: Optional[str] = None,
                 containers: Optional[List[Dict[str, Any]]] = None):
        self.name = name
        self.containers = containers or [container()]
        self.commands: List[Dict[str, Any]] = []

    def greet(self, client: Client) -> None:
        client.send(GREETING)

    def answer(self, client: Client, message: Dict[str, Any]) -> None:
        command = message['execute']
        if command != 'qmp_capabilities':
            self.commands.append(message)
        method: Optional[Callable[[Dict[str, Any]], object]] = getattr(
            self, 'do_' + command.replace('-', '_'), None)
        if method is None:
            client.send({'error': {'class': 'CommandNotFound',
                                   'desc': f'{command} not found'},
                         'id': message['id']})
        else:
            client.send({'return': method(message.get('arguments', {})),
                         'id': message['id']})

    def do_qmp_capabilities(self, _: Dict[str, Any]) -> object:
        return {}

    def do_query_name(self, _: Dict[str, Any]) -> object:
        return {'name': self.name} if self.name else {}

    def do_query_raminate(self, _: Dict[str, Any]) -> object:
        answer = copy.deepcopy(self.containers)
        for entry in self.containers:
            entry['scans'] += 1
            for one in entry['tiers']:
                one['total-written'] += one['written']
        return answer

    def do_query_raminate_map(self, arguments: Dict[str, Any]) -> object:
        pages = 1 << 20
        buckets = arguments['buckets']
        each = -(-pages // buckets)
        heats = [0, 20, 60, 200]
        return {'id': arguments['id'], 'pages': pages,
                'pages-per-bucket': each, 'tiers': ['dram0', 'mram0'],
                'buckets': [{'tiers': [each, 0] if i % 3 == 0 else
                             [each // 5, each - each // 5] if i % 3 == 1
                             else [0, each],
                             'heat': heats[i // 3 % 4], 'hottest': 255}
                            for i in range(-(-pages // each))]}

    def do_query_raminate_working_set(self, arguments: Dict[str, Any]
                                      ) -> object:
        return {'id': arguments['id'], 'since': 7200000, 'granule': 131072,
                'minute': 512 << 20, 'ten-minutes': 768 << 20,
                'hour': 3 << 29,
                'enough': [{'share': share, 'size': size << 20}
                           for share, size in ((50, 128), (90, 1024),
                                               (100, 1536))]}

    def do_query_raminate_moves(self, arguments: Dict[str, Any]) -> object:
        return [{'page': 17, 'ms-ago': 11000, 'reason': 'demote',
                 'policy': 'cmq', 'from': 'dram0', 'to': 'mram0',
                 'with': 9000, 'heat': 0},
                {'page': 9000, 'ms-ago': 11000, 'reason': 'promote',
                 'policy': 'cmq', 'from': 'mram0', 'to': 'dram0', 'with': 17,
                 'heat': 201},
                {'page': 5, 'ms-ago': 3600000, 'reason': 'resize',
                 'from': 'dram0', 'to': 'mram0', 'heat': 3}][
                     :arguments['max']]

    def do_query_raminate_page(self, arguments: Dict[str, Any]) -> object:
        return {'page': arguments['page'], 'tier': 'mram0', 'heat': 201,
                'failed': False,
                'why': f"It is in mram0 because page {arguments['page']} was "
                       "found written 5 times, last 1.0 s ago, so that it is "
                       "in queue 2 of 0 to 7, and stays; it has not moved "
                       "lately.",
                'reasons': {'policy': 'cmq', 'queue': 2}}

    def do_qom_set(self, arguments: Dict[str, Any]) -> object:
        name = arguments['path'].rpartition('/')[2]
        for entry in self.containers:
            if entry['id'] == name:
                if arguments['property'] == 'monitor':
                    entry['state'] = ('running' if arguments['value']
                                      else 'off')
                else:
                    entry[arguments['property']] = arguments['value']
        return {}


class Silent(Vm):
    """Never says a word."""

    def greet(self, client: Client) -> None:
        pass

    def answer(self, client: Client, message: Dict[str, Any]) -> None:
        pass


class Hanging(Vm):
    """Greets, but does not answer."""

    def answer(self, client: Client, message: Dict[str, Any]) -> None:
        if message['execute'] == 'qmp_capabilities':
            super().answer(client, message)


class Saying(Vm):
    """Sends these bytes as a greeting."""

    def __init__(self, data: bytes, close: bool = False):
        super().__init__()
        self.data = data
        self.close = close

    def greet(self, client: Client) -> None:
        client.send_bytes(self.data)
        if self.close:
            client.sock.shutdown(socket.SHUT_RDWR)


class Answering(Vm):
    """Answers query-raminate with these bytes."""

    def __init__(self, data: bytes, close: bool = False):
        super().__init__()
        self.data = data
        self.close = close

    def answer(self, client: Client, message: Dict[str, Any]) -> None:
        if message['execute'] != 'query-raminate':
            super().answer(client, message)
            return
        client.send_bytes(self.data.replace(b'ID',
                                            b'%d' % message['id']))
        if self.close:
            client.sock.shutdown(socket.SHUT_RDWR)


class Servers:
    """Serves any number of fake VMs from one thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listeners: Dict[Path, socket.socket] = {}
        self._clients: Dict[socket.socket, Client] = {}
        self._vms: Dict[socket.socket, Vm] = {}
        self._ending: Dict[Path, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> 'Servers':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b'x')
        self._thread.join()
        for sock in [*self._vms, self._wake, self._woken]:
            sock.close()
        for path in self._listeners:
            path.unlink()
        self._selector.close()

    def add(self, path: Path, vm: Vm) -> Vm:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(16)
        listener.setblocking(False)
        with self._lock:
            self._listeners[path] = listener
            self._vms[listener] = vm
            self._selector.register(listener, selectors.EVENT_READ)
        return vm

    def end_soon(self, path: Path, reason: str) -> None:
        """For use by a VM: it ends when its answer has been sent."""
        self._ending[path] = reason

    def end(self, path: Path, reason: Optional[str] = None,
            unlink: bool = True) -> None:
        """The VM ends, as one that is shut down."""
        with self._lock:
            vm = self._vms[self._listeners[path]]
            if unlink:
                path.unlink()
            for sock in [sock for sock, other in self._vms.items()
                         if other is vm]:
                if reason and sock in self._clients:
                    self._clients[sock].send(
                        {'event': 'SHUTDOWN',
                         'data': {'guest': True, 'reason': reason},
                         'timestamp': {'seconds': 1, 'microseconds': 2}})
                self._drop(sock)
            del self._listeners[path]

    def nr_clients(self) -> int:
        """Waits until connections that were closed are seen as such."""
        end = time.monotonic() + 60
        while self._clients and time.monotonic() < end:
            time.sleep(0.05)
        return len(self._clients)

    def _drop(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)
        self._clients.pop(sock, None)
        del self._vms[sock]
        sock.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    return
                with self._lock:
                    # Another's end may have come in between.
                    if key.fileobj in self._vms:
                        self._serve(key.fileobj)    # type: ignore
            while self._ending:
                self.end(*self._ending.popitem())

    def _serve(self, sock: socket.socket) -> None:
        vm = self._vms[sock]
        if sock not in self._clients:
            client, _ = sock.accept()
            client.setblocking(False)
            self._vms[client] = vm
            self._clients[client] = Client(client)
            self._selector.register(client, selectors.EVENT_READ)
            vm.greet(self._clients[client])
            return
        try:
            data = sock.recv(65536)
        except OSError:
            data = b''
        if not data:
            self._drop(sock)
            return
        client_state = self._clients[sock]
        client_state.buffer += data
        *lines, client_state.buffer = client_state.buffer.split(b'\n')
        for line in lines:
            vm.answer(client_state, json.loads(line))
