#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-mutants.py SOURCE_DIR: every mutant of mutants.txt fits the tree, and mutate.py refuses a mutant that does not fit.
Prints TAP.

It builds nothing, so that a change of the core to which a mutant does not fit any more is found at once. run-mutants builds and
runs the mutants.
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from tap import equal, holds, run, test  # noqa: E402 pylint: disable=wrong-import-position
import mutate  # noqa: E402 pylint: disable=wrong-import-position

SAMPLE = {'a.c': """
static void twice (int n);
#define LONGEST 12
static void
twice (int n)
{
  if (n > 1) /* n > 2 */
    add (n,
         1);
  add (n, 2);
  add (n, 2);
}
""", 'b.c': """
void
twice (int n)
{
  add (n, 3);
}
"""}


def mutated(changes):
    """The sample without white space after the changes of the table entry, or the reason for which they do not fit."""
    tree = mutate.Tree(SAMPLE)
    try:
        tree.apply(mutate.read_table('mutant sample\nwrong everything\n' + changes)['sample'])
    except mutate.Misfit as misfit:
        return str(misfit)
    return ''.join(''.join(tree.texts.values()).split())


def changed(before, after):
    return ''.join(''.join(SAMPLE.values()).split()).replace(before, after)


@test('/sim/mutants/statement-is-replaced-in-any-layout')
def _replaces(_):
    equal(mutated('in twice\n- if (n>1) add (n, 1);\n+ if (n > 1)\n+ add (n, 7);'),
          changed('if(n>1)/*n>2*/add(n,1);', 'if(n>1)add(n,7);'))


@test('/sim/mutants/statement-is-removed')
def _leaves_out(_):
    equal(mutated('in twice\n- add (n, 1);'), changed('add(n,1);', ''))


@test('/sim/mutants/function-in-any-file')
def _any_file(_):
    equal(mutated('in twice\n- add (n, 3);\n+ add (n, 4);'), changed('add(n,3);', 'add(n,4);'))


@test('/sim/mutants/macro-and-several-functions')
def _macro(_):
    equal(mutated('in #define LONGEST\n- LONGEST 12\n+ LONGEST 1\nin twice\n- n > 1\n+ n > 5'),
          changed('LONGEST12', 'LONGEST1').replace('n>1)', 'n>5)'))


@test('/sim/mutants/statement-that-is-not-unique-is-refused')
def _refuses(_):
    for changes, why in (('in twice\n- add (n, 2);', 'twice has 2 of: add (n, 2);'),
                         ('in twice\n- n > 2', 'twice has 0 of: n > 2'),
                         ('in twice\n- int n', 'twice has 2 of: int n'),
                         ('in once\n- add (n, 1);', 'no function once'),
                         ('in add\n- n', 'no function add'),
                         ('in twice\n- add (n, 1);\n+ add(n,1);', 'the change has no effect'),
                         ('', 'its entry has no fault or no change')):
        equal(mutated(changes), why, changes)


def add_fits(mutant):
    @test(f'/sim/mutants/fits/{mutant.name}')
    def _fits(texts):
        holds(mutate.Tree(texts).apply(mutant), 'the mutant changes no file')


if __name__ == '__main__':
    for entry in mutate.read_table().values():
        add_fits(entry)
    holds(len(mutate.read_table()) > 60, 'the table is too short')
    sys.exit(run(mutate.read_sources(sys.argv[1])))
