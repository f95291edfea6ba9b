"""The table of alterations. A row says what is altered in which workspace, and what must come of it.

wants    found      `casepack verify` ends with 4, and one of its lines names every place
         either     found so, or nobody reads anything else than before: every output of READINGS (readings.py) is the same
         same       either, but no place is asked for where it is found: what nobody reads has no name
         honest     whoever owns the workspace may do that: status 0, and everything reads the same
         told       status 0, 3 or 4, and one of the lines names every place: what is missing, or nobody has signed
         noted      it is this workspace's own note, which nobody signed and no history holds: status 0, and at most NOTED reads otherwise,
           no answer, label, person or text
unknowable status 0, and it ends by saying what it cannot exclude; against the checkpoint of before it is found
places   what the line must hold: a string, or a set of which it must hold one; make() may return more of them
second   what the second verifier (samples/audit) must come to: 0, 4, or None where it is not asked
"""
import collections

Alteration = collections.namedtuple("Alteration", "name at wants places make second")
ALTERATIONS = []


def add(name, wants, places, make, at="hub", second=None):
    assert name not in [a.name for a in ALTERATIONS], name
    ALTERATIONS.append(Alteration(name, at, wants, tuple(places), make, second))


def alter(wants, *places, at="hub", second=None):
    """Of a function that alters the site it is given; its name is the alteration's."""
    def register(make):
        add(make.__name__.replace("_", "-"), wants, places, make, at, second)
        return make
    return register
