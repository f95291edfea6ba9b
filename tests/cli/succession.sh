#!/usr/bin/env bash
# A device that goes on with another key before its hub has answered: what was saved and sealed comes along in order, and the
# workspace stays what it is, however often that happens.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
replica() { casepack -C "$1" --json status | jq -r .replica; }
graded() { casepack -C hub export --format csv --no-times -o - --field grade 2>/dev/null | python3 -c 'import csv, sys
print(" ".join(sorted(r["case"] + "=" + r["value"] for r in csv.DictReader(sys.stdin) if r["result"] == "d1" and r["rater"] == "'"$1"'")))'; }
words() { casepack key show "$1" --json | jq -r .words; }
bundle() { quiet casepack -C "$1" return -o in; last in from-"${2:-$1}"; }
replace() { quiet casepack key new "$2"; casepack -C "$1" key replace "$2" >said 2>&1; }
waiting() { casepack -C hub quarantine --json 2>/dev/null | jq -r .kind | sort | uniq -c | awk '{printf "%s %s ", $1, $2}'; }

# ---- a judgment that was sealed with the old key, and changed since ----------------------------------------

quiet judge anna q1 1
bundle anna >/dev/null              # sealed with the old key, and lost on the way
quiet judge anna q1 2               # grown from that, and not sealed
cp -a anna lost
replace anna anna2
casepack -C hub merge "$(bundle anna)" >/dev/null 2>&1
check "a judgment that was changed since it was sealed arrives whole" equal "$(graded anna)" "q1=2"
check "nothing waits for anything" equal "$(waiting)" ""

quiet judge anna q7 1
bundle anna >/dev/null
cp -a anna again
replace again anna2b
check "what will be sealed again is owed once" equal "$(casepack -C again --json status 2>/dev/null | jq .unsent)" "$(casepack -C anna --json status 2>/dev/null | jq .unsent)"

# the same without the old key
mv "$keys/anna" away
replace lost anna3
mv away "$keys/anna"
casepack -C hub merge "$(bundle lost anna)" >/dev/null 2>&1
check "without the old key it waits for a lead alone" equal "$(waiting)" "1 stranger 1 waiting "
check "who takes all of it in" status 0 casepack -C hub person trust anna "$(words anna3)"
check "and nothing waits for anything then" equal "$(waiting)" ""
check "the hub equals its replay" status 0 casepack -C hub verify

# ---- a rebuild before the hub has answered -------------------------------------------------------------------

quiet judge ben q1 1
first=$(replica ben)
replace ben ben2
second=$(replica ben)
hash=$(casepack -C ben status --hash)
check "a workspace whose new key has sealed nothing yet can be rebuilt" status 0 casepack -C ben rebuild
check "it is the same device" equal "$(replica ben)" "$second"
check "and holds the same" equal "$(casepack -C ben status --hash)" "$hash"
sealed=$(bundle ben)
check "the old key's word is kept" bash -c "git -C ben/history.git log -1 --format=%B replica/$second | grep -q '^Casepack-Successor-Of: $first .'"
check "once it has sealed it can be rebuilt too" status 0 casepack -C ben rebuild
check "and equals its replay" status 0 casepack -C ben verify
mv ben/casepack.db gone && rm -f ben/casepack.db-*
check "from git alone it is the same device" bash -c "casepack -C ben rebuild --key ben2 >/dev/null 2>&1; [ \"\$(casepack -C ben --json status | jq -r .replica)\" = $second ]"
casepack -C hub merge "$sealed" >said 2>&1
check "the hub takes it in by itself" grep -q "goes on as ${second:0:8} with another key" said

# ---- again, before the hub has answered ------------------------------------------------------------------------

quiet judge ben q2 2
replace ben ben3
check "who has sealed nothing with a key says of the next what is true of it" grep -q 'the old key has signed for it' said
third=$(replica ben)
replace ben ben4
check "a key that never sealed anything vouches for nobody" grep -q 'the lead has to trust it' said
casepack -C hub merge "$(bundle ben)" >/dev/null 2>&1
check "the lead is asked" status 0 casepack -C hub person trust ben "$(words ben4)"
check "nothing is lost" equal "$(graded ben)" "q1=1 q2=2"
check "of the key between nobody hears" bash -c "! casepack -C hub person devices ben --json | grep -q $third"
check "the workspace equals its replay" status 0 casepack -C ben verify

quiet judge ben q3 3
replace ben ben5
bundle ben >/dev/null               # the hub never hears of this one
quiet judge ben q3 2
replace ben ben6
check "its former line is its own still" status 0 casepack -C ben verify
casepack -C hub merge "$(bundle ben)" >said 2>&1
check "what came by way of a key that the hub never heard of arrives" equal "$(graded ben)" "q1=1 q2=2 q3=2"

# ---- the line in between was revoked ------------------------------------------------------------------------------

replace ben ben7
quiet casepack -C hub merge "$(bundle ben)"
seventh=$(replica ben)
quiet judge ben q4 1
bundle ben >/dev/null               # lost, and then the key is stolen
quiet casepack -C hub person revoke ben --device "${seventh:0:8}" --reason stolen
replace ben ben8
check "what two keys have sealed comes once in a bundle" status 4 casepack -C hub merge "$(bundle ben)"
check "and is read for both" says "1 commit refused; 1 commit waiting"
check "the stolen key's is refused, the other one's waits" equal "$(waiting)" "1 refused 1 review 1 stranger 1 waiting "
quiet casepack -C hub person trust ben "$(words ben8)"
check "until a lead trusts it" equal "$(graded ben)" "q1=1 q2=2 q3=2 q4=1"

# ---- a copy of a workspace that nobody has heard of ----------------------------------------------------------------

tokens_on
mkdir apart && cd apart || exit 1 # another project
scene copied
quiet judge anna q1 1
quiet casepack -C hub merge "$(bundle anna)"
give anna
cp -a anna copy
quiet judge copy q2 2
bundle copy anna >/dev/null         # the copy noticed itself, and the hub never hears of that
replace copy anna9
quiet judge copy q3 3
check "a copy that goes on with another key before the hub has heard of it is let in" status 0 casepack -C hub merge "$(bundle copy anna)"
check "with all that it did" equal "$(graded anna)" "q1=1 q2=2 q3=3"
check "and what it was copied from goes on" bash -c 'casepack -C anna rate q4 grade@d1=1 grade@d2=0 && casepack -C anna return -o in && casepack -C hub merge "$(ls in/*-from-anna-* | tail -1)"'
check "as itself" equal "$(graded anna)" "q1=1 q2=2 q3=3 q4=1"
check "that hub equals its replay" status 0 casepack -C hub verify
git clone -q --mirror hub/history.git audit.git
check "an auditor agrees" python3 "$root/samples/audit/verify.py" audit.git
cd ../..

check "the hub equals its replay at the end" status 0 casepack -C hub verify
finish
