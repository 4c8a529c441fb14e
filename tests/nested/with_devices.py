#!/usr/bin/env python3
# Guests with a device that VFIO assigns, and with a display that has the host's
# kernel make buffers of guest memory (udmabuf).  Runs inside the machine;
# test_devices.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import re
import sys
from typing import Any, Dict, Iterator, List

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, FULL_RATE, MEMORY, MIB, NODE, PATIENCE, ExecuteError,
    check, check_never_stopped, finish_checker, hybrid, message_of_refused,
    run_tests, start_checker, swap_pages, wait_for_passes, wait_for_swaps,
    wait_until)
from nodelib import Pages  # noqa: E402
from raminate.guest import (  # noqa: E402
    PAGE_SIZE, Boot, Guest, two_node_tiers, two_tiers)

DEVICES = Path('/sys/bus/pci/devices')
PROBE = Path('/sys/bus/pci/drivers_probe')
# QEMU's NVMe controller, which no host has for its own disk
SPARE = '0x1b36', '0x0010'
# The node whose memory is movable
MOVABLE = 2
SLOW_PAGES = (MEMORY - DRAM) // PAGE_SIZE
DISK_BLOCKS = 200
SAMPLE = 100
DISK = Boot(['/bin/checker', 'disk=/dev/nvme0n1'], ['nvme'])
PINNED = 'a device has pinned guest memory'


@contextlib.contextmanager
def assigned() -> Iterator[str]:
    """The spare device, in the hands of VFIO: an option for QEMU."""
    spare = next(path for path in DEVICES.iterdir()
                 if tuple((path / name).read_text().strip()
                          for name in ('vendor', 'device')) == SPARE)
    (spare / 'driver_override').write_text('vfio-pci')
    PROBE.write_text(spare.name)
    try:
        yield f'vfio-pci,id=spare,host={spare.name}'
    finally:
        (spare / 'driver' / 'unbind').write_text(spare.name)
        (spare / 'driver_override').write_text('\n')


def on_nodes(slow: int = 1) -> List[str]:
    """Nothing moves while the guest boots."""
    container = two_node_tiers(MEMORY, DRAM, (0, slow), monitor='off',
                               **FULL_RATE)
    return ['-m', f'{MEMORY // MIB}M', *container.args(), *NODE]


def refused(guest: Guest, command: str, **arguments: Any) -> str:
    try:
        guest.cmd(command, **arguments)
    except ExecuteError as err:
        return str(err)
    raise AssertionError(f"{command} {arguments} was accepted")


def wait_for_disk(guest: Guest) -> None:
    """Until its device has written to guest memory, and read it."""
    guest.console.skip()
    while int(guest.console.wait(r'disk=(\d+)\n', PATIENCE).group(1)
              ) < DISK_BLOCKS:
        pass


def swap_some(guest: Guest) -> List[Dict[str, Any]]:
    """By command; returns what became of them."""
    return swap_pages(guest, [(page, MEMORY // PAGE_SIZE - 1 - page)
                              for page in range(SAMPLE)])


def ranges_refuse_an_assigned_device(directory: Path) -> None:
    """Whichever comes second, by a message that names it."""
    ram = ['-machine', 'memory-backend=dmcon0']
    on = hybrid(directory)
    with assigned() as device:
        said = message_of_refused(directory, [*on, '-device', device])
        check('Cannot set discarding of RAM broken' in said
              and 'vfio-pci,id=spare' in said, said)
        with Guest(directory, None, on, 'kvm') as guest:
            guest.launch()
            driver, *rest = device.split(',')
            said = refused(guest, 'device_add', driver=driver,
                           **dict(word.split('=', 1) for word in rest))
            check('Cannot set discarding of RAM broken' in said, said)
        with Guest(directory, DISK, [*hybrid(directory, monitor='off'),
                                     '-device', device], 'kvm') as guest:
            start_checker(guest)
            said = refused(guest, 'qom-set', path='/objects/dmcon0',
                           property='monitor', value=True)
            check(f"'dmcon0': {PINNED}" in said and
                  "unplug the VFIO or vDPA device 'spare'" in said, said)
            check(guest.raminate()['state'] == 'off', guest.raminate())
            wait_for_disk(guest)
            finish_checker(guest)


def pinned_pages_stay_on_their_nodes(directory: Path) -> None:
    """The guest runs on, and its device writes to where it looks."""
    with assigned() as device, Guest(
            directory, DISK, [*on_nodes(), '-smp', '2', '-device', device],
            'kvm') as guest:
        start_checker(guest)
        pages = Pages(guest)
        before = pages.nodes()
        check(min(before) >= 0, "a page that is pinned has no memory")
        guest.set('monitor', True)
        wait_until(lambda: guest.raminate()['batches'] > 20,
                   "moves that fail", guest)
        wait_for_disk(guest)
        info = guest.raminate()
        check(info['swaps'] == 0 and
              info['swaps-failed'] == info['swaps-busy'], info)
        # Most batches try a few pages alone.
        check(0 < info['swaps-busy'] <
              2 * info['max-swaps'] + 20 * info['batches'], info)
        check(pages.nodes() == before, "pages have moved")
        guest.set('policy', 'null')
        errors = [pair.get('error', '') for pair in swap_some(guest)]
        check(all("can't move a page" in error for error in errors), errors)
        finish_checker(guest)
        check_never_stopped(guest)


def pages_not_moved() -> int:
    """As the kernel counts: each time that it could not."""
    match = re.search(r'^pgmigrate_fail (\d+)$',
                      Path('/proc/vmstat').read_text(), re.MULTILINE)
    assert match
    return int(match.group(1))


def pages_leave_movable_memory_to_be_pinned(directory: Path) -> None:
    """QEMU lives with it, and brings them back once the device is gone."""
    with assigned() as device, Guest(
            directory, CHECKER, [*on_nodes(MOVABLE), '-device', device],
            'kvm') as guest:
        start_checker(guest)
        pages = Pages(guest)
        check(MOVABLE not in pages.nodes(), "pinned pages are movable")
        failed = pages_not_moved()
        guest.set('policy', 'null')
        guest.set('monitor', True)
        wait_until(lambda: guest.raminate()['pages-astray'] > 2 * SLOW_PAGES,
                   "pages to be found astray", guest)
        failed = pages_not_moved() - failed
        check(0 < failed < SLOW_PAGES,
              f"pages were tried in vain {failed} times")
        check(MOVABLE not in pages.nodes(), "pinned pages have moved")
        guest.cmd('device_del', id='spare')
        check(guest.event_wait('DEVICE_DELETED', PATIENCE), "it is not gone")
        wait_until(lambda: pages.nodes().count(MOVABLE) > SLOW_PAGES // 2,
                   "pages to be brought back", guest)
        wait_for_passes(guest)
        finish_checker(guest)


def pages_move_once_it_is_gone(directory: Path) -> None:
    with assigned() as device, Guest(
            directory, CHECKER, [*on_nodes(), '-device', device],
            'kvm') as guest:
        start_checker(guest)
        guest.set('monitor', True)
        wait_until(lambda: guest.raminate()['batches'] > 20,
                   "moves that fail", guest)
        check(guest.raminate()['swaps'] == 0, guest.raminate())
        guest.cmd('device_del', id='spare')
        check(guest.event_wait('DEVICE_DELETED', PATIENCE), "it is not gone")
        wait_for_swaps(guest, 1000)
        wait_for_passes(guest)
        finish_checker(guest)


def blobs_are_refused_beside_a_container(directory: Path) -> None:
    """The host makes buffers of a memfd (udmabuf), and of nothing else."""
    check(Path('/dev/udmabuf').exists(), "the host has no udmabuf")
    gpu = ['-device', 'virtio-gpu-pci,blob=on,id=gpu']
    # QEMU takes files on a tmpfs for memfds.
    said = message_of_refused(directory, [*hybrid(directory), *gpu])
    check("need memory of a memfd: Memory region dmcon0 can't be shared"
          in said, said)
    said = message_of_refused(directory, [*on_nodes(), *gpu])
    check('need rutabaga or udmabuf for blob resources' in said, said)
    more = two_tiers(directory, 64 * MIB, 16 * MIB, name='more', number=1)
    ram = ['-machine', 'pc,memory-backend=ram', '-m',
           '128M,slots=4,maxmem=2G', '-object',
           'memory-backend-memfd,id=ram,size=128M', *more.args()]
    said = message_of_refused(directory, [*ram, '-device',
                                          'pc-dimm,memdev=more', *gpu])
    check("Memory region more can't be shared" in said, said)
    with Guest(directory, None, [*ram, *gpu], 'kvm') as guest:
        guest.launch()
        said = refused(guest, 'device_add', driver='pc-dimm', id='dimm',
                       memdev='more')
        check("'more' can't be used beside a virtio-gpu device 'gpu' with "
              "blob=on" in said, said)


run_tests(ranges_refuse_an_assigned_device, pinned_pages_stay_on_their_nodes,
          pages_leave_movable_memory_to_be_pinned, pages_move_once_it_is_gone,
          blobs_are_refused_beside_a_container)
