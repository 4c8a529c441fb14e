#!/usr/bin/env python3
# The exporter reads domains through libvirt, whatever they and libvirt do.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re

from document import METRICS, blocks
from domain import NAME, Domain, one_host, xml
from libvirtlib import Host, check, run_suites, wait_until

[COMMAND] = [block.strip() for block in blocks('Set it up', METRICS)
             if '--connect' in block]
PORT = 9958
SCRAPE = f'''
import urllib.request
with urllib.request.urlopen('http://127.0.0.1:{PORT}/metrics') as answer:
    print(answer.read().decode())
'''
MONITOR = re.compile(r"<qemu:arg value='-qmp'/>\s*<qemu:arg value='unix:.*?/>",
                     re.S)
# Of another QEMU, so that the exporter is not to touch it.
OTHER = '''
<domain type='qemu'>
  <name>other</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices><emulator>/usr/local/bin/other-qemu</emulator></devices>
</domain>'''


class Exporter:
    """One that runs on a host and asks its domains."""

    def __init__(self, host: Host):
        self.host = host
        host.run('sh', '-c', f'{COMMAND} >/run/exporter.log 2>&1 & '
                 'echo $! >/run/exporter.pid')
        wait_until(lambda: 'serves' in self.said(), "the exporter")

    def said(self) -> str:
        return self.host.run('cat', '/run/exporter.log')

    def scrape(self) -> str:
        return self.host.run('python3', '-c', SCRAPE)

    def scrape_anew(self) -> str:
        """Scrapes that come soon after each other have the same figures."""
        old = self.scrape()
        wait_until(lambda: self.scrape() != old, "new figures")
        return self.scrape()

    def wait_for(self, line: str) -> None:
        wait_until(lambda: f'\n{line}\n' in self.scrape(), line)

    def end(self) -> None:
        self.host.run('sh', '-c', 'kill $(cat /run/exporter.pid) && while '
                      '[ -e /proc/$(cat /run/exporter.pid) ]; do sleep 0.1; '
                      'done')


def up(value: int, where: str = f'libvirt:{NAME}') -> str:
    return f'raminate_vm_up{{socket="{where}"}} {value}'


def a_domain_needs_no_socket(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        host.run('sh', '-c', 'cp "$(realpath /usr/local/bin/'
                 'qemu-system-x86_64)" /usr/local/bin/other-qemu')
        domain = Domain(host)
        text, count = MONITOR.subn('', xml())
        check(count == 1 and '-qmp' not in text, text)
        domain.define(text)
        domain.start()
        domain.define(OTHER)
        host.run('virsh', 'start', 'other')
        exporter = Exporter(host)
        figures = exporter.scrape()
        for line in ('raminate_exporter_sockets 1\n',
                     'raminate_libvirt_up{uri="qemu:///system"} 1\n',
                     up(1) + '\n',
                     f'raminate_vm_info{{socket="libvirt:{NAME}",vm="{NAME}"',
                     f'raminate_container_size_bytes{{socket="libvirt:{NAME}"'
                     f',vm="{NAME}",container="dmcon0"}} {192 << 20}\n'):
            check(line in figures, f"'{line}' is not in:\n{figures}")
        tainted = host.run('cat', '/var/log/libvirt/qemu/other.log')
        check('tainted' not in tainted, tainted)
        # A VM that hangs has its thread in libvirt, and no other.
        host.run('sh', '-c', f'kill -STOP {domain.pid()}')
        exporter.wait_for(up(0))
        threads = count_threads(exporter)
        for _ in range(5):
            figures = exporter.scrape_anew()
            check(up(0) in figures, figures + exporter.said())
        check(count_threads(exporter) <= threads, "threads are left")
        host.run('sh', '-c', f'kill -CONT {domain.pid()}')
        exporter.wait_for(up(1))
        host.run('virsh', 'destroy', NAME)
        wait_until(lambda: 'raminate_vm_up{' not in exporter.scrape(),
                   "its end")
        exporter.end()


def count_threads(exporter: Exporter) -> int:
    return len(exporter.host.run(
        'sh', '-c', 'ls /proc/$(cat /run/exporter.pid)/task').split())


def a_domain_with_a_socket_counts_once(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        domain = Domain(host)
        domain.define(xml())
        domain.start()
        exporter = Exporter(host)
        figures = exporter.scrape()
        check('raminate_exporter_sockets 2\n' in figures, figures)
        check(len(re.findall(r'^raminate_vm_up\{', figures, re.M)) == 1 and
              len(re.findall(r'^raminate_swaps_total\{', figures,
                             re.M)) == 1, figures)
        exporter.end()


def libvirt_comes_and_goes(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        domain = Domain(host)
        domain.define(MONITOR.sub('', xml()))
        domain.start()
        host.stop_libvirtd()
        exporter = Exporter(host)
        check('raminate_libvirt_up{uri="qemu:///system"} 0\n' in
              exporter.scrape(), "it is up")
        exporter.scrape()
        check(exporter.said().count("libvirt at 'qemu:///system'") == 1,
              exporter.said())
        for _ in range(2):
            host.start_libvirtd()
            exporter.wait_for(up(1))
            host.stop_libvirtd()
            exporter.wait_for('raminate_libvirt_up{uri="qemu:///system"} 0')
        exporter.end()


run_suites(a_domain_needs_no_socket, a_domain_with_a_socket_counts_once,
           libvirt_comes_and_goes)
