#!/usr/bin/env bash
# Killed at any moment, without warning: the next command works, nothing that was acknowledged is lost,
# and doing the same again leads to the state of a twin that was never killed. SQLite and git look at
# every workspace after each kill.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
RANDOM=${SEED:-20251}
scene
for q in q1 q2 q3; do judge anna $q 2 >/dev/null 2>&1; done
judge ben q1 1 >/dev/null 2>&1
quiet casepack -C ben return -o in
casesfile 250 >many.csv

# takes COMMAND...: how many milliseconds it needs, into $whole
takes() {
	local start=${EPOCHREALTIME/./}
	quiet "$@"
	whole=$(((${EPOCHREALTIME/./} - start) / 1000 + 2))
}

# killed COMMAND...: KILL it somewhere within its time and wait until it is gone; its results are in $work/.said
killed() {
	local ms=$((RANDOM * whole * 11 / 10 / 32768 + 1)) got
	"$@" >"$work/.said" 2>/dev/null </dev/null &
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	got=$?
	[ $got != 137 ] || kills=$((kills + 1))
	echo "after $ms ms of $whole: $*"
}
kills=0

cases_of() { sqlite3 "$1/casepack.db" 'SELECT name, hex(content) FROM cases ORDER BY name'; }

import_killed() {
	cp -a hub twin
	takes casepack -C twin import many.csv --locale en-US
	cases_of twin >want
	for _ in $(seq 12); do
		rm -rf k && cp -a hub k
		killed casepack -C k import many.csv --locale en-US
		casepack -C k status >/dev/null && sound k >/dev/null || return 1
		case $(cases_of k | wc -l) in 8 | 250) ;; *) echo "half imported"; return 1 ;; esac
		casepack -C k import many.csv --locale en-US || return 1
		cases_of k | diff - want && sound k >/dev/null || return 1
	done
	casepack -C k assign --form relevance --guideline guide && casepack -C k pack --all -o out
}
check "an import killed at any moment is whole or not there, and is done by the next" import_killed

returned_answers() { # every bundle that has its name is whole, and the hub gets all three answers
	for file in "$1"/*.casepack.age; do casepack inspect "$file" >/dev/null || return 1; done
	rm -rf h && cp -a hub h && casepack -C h merge "$1" >/dev/null || return 1
	casepack -C h export -o labels.csv 2>/dev/null
	equal "$(grep -c ',anna,.*submitted' labels.csv)" 6
}
return_killed() {
	mkdir twin-in && cp -a anna twin-anna
	takes casepack -C twin-anna return -o twin-in
	for _ in $(seq 12); do
		rm -rf k back && mkdir back && cp -a anna k
		killed casepack -C k return -o back
		casepack -C k status >/dev/null && sound k >/dev/null || return 1
		casepack -C k return -o back >/dev/null && sound k >/dev/null && returned_answers back || return 1
	done
}
check "a seal and return killed at any moment lose no answer" return_killed

rate_killed() {
	local acknowledged
	cp -a anna rated
	takes casepack -C rated rate q8 grade@d1=1 grade@d2=1
	for i in $(seq 12); do
		rm -rf k && cp -a anna k
		acknowledged='q1 q2 q3'
		killed casepack -C k rate q5 grade@d1=1 grade@d2=$((i % 4))
		! grep -q submitted "$work/.said" || acknowledged='q1 q2 q3 q5'
		casepack -C k --json rate --list | jq -r 'select(.state == "submitted").case' | sort >state || return 1
		for q in $acknowledged; do grep -qx $q state || { echo "$q is lost"; return 1; }; done
		casepack -C k rate q5 grade@d1=1 grade@d2=$((i % 4)) && sound k >/dev/null || return 1
	done
}
check "an answer that was acknowledged is there after a kill" rate_killed

merge_killed() {
	quiet casepack -C anna return -o in
	rm -rf twin && cp -a hub twin
	takes casepack -C twin merge in
	local want
	want=$(hash twin)
	for _ in $(seq 16); do
		rm -rf k && cp -a hub k
		killed casepack -C k merge in
		casepack -C k status >/dev/null && sound k >/dev/null || return 1
		casepack -C k merge in >/dev/null && sound k >/dev/null || return 1
		equal "$(hash k)" "$want" || return 1
		casepack -C k verify >/dev/null || { echo "verify finds something"; return 1; }
	done
}
check "a merge killed at any moment ends, done again, where its twin is" merge_killed

open_killed() {
	local bundle=out/chorus-to-anna-0001.casepack.age want
	takes casepack -C opened open "$bundle" --key anna
	want=$(hash opened)
	mkdir opens
	for i in $(seq 8); do
		killed casepack -C opens/w$i open "$bundle" --key anna
		casepack -C opens/w$i open "$bundle" --key anna || return 1
		sound opens/w$i >/dev/null && equal "$(hash opens/w$i)" "$want" || return 1
		judge opens/w$i q4 || return 1
	done
	casepack -C twin assign --form relevance --guideline guide --pass 2 && casepack -C twin pack --to anna -o out || return 1
	bundle=$(last out to-anna)
	rm -rf opened && cp -a anna opened
	takes casepack -C opened open "$bundle"
	want=$(hash opened)
	for _ in $(seq 8); do
		rm -rf k && cp -a anna k
		killed casepack -C k open "$bundle"
		casepack -C k status >/dev/null && sound k >/dev/null || return 1
		casepack -C k open "$bundle" >/dev/null && sound k >/dev/null && equal "$(hash k)" "$want" || return 1
	done
}
check "an open killed at any moment is done by the next" open_killed
check "of 68 commands at least 40 were really killed" [ $kills -ge 40 ]
echo "# $kills commands killed"
finish
