#!/usr/bin/env bash
# Plays every bundle of the corpus (tests/adversary/README.md) against one hub, one rater, one relay and one other hub.
. "$(dirname "$0")/../cli/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
. "$root/tests/adversary/fixture.sh"
world
[ $# -gt 0 ] || set -- --every "${ADVERSARY_EVERY:-6}" # one of so many; 1 for all
python3 "$root/tests/adversary/play.py" "$work" "$casepack" "$@"
