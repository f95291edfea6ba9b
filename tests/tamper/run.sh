#!/usr/bin/env bash
# Alters one thing at a time in workspaces at rest (tests/tamper/README.md) and asks `casepack verify`.
. "$(dirname "$0")/../cli/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
. "$root/tests/tamper/fixture.sh"
case " $* " in *' --remembered '*) tokens_on ;; esac
world
words=("$@")
case ${1-} in '' | --remembered) words=(--every "${TAMPER_EVERY:-60}" "$@") ;; esac # one of so many; 1 for all
python3 "$root/tests/tamper/play.py" "$work" "$casepack" "${words[@]}"
