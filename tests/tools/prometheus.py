# A Prometheus that scrapes one exporter.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess
from typing import Any
import urllib.error
import urllib.parse
import urllib.request

import debian
from toolslib import PATIENCE, check, check_in, paths, wait_until

FILES = paths.SOURCE / 'tools' / 'exporter'


class Prometheus:
    """A server that scrapes one exporter."""

    def __init__(self, directory: Path, target: str):
        config = (FILES / 'prometheus.yml').read_text()
        check_in('127.0.0.1:9958', config)
        file = directory / 'prometheus.yml'
        file.write_text('global:\n  scrape_interval: 1s\n'
                        + config.replace('127.0.0.1:9958', target))
        (directory / 'raminate-alerts.yml').write_text(
            (FILES / 'raminate-alerts.yml').read_text())
        self._log = directory / 'prometheus.log'
        with self._log.open('w') as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL',
                 debian.find('prometheus', 'prometheus'),
                 f'--config.file={file}',
                 f'--storage.tsdb.path={directory / "tsdb"}',
                 '--web.listen-address=127.0.0.1:0'], stderr=log,
                stdout=log)
        self._address = ''

    def address(self) -> str:
        """Where it listens, once it does."""
        if not self._address:
            match = None

            def listens() -> bool:
                nonlocal match
                check(self.process.poll() is None, self._log.read_text())
                match = re.search(r'address=(127[.0-9]+:[1-9]\d*)',
                                  self._log.read_text())
                return match is not None

            wait_until(listens, "Prometheus to listen")
            assert match is not None
            self._address = match.group(1)
        return self._address

    def _get(self, path: str, **values: object) -> Any:
        text = urllib.parse.urlencode(values)
        try:
            with urllib.request.urlopen(
                    f'http://{self.address()}/api/v1/{path}?{text}',
                    timeout=PATIENCE) as answer:
                return json.load(answer)['data']['result']
        except urllib.error.HTTPError as err:
            if err.code == 503:     # it is not ready yet
                return []
            raise

    def query(self, expression: str) -> Any:
        return self._get('query', query=expression)

    def history(self, expression: str, start: float, end: float) -> Any:
        """What it was, at a hundred times or each second."""
        return self._get('query_range', query=expression, start=start,
                         end=end, step=max(1, (end - start) / 100))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
