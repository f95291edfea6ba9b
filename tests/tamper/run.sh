#!/usr/bin/env bash
# Alters one thing at a time in workspaces at rest (tests/tamper/README.md) and asks `casepack verify`.
. "$(dirname "$0")/../cli/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
. "$root/tests/tamper/fixture.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # libgit2 forgets some bytes of a walk that ends at what is damaged
case " $* " in *' --remembered '*) tokens_on ;; esac
world
words=("$@")
case ${1-} in '' | --remembered) words=(--every "${TAMPER_EVERY:-60}" "$@") ;; esac # one of so many; 1 for all
python3 "$root/tests/tamper/play.py" "$work" "$casepack" "${words[@]}"
