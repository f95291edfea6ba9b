#!/usr/bin/env python3
"""A naive model of casepack: what every workspace must hold, told from the intents alone.

Rows are dictionaries, an edit is an object that names those it was made on top of, a
bundle is what its sender held when it was written. No database, no session, no git,
nothing shared with the product: the rules are those of the design, read again.

    python3 model.py --check LOG STATE      print what differs; 1 when anything does

model_rules.py: from edits to state; model_hub.py: who holds what; model_world.py: what each
intent leads to; model_decide.py, model_trust.py, model_relay.py: leads' decisions, whom they trust, and relays; model_compare.py.
"""
import argparse
import json
import sys

from model_relay import check


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--check", nargs=2, metavar=("LOG", "STATE"), required=True)
    log, state = p.parse_args().check
    with open(log) as l, open(state) as s:
        found = check([json.loads(line) for line in l], json.load(s))
    print("\n".join(found) or "as it must be")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
