#!/usr/bin/env python3
# make install, make uninstall and make dist; what is installed besides the
# programs; and options that packagers pass to configure.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import re
import shutil
import stat
import subprocess
import tarfile
from typing import Iterator, List

from installing import SETUP, install, python
from toolslib import (Skip, check, check_in, installed_tools, paths,
                      run_tests)

# What dh_auto_configure of debhelper passes
DEBHELPER = '''
--build=x86_64-linux-gnu --prefix=/usr --includedir=${prefix}/include
--mandir=${prefix}/share/man --infodir=${prefix}/share/info --sysconfdir=/etc
--localstatedir=/var --disable-option-checking --disable-silent-rules
--libdir=${prefix}/lib/x86_64-linux-gnu --runstatedir=/run
--disable-maintainer-mode --disable-dependency-tracking
'''.split()
# What %configure of rpm does
RPM = '''
--build=x86_64-redhat-linux --host=x86_64-redhat-linux --program-prefix=
--disable-dependency-tracking --prefix=/usr --exec-prefix=/usr --bindir=/usr/bin
--sbindir=/usr/sbin --sysconfdir=/etc --datadir=/usr/share
--includedir=/usr/include --libdir=/usr/lib64 --libexecdir=/usr/libexec
--localstatedir=/var --sharedstatedir=/var/lib --mandir=/usr/share/man
--infodir=/usr/share/info CFLAGS=-O2
'''.split()
# What Nix does, if all outputs have a package of their own
NIX = '''
--disable-static --disable-dependency-tracking --prefix=/usr --bindir=/usr/bin
--sbindir=/usr/sbin --includedir=/usr/include --oldincludedir=/usr/include
--mandir=/usr/share/man --infodir=/usr/share/info --sysconfdir=/etc
--docdir=/usr/share/doc/raminate --libdir=/usr/lib --libexecdir=/usr/libexec
--localedir=/usr/share/locale
'''.split()
# What econf of Gentoo's Portage does, and Guix besides
OTHERS = '''
--prefix=/usr --build=x86_64-pc-linux-gnu --host=x86_64-pc-linux-gnu
--mandir=/usr/share/man --infodir=/usr/share/info --datadir=/usr/share
--sysconfdir=/etc --localstatedir=/var/lib --datarootdir=/usr/share
--disable-dependency-tracking --disable-silent-rules --disable-static
--docdir=/usr/share/doc/raminate --htmldir=/usr/share/doc/raminate/html
--with-sysroot=/ --libdir=/usr/lib64 --enable-fast-install CONFIG_SHELL=/bin/sh
'''.split()
MOST_EXPOSED = 20       # of 100, as systemd-analyze rates a unit


@contextlib.contextmanager
def installed(directory: Path) -> Iterator[Path]:
    """The prefix of an installation that is taken away again."""
    root = directory / 'root'
    install(root)
    try:
        [top] = root.rglob('bin/raminate-top')
        yield top.parent.parent
    finally:
        install(root, '--remove')


def everything(folder: Path) -> List[str]:
    return sorted(str(path.relative_to(folder))
                  for path in folder.rglob('*'))


def qemus_programs_shadow_none(directory: Path) -> None:
    with installed(directory) as prefix:
        names = {path.name for path in (prefix / 'bin').iterdir()}
        check(names == {*installed_tools(), 'qemu-system-x86_64'}, names)
        qemu = prefix / 'bin' / 'qemu-system-x86_64'
        check(not os.readlink(qemu).startswith('/'), os.readlink(qemu))
        data = prefix / 'share' / 'raminate' / 'qemu'
        said = subprocess.run([qemu, '-L', 'help'], check=True,
                              stdout=subprocess.PIPE, encoding='utf-8').stdout
        check(str(data) in map(os.path.realpath, said.splitlines()), said)
        check((data / 'keymaps' / 'de').is_file(), data)
        for name in ('qemu-img', 'qemu-nbd', 'qemu-io'):
            check((qemu.resolve().parent / name).is_file(), name)
        for path in everything(prefix):
            check('qemu' not in path or 'raminate' in path or
                  path == 'bin/qemu-system-x86_64', path)


def no_library_is_told_of(directory: Path) -> None:
    with installed(directory) as prefix:
        found = [path for path in everything(prefix)
                 if path.endswith(('.pc', '.a'))]
        check(not found, found)


def documents_are_there(directory: Path) -> None:
    """Their links to each other lead somewhere, too."""
    with installed(directory) as prefix:
        documents = prefix / 'share' / 'doc' / 'raminate'
        for name in ('LICENSE', 'CHANGELOG.md', 'examples/pools.conf',
                     'examples/trial.conf'):
            check((documents / name).is_file(), name)
        found = sorted(documents.rglob('*.md'))
        check(len(found) > 20, found)
        for document in found:
            for target in re.findall(r'\]\(([^)#]+)[^)]*\)',
                                     document.read_text()):
                check('://' in target or (document.parent / target).exists(),
                      f'{document}: {target}')


def nothing_is_left(directory: Path) -> None:
    """But for what was there before, and what others have put there."""
    root = directory / 'root'
    with installed(directory) as prefix:
        where = prefix.relative_to(root)
    check(not root.exists(), everything(directory))

    (root / where / 'bin').mkdir(parents=True)
    with installed(directory):
        install(root)       # once more, which makes no directory
        (root / where / 'share' / 'raminate' / 'other').touch()
    left = [path for path in everything(root) if (root / path).is_file() or
            not any((root / path).iterdir())]
    check(left == [f'{where}/bin', f'{where}/share/raminate/other'], left)

    check(removal_trouble(directory, root).endswith(f'below {root}\n'), root)


def removal_trouble(directory: Path, root: Path) -> str:
    """Returns: what is said when there is nothing to remove below @root."""
    result = subprocess.run(
        [python(), SETUP / 'install.py', '--remove', paths.BUILD,
         directory / 'installed.json'],
        stderr=subprocess.PIPE, encoding='utf-8', check=False,
        env={**os.environ, 'DESTDIR': str(root)})
    check(result.returncode == 1 and 'nothing was installed' in result.stderr,
          result)
    return result.stderr


def other_places_are_told(directory: Path) -> None:
    """Of what was installed with another DESTDIR."""
    with installed(directory):
        trouble = removal_trouble(directory, directory / 'elsewhere')
        check(f"try make uninstall DESTDIR={directory / 'root'}\n" in trouble,
              trouble)


def systemd_takes_the_files(directory: Path) -> None:
    if not shutil.which('systemd-analyze'):
        raise Skip("there is no systemd-analyze")
    with installed(directory) as prefix:
        # What QEMU and others run as the link to here says
        unit = prefix / 'lib/systemd/system/raminate-exporter.service'
        text = unit.read_text()
        program = re.findall('^ExecStart=(\\S+)', text, re.M)[0]
        check((directory / 'root').joinpath(program[1:]).is_file(), program)
        copy = directory / unit.name
        copy.write_text(text.replace(program, '/bin/true'))
        examples = prefix / 'share/doc/raminate/examples'
        activated = shutil.copy(examples / 'raminate-exporter.socket',
                                directory)
        for command in (
                ['systemd-analyze', 'verify', '--man=no', copy, activated],
                ['systemd-analyze', 'security', '--offline=yes',
                 f'--threshold={MOST_EXPOSED}', copy]):
            said = subprocess.run(command, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False,
                                  encoding='utf-8')
            check(said.returncode == 0 and 'Unknown' not in said.stdout,
                  said.stdout)
        host = directory / 'host'
        (host / 'etc').mkdir(parents=True)
        for tool, folder in (('systemd-sysusers', 'sysusers.d'),
                             ('systemd-tmpfiles', 'tmpfiles.d')):
            subprocess.run(
                [tool, f'--root={host}',
                 *(['--create'] if folder == 'tmpfiles.d' else []),
                 prefix / 'lib' / folder / 'raminate.conf'], check=True)
    made = (host / 'run/raminate').stat()
    check_in('raminate:', (host / 'etc/passwd').read_text())
    check_in(f'raminate:x:{made.st_gid}:', (host / 'etc/group').read_text())
    check(stat.S_IMODE(made.st_mode) == 0o2775, oct(made.st_mode))


def dist_has_all_of_the_source(directory: Path) -> None:
    if not (paths.SOURCE / '.git').exists():
        raise Skip("this is no repository")
    name = subprocess.run([SETUP / 'dist', directory], check=True,
                          stdout=subprocess.PIPE,
                          encoding='utf-8').stdout.strip()
    files = subprocess.run(
        ['git', '-C', paths.SOURCE, 'ls-files'], check=True,
        stdout=subprocess.PIPE, encoding='utf-8').stdout.splitlines()
    with tarfile.open(name) as tar:
        top = Path(name).name[:-len('.tar.xz')]
        check(sorted(tar.getnames()) == sorted(f'{top}/{file}'
                                               for file in files),
              set(tar.getnames()) ^ {f'{top}/{file}' for file in files})
        tar.extractall(directory)
    tree = directory / top
    version = subprocess.run([tree / 'scripts' / 'version'], check=True,
                             stdout=subprocess.PIPE,
                             encoding='utf-8').stdout.strip()
    check(top == f'raminate-{version}', (top, version))
    # It makes the same one again.
    again = subprocess.run([tree / 'scripts/setup/dist', directory / 'again'],
                           check=True, stdout=subprocess.PIPE,
                           encoding='utf-8').stdout.strip()
    with tarfile.open(again) as tar:
        check(sorted(tar.getnames()) == sorted(f'{top}/{file}'
                                               for file in files), again)


def directories(*arguments: str) -> 'subprocess.CompletedProcess[str]':
    """What configure makes of them."""
    return subprocess.run(
        ['bash', '-euc', '''
            . "$1/common.sh"; . "$1/directories.sh"
            prefix=/usr/local
            for argument in "${@:2}"; do
                case $argument in
                --prefix=*) prefix=${argument#*=} ;;
                *) take_of_packagers "$argument" || die "no $argument" ;;
                esac
            done
            directories_finish
            printf '%s\\n' "${meson_directories[@]}" -- \
                "${qemu_directories[@]}" "CFLAGS=${CFLAGS:-}"
        ''', 'bash', str(SETUP), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8',
        check=False)


def configure_takes_what_packagers_pass(_: Path) -> None:
    for arguments, library in ((DEBHELPER, '/usr/lib/x86_64-linux-gnu'),
                               (RPM, '/usr/lib64'), (NIX, '/usr/lib'),
                               (OTHERS, '/usr/lib64')):
        result = directories(*arguments)
        check(result.returncode == 0, result)
        ours, _, qemus = result.stdout.partition('--\n')
        for line in ('--prefix=/usr', f'--libdir={library}',
                     '--mandir=/usr/share/man', '--sysconfdir=/etc',
                     '-Dqemudir=/usr/libexec/raminate'):
            check(line in ours.splitlines(), ours)
        for line in ('--datadir=/usr/share/raminate',
                     '--bindir=/usr/libexec/raminate'):
            check(line in qemus.splitlines(), qemus)
        check('$' not in result.stdout, result.stdout)
    check_in('CFLAGS=-O2\n', directories(*RPM).stdout)


def configure_refuses_the_rest(_: Path) -> None:
    for arguments, word in (
            (['--with-something'], 'no --with-something'),
            (['--nonsensedir=/x'], 'no --nonsensedir'),
            (['--mandir=share/man'], 'absolute'),
            (['--build=x86_64-linux-gnu', '--host=aarch64-linux-gnu'],
             'another machine')):
        result = directories(*arguments)
        check(result.returncode != 0 and word in result.stderr, result)
    result = directories('--disable-option-checking', '--with-something')
    check(result.returncode == 0, result)


def make_refuses_a_late_prefix(_: Path) -> None:
    result = subprocess.run(
        ['make', '--no-print-directory', '-C', str(paths.SOURCE), 'install',
         'prefix=/opt/raminate'], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding='utf-8', check=False)
    check(result.returncode == 2 and not result.stdout, result)
    check_in("'prefix=/opt/raminate' comes too late for make; set it by "
             "./configure --prefix=/opt/raminate,", result.stderr)


run_tests(qemus_programs_shadow_none, no_library_is_told_of,
          documents_are_there, nothing_is_left, other_places_are_told,
          systemd_takes_the_files, dist_has_all_of_the_source,
          configure_takes_what_packagers_pass, configure_refuses_the_rest,
          make_refuses_a_late_prefix)
