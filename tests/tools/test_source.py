#!/usr/bin/env python3
# The engine, the policies and recordings build without QEMU, includes and
# calls point down, neither functions nor files are long, and flaws for tests
# to find can be built.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import ast
import os
from pathlib import Path
import re
import subprocess
from typing import Dict, List, NamedTuple, Set, Tuple

from toolslib import check, paths, run_tests

PURE = Path('hw/raminate')

# What files of a directory may include, besides what the host has
LAYERS = {
    'engine': {'engine'},
    'policy': {'engine', 'policy'},
    'record': {'engine', 'record'},
}
# The engine itself stands above the policies that it asks.
ABOVE = {PURE / 'engine/engine.c', PURE / 'engine/engine.h'}
SYSTEM = {
    'assert', 'ctype', 'errno', 'fcntl', 'float', 'glib', 'glib/gstdio',
    'inttypes', 'limits', 'math', 'stdatomic', 'stdbool', 'stddef', 'stdint',
    'stdio', 'stdlib', 'string', 'sys/stat', 'sys/types', 'time', 'unistd',
}

CHECKED = ['hw/raminate', 'backends', 'kvm', 'tools', 'tests', 'bench',
           'scripts']
MOST_LINES = {'function': 60, 'file': 500}      # fewer than that


# To which other files each one leads
Graph = Dict[Path, Set[Path]]


class Function(NamedTuple):
    name: str
    lines: int          # from its first line to its brace


def sources(*directories: object, suffixes: str = 'ch',
            top: Path = paths.SOURCE) -> List[Path]:
    """Files in and below directories, relative to the top."""
    return sorted(path.relative_to(top) for directory in directories
                  for path in (top / str(directory)).rglob(f'*.[{suffixes}]'))


def python_sources(*directories: str, top: Path = paths.SOURCE) -> List[Path]:
    """Modules, and programs with or without a suffix."""
    def is_python(path: Path) -> bool:
        if path.suffix or not path.is_file():
            return path.suffix == '.py'
        with path.open('rb') as file:
            return b'python' in file.readline()
    return sorted(path.relative_to(top) for directory in directories
                  for path in (top / directory).rglob('*') if is_python(path))


def pure_sources(suffixes: str = 'ch') -> List[Path]:
    return sources(*(PURE / layer for layer in LAYERS), suffixes=suffixes)


def includes(path: Path, top: Path = paths.SOURCE) -> List[Tuple[str, bool]]:
    """What a file includes, and whether in quotes."""
    text = (top / path).read_text(encoding='utf-8')
    return [(match.group(2), match.group(1) == '"') for match in
            re.finditer(r'^\s*#\s*include\s*(["<])([^">]+)', text, re.M)]


def resolve(path: Path, name: str, top: Path = paths.SOURCE) -> Path:
    """The file that an include in quotes names, relative to the top."""
    for place in (path.parent, Path()):
        if (top / place / name).is_file():
            return Path(os.path.normpath(place / name))
    return Path(name)


def wrong_includes(path: Path, top: Path = paths.SOURCE) -> List[str]:
    """Those that lead out of what the file's directory may use."""
    layer = path.relative_to(PURE).parts[0]
    wrong = []
    for name, quoted in includes(path, top):
        if quoted:
            found = resolve(path, name, top)
            good = (len(found.parts) == 4 and found.parent.parent == PURE and
                    (found.parent.name in LAYERS[layer] or
                     (path in ABOVE and found.parent.name == 'policy')))
        else:
            good = name[:-len('.h')] in SYSTEM
        if not good:
            wrong.append(f'{path} includes {name}')
    return wrong


def included(headers: List[Path], top: Path = paths.SOURCE) -> Graph:
    """Which files each header includes."""
    return {header: {resolve(header, name, top)
                     for name, quoted in includes(header, top) if quoted}
            for header in headers}


def called(files: List[Path], top: Path = paths.SOURCE) -> Graph:
    """In which other C files the functions are that each one names."""
    texts = {file: re.sub(r'/\*.*?\*/', '',
                          (top / file).read_text(encoding='utf-8'), flags=re.S)
             for file in files}
    owners = {function.name: file for file, text in texts.items()
              for function in functions(text)
              if function.name.startswith('raminate_')}
    return {file: {owners[name] for name in re.findall(r'\w+', text)
                   if owners.get(name, file) != file}
            for file, text in texts.items()}


def cycles(graph: Graph) -> List[str]:
    """Files that lead to each other, directly or not."""
    found: List[str] = []
    done: Set[Path] = set()

    def walk(file: Path, way: List[Path]) -> None:
        if file in way:
            found.append(' > '.join(map(str, [*way[way.index(file):], file])))
        elif file not in done:
            for other in sorted(graph.get(file, ())):
                walk(other, [*way, file])
            done.add(file)

    for file in graph:
        walk(file, [])
    return found


def functions(text: str) -> List[Function]:
    """Those of a C file in the style of QEMU or Linux."""
    lines = text.splitlines()
    found = []
    first = 0           # of what may be a function
    start = None        # of the body's function
    for number, line in enumerate(lines):
        if start is None and line == '{':
            start = first
        elif start is not None and line == '}':
            head = ' '.join(lines[start:number + 1])
            name = re.search(r'(\w+)\s*\(', head)
            found.append(Function(name.group(1) if name else '?',
                                  number + 1 - start))
            start = None
        if start is None and (not line or line[0] in '#/}' or
                              line.endswith(('*/', ';'))):
            first = number + 1
    return found


def python_functions(text: str) -> List[Function]:
    """Those of a Python file, from def to the last line."""
    return [Function(node.name, (node.end_lineno or 0) + 1 - node.lineno)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def too_long(paths_: List[Path], top: Path = paths.SOURCE) -> Dict[str, int]:
    """Lines of files, and of functions as FILE:NAME."""
    found = {}
    for path in paths_:
        text = (top / path).read_text(encoding='utf-8')
        lines = len(text.splitlines())
        if lines >= MOST_LINES['file']:
            found[str(path)] = lines
        find = functions if path.suffix in ('.c', '.h') else python_functions
        for function in find(text):
            if function.lines >= MOST_LINES['function']:
                found[f'{path}:{function.name}'] = function.lines
    return found


def compile_alone(path: Path) -> str:
    """What the compiler says of one file, with GLib and without QEMU."""
    flags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0'], check=True,
                           stdout=subprocess.PIPE, encoding='utf-8').stdout
    result = subprocess.run(
        ['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
         '-I.', *flags.split(), '-x', 'c', str(path)], cwd=paths.SOURCE,
        stderr=subprocess.PIPE, encoding='utf-8', check=False)
    return result.stderr


def each_pure_file_compiles_alone(_: Path) -> None:
    found = pure_sources()
    check(len(found) > 30, f"only {len(found)} files")
    wrong = [message for path in found for message in [compile_alone(path)]
             if message]
    check(not wrong, '\n'.join(wrong))


def pure_files_include_nothing_of_qemu(_: Path) -> None:
    wrong = [line for path in pure_sources() for line in wrong_includes(path)]
    check(not wrong, '\n'.join(wrong))


def headers_do_not_include_each_other(_: Path) -> None:
    found = cycles(included(sources(*CHECKED, suffixes='h')))
    check(not found, '\n'.join(found))


def files_do_not_call_each_other(_: Path) -> None:
    graph = called(sources('hw/raminate', 'backends', suffixes='c'))
    check(sum(map(len, graph.values())) > 100, f'only {graph}')
    found = cycles(graph)
    check(not found, '\n'.join(found))


def functions_and_files_are_short(_: Path) -> None:
    programs = python_sources(*CHECKED)
    check(len(programs) > 100, f'only {len(programs)} Python files')
    found = too_long(sources(*CHECKED) + programs)
    check(not found, '\n'.join(f'{name} has {lines} lines'
                               for name, lines in found.items()))


def flaws_can_be_built(_: Path) -> None:
    """What they patch is as it was when they were made."""
    stale = [path.name for path in (paths.SOURCE / 'tests/flaws').glob(
        '*.patch') if not can_be_applied(path)]
    check(not stale, stale)


def can_be_applied(patch: Path, top: Path = paths.SOURCE) -> bool:
    return subprocess.run(
        ['patch', '-p1', '--dry-run', '--fuzz=0', '-d', str(top), '-i',
         str(patch)], check=False, stdout=subprocess.DEVNULL).returncode == 0


def what_is_wrong_is_found(directory: Path) -> None:
    """In a tree made up for it."""
    flaw = paths.SOURCE / 'tests/flaws/holes-are-copied.patch'
    file = 'hw/raminate/mover/pair-copies.c'
    (directory / file).parent.mkdir(parents=True)
    text = (paths.SOURCE / file).read_text()
    (directory / file).write_text(text)
    check(can_be_applied(flaw, directory), "a flaw that is new is not")
    (directory / file).write_text(text.replace('is_hole', 'is_a_hole'))
    check(not can_be_applied(flaw, directory), "a stale flaw is not found")
    pure = directory / PURE
    for layer in LAYERS:
        (pure / layer).mkdir(parents=True)
    (pure / 'placer.h').write_text('')
    (pure / 'engine/a.h').write_text('#include "b.h"\n')
    (pure / 'engine/b.h').write_text('#include "hw/raminate/engine/c.h"\n')
    (pure / 'engine/c.h').write_text('# include "a.h"\n')
    (pure / 'policy/p.h').write_text('')
    lines = ['#include "qemu/osdep.h"', '#include <glib.h>',
             '#include "hw/raminate/placer.h"', '#include "../placer.h"',
             '#include "a.h"', '#include "hw/raminate/policy/p.h"',
             '#include <linux/kvm.h>', '#include "qapi/error.h"']
    file = PURE / 'engine/x.c'
    (directory / file).write_text('\n'.join(lines))
    check(len(wrong_includes(file, directory)) == 6,
          wrong_includes(file, directory))
    found = cycles(included(sources(PURE, suffixes='h', top=directory),
                            directory))
    check(len(found) == 1, found)

    for name, call in [('one', 'two'), ('two', 'three'), ('three', 'one'),
                       ('four', 'one')]:
        (pure / f'{name}.c').write_text(
            f'/* raminate_four() */\nint raminate_{name}(void)\n{{\n'
            f'    return raminate_{call}();\n}}\n')
    found = cycles(called(sources(PURE, suffixes='c', top=directory),
                          directory))
    check(len(found) == 1, found)

    body = '    f();\n' * 56
    for name, text, limit in [
            ('short.c', f'static int\nf(int a,\n  int b)\n{{\n{body[18:]}}}\n',
             0),
            ('long.c', f'int f(int a,\n      int b)\n{{\n{body}}}\n', 1),
            ('table.c', f'int a;\n\nint f(void)\n{{\n{body}    g();\n}}\n', 1),
            ('file.c', 'int a;\n' * 500, 1),
            ('short.py', 'def f():\n' + '    f()\n' * 58, 0),
            ('long.py', 'def f():\n' + '    f()\n' * 59, 1),
            ('file.py', 'A = 1\n' * 500, 1)]:
        (pure / name).write_text(text)
        found = list(too_long([PURE / name], directory))
        check(len(found) == limit, f'{name}: {found}')


if __name__ == '__main__':
    run_tests(each_pure_file_compiles_alone,
              pure_files_include_nothing_of_qemu,
              headers_do_not_include_each_other,
              files_do_not_call_each_other,
              functions_and_files_are_short, flaws_can_be_built,
              what_is_wrong_is_found)
