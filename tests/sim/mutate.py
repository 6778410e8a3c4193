#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Applies a mutant of mutants.txt to a source tree.

    mutate.py --list                  the names of all mutants
    mutate.py --apply NAME TREE       writes the mutant into the tree; prints the files that it changed
    mutate.py --describe NAME         the fault of the mutant
    mutate.py --family NAME           the family of seeds that must find it: messages, tasks or gathers
    mutate.py --shows NAME            the text that the failure must contain; empty: any failure is enough

A mutant refers to functions and statements, not to files and lines, so it does not depend on the place or the layout of code.
The statement is compared token by token, without white space and comments. It must occur exactly once in the function,
counted over all functions of that name in plugin/ and proto/. Anything else is an error, because a mutant that does not fit
tests nothing.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True

TABLE = pathlib.Path(__file__).with_name('mutants.txt')
SOURCES = ('plugin', 'proto')
FAMILIES = ('messages', 'tasks', 'gathers')

TOKEN = re.compile(r'''
    (?P<skip> \s+ | \\\n | /\*.*?\*/ | //[^\n]* )
  | (?P<token> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
             | \.?\d(?:[eEpP][+-]|[\w.])* | \w+
             | \.\.\. | <<= | >>= | -> | \+\+ | -- | << | >> | [-+*/%&|^!=<>]= | && | \|\| | \#\# | . )
''', re.DOTALL | re.VERBOSE)


class Misfit(Exception):
    """The mutant does not fit the tree."""


def tokens_of(text, start=0, end=sys.maxsize):
    """(token, start, end) of each token between two offsets of the text."""
    return [(m['token'], m.start(), m.end()) for m in TOKEN.finditer(text, start, end) if m['token'] is not None]


class Change:
    """One statement of one function."""

    def __init__(self, place):
        self.place, self.before, self.after = place, [], []


class Mutant:
    """One entry of the table."""

    def __init__(self, name):
        self.name, self.wrong, self.family, self.shows, self.changes = name, '', 'messages', '', []


def read_table(text=None):
    mutants, last = {}, None
    for number, line in enumerate((text or TABLE.read_text(encoding='utf-8')).splitlines(), 1):
        key, _, rest = line.partition(' ')
        rest = rest.strip()
        if not line.strip() or line.startswith('#'):
            continue
        if key == 'mutant' and rest and rest not in mutants:
            last = mutants[rest] = Mutant(rest)
        elif last is not None and key == 'wrong' and rest and not last.wrong:
            last.wrong = rest
        elif last is not None and key == 'family' and rest in FAMILIES:
            last.family = rest
        elif last is not None and key == 'shows' and rest:
            last.shows = rest
        elif last is not None and key == 'in' and rest:
            last.changes.append(Change(rest))
        elif last is not None and last.changes and key in '-+' and rest:
            (last.changes[-1].before if key == '-' else last.changes[-1].after).append(rest)
        else:
            sys.exit(f'{TABLE.name}:{number}: not understood: {line}')
    return mutants


def read_sources(root):
    """{path: text} of all sources that may be mutated."""
    return {path: path.read_text(encoding='utf-8') for folder in SOURCES
            for path in sorted(pathlib.Path(root, folder).rglob('*.[ch]'))}


class Tree:
    """The texts of the sources, as the mutants change them."""

    def __init__(self, texts):
        self.texts = dict(texts)

    def bodies(self, place):
        """(path, tokens) of each definition of the function, or of the macro (`#define NAME`)."""
        macro = place.removeprefix('#define ')
        for path, text in self.texts.items():
            if macro != place:
                for match in re.finditer(rf'^#define {re.escape(macro)}\b(?:\\\n|[^\n])*', text, re.MULTILINE):
                    yield path, tokens_of(text, match.start(), match.end())
                continue
            for match in re.finditer(rf'^{re.escape(place)} \(', text, re.MULTILINE):
                body = body_of(tokens_of(text, match.start()))
                if body:
                    yield path, body

    def apply(self, mutant):
        """Changes the texts. Returns the changed paths."""
        if not mutant.wrong or not mutant.changes:
            raise Misfit('its entry has no fault or no change')
        changed = set()
        for change in mutant.changes:
            path, start, end = self.find(change)
            text = self.texts[path]
            self.texts[path] = text[:start] + ' '.join(change.after) + text[end:]
            changed.add(path)
        return changed

    def find(self, change):
        before = [token for token, _, _ in tokens_of(' '.join(change.before))]
        if not before or before == [token for token, _, _ in tokens_of(' '.join(change.after))]:
            raise Misfit('the change has no effect')
        bodies = list(self.bodies(change.place))
        if not bodies:
            raise Misfit(f'no function {change.place}')
        found = [(path, body[i][1], body[i + len(before) - 1][2]) for path, body in bodies
                 for i in range(len(body) - len(before) + 1)
                 if [token for token, _, _ in body[i:i + len(before)]] == before]
        if len(found) != 1:
            raise Misfit(f'{change.place} has {len(found)} of: {" ".join(change.before)}')
        return found[0]


def body_of(tokens):
    """The tokens from the function's name to the end of its body. Empty: it is a declaration."""
    depth = 0
    for i, (token, _, _) in enumerate(tokens):
        if token == ';' and depth == 0:
            return []
        depth += (token == '{') - (token == '}')
        if token == '}' and depth == 0:
            return tokens[:i + 1]
    return []


def main(arguments):
    if arguments == ['--list']:
        print('\n'.join(read_table()))
        return True
    if len(arguments) in (2, 3) and arguments[0] in ('--apply', '--describe', '--family', '--shows'):
        mutant = read_table().get(arguments[1])
        if mutant is None:
            sys.exit(f'mutate.py: no mutant {arguments[1]}')
        if arguments[0] != '--apply':
            print({'--describe': mutant.wrong, '--family': mutant.family, '--shows': mutant.shows}[arguments[0]])
            return True
        tree = Tree(read_sources(arguments[2]))
        try:
            changed = tree.apply(mutant)
        except Misfit as misfit:
            sys.exit(f'mutate.py: {mutant.name}: {misfit}')
        for path in sorted(changed):
            path.write_text(tree.texts[path], encoding='utf-8')
            print(path.relative_to(arguments[2]))
        return True
    sys.exit(__doc__)


if __name__ == '__main__':
    sys.exit(0 if main(sys.argv[1:]) else 1)
