#!/usr/bin/env bash
# Trust between two leads' hubs: a revocation that the other did not know of, a device that both meet with a new key, and
# leads who decide differently about one change commit.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post
well() { "$@" >"$work/.did" 2>&1 || [ $? = 3 ] || { cat "$work/.did"; return 1; }; }
any() { "$@" >"$work/.did" 2>&1 || true; }
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
exchange() {
	well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)" &&
		well casepack -C bea pack --plain --to lead -o post && well casepack -C hub merge "$(last post to-lead)" &&
		well casepack -C hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)"
}
trees() { for w in hub bea; do git -C $w/history.git rev-parse 'main^{tree}'; done; }
agree() { [ "$(trees | sort -u | wc -l)" = 1 ] && equal "$(hash hub)" "$(hash bea)"; }
replays() { casepack -C hub verify && casepack -C bea verify; }
replica() { casepack -C "$1" --json status | jq -r .replica; }
graded() { casepack -C "$1" export --format csv --no-times -o - --field grade 2>/dev/null | python3 -c 'import csv, sys
print(" ".join(sorted(r["case"] + "=" + r["value"] for r in csv.DictReader(sys.stdin) if r["result"] == "d1" and r["rater"] == "'"$2"'")))'; }
kind_of() { casepack -C "$1" quarantine --all --json 2>/dev/null | jq -r "select(.name == \"$2\") | .kind + \" \" + .decision"; }
bundle() { quiet casepack -C "$1" return --plain -o in; last in from-"${2:-$1}"; }

# ---- revoked here, accepted there -----------------------------------------------------------------------------

anna=$(replica anna)
quiet judge anna q1 1
quiet casepack -C hub merge "$(bundle anna)"
quiet exchange
quiet casepack -C hub person revoke anna --device "${anna:0:8}" --reason "the laptop is gone"
quiet judge anna q2 2
second=$(bundle anna)
any casepack -C hub merge "$second"
any casepack -C bea merge "$second" # who has not heard of it
commit=$(git -C bea/history.git rev-parse "replica/$anna")
check "the hub that revoked has refused it" equal "$(kind_of hub "$commit")" "refused "
check "the other has taken it in" equal "$(graded bea anna)" "q1=1 q2=2"
check "they exchange" exchange
check "accepted by one is accepted, and both hold one state" agree
check "on both it is to be reviewed" equal "$(kind_of hub "$commit")$(kind_of bea "$commit")" "review review "
check "each equals its replay" replays
quiet judge anna q3 3
third=$(bundle anna)
any casepack -C bea merge "$third"
commit3=$(casepack -C bea quarantine --json 2>/dev/null | jq -r 'select(.kind == "refused") | .name')
check "now the other refuses too" test -n "$commit3"
check "who has its bytes accepts it" status 0 casepack -C bea quarantine accept "$commit3" --reason "anna brought it herself"
check "they exchange again" exchange
check "and both hold it" equal "$(graded hub anna) | $(graded bea anna)" "q1=1 q2=2 q3=3 | q1=1 q2=2 q3=3"
check "as one state" agree
check "with the reason on both mains" bash -c "for w in hub bea; do git -C \$w/history.git show main:trust/rulings.tsv | grep -q 'anna brought it herself' || exit 1; done"
check "each equals its replay still" replays

# ---- two leads, two minds --------------------------------------------------------------------------------------

quiet judge anna q4 1
fourth=$(bundle anna)
any casepack -C bea merge "$fourth"
any casepack -C hub merge "$fourth"
commit4=$(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "refused") | .name')
quiet casepack -C hub quarantine drop "$commit4" --reason "no more of that laptop"
quiet casepack -C bea quarantine accept "$commit4" --reason "she brought it too"
check "one drops what the other accepts: they exchange" exchange
check "it counts on both, since nothing accepted is refused" equal "$(graded hub anna) | $(graded bea anna)" "q1=1 q2=2 q3=3 q4=1 | q1=1 q2=2 q3=3 q4=1"
check "that they disagree is a conflict for a lead, on both" bash -c "for w in hub bea; do casepack -C \$w conflicts --json 2>/dev/null | jq -se 'any(.class == \"hard\" and (.where // .table // \"\" | tostring | contains(\"ruling\")))' || exit 1; done"
check "and one state" agree
check "each equals its replay then" replays

# ---- a new key that both meet -------------------------------------------------------------------------------------

ben=$(replica ben)
quiet judge ben q1 0
quiet casepack key new ben2
quiet casepack -C ben key replace ben2
fifth=$(bundle ben)
well casepack -C hub merge "$fifth"
well casepack -C bea merge "$fifth"
check "both hubs enter the new device, and exchange" exchange
check "as one edit" agree
check "without a conflict about it" bash -c "! casepack -C hub conflicts --json 2>/dev/null | grep -q replicas"
check "what it brought counts" equal "$(graded hub ben)" "q1=0"
check "each equals its replay at the end" replays

# one lead revokes the old device while the other lets a new one go on for it
old=$(replica ben)
quiet judge ben q2 0
rm "$keys/ben2" "$keys/ben2.pub"
quiet casepack key new ben3
quiet casepack -C ben key replace ben3
sixth=$(bundle ben)
quiet casepack -C hub person revoke ben --device "${old:0:8}" --reason "lost, or worse"
any casepack -C bea merge "$sixth"
check "one trusts the new key while the other revokes the old" status 0 casepack -C bea person trust ben "$(casepack key show ben3 --json | jq -r .words)"
quiet exchange
check "on one state" agree
check "in which the new one is trusted" equal "$(casepack -C hub person devices ben --json | jq -r "select(.device == \"$(replica ben)\") | .state")" active
check "and its work counts" equal "$(graded hub ben)" "q1=0 q2=0"
check "each equals its replay after all" replays

# the same with the old key's word, which is the word of whoever has stolen it
old=$(replica ben)
quiet casepack key new ben4
quiet casepack -C ben key replace ben4
quiet judge ben q3 1
seventh=$(bundle ben)
quiet casepack -C hub person revoke ben --device "${old:0:8}" --reason "stolen"
check "one lets in on the word of a key that the other has revoked" well casepack -C bea merge "$seventh"
quiet exchange
check "they hold one state again" agree
commit=$(git -C bea/history.git rev-parse "replica/$(replica ben)")
check "both leads are told to look at what it brought" equal "$(kind_of hub "$commit")$(kind_of bea "$commit")" "review review "
check "and why" bash -c "casepack -C hub quarantine --json | jq -r .reason | grep -q 'goes on for one that was revoked'"
quiet casepack -C hub person revoke ben --device "$(replica ben | cut -c1-8)" --reason "the thief's"
quiet casepack -C hub quarantine keep "$commit" --reason "ben says that this one is his"
check "until one of them has" equal "$(kind_of hub "$commit")" "review keep"
check "each equals its replay to the end" replays
for w in hub bea; do check "the history of $w is sound" sound $w; done
finish
