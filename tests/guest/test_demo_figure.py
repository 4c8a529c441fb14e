#!/usr/bin/env python3
# The main demo's figure holds, and the demo leaves nothing behind.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess
from typing import Set

from guestlib import check, run_tests
from raminate import paths

DEMO = paths.SOURCE / 'scripts' / 'demo'


def share_falls_to_a_third_twice(directory: Path) -> None:
    report = directory / 'report.json'
    run = subprocess.run([DEMO, '--json', report], check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(run.returncode == 0, run.stdout)
    last = run.stdout.splitlines()[-1]
    check(report.read_text(encoding='utf-8') == last + '\n',
          "--json and the last line differ")
    phases = json.loads(last)['phases']
    check(len(phases) == 2, f"{len(phases)} phases")
    for phase in phases:
        check(phase['slow_share_after'] * 3 < phase['slow_share_before'],
              f"share fell too little: {phase}")


def ended_demo_leaves_nothing(directory: Path) -> None:
    del directory
    files: Set[Path] = set()
    with subprocess.Popen([DEMO, '--accel', 'tcg'], text=True,
                          stdout=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            files |= {Path(path) for path in re.findall(r'mem-path=([^, ]+)',
                                                        line)}
            if 'swaps' in line:
                break
        check(len(files) == 2 and all(path.exists() for path in files),
              f"files in use: {files}")
        demo.terminate()
        demo.stdout.read()
    check(demo.returncode == 143, f"exit status {demo.returncode}")
    check(not any(path.parent.exists() for path in files),
          "the demo left its files behind")


def null_policy_fails(directory: Path) -> None:
    del directory
    run = subprocess.run([DEMO, '--quiet', '--accel', 'tcg', '--set',
                          'policy=null'], check=False, stdout=subprocess.PIPE)
    check(run.returncode == 1, f"exit status {run.returncode}")
    check(json.loads(run.stdout)['swaps'] == 0, "pages were swapped")


run_tests(share_falls_to_a_third_twice, ended_demo_leaves_nothing,
          null_policy_fails)
