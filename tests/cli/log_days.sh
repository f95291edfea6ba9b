#!/usr/bin/env bash
# What a lead reads of a project that is some days old: since when something was stale, what was open when, and all of it on
# terminals that are too narrow for it.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/audit_scene.sh"
audit_scene
hub() { casepack -C hub "$@"; }

# ---- stale, opened -------------------------------------------------------------------------------------
hub log q1 --json >life
revised=$(hub guideline log guide --json | jq -r 'select(.number == 2).received[0:19]')
check "whose judgments are stale is told, since the hub had the revision that made them so" equal \
	"$(jq -r 'select(.what == "stale") | [.whom, .received[0:19], .detail] | @tsv' life | sort)" \
	"$(printf '%s\t%s\tnot made under guide revision 2\n' ben "$revised" cid "$revised")"
check "in the table, too" bash -c 'casepack -C hub log q1 | grep -c "  stale (\(ben\|cid\))  " | grep -qx 2'
check "behind what was judged before it" equal "$(jq -r 'select(.what | IN("judged", "stale", "changed")).what' life | xargs)" "judged judged judged stale stale changed"
judged() { git -C hub/history.git log -1 --format=%at "$(jq -r "select(.what == \"opened\" and .who == \"$1\").commit" life)"; }
check "a device had what it judged, no later than that" bash -c '[ "$(jq -r "select(.what == \"opened\" and .who == \"ben\").when" life)" = "$(jq -r "select(.what == \"judged\" and .who == \"ben\").when" life)" ]'
check "and nothing is said of when it was looked at" bash -c '! jq -r "select(.what == \"opened\").detail" life | grep -vE "^no later than this, when it was judged; sealed behind outbound [0-9a-f]{8}$"'
check "an answer is told as it is in every command" bash -c 'jq -r .detail life | grep -qx "grade of d1: 3 -> 2" && casepack -C hub show $(jq -r "select(.what == \"changed\").commit" life) | grep -qx "  grade of d1: 3 -> 2"'
check "the results of a case by their names" bash -c 'jq -r "select(.what == \"imported\").detail" life | grep -q "results: d1 d2$"'

hub log q4 --json >decided
said() { jq -r "select(.what == \"judged\" and .changes[0].to == \"$1\").commit[0:8]" decided; }
check "a decision names what it chose and what it did not, as the table names them" equal "$(jq -r 'select(.what == "settled").detail' decided)" \
	"what anna said in $(said 3) stands, over $(said 0)"
check "a conflict, what it is between" equal "$(jq -r 'select(.what == "conflicted").detail' decided)" \
	"fork of judgments, policy latest, settled, between $(said 3) by anna, $(said 0) by anna"

quiet hub resolve "$(hub conflicts --all --case q4 --json 2>/dev/null | jq -r .conflict | head -1)" --take "$(hub conflicts --all --case q4 --json 2>/dev/null | jq -r 'select(.stands | not).rev')" --reason 'the first reading holds'
check "a decision made anew for the same reason is told with it" equal "$(hub log q4 --json | jq -r 'select(.what == "settled") | .detail + ": " + .reason')" \
	"$(printf 'what anna said in %s stands, over %s: the first reading holds\n' "$(said 3)" "$(said 0)" "$(said 0)" "$(said 3)")"

# ---- what is settled otherwise -----------------------------------------------------------------------------
stale=$(hub conflicts --case q1 --json 2>/dev/null | jq -r 'select(.person == "ben").conflict')
check "a stale judgment is no conflict to resolve" status 1 casepack -C hub resolve "$stale" --take 1 --reason why
check "and it is said what decides" says 'casepack stale'
check "so says its page, with the command" bash -c "casepack -C hub conflicts $stale | grep -qF 'casepack stale keep --case q1 --from ben --reason \"WHY\"'"
check "and the case" bash -c 'casepack -C hub show q1 | grep -q "open: q1, ben: stale, not made under guide revision 2$"'
check "on a terminal resolve asks nothing about it" bash -c "python3 '$root/tests/tools/terminal.py' 80 casepack -C hub resolve </dev/null | grep -c '^conflict' | grep -qx 3"
command=$(hub conflicts "$stale" | sed -n 's/^  \(casepack stale .*WHY"\).*/\1/p')
check "the command decides" bash -c "${command/casepack/casepack -C hub}"
check "and nothing is asked about that one again" equal "$(hub conflicts --case q1 --json 2>/dev/null | jq -r .person)" cid

# ---- narrow terminals -----------------------------------------------------------------------------------------
cat >fits.py <<'P'
# No line is wider than the terminal, and every word of the table stands there once, in the order of each row's columns.
import subprocess, sys, unicodedata
width, tool, words = int(sys.argv[1]), sys.argv[2], ["sh", "-c", 'exec "$0" "$@" 2>/dev/null', *sys.argv[3:]]
shown = subprocess.run([sys.executable, tool, str(width), *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
piped = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).stdout.decode()
table = lambda text: [l for l in text.split("\n") if l]
wide = [l for l in table(shown) if len(l) > width]
assert not wide or max(map(len, table(piped))) <= width, wide
has = lambda text: sorted(w for w in text.split() if w != "-")
assert has(shown) == has(piped), set(has(shown)) ^ set(has(piped))
assert max(map(len, table(piped))) > width, "this one is no test"
assert all(l == l.rstrip() for l in table(shown)), "blanks at an end"
rows = [l for l in table(shown) if not l.startswith(" ")]
assert len(rows) == len(table(piped)), (len(rows), len(table(piped)))
P
fits() { python3 fits.py "$1" "$root/tests/tools/terminal.py" casepack -C hub "${@:2}"; }
for width in 80 120; do
	for words in "log q1" "log --person anna" "log q4"; do check "$words fits $width columns, row by row" fits $width $words; done
done
for words in log "blame q1" conflicts quarantine; do check "$words fits 60 columns" fits 60 $words; done
check "a table that fits is the same there and in a pipe" bash -c "python3 '$root/tests/tools/terminal.py' 200 casepack -C hub blame q1 | cmp - <(casepack -C hub blame q1)"
check "what is piped is never folded" bash -c 'casepack -C hub log q1 | awk "length > 120" | grep -q .'
finish
