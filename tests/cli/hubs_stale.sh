#!/usr/bin/env bash
# Two leads decide differently about stale judgments, without knowing of each other.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
for c in q1 q2 q3 q4; do quiet judge anna $c 2; done
take anna
printf '# Guide\n\nJudge it otherwise.\n' >second.md
quiet casepack -C hub guideline revise guide second.md --revision breaking
mkdir post
well() { "$@" >"$work/.did" 2>&1 || [ $? = 3 ] || { cat "$work/.did"; return 1; }; }
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
exchange() {
	well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)" &&
		well casepack -C bea pack --plain --to lead -o post && well casepack -C hub merge "$(last post to-lead)"
}
trees() { for w in hub bea; do git -C $w/history.git rev-parse 'main^{tree}'; done; }
agree() { [ "$(trees | sort -u | wc -l)" = 1 ] && equal "$(hash hub)" "$(hash bea)"; }
decision() { # WORKSPACE CASE
	local name
	name=$(casepack -C "$1" --json show "$2" 2>/dev/null | jq -r '.name // empty' | head -1)
	casepack -C "$1" stale --all --json 2>/dev/null | jq -r "select(.case == \"$name\").decision"
}
both() { equal "$(decision hub "$1") $(decision bea "$1")" "$2 $2"; } # CASE DECISION
hard() { casepack -C "$1" conflicts --json --case "$2" 2>/dev/null | jq -r 'select(.class == "hard").conflict' | sort -u; } # WORKSPACE CASE
take_mine() { # WORKSPACE CASE DECISION: resolve in favour of that one
	local n # one object a candidate
	n=$(casepack -C "$1" conflicts --json --case "$2" --class hard 2>/dev/null | jq -s "map(.value | fromjson | .decision) | index(\"$3\") + 1")
	casepack -C "$1" resolve "$(hard "$1" "$2")" --take "$n" --reason 'looked at it again'
}

# q1: one keeps what the other declares void. q2: both say the same. q3 is decided first, and known to both.
quiet casepack -C hub stale keep --case q3 --reason 'holds still'
quiet exchange
quiet casepack -C hub stale keep --case q1 --case q2 --reason 'holds still'
quiet casepack -C bea stale void --case q1 --reason 'does not hold'
quiet casepack -C bea stale keep --case q2 --reason 'the same, for another reason'
# q3 is then judged anew, and one lead decides about that; the other changes her mind about what stood before
quiet judge anna q3 0
quiet casepack -C anna return --plain -o in
well casepack -C bea merge "$(last in from-anna)"
quiet casepack -C bea stale keep --case q3 --reason 'this one too'
quiet casepack -C hub stale void --case q3 --again --reason 'the old one does not hold'
check "they exchange" exchange
check "and hold one state, one main" agree
check "what both decided alike is no conflict" equal "$(hard hub q2)$(hard bea q2)" ""
check "and stands" both q2 keep
check "two decisions that differ are a hard conflict on both" equal "$(hard hub q1 | wc -l) $(hard bea q1 | wc -l)" "1 1"
check "of which the later counts meanwhile" both q1 void
check "it is explained in a screenful" bash -c 'casepack -C hub conflicts $(casepack -C hub conflicts --json --case q1 2>/dev/null | jq -r .conflict | head -1) | tee said.q1 | grep -q "does not hold" && grep -q "holds still" said.q1'
check "it stands on main" bash -c "git -C hub/history.git grep -q 'stale_settlements.*hard.*open' main -- conflicts"
check "decisions about two different judgments are one too" equal "$(hard hub q3 | wc -l) $(hard bea q3 | wc -l)" "1 1"
check "and never mixed: the later is about what stood before, so the question is open" both q3 open
check "which edit each is about is told" bash -c 'casepack -C hub conflicts $(casepack -C hub conflicts --json --case q3 --class hard 2>/dev/null | jq -r .conflict | head -1) | grep -c " \* weighed: " | grep -qx 2'
check "both equal their replay" bash -c 'casepack -C hub verify && casepack -C bea verify'
check "a lead takes one" status 0 take_mine bea q1 keep
check "which stands at once" equal "$(decision bea q1)" keep
check "and of the other the one about what stands" status 0 take_mine hub q3 keep
check "they exchange again" exchange
check "no conflict is left on either" equal "$(for w in hub bea; do hard $w q1; hard $w q3; done)" ""
check "what was taken stands" both q1 keep
check "there too" both q3 keep
check "and both agree" agree
check "a new value is none" bash -c '! casepack -C hub resolve 00000000 --set x --reason y'
# the same decision once more, over two that differ
quiet casepack -C hub stale keep --case q4 --reason same
quiet casepack -C bea stale void --case q4 --reason same
quiet exchange
check "to decide anew closes it too" status 0 casepack -C hub stale void --case q4 --again --reason same
quiet exchange
check "on both" equal "$(hard hub q4)$(hard bea q4)" ""
check "and stands" both q4 void
check "each equals its replay" bash -c 'casepack -C hub verify && casepack -C bea verify'
check "and agrees" agree
finish
