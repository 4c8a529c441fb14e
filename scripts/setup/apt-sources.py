"""Copy the machine's apt sources to a directory, for other suites.

Usage: apt-sources.py DIR CODENAME TYPE SUITE...
SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import subprocess
import sys

ALIASES = {'stable', 'oldstable', 'testing', 'unstable'}


def machine_files():
    """Return the files that apt reads its sources from."""
    shell = subprocess.run(
        ['apt-config', 'shell', 'LIST', 'Dir::Etc::sourcelist/f',
         'PARTS', 'Dir::Etc::sourceparts/d'],
        check=True, capture_output=True, text=True).stdout
    paths = dict(re.findall(r"^(\w+)='(.*)'$", shell, re.MULTILINE))
    parts = pathlib.Path(paths['PARTS'])
    files = [pathlib.Path(paths['LIST'])]
    files += sorted(parts.glob('*.list')) + sorted(parts.glob('*.sources'))
    return [file for file in files if file.is_file()]


def from_one_line(line, names, kind, suites):
    """Return the lines for the suites, or '' if LINE is of no use."""
    match = re.match(r'deb(\s+\[[^]]*\])?\s+(\S+)\s+(\S+)\s+(.*)', line)
    if not match:
        return ''
    options, uri, suite, components = match.groups()
    if suite not in names or 'main' not in components.split():
        return ''
    return ''.join(f'{kind}{options or ""} {uri} {new} main\n'
                   for new in suites)


def from_stanza(stanza, names, kind, suites):
    """Return the stanza for the suites, or '' if STANZA is of no use."""
    lines = [line for line in stanza.splitlines()
             if not line.startswith('#')]
    fields = {}
    for line in lines:
        if line[:1].isspace():
            fields[name] += '\n' + line
        elif ':' in line:
            name, value = line.split(':', 1)
            name = name.lower()
            fields[name] = value
    if (fields.get('enabled', '').strip().lower() in ('no', 'false')
            or 'deb' not in fields.get('types', '').split()
            or not names & set(fields.get('suites', '').split())
            or 'main' not in fields.get('components', '').split()):
        return ''
    fields['types'] = ' ' + kind
    fields['suites'] = ' ' + ' '.join(suites)
    fields['components'] = ' main'
    return ''.join(f'{key}:{value}\n' for key, value in fields.items()) + '\n'


def main():
    """Write one file for each file that has something of use."""
    out, codename, kind, *suites = sys.argv[1:]
    names = {codename} | ALIASES
    for file in machine_files():
        text = file.read_text()
        if file.suffix == '.sources':
            found = [from_stanza(stanza, names, kind, suites)
                     for stanza in re.split(r'\n[ \t]*\n', text)]
        else:
            found = [from_one_line(line.strip(), names, kind, suites)
                     for line in text.splitlines()]
        if any(found):
            target = pathlib.Path(out) / (file.stem + (file.suffix or '.list'))
            with target.open('a') as out_file:
                out_file.write(''.join(found))
    return 0 if any(pathlib.Path(out).iterdir()) else 1


if __name__ == '__main__':
    sys.exit(main())
