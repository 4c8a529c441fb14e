#!/usr/bin/env python3
# raminate-exporter serves all VMs, whatever VMs and clients do.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import socket
import subprocess
import threading
from typing import List
import urllib.request

from fakeqmp import Hanging, Saying, Servers, Silent, Vm, container
import debian
from toolslib import (PATIENCE, Exporter, Skip, check, check_in, exporter,
                      refused, resident_kib, run, run_tests, tool, wait_until)

CLIENTS = 50
MAX_CLIENTS = 100       # of the exporter's
LIMIT_KIB = 200 * 1024


def figures_have_labels(directory: Path) -> None:
    held = container('b', state='held', **{'held-because': 'why'})
    with Servers() as servers:
        servers.add(directory / 'one.sock', Vm('vm "1"\\\n', [container('a')]))
        servers.add(directory / 'two.sock', Vm(None, [held]))
        with exporter(directory / '*.sock') as server:
            text = server.scrape()
    socket_label = f'socket="{directory}/one.sock",vm="vm \\"1\\"\\\\\\n"'
    for line in (f'raminate_swaps_total{{{socket_label},container="a"}} 1234',
                 'container="a",tier="mram0",rank="1"} 3221225472',
                 'container="a",quantile="0.99"} 0.004',
                 'container="b",state="held"} 1',
                 'container="b",state="running"} 0',
                 'raminate_saved_slow_written_pages{'
                 f'{socket_label},container="a"}} 30000',
                 'container="a",slow_write_cost="100",placement="placed"} '
                 '12.5'):
        check_in(line, text)


def names_are_as_prometheus_wants(directory: Path) -> None:
    promtool = debian.promtool()
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm('\u6f22 \x1b"\\\n'))
        servers.add(directory / 'bad.sock', Saying(b'no'))
        with exporter(directory / '*.sock') as server:
            text = server.scrape()
    result = subprocess.run([promtool, 'check', 'metrics'], input=text,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding='utf-8', check=False)
    check(result.returncode == 0 and not result.stdout, result.stdout)


def vms_that_fail_do_not_hide_others(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'good.sock', Vm())
        servers.add(directory / 'silent.sock', Silent())
        servers.add(directory / 'hanging.sock', Hanging())
        servers.add(directory / 'not.sock', Saying(b'\0\n'))
        with exporter('-t', 3, directory / '*.sock') as server:
            text = server.scrape()
    for name, up in (('good', 1), ('silent', 0), ('hanging', 0), ('not', 0)):
        check_in(f'raminate_vm_up{{socket="{directory}/{name}.sock"}} {up}\n',
                 text)
    check_in('raminate_scans_total', text)


def vms_come_and_go(directory: Path) -> None:
    with Servers() as servers:
        with exporter(directory / '*.sock') as server:
            check(server.value('raminate_exporter_sockets') == 0, "a VM")
            servers.add(directory / 'vm.sock', Vm())
            wait_until(lambda: 'raminate_vm_up{' in server.scrape(), "a VM")
            servers.end(directory / 'vm.sock')
            wait_until(lambda: 'raminate_vm_up{' not in server.scrape(),
                       "its end")


def sockets_are_left_to_others(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        with exporter(directory / '*.sock') as server:
            server.scrape()
            check(servers.nr_clients() == 0, "the exporter stays connected")


def a_thousand_vms(directory: Path) -> None:
    with Servers() as servers:
        for number in range(1000):
            servers.add(directory / f'{number}.sock', Vm())
        with exporter('-t', 60, directory / '*.sock') as server:
            for _ in range(5):
                text = server.scrape()
                check_in('raminate_exporter_sockets 1000\n', text)
            memory = resident_kib(server.process.pid)
    check(memory < LIMIT_KIB, f"it takes {memory} KiB")


def fifty_clients_at_once(directory: Path) -> None:
    texts: List[str] = []
    with Servers() as servers:
        vm = servers.add(directory / 'vm.sock', Vm())
        with exporter(directory / '*.sock') as server:
            threads = [threading.Thread(
                target=lambda: texts.append(server.scrape()))
                for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
    check(len(texts) == CLIENTS, f"{len(texts)} got an answer")
    check(all('raminate_swaps_total' in text for text in texts), "no figures")
    check(len(vm.commands) < CLIENTS, "each client had the VM asked")


def connect(server: Exporter) -> socket.socket:
    return socket.create_connection(('127.0.0.1', server.port), PATIENCE)


def slow_readers_do_not_stop_others(directory: Path) -> None:
    with Servers() as servers:
        for number in range(100):
            servers.add(directory / f'{number}.sock', Vm())
        with exporter('-t', 60, directory / '*.sock') as server:
            slow = [connect(server) for _ in range(CLIENTS)]
            for sock in slow:
                sock.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
            for sock in slow:
                check(sock.recv(1) == b'H', "no answer")
            check_in('raminate_swaps_total', server.scrape())
            memory = resident_kib(server.process.pid)
            for sock in slow:
                sock.close()
    check(memory < LIMIT_KIB, f"it takes {memory} KiB")


def clients_that_say_nothing_are_dropped(directory: Path) -> None:
    with exporter(directory / '*.sock') as server:
        idle = [connect(server) for _ in range(2 * MAX_CLIENTS)]
        check_in('raminate_exporter_sockets 0', server.scrape())
        for sock in idle:
            sock.close()


def bad_requests_are_refused(directory: Path) -> None:
    requests = [
        (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'200'),
        (b'HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n', b'200'),
        (b'GET /other HTTP/1.1\r\nHost: x\r\n\r\n', b'404'),
        (b'GET /metrics/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
         b'404'),
        (b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
         b'405'),
        (b'DELETE / HTTP/1.1\r\nHost: x\r\n\r\n', b'405'),
        (b'GET /' + b'x' * 100000 + b' HTTP/1.1\r\nHost: x\r\n\r\n', b'414'),
        (b'GET / HTTP/1.1\r\nHost: x\r\nA: ' + b'x' * 100000 + b'\r\n\r\n',
         b'431'),
    ]
    with exporter(directory / '*.sock') as server:
        for request, status in requests:
            with connect(server) as sock:
                sock.sendall(request)
                answer = sock.recv(100).split(b' ')
            check(answer[1] == status, f"{request[:40]!r}: {answer}")
        for junk in (b'\0' * 5000, b'\r\n' * 5000, bytes(range(256)) * 50,
                     b'GET', b'GET /metrics HTTP/9.9\r\n\r\n',
                     b'GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n'):
            with connect(server) as sock:
                sock.sendall(junk)
                # It may have closed the connection by now.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(4096):
                        pass
        check_in('raminate_exporter_sockets', server.scrape())


def clients_may_leave_while_vms_are_asked(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Hanging())
        with exporter('-t', 1, directory / '*.sock') as server:
            for _ in range(CLIENTS):
                with connect(server) as sock:
                    sock.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
            check_in('raminate_exporter_sockets 1', server.scrape())


def libvirt_may_be_away(directory: Path) -> None:
    """And VMs with sockets are served all the same."""
    missing = run('raminate-exporter', '--connect', 'x:', '--listen',
                  '192.0.2.1:1')
    if 'built without libvirt' in missing.stderr:
        raise Skip("the exporter was built without libvirt")
    away = f'qemu+unix:///system?socket={directory}/none'
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for uri, value in ((away, 0), ('test:///default', 1)):
            with exporter('--connect', uri, '-e', '/none',
                          directory / '*.sock') as server:
                figures = server.scrape()
            check_in(f'raminate_libvirt_up{{uri="{uri}"}} {value}\n', figures)
            check_in('raminate_exporter_sockets 1\n', figures)
            check_in('raminate_swaps_total', figures)


def it_listens_on_loopback_only(directory: Path) -> None:
    with exporter(directory / '*.sock') as server:
        table = Path('/proc/net/tcp').read_text().splitlines()
        port = f':{server.port:04X}'
        local = [line.split()[1] for line in table if line.split()[3] == '0A']
    check([end for end in local if end.endswith(port)]
          == [f'0100007F{port}'], "it listens elsewhere")


def started_by_systemd(number: int, sock: socket.socket) -> List[str]:
    """A command that has what systemd hands to an activated service."""
    return ['sh', '-c', f'export LISTEN_PID=$$ LISTEN_FDS={number}; '
            f'exec "$@" 3<&{sock.fileno()}', 'sh', tool('raminate-exporter'),
            '--listen', '192.0.2.1:1']


def systemd_may_open_its_socket(directory: Path) -> None:
    with Servers() as servers, socket.socket() as sock:
        servers.add(directory / 'vm.sock', Vm())
        sock.bind(('127.0.0.1', 0))
        sock.listen()
        address = f'http://127.0.0.1:{sock.getsockname()[1]}/metrics'
        with subprocess.Popen(
                started_by_systemd(1, sock) + [str(directory / 'vm.sock')],
                pass_fds=[sock.fileno()], stdout=subprocess.PIPE,
                encoding='utf-8') as process:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                check_in('raminate_vm_up', answer.read().decode())
            process.terminate()
            check(process.wait(PATIENCE) == 0, process.returncode)
            assert process.stdout is not None
            check_in(f'port {sock.getsockname()[1]}\n', process.stdout.read())


def sockets_of_systemd_are_checked(_: Path) -> None:
    with socket.socket() as sock:
        for number, message in ((2, 'systemd has opened 2 sockets'),
                                (1, "systemd's socket is a connection")):
            result = subprocess.run(
                started_by_systemd(number, sock), pass_fds=[sock.fileno()],
                stderr=subprocess.PIPE, encoding='utf-8', timeout=PATIENCE,
                check=False)
            check(result.returncode == 1, result)
            check_in(message, result.stderr)
    # What another process was handed is not ours.
    other = run('raminate-exporter', '--listen', '192.0.2.1:1',
                env={**os.environ, 'LISTEN_PID': '1', 'LISTEN_FDS': '1'})
    check_in("can't listen on 192.0.2.1:1", other.stderr)


def wrong_options_are_refused(directory: Path) -> None:
    with exporter(directory / 'x') as server:
        taken = run('raminate-exporter', '--listen', server.address)
    check(taken.returncode == 1, taken.stderr)
    check_in("can't listen on 127.0.0.1", taken.stderr)
    for args in (['--listen', 'example.org:80'], ['--listen', ''],
                 ['--timeout', '0'], ['--nonsense'], ['--emulator', '/x']):
        refused('raminate-exporter', *args)


run_tests(figures_have_labels, names_are_as_prometheus_wants,
          vms_that_fail_do_not_hide_others, vms_come_and_go,
          sockets_are_left_to_others, a_thousand_vms, fifty_clients_at_once,
          slow_readers_do_not_stop_others,
          clients_that_say_nothing_are_dropped, bad_requests_are_refused,
          clients_may_leave_while_vms_are_asked, libvirt_may_be_away,
          it_listens_on_loopback_only, systemd_may_open_its_socket,
          sockets_of_systemd_are_checked,
          wrong_options_are_refused)
