#!/usr/bin/env bash
# A clock far ahead, which one hub noticed and another, who received it later, did not: far for one is far for both.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack key new anna2
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
quiet casepack -C hub person add anna --key "$keys/anna2.pub" # a second device
mkdir post
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
quiet casepack -C hub pack --plain --to anna -o out
for f in $(ls out/*-to-anna-*); do casepack -C anna2 open "$f" --key anna2 >/dev/null 2>&1; done
[ -e anna2/casepack.db ] || echo "not ok - the scene"
git init -q --bare -b main remote.git

well() { "$@" >"$work/.did" 2>&1 || [ $? = 3 ] || { cat "$work/.did"; return 1; }; }
trees() { for w in hub bea; do git -C $w/history.git rev-parse 'main^{tree}'; done; }
one_tree() { [ "$(trees | sort -u | wc -l)" = 1 ] || { git -C bea/history.git fetch -q "$work/hub/history.git" main 2>&1; git -C bea/history.git diff FETCH_HEAD main; return 1; }; }
agree() { one_tree && equal "$(hash hub)" "$(hash bea)"; }
replays() { casepack -C hub verify && casepack -C bea verify; }
rebuilds() { # WORKSPACE KEY
	rm -rf again && cp -a "$1" again && rm -f again/casepack.db* && casepack -C again rebuild --key "$2" && equal "$(hash again)" "$(hash "$1")" &&
		equal "$(conflicts again)" "$(conflicts "$1")"
}
conflicts() { casepack -C "$1" conflicts --all --json 2>/dev/null | jq -c 'del(.received)' | sort; }
sent() { # WORKSPACE: what it returns, its path in $returned
	quiet casepack -C "$1" return --plain -o in
	returned=$(ls -t in/*-from-anna-*.casepack | head -1)
}
received() { sqlite3 "$1/casepack.db" "SELECT count(*) FROM commits WHERE is_far"; } # WORKSPACE: how many as far
stands() { casepack -C "$1" conflicts --class fork --json 2>/dev/null | jq -r .stands | grep -c true; } # WORKSPACE: forks that policy decides

late() { git -C "$1/history.git" grep -c -F '[late]' main -- judgments | wc -l; } # WORKSPACE: cases with a late judgment

# The second lead takes two cases back, knowing of no answer. Anna answers on one device; on the other, whose clock is a day
# and 12 seconds ahead, she answers otherwise. What that one says of q1 reaches the first hub at once and the second later.
quiet casepack -C bea assign withdraw --case q1 --case q2 --from anna
for c in q1 q2 q3; do quiet judge anna $c 1; done
sent anna
for w in hub bea; do well casepack -C $w merge "$returned"; done
ahead() { sqlite3 anna2/casepack.db "INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 86400 + 12) * 1000000)"; start=$SECONDS; }
later() { sleep $((start + 14 - SECONDS)); }
ahead
quiet judge anna2 q1 3
sent anna2
mv "$returned" in/one.casepack
well casepack -C hub merge in/one.casepack
check "the first hub receives it as far ahead" equal "$(received hub)" 1
check "so nothing stands there" equal "$(stands hub)" 0
later
well casepack -C bea merge in/one.casepack
check "the second, later, as near" equal "$(received bea)" 0
check "where the later answer stands" equal "$(stands bea)" 1
check "and is late, as the first one is" equal "$(late bea)" 2

# q2 the other way round
ahead
quiet judge anna2 q2 3
sent anna2
mv "$returned" in/two.casepack
well casepack -C bea merge in/two.casepack
check "the second hub receives another as far ahead" equal "$(received bea)" 1
check "so that one does not stand, and is not late" equal "$(stands bea) $(late bea)" "1 1"
later
well casepack -C hub merge in/two.casepack
check "the first as near" equal "$(received hub)" 1
check "where it stands" equal "$(stands hub)" 1

for w in hub bea; do cp -a $w kept.$w; done
bundles() {
	well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)" &&
		well casepack -C bea pack --plain --to lead -o post && well casepack -C hub merge "$(last post to-lead)"
}
remote() { for w in hub bea hub bea; do well casepack -C $w sync remote.git || return 1; done; }
for way in bundles remote; do
	check "the word comes with an exchange ($way)" $way
	check "far for one is far for both ($way)" equal "$(received hub) $(received bea)" "2 2"
	check "nothing stands at either where a far clock would decide ($way)" equal "$(stands hub) $(stands bea)" "0 0"
	check "nor is it late there ($way)" equal "$(late hub) $(late bea)" "0 0"
	check "both agree ($way)" agree
	check "and list the same conflicts ($way)" equal "$(conflicts hub)" "$(conflicts bea)"
	check "each equals its replay ($way)" replays
	check "and its rebuild ($way)" rebuilds hub lead
	check "the other too ($way)" rebuilds bea bea
	check "verdicts say which hub found it far ($way)" equal "$(git -C hub/history.git grep -h -c -P '\tfar\t' main -- verdicts | paste -sd+ | bc)" 2
	for w in hub bea; do rm -rf $w; mv kept.$w $w; done
	for w in hub bea; do cp -a $w kept.$w; done
done
finish
