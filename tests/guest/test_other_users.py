#!/usr/bin/env python3
# Devices that keep data in guest memory or share it with other processes are
# served, or refused before anything is lost.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import re
import subprocess
from typing import Iterator, List

from guestlib import (MIB, ExecuteError, Guest, check, run_tests, two_tiers,
                      wait_until)
from raminate import paths
from raminate.guest import PAGE_SIZE
from vhostuser import Backend

KEPT = b'kept data'
SIZE = 64 * MIB
FAKE_VDPA = paths.BUILD / 'tests' / 'guest' / 'libfake-vdpa.so'
HOTPLUG = ['-machine', 'pc,nvdimm=on', '-m', '128M,slots=4,maxmem=2G']
PERSISTENT = ['nvdimm,memdev=m', 'virtio-pmem-pci,memdev=m',
              'ivshmem-plain,memdev=m', 'acpi-erst,memdev=m',
              'nvme,serial=n,pmrdev=m']
CXL = ['-machine', 'q35,cxl=on', '-m', '128M,slots=4,maxmem=2G',
       '-device', 'pxb-cxl,id=bus,bus_nr=12,bus=pcie.0',
       '-device', 'cxl-rp,id=root,bus=bus,port=0,chassis=0,slot=2',
       '-object', f'memory-backend-ram,id=other,size={SIZE}']
GAP = "'m' has a gap: no tier covers offset 0x4000000"


def refusal(*args: object, lines: int = 1) -> str:
    """What QEMU says before it exits with status 1."""
    # One that starts in spite of all is not waited for.
    result = subprocess.run(
        [paths.require_qemu(), '-accel', 'tcg', '-display', 'none',
         '-nodefaults', '-monitor', 'stdio', *map(str, args)],
        input='quit\n', stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        encoding='utf-8', timeout=240, check=False)
    check(result.returncode == 1, result)
    check(result.stderr.count('\n') == lines, result.stderr)
    return result.stderr


def refused(guest: Guest, command: str, **arguments: object) -> str:
    try:
        guest.cmd(command, **arguments)
    except ExecuteError as err:
        return str(err)
    raise AssertionError(f"{command} {arguments} was accepted")


def devmem(directory: Path, options: str = '') -> List[str]:
    """A file with data, as memory of its own."""
    path = directory / 'kept'
    if not path.exists():
        with path.open('wb') as file:
            file.truncate(SIZE)
            file.seek(4096)
            file.write(KEPT)
    return ['-object', f'memory-backend-devmem,id=m,size={SIZE},'
                       f'mem-path={path}{options}']


def is_kept(directory: Path) -> bool:
    with (directory / 'kept').open('rb') as file:
        file.seek(4096)
        return file.read(len(KEPT)) == KEPT


def persistent_devices_refuse_what_is_scrubbed(directory: Path) -> None:
    for device in PERSISTENT:
        said = refusal(*HOTPLUG, *devmem(directory), '-device', device)
        check("'m': scrub=on" in said and 'set scrub=off' in said, said)
        check(is_kept(directory), f"{device}: the data is gone")


def volatile_devices_get_what_is_scrubbed(directory: Path) -> None:
    with Guest(directory, None, [*HOTPLUG, *devmem(directory), '-device',
                                 'pc-dimm,memdev=m']) as guest:
        guest.launch()
        check(not is_kept(directory), "the guest can see earlier data")


def persistent_devices_keep_data_without_scrub(directory: Path) -> None:
    for device in PERSISTENT:
        if device.startswith('acpi-erst'):
            continue    # It formats what it doesn't know.
        with Guest(directory, None, [*HOTPLUG,
                                     *devmem(directory, ',scrub=off'),
                                     '-device', device]) as guest:
            guest.launch()
        check(is_kept(directory), f"{device}: the data is gone")


def containers_are_refused_for_persistent_data(directory: Path) -> None:
    container = two_tiers(directory, 64 * MIB, 16 * MIB, name='m')
    for device in PERSISTENT:
        said = refusal(*HOTPLUG, *container.args(), '-device', device)
        check("'m' doesn't keep its contents" in said, said)


def persistent_cxl_memory_is_refused(directory: Path) -> None:
    container = two_tiers(directory, 64 * MIB, 16 * MIB, name='m')
    for memory, because in (
            (container.args(), "'m' doesn't keep its contents"),
            (devmem(directory), "'m': scrub=on")):
        for use in ('persistent-memdev=m,lsa=other',
                    'persistent-memdev=other,lsa=m'):
            said = refusal(*CXL, *memory, '-device',
                           f'cxl-type3,bus=root,{use}')
            check(because in said, f"{use}: {said}")
            check(is_kept(directory), f"{use}: the data is gone")
            check(is_kept(directory), f"{use}: the data is gone")


def volatile_cxl_memory_may_be_a_container(directory: Path) -> None:
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m')
    with Guest(directory, None, [*CXL, *container.args(), '-device',
                                 'cxl-type3,bus=root,volatile-memdev=m']
               ) as guest:
        guest.launch()
        check(swap_error(guest) == '', swap_error(guest))


def incomplete_containers_say_what_is_missing(directory: Path) -> None:
    with Guest(directory, None, HOTPLUG) as guest:
        guest.launch()
        guest.cmd('object-add', **{'qom-type': 'memory-backend-container',
                                   'id': 'm', 'size': 256 * MIB})
        (directory / 'fast').touch()
        with (directory / 'fast').open('wb') as file:
            file.truncate(SIZE)
        guest.cmd('object-add', **{
            'qom-type': 'memory-backend-devmem', 'id': 'f', 'size': SIZE,
            'parent': 'm', 'mem-path': str(directory / 'fast')})
        for driver in ('pc-dimm', 'nvdimm', 'virtio-mem-pci',
                       'virtio-pmem-pci', 'ivshmem-plain'):
            said = refused(guest, 'device_add', driver=driver, id='x',
                           memdev='m')
            check(GAP in said, f"{driver}: {said}")


@contextlib.contextmanager
def vhost_user(directory: Path) -> Iterator[List[str]]:
    backend = Backend(directory / 'vhost')
    backend.start()
    try:
        yield ['-chardev', f"socket,id=v,path={directory / 'vhost'}"]
    finally:
        backend.close()


def vhost_user_is_refused_on_a_container(directory: Path) -> None:
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m')
    ram = ['-m', '128M', '-machine', 'memory-backend=m', *container.args()]
    with vhost_user(directory) as chardev:
        for device in ('vhost-user-fs-pci,chardev=v,tag=t',
                       'vhost-user-blk-pci,chardev=v',
                       'vhost-user-vsock-pci,chardev=v'):
            said = refusal(*ram, *chardev, '-device', device)
            check("can't be shared with another process" in said and
                  'memory-backend-container' in said, f"{device}: {said}")
        said = refusal(*ram, *chardev, '-netdev', 'vhost-user,id=n,chardev=v',
                       '-device', 'virtio-net-pci,netdev=n')
        check("'m' can't be used beside a vhost-user device 'n'" in said, said)


def container_is_refused_beside_vhost_user(directory: Path) -> None:
    container = two_tiers(directory, 64 * MIB, 16 * MIB, name='m')
    args = ['-machine', 'pc,memory-backend=ram', '-m',
            '128M,slots=4,maxmem=2G', '-object',
            'memory-backend-memfd,id=ram,size=128M,share=on']
    with vhost_user(directory) as chardev, \
            Guest(directory, None, [*args, *chardev, *container.args()]
                  ) as guest:
        guest.launch()
        guest.cmd('device_add', driver='vhost-user-fs-pci', id='fs',
                  chardev='v', tag='t')
        said = refused(guest, 'device_add', driver='pc-dimm', id='d',
                       memdev='m')
        check("'m' can't be used beside a vhost-user device 'fs'" in said, said)
        # Once it is gone, there is no reason any more.
        guest.cmd('device_del', id='fs')
        guest.cmd('system_reset')   # The firmware doesn't unplug.
        wait_until(lambda: 'fs' not in str(guest.cmd('qom-list',
                                                     path='/machine'
                                                          '/peripheral')),
                   "the end of the device", guest)
        guest.cmd('device_add', driver='pc-dimm', id='d', memdev='m')


def preload(library: Path) -> str:
    """The address sanitizer has to come first, if QEMU has it."""
    linked = subprocess.run(['ldd', paths.require_qemu()], check=True,
                            stdout=subprocess.PIPE, encoding='utf-8').stdout
    return ':'.join([*re.findall(r'=> (\S*/libasan\S*)', linked),
                     str(library)])


@contextlib.contextmanager
def vdpa(directory: Path) -> Iterator[str]:
    """A device that pins guest memory, for a QEMU started meanwhile."""
    (directory / 'vdpa').touch()
    os.environ['LD_PRELOAD'] = preload(FAKE_VDPA)
    try:
        yield f"vhost-vdpa-device-pci,id=x,vhostdev={directory / 'vdpa'}"
    finally:
        del os.environ['LD_PRELOAD']


def swap_error(guest: Guest) -> str:
    """Why two pages can't be exchanged; empty if they are."""
    said = ''

    def answered() -> bool:
        nonlocal said
        try:
            guest.cmd('raminate-swap-pages', id='m',
                      pairs=[{'a': 0, 'b': SIZE // PAGE_SIZE}])
            said = ''
        except ExecuteError as err:
            said = str(err)
        return 'the placer is starting' not in said

    wait_until(answered, "the placer to start")
    return said


def pages_stay_while_there_is_vhost(directory: Path) -> None:
    """Whatever uses it: not only a network device."""
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m')
    with vdpa(directory), (directory / 'vdpa').open('r+b') as file:
        os.set_inheritable(file.fileno(), True)
        guest = Guest(directory, None, [
            '-m', '128M', '-machine', 'memory-backend=m', *container.args(),
            '-device', 'vhost-vsock-pci,id=v,guest-cid=3,'
                       f'vhostfd={file.fileno()}'])
        guest.launch()
    with guest:
        said = swap_error(guest)
        check('a vhost device accesses guest memory' in said and
              'unplug vhost-vsock' in said, said)
        guest.cmd('device_del', id='v')
        guest.cmd('system_reset')   # The firmware doesn't unplug.
        wait_until(lambda: 'vhost device' not in swap_error(guest),
                   "pages to be exchanged")
        check(swap_error(guest) == '', swap_error(guest))


def devices_that_pin_memory_are_refused(directory: Path) -> None:
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m')
    with vdpa(directory) as device:
        said = refusal('-m', '128M', '-machine', 'memory-backend=m',
                       *container.args(), '-device', device, lines=2)
    check('Cannot set discarding of RAM broken' in said, said)
    check('vhost-vdpa-device: vhost initialization failed' in said, said)


def container_is_refused_beside_pinned_memory(directory: Path) -> None:
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m',
                          monitor='off')
    with vdpa(directory) as device:
        guest = Guest(directory, None, [
            '-S', '-m', '128M', '-machine', 'memory-backend=m',
            *container.args(), '-device', device])
        guest.launch()
    with guest:
        said = refused(guest, 'qom-set', path='/objects/m',
                       property='monitor', value=True)
        check("'m': a device has pinned guest memory" in said and
              "unplug the VFIO or vDPA device 'x'" in said, said)
        check(guest.raminate('m')['state'] == 'off', guest.raminate('m'))
        # Others that are made then are refused as well.
        more = two_tiers(directory, 64 * MIB, 16 * MIB, name='n', number=1)
        guest.cmd('object-add', **{'qom-type': 'memory-backend-container',
                                   'id': 'n', 'size': more.size})
        last = more.tiers[-1].size
        guest.cmd('object-add', **{
            'qom-type': 'memory-backend-devmem', 'id': 'a', 'parent': 'n',
            'size': 16 * MIB, 'mem-path': str(more.tiers[0].path)})
        said = refused(guest, 'object-add', **{
            'qom-type': 'memory-backend-devmem', 'id': 'b', 'parent': 'n',
            'size': last, 'offset': 16 * MIB,
            'mem-path': str(more.tiers[1].path)})
        check("'n': a device has pinned guest memory" in said, said)


def containers_are_not_handed_over(directory: Path) -> None:
    container = two_tiers(directory, 128 * MIB, 16 * MIB, name='m')
    with Guest(directory, None, ['-m', '128M', '-machine',
                                 'q35,aux-ram-share=on,memory-backend=m',
                                 *container.args()]) as guest:
        guest.launch()
        guest.cmd('migrate-set-parameters', mode='cpr-transfer')
        channels = [{'channel-type': kind,
                     'addr': {'transport': 'socket', 'type': 'unix',
                              'path': str(directory / kind)}}
                    for kind in ('main', 'cpr')]
        said = refused(guest, 'migrate', channels=channels)
        check("m can't be handed over to another process" in said and
              'memory-backend-container' in said, said)
        check('share=on' not in said, said)


def migrate_to_file(directory: Path, options: str, mode: str) -> int:
    """Migrates without shared memory; returns the size of the state."""
    state = directory / 'state'
    ram = ['-m', f'{SIZE // MIB}M', '-machine', 'memory-backend=m',
           *devmem(directory, options)]
    low = {}
    for name, more in (('before', []), ('after', ['-incoming', 'defer'])):
        with Guest(directory, None, [*ram, *more, '-S']) as guest:
            guest.launch()
            guest.cmd('migrate-set-capabilities', capabilities=[
                {'capability': 'x-ignore-shared', 'state': True}])
            guest.cmd('migrate-set-parameters', mode=mode)
            if more:
                guest.cmd('migrate-incoming', uri=f'file:{state}')
            else:
                # So that there is something: the firmware runs.
                guest.cmd('cont')
                wait_until(lambda: any(memory(guest, directory)),
                           "the firmware's data", guest)
                guest.cmd('stop')
                guest.cmd('migrate', uri=f'file:{state}')
            wait_until(lambda: guest.cmd('query-migrate').get('status') in (
                'completed', 'failed'), "the migration", guest)
            check(guest.cmd('query-migrate')['status'] == 'completed',
                  guest.cmd('query-migrate'))
            low[name] = memory(guest, directory)
    check(low['before'] == low['after'], "the guest's memory is another")
    size = state.stat().st_size
    state.unlink()
    return size


def memory(guest: Guest, directory: Path) -> bytes:
    """The first 640 KiB of the guest."""
    path = directory / 'memory'
    guest.cmd('pmemsave', val=0, size=640 << 10, filename=str(path))
    return path.read_bytes()


def ignored_memory_is_not_erased(directory: Path) -> None:
    """Nor in the mode that is for new kernels of the host."""
    for mode in ('normal', 'cpr-reboot'):
        sent = migrate_to_file(directory, '', mode)
        left = migrate_to_file(directory, ',scrub=off', mode)
        # What is scrubbed is sent, what isn't stays in its file.
        check(left < sent, f"{mode}: {left} bytes without the memory, {sent} "
              "with it")


run_tests(persistent_devices_refuse_what_is_scrubbed,
          volatile_devices_get_what_is_scrubbed,
          persistent_devices_keep_data_without_scrub,
          containers_are_refused_for_persistent_data,
          persistent_cxl_memory_is_refused,
          volatile_cxl_memory_may_be_a_container,
          incomplete_containers_say_what_is_missing,
          vhost_user_is_refused_on_a_container,
          container_is_refused_beside_vhost_user,
          pages_stay_while_there_is_vhost,
          devices_that_pin_memory_are_refused,
          container_is_refused_beside_pinned_memory,
          containers_are_not_handed_over,
          ignored_memory_is_not_erased)
