#!/usr/bin/env bash
# A lead goes on with another key: her project moves to a hub of that key, with the old key at hand and without.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
device_of() { # KEY: the id that the hub's roster has for it
	casepack -C hub person devices --json | jq -r --arg words "$(casepack key show "$1" --json | jq -r .words)" 'select(.words == $words) | .device'
}
state_at() { sqlite3 "$1/casepack.db" "SELECT state FROM replicas WHERE id = x'$2'"; }
returned_by() { quiet casepack -C "$1" return -o in; last in from-"$1"; }
grades() { casepack -C "$1" export --format csv -o - --field grade 2>/dev/null | grep -c ',d1,'; }
open_all() { # FOLDER: anna and ben open what is for them there
	for name in anna ben; do quiet casepack -C $name open "$(last "$1" to-$name)" --key $name; done
}
mkdir post at_new late

quiet judge anna q1 1
quiet casepack -C hub merge "$(returned_by anna)"
check "a hub's key cannot be replaced, and it says what can" complains 1 'person add lead --key FILE.pub --hub' casepack -C hub key replace lead
quiet casepack key new second
quiet casepack -C hub person add lead --key "$keys/second.pub" --hub
quiet casepack -C hub pack --to lead -o post
quiet casepack -C new open "$(last post to-lead)" --key second
old=$(device_of lead) new=$(device_of second)
cp -a ben lost_ben && cp -a new lost_new && cp -a new trusting
casesfile 9 >nine.csv
quiet casepack -C hub import nine.csv --locale en-US
quiet casepack -C hub assign --form relevance --guideline guide # of q9 the second hub has not heard yet
quiet casepack -C hub pack --all -o out
quiet casepack -C anna open "$(last out to-anna)"
cp -a anna lost_anna # who has heard of the second hub; ben has not

# ---- with the old key at hand ------------------------------------------------------------------------------------
check "the new hub cannot take over behind the old one's back" complains 1 "hub ${old:0:8}; say it there" casepack -C new person home anna lead
check "an id must be said far enough" complains 1 'has no hub' casepack -C hub person home anna "${new:0:4}"
check "a rater's device is no hub" complains 1 'has no hub' casepack -C hub person home anna "$(device_of anna)"
for key in third fourth; do
	quiet casepack key new $key
	quiet casepack -C hub person add bea --role lead --key "$keys/$key.pub" --hub
done
check "two hubs of one lead are told apart by their devices" complains 1 "has several hubs" casepack -C hub person home anna bea
check "who is not there moves nobody" complains 1 "nobody of that pseudonym" casepack -C hub person home anna cleo "${new:0:8}"
check "both move to the hub of the new key" status 0 casepack -C hub person home anna ben "${new:0:8}"
check "as it says" says "2 people moved"
check "once" status 0 casepack -C hub person home anna ben "${new:0:8}"
check "which it says too" says "0 people moved to ${new:0:8}, 2 there already"
quiet casepack -C hub pack --to lead -o post
quiet casepack -C new merge "$(last post to-lead)"
check "the new hub goes on where the old one ended" status 0 casepack -C new pack --all -o out
check "and they take it, on the old key's word" open_all out
quiet judge anna q2 2
quiet judge ben q1 3
for name in anna ben; do
	check "what $name returns opens with the new key" status 0 casepack -C new merge "$(returned_by $name)"
done
check "and is there" equal "$(grades new)" 3
check "the old key is revoked at the new hub" status 0 casepack -C new person revoke lead --device "${old:0:8}" --reason "a new year, a new key"
check "it gives to the raters" status 0 casepack -C new pack --all -o at_new
check "who open it" open_all at_new
for name in anna ben; do
	check "$name has heard that the old key is revoked" test "$(state_at $name "$old")" != active
done
check "all is proven" status 0 casepack -C new verify
check "a commit of the old key is good where it stands, and signed by it still" bash -c "git -C new/history.git log --format='%ce %G?' main |
	grep -q '^$old@'"
printf 'query,result,title\nlure,d1,x\n' >lure.csv
quiet casepack -C hub import lure.csv --locale en-US
quiet casepack -C hub assign --form relevance --guideline guide
quiet casepack -C hub person home anna lead
quiet casepack -C hub pack --to anna -o late
lured() { # a bundle of the old key, whoever has it now
	local file
	file=$(last late to-anna) && [ -n "$file" ] && status 4 casepack -C anna open "$file"
}
check "what the old key gives afterwards is not taken" lured
check "nor what it sends to the new hub" bash -c "casepack -C hub pack --to lead -o late && { casepack -C new merge \$(ls late/*-to-lead-* | tail -1); test \$? = 4; }"

# ---- without it --------------------------------------------------------------------------------------------------
check "where the old hub is lost the new one revokes it" status 0 casepack -C lost_new person revoke lead --device "$old" --reason "the laptop was stolen"
check "and gives to both from now on" status 0 casepack -C lost_new person home anna ben lead
mkdir at_lost
quiet casepack -C lost_new pack --all -o at_lost
check "which who has heard of it takes" status 0 casepack -C lost_anna open "$(last at_lost to-anna)"
check "and returns to" bash -c "casepack -C lost_anna rate q2 grade@d1=1 grade@d2=0 && casepack -C lost_anna return -o at_lost &&
	casepack -C lost_new merge at_lost/*-from-anna-*"
check "where it counts" equal "$(grades lost_new)" 2
check "who has not heard of it cannot tell it from a thief" complains 4 'nothing was changed' casepack -C lost_ben open "$(last at_lost to-ben)"
quiet casepack -C lost_anna rate q9 grade@d1=1 grade@d2=0
quiet casepack -C lost_anna return -o at_lost
check "work on what only the lost one gave waits, and is not lost" status 3 casepack -C lost_new merge "$(last at_lost from-anna)"
check "and it says for what" says "is not known here yet"
check "and it is proven" status 0 casepack -C lost_new verify
check "merged before the old key is revoked" status 0 casepack -C trusting merge "$(last at_lost from-anna)"
check "what it gave comes back with the work, which counts" equal "$(grades trusting)" 3
check "also behind the revocation" status 0 casepack -C trusting person revoke lead --device "$old" --reason "the disk is broken"
check "it is proven too" status 0 casepack -C trusting verify
for w in new lost_new trusting; do git clone -q --mirror $w/history.git $w.git; check "an auditor agrees about $w" python3 "$root/samples/audit/verify.py" $w.git; done
finish
