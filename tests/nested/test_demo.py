#!/usr/bin/env python3
# The main demo on the real path: its figure holds, and the VM never stops.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
import subprocess
import sys

from nestedlib import SOURCE, Tap, main

DEMO = SOURCE / 'scripts' / 'demo-nested'


def run(tap: Tap) -> None:
    # The demo writes to the emulated host's console, which is a terminal.
    demo = subprocess.run([DEMO, '--json', '-', *sys.argv[1:]], check=False,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    lines = demo.stdout.splitlines()
    for line in lines:
        print(f'# {line}')
    tap.check(demo.returncode == 0, "the demo succeeds",
              [f"exit status {demo.returncode}"])
    if not lines or not lines[-1].startswith('{'):
        tap.check(False, "the demo's last line is its result")
        return
    result = json.loads(lines[-1])
    for phase in result['phases']:
        tap.check(3 * phase['slow_share_after'] < phase['slow_share_before'],
                  f"{phase['name']}: the share of slow memory falls to below "
                  "a third", [str(phase)])
    tap.check(len(result['phases']) == 2, "there are two phases")
    for part in ('sampler', 'mover'):
        tap.check(result[part] == 'kvm', f"{part} is kvm", [result[part]])
    tap.check(result['swaps'] >= result['hot_pages'],
              "the hot pages were exchanged", [f"{result['swaps']} swaps"])
    tap.check(result['swaps_failed'] == 0, "no exchange failed",
              [f"{result['swaps_failed']} failed"])
    tap.check(result['states'] == ['running'], "the VM is always running",
              result['states'])
    tap.check(result['stops'] == 0, "there is no STOP event",
              [f"{result['stops']} events"])
    tap.check(result['pauses'] == 0, "no batch pauses the vCPUs",
              [f"{result['pauses']} pauses"])


if __name__ == '__main__':
    main(run)
