#!/usr/bin/env bash
# A workspace that was copied where no token could tell: its lines meet two hubs in opposite order.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --name 'Bea B' --key "$keys/bea.pub" --hub
mkdir post
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
git init -q --bare -b main remote.git
git -C remote.git config receive.denyNonFastForwards true
git -C remote.git config receive.fsckObjects true

anna=$(casepack -C anna --json status 2>/dev/null | jq -r .replica)
well() { "$@" >"$work/.did" 2>&1 || [ $? = 3 ] || { cat "$work/.did"; return 1; }; } # done, or done and something waits
trees() { for w in hub bea; do git -C $w/history.git rev-parse 'main^{tree}'; done; }
one_tree() { [ "$(trees | sort -u | wc -l)" = 1 ] || { git -C bea/history.git fetch -q "$work/hub/history.git" main 2>&1; git -C bea/history.git diff FETCH_HEAD main | head -40; return 1; }; }
one_hash() { equal "$(hash hub)" "$(hash bea)"; }
agree() { one_tree && one_hash; }
replays() { casepack -C hub verify && casepack -C bea verify; }
rebuilds() { # WORKSPACE KEY
	rm -rf again && cp -a "$1" again && rm -f again/casepack.db* && casepack -C again rebuild --key "$2" && equal "$(hash again)" "$(hash "$1")"
}
state() { for w in hub bea; do hash $w; refs $w; git -C $w/history.git count-objects -v | grep -v size; done; }
lines() { git -C "$1/history.git" for-each-ref --format='%(objectname)' "refs/heads/replica/$anna*" | sort; } # WORKSPACE
there() { git -C remote.git for-each-ref; git -C remote.git count-objects -v | grep -v size; }
work() { # WORKSPACE CASE GRADE HUB
	quiet judge "$1" "$2" "$3"
	quiet casepack -C "$1" return --plain -o in
	mv "$(last in from-anna)" "in/$1-$2.casepack" # twins number alike
	well casepack -C "$4" merge "in/$1-$2.casepack" || echo "not ok - set-up: $(tail -1 "$work/.did")"
}
bundles() {
	well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)" &&
		well casepack -C bea pack --plain --to lead -o post && well casepack -C hub merge "$(last post to-lead)" &&
		well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)"
}
remote() { for w in hub bea hub bea; do well casepack -C $w sync remote.git || return 1; done; } # each sees where the other stands now
said_nothing() { casepack -C "$1" sync remote.git 2>&1 | grep -q 'nothing new'; }
keeps() { # every tip that stood there is still reached by some branch of that name: nothing was overwritten
	local tip
	while read -r tip; do
		git -C "$1" for-each-ref --contains "$tip" 'refs/heads/replica/*' | grep -q . || { echo "$tip is lost"; return 1; }
	done
}

for way in bundles remote; do
	git -C remote.git for-each-ref --format='%(objectname)' 'refs/heads/replica/*' >tips.before
	# every round begins with one more twin than the one before
	[ $way = bundles ] && cases='q1 q2 q3 q4' || cases='q5 q6 q7 q8'
	set -- $cases
	[ $way = bundles ] && cp -a anna twin
	work anna $1 3 hub
	work twin $1 1 bea
	check "two lines meet two hubs in opposite order: they exchange ($way)" $way
	check "and agree ($way)" agree
	check "each its replay ($way)" replays
	check "and its rebuild ($way)" rebuilds hub lead
	check "the other too ($way)" rebuilds bea bea
	check "both hold both lines ($way)" equal "$(lines bea)" "$(lines hub)"
	check "as two branches ($way)" equal "$(lines hub | wc -l)" $([ $way = bundles ] && echo 2 || echo 3)
	check "what they answered differently is one fork on both ($way)" bash -c "[ \$(for w in hub bea; do casepack -C \$w conflicts --class fork --json 2>/dev/null | jq -c '[.conflict, .rev, .value, .stands]' | sort | sha256sum; done | sort -u | wc -l) = 1 ]"
	before=$(state)
	check "once more ($way)" $way
	check "changes nothing ($way)" equal "$(state)" "$before"
	# a third line, that branches off somewhere else, and all three go on, each at the other hub than before
	[ $way = bundles ] && { cp -a twin third; work third $2 0 hub; work twin $2 2 bea; } || { work third $2 0 hub; work twin $2 2 bea; }
	work anna $2 3 bea
	work twin $3 2 hub
	work third $3 1 bea
	check "three lines: they exchange ($way)" $way
	check "and agree ($way)" agree
	check "each its replay ($way)" replays
	check "and its rebuild ($way)" rebuilds hub lead
	check "the other too ($way)" rebuilds bea bea
	check "both hold all three lines ($way)" equal "$(lines bea)" "$(lines hub)"
	check "as three branches ($way)" equal "$(lines hub | wc -l)" 3
	before=$(state)
	check "once more ($way)" $way
	check "changes nothing ($way)" equal "$(state)" "$before"
	check "no tip that stood at the remote is lost ($way)" keeps remote.git <tips.before
done
there >before
check "a sync without news says so" bash -c "$(declare -f said_nothing); said_nothing hub && said_nothing bea"
there >after
check "and writes nothing there" same before after
check "all three lines stand there" equal "$(git -C remote.git for-each-ref "refs/heads/replica/$anna*" | wc -l)" 3
check "git finds nothing wrong there" git -C remote.git fsck --strict --no-dangling
check "nor here" sound hub
check "nor with the other" sound bea

# which line has which number is each hub's own matter, and a device finds its own
check "the hubs do not number the lines alike" bash -c "[ \"\$(git -C hub/history.git rev-parse replica/$anna)\" != \"\$(git -C bea/history.git rev-parse replica/$anna)\" ]"
for w in anna twin third; do
	quiet casepack -C hub pack --plain --to anna -o out
	quiet casepack -C $w open "$(last out to-anna)"
done
check "each device is told that its own work arrived" bash -c 'for w in anna twin third; do [ $(casepack -C $w --json status | jq .unsent) = 0 ] || { echo $w; exit 1; }; done'
finish
