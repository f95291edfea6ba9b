#!/usr/bin/env bash
# Three leads, each with a hub and a rater: by one bare repository, and by bundles in a ring, where one never hears another.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack key new cid
mkdir post
hubs='hub bea cid'
for w in bea cid; do
	quiet casepack -C hub person add $w --role lead --name "$w, a lead" --key "$keys/$w.pub" --hub
done
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
quiet casepack -C bea pack --plain --to cid -o post
quiet casepack -C cid open "$(last post to-cid)" --key cid # never hears the first

each() { local w; for w in $hubs; do "$@" "$w" || { echo "at $w"; return 1; }; done; } # COMMAND...
state_of() { casepack -C "$1" status --hash; refs "$1"; git -C "$1/history.git" count-objects -v | grep -v size; }
state() { each state_of; }
hash_of() { casepack -C "$1" status --hash; }
tree_of() { git -C "$1/history.git" rev-parse 'main^{tree}'; }
one() { [ "$(each "$1" | sort -u | wc -l)" = 1 ] || { each "$1"; return 1; }; }
agree() { one tree_of && one hash_of; }
replays_at() { casepack -C "$1" verify; }
rebuilds_at() {
	rm -rf again && cp -a "$1" again && rm -f again/casepack.db* &&
		casepack -C again rebuild --key "${1/hub/lead}" && equal "$(hash_of again)" "$(hash_of "$1")"
}
work() { # PERSON CASE GRADE HUB
	quiet judge "$1" "$2" "$3"
	quiet casepack -C "$1" return --plain -o in
	casepack -C "$4" merge "$(last in from-"$1")" >"$work/.out" 2>&1 || [ $? = 3 ] || echo "not ok - set-up: $(tail -1 "$work/.out")"
}
grades_at() { casepack -C "$1" export --format csv -o - --field grade --no-times 2>/dev/null | tail -n +2 | sort; }
labels_at() { grades_at "$1" | sha256sum; }
everything() { # N: that many answers stand at each hub
	local w
	for w in $hubs; do equal "$(grades_at $w | wc -l)" "$1" || return 1; done
	one labels_at
}

# a rater at each hub: anna and ben with the first, carl with the second, dora with the third
for pair in carl:bea dora:cid; do
	who=${pair%:*} at=${pair#*:}
	quiet casepack key new $who
	quiet casepack -C $at person add $who --name "$who's name" --locale en-US --key "$keys/$who.pub"
	quiet casepack -C $at assign --form relevance --guideline guide --to $who
	quiet casepack -C $at pack --plain --to $who -o out
	quiet casepack -C $who open "$(last out to-$who)" --key $who
done

# ---- a ring of bundles: the first to the second to the third to the first --------------------------

send() { # FROM TO
	quiet casepack -C "$1" pack --plain --to "${2/hub/lead}" -o post
	casepack -C "$2" merge "$(last post to-"${2/hub/lead}")" >"$work/.merged" 2>&1 || { [ $? = 3 ] || { cat "$work/.merged"; return 1; }; }
}
ring() { send hub bea && send bea cid && send cid hub; }
work anna q1 3 hub
work carl q1 2 bea
work dora q1 1 cid
check "three hubs in a ring: a whole turn" ring
check "and a second, for what the first met last" ring
check "all hold one state, and one main" agree
check "and every answer" everything 6
check "each equals its replay" each replays_at
check "and its rebuild" each rebuilds_at
check "git and SQLite find nothing wrong" each sound
check "names that only leads may read went round" bash -c 'casepack -C hub person list | grep -q "dora.s name" && casepack -C cid person list | grep -q "carl.s name"'
before=$(state)
check "a turn without news" ring
check "changes nothing" equal "$(state)" "$before"
work anna q2 3 hub
work ben q2 0 hub
work carl q2 2 bea
work dora q2 1 cid
work carl q3 2 cid # a return may be taken in at any hub
work anna q3 2 bea
check "all move: two turns" bash -c "$(declare -f ring send quiet last); work=$work; ring && ring"
check "and all agree again" agree
check "with every answer" everything 18
check "each its replay" each replays_at

# ---- a bare repository -------------------------------------------------------------------------------

git init -q --bare -b main remote.git
git -C remote.git config receive.denyNonFastForwards true
git -C remote.git config receive.fsckObjects true
push() { casepack -C "$1" sync remote.git; local got=$?; [ $got = 0 ] || [ $got = 3 ]; }
turn() { each push; }
check "they meet at a bare repository" turn
check "each a second time" turn
check "and agree" agree
work anna q4 3 hub
work carl q4 2 bea
work dora q4 1 cid
check "all moved: a turn" turn
check "and another" turn
check "nothing is lost" everything 24
check "all agree" agree
check "each its replay" each replays_at
check "and its rebuild" each rebuilds_at
there() { git -C remote.git for-each-ref; git -C remote.git count-objects -v | grep -v size; }
quiet turn
(state; there) >before
quiet turn
(state; there) >after
check "an exchange without news writes nothing, here or there" same before after
check "and says so" bash -c "for w in $hubs; do casepack -C \$w sync remote.git 2>&1 | grep -q 'nothing new' || exit 1; done"
check "git finds nothing wrong there" git -C remote.git fsck --strict --no-dangling

# ---- leads who decide at once, and a folder ------------------------------------------------------------

printf '# Guide\n\nJudge the result, said the first.\n' >first.md
printf '# Guide\n\nJudge the result, said the third.\n' >third.md
quiet casepack -C hub guideline revise guide first.md
quiet casepack -C cid guideline revise guide third.md
quiet casepack -C hub person add emil --vendor one
quiet casepack -C cid person add emil --vendor three
mkdir share
rest() { # until a whole turn is no news
	local turn w quiet
	for turn in 1 2 3 4 5 6 7 8; do
		quiet=0
		for w in $hubs; do
			casepack -C $w sync share >said.$w 2>&1 || [ $? = 3 ] || { cat said.$w; return 1; }
			grep -q 'nothing new' said.$w && quiet=$((quiet + 1))
		done
		[ $quiet = 3 ] && return 0
	done
	cat said.*
	return 1
}
check "three hubs that sync with one folder come to rest" rest
check "all agree" agree
conflicts_at() { casepack -C "$1" conflicts --json 2>/dev/null | jq -cS "del(.received)" | sort | sha256sum; } # when it was received is each hub's own
check "and list the same conflicts" one conflicts_at
check "which are the two that there are" equal "$(casepack -C bea conflicts --json 2>/dev/null | jq -r .class | sort -u | xargs)" "hard text"
check "each its replay" each replays_at
quiet turn
quiet turn

# ---- both ways at once -----------------------------------------------------------------------------------

work anna q5 3 hub
work carl q5 2 bea
work dora q5 1 cid
check "one by the repository, one by a bundle" bash -c "$(declare -f push send quiet last); work=$work; push hub && push bea && send bea cid && send cid hub && push cid && push hub && push bea"
quiet turn
check "all agree" agree
check "with every answer" everything 30
race() { # all three at one moment
	local w pids=() bad=0
	for w in $hubs; do casepack -C $w sync remote.git >said.$w 2>&1 & pids+=($!); done
	for p in "${pids[@]}"; do wait "$p" || [ $? = 3 ] || bad=1; done
	[ $bad = 0 ] || { cat said.*; return 1; }
}
for i in 6 7 8; do
	work anna q$i 3 hub
	work carl q$i 2 bea
	work dora q$i 1 cid
	check "three syncs at one moment all succeed ($i)" race
	quiet turn
	quiet turn
	check "and agree afterwards ($i)" agree
done
check "with every answer" everything 48
check "each its replay" each replays_at
check "and its rebuild" each rebuilds_at
check "and sound" each sound
finish
