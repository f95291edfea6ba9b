"""The table of attacks. A row says from which honest bundle it is made and how, and what must come of it.

base     a bundle of fixture.sh; it says who takes it in (SIDES)
status   exit status of `casepack merge` or `casepack open`
says     what the one line must say: a regular expression
leaves   what is left behind (play.py, `leaves`):
         nothing   the workspace is byte for byte what it was, but for SQLite's own side files
         known     no row that travels and no branch has changed: the bundle was taken for an old one
         refused   the change commit is in quarantine: listed with its reason, no object of it in history.git, no row of it
         waits     it is listed as waiting, no object of it in history.git, no row of it
         stranger  it waits too, and `quarantine` lists the device for a lead to decide about
         taken     it is taken in: what is attacked does no harm, and `casepack verify` says so
"""
import collections

Attack = collections.namedtuple("Attack", "name base status says leaves make at")
ATTACKS = []

# Who takes a bundle in, and how.
SIDES = {"return": "hub", "returns": "hub", "other": "hub", "known": "hub", "relay": "hub", "hub": "hub", "far": "hub",
         "material": "anna", "older": "anna", "far-material": "anna", "relayed": "cem", "first": "new"}


def add(name, base, status, says, make, leaves="nothing", at=None):
    assert name not in [a.name for a in ATTACKS], name
    ATTACKS.append(Attack(name, base, status, says, leaves, make, at or SIDES[base]))


def attack(base, status, says, leaves="nothing", at=None):
    """Of a function that changes the bundle it is given, or returns other bytes; its name is the attack's."""
    def register(make):
        add(make.__name__.replace("_", "-"), base, status, says, make, leaves, at)
        return make
    return register
