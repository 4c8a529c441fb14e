#!/usr/bin/env python3
# libvirt runs a guest on hybrid memory as the operator's guide says.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
from typing import List
import xml.etree.ElementTree as ET

from document import blocks, replaced
from domain import NAME, Domain, one_host, xml
from libvirtlib import (Host, check, check_figures, finish_checker,
                        run_suites, wait_for_passes)

ARGUMENTS = './/{http://libvirt.org/schemas/domain/qemu/1.0}arg'
FOLDER = '/var/lib/libvirt/images'


def run_block(host: Host, heading: str, number: int = 0) -> str:
    """Output of the commands that the guide shows."""
    return host.run('sh', '-ec', f'cd {FOLDER}\n' + blocks(heading)[number])


def arguments(text: str) -> List[str]:
    return [node.attrib['value'] for node in ET.fromstring(text).findall(
        ARGUMENTS)]


def look(domain: Domain) -> None:
    """Pages move, and nothing is lost."""
    domain.wait_for_swaps(2000)
    wait_for_passes(domain)
    check_figures(domain.raminate())


def runs_as_documented(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        host.write(f'{FOLDER}/hybrid.xml', xml())
        output = run_block(host, 'Start and look')
        for words in ('dmcon0: 192 MiB, running', '"mover": "mmap"',
                      'hybrid  dmcon0     running', 'nvm        /var/lib/ramin',
                      'pages-written-slow'):
            check(words in output, f"'{words}' is not in:\n{output}")
        run_block(host, 'Start and look', 1)
        domain = Domain(host)
        figures = domain.raminate()
        check(figures['scan-period'] == 500 and
              figures['swap-period'] == 1000, figures)
        domain.console.wait('checker: started')
        dumped = host.run('virsh', 'dumpxml', NAME)
        check(arguments(dumped) == arguments(xml()) and len(
            arguments(dumped)) == 10, dumped)
        check("machine='pc-q35-" in dumped, dumped)
        look(domain)

        host.stop_libvirtd()
        host.start_libvirtd()
        look(domain)
        finish_checker(domain)


def ordinary_xml() -> str:
    """The domain of the test, without what makes its memory hybrid."""
    return replaced(
        re.sub(r' xmlns:qemu=.*?>', '>',
               re.sub(r' *<qemu:commandline>.*</qemu:commandline>\n', '',
                      xml(), flags=re.S)),
        {'/usr/local/bin/qemu-system-x86_64': '/usr/local/bin/./'
         'qemu-system-x86_64'})


def an_ordinary_domain_is_made_hybrid(directory: Path, suite: str) -> None:
    """By the commands that the guide shows, and back."""
    heading = 'An ordinary domain, and back'
    with one_host(directory, suite) as host:
        host.write('/etc/raminate/pools.conf', replaced(
            blocks('Pools')[0], {'dram=1G': 'dram=20M', 'nvm=3G': 'nvm=172M'}))
        domain = Domain(host)
        domain.define(ordinary_xml())
        run_block(host, heading)
        domain.start()
        info = domain.raminate()
        check(info['state'] == 'running' and
              [tier['size'] for tier in info['tiers']] == [20 << 20,
                                                           172 << 20], info)
        host.run('virsh', 'destroy', NAME)
        run_block(host, heading, 1)
        dumped = host.run('virsh', 'dumpxml', '--inactive', NAME)
        check('qemu:' not in dumped, dumped)


def goes_on_after_save_and_restore(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        domain = Domain(host)
        domain.start_checker()
        look(domain)
        pid = domain.pid()
        for commands in blocks('Save and restore')[0].split('\n\n'):
            begin, end = commands.splitlines()
            host.run('sh', '-ec', begin)
            check(domain.state() == 'shut off', "it still runs")
            check(NAME not in host.run('raminate-pool', 'list'),
                  "its ranges are still taken")
            host.run('sh', '-ec', end)
            check(domain.pid() != pid, "it is the same process")
            domain = Domain(host)
            look(domain)
        finish_checker(domain)


def other_commands_work(directory: Path, suite: str) -> None:
    """Those that the guide mentions in passing."""
    with one_host(directory, suite) as host:
        domain = Domain(host)
        domain.start_checker()
        look(domain)
        host.run('virsh', 'suspend', NAME)
        check(domain.raminate()['state'] == 'held', domain.raminate())
        host.run('virsh', 'resume', NAME)
        host.run('virsh', 'dump', NAME, f'{FOLDER}/core', '--memory-only')
        host.run('virsh', 'snapshot-create-as', NAME, 'one')
        look(domain)
        host.run('virsh', 'snapshot-revert', NAME, 'one')
        domain = Domain(host)
        look(domain)
        finish_checker(domain)


run_suites(runs_as_documented, an_ordinary_domain_is_made_hybrid,
           goes_on_after_save_and_restore, other_commands_work)
