#!/usr/bin/env bash
# A hub refuses a change commit in the middle of a rater's chain: what the rater knows of it, and that the rest arrives.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
replica() { casepack -C "$1" --json status | jq -r .replica; }
# trust STATE: what the hub thinks of anna's device; a hub that does not trust it refuses all that comes meanwhile
trust() { sqlite3 hub/casepack.db "UPDATE replicas SET state = '$1' WHERE id = x'$anna'"; }
anna=$(replica anna)
bundle() { quiet casepack -C anna return -o in; last in from-anna; }
refused() { trust revoked; status 4 casepack -C "${2:-hub}" merge "$1" >/dev/null; local got=$?; trust active; return $got; }
tell() { quiet casepack -C hub pack --to anna -o out; casepack -C anna open "$(last out to-anna)"; }
graded() { casepack -C "$1" export --format csv --no-times -o - --field grade 2>/dev/null | python3 -c 'import csv, sys
print(" ".join(sorted(r["case"] + "=" + r["value"] for r in csv.DictReader(sys.stdin) if r["result"] == "d1")))'; }

# ---- the first of all, and one behind it ---------------------------------------------------------------

quiet judge anna q1 1
first=$(bundle)
quiet judge anna q2 2
second=$(bundle)
quiet judge anna q3 3 # not sealed
quiet judge anna q2 1 # grows from what is sealed
check "a hub refuses the first change commit" refused "$first"
casepack -C hub merge "$second" >/dev/null 2>&1
check "what is behind it waits" equal "$(casepack -C hub log --waiting --json 2>/dev/null | jq -s length)" 1
check "until its rater hears of it nothing is told" equal "$(graded anna)" "q1=1 q2=1 q3=3"

tell >said 2>&1
check "the rater is told that it was refused" grep -q '1 commit of yours was refused by the hub, and counts no more' said
check "and that nothing made after it is lost" grep -q 'kept: 3 edits made after it' said
check "the refused answer counts no more" equal "$(graded anna)" "q2=1 q3=3"
check "its case is to do again" bash -c 'casepack -C anna rate --list --json 2>/dev/null | jq -se "any(.case == \"q1\" and .state == \"todo\")"'
check "the database is what history tells" status 0 casepack -C anna verify
check "nothing of history is gone" bash -c "git -C anna/history.git branch --list 'replica/*.2' | grep -q . && git -C anna/history.git fsck --strict --no-dangling"
cp -a anna told
check "made again from git it is the same" bash -c '[ "$(casepack -C anna status --hash)" = "$(casepack -C anna rebuild >/dev/null && casepack -C anna status --hash)" ]'
check "hearing it again changes nothing" bash -c 'h=$(casepack -C anna status --hash); casepack -C anna open "$(ls out/*to-anna* | tail -1)" >/dev/null 2>&1; [ "$(casepack -C anna status --hash)" = "$h" ]'
quiet judge anna q1 0
third=$(bundle)
casepack -C hub merge "$third" >/dev/null 2>&1
check "everything else arrives, and the case judged anew" equal "$(graded hub)" "q1=0 q2=1 q3=3"
check "as the rater has it" equal "$(graded anna)" "q1=0 q2=1 q3=3"
check "the balance knows of each" bash -c 'casepack -C hub merge "$0" | grep -q "the balance holds"' "$third"
check "the hub equals its replay" status 0 casepack -C hub verify
tell >said 2>&1
check "all is confirmed to the rater" equal "$(casepack -C anna --json status | jq .unsent)" 0
check "who is told nothing twice" bash -c '! grep -q refused said'
check "and owes nothing" bash -c 'casepack -C anna return -o in --json 2>/dev/null | jq -e ".outcome == \"nothing\"" || ! casepack -C anna return -o in | grep -q commit'

# ---- one in the middle --------------------------------------------------------------------------------------

quiet judge anna q4 1
fourth=$(bundle)
quiet judge anna q5 2
fifth=$(bundle)
quiet judge anna q4 3 # on top of what will be refused
sixth=$(bundle)
quiet judge anna q4 0 # and once more, not sealed yet
quiet judge anna q8 1
check "a later one is refused too" refused "$fourth"
for b in "$fifth" "$sixth"; do casepack -C hub merge "$b" >/dev/null 2>&1; done
tell >said 2>&1
check "what grew from it cannot count, the rest does" equal "$(graded anna)" "q1=0 q2=1 q3=3 q5=2 q8=1"
check "which the rater's replay tells too" status 0 casepack -C anna verify
quiet judge anna q4 2
casepack -C hub merge "$(bundle)" >/dev/null 2>&1
check "judged anew it counts at the hub" equal "$(graded hub)" "q1=0 q2=1 q3=3 q4=2 q5=2 q8=1"
check "and nothing waits there that has not been answered" bash -c '[ "$(casepack -C hub --json status | jq -s ".[-1].waiting")" -le 4 ]'
check "the hub equals its replay again" status 0 casepack -C hub verify
check "and so does the rater" status 0 casepack -C anna verify

# ---- cut off on the way ----------------------------------------------------------------------------------------

mine=refs/heads/replica/$anna
good=$(git -C told/history.git rev-parse "$mine")
old=$(git -C told/history.git rev-parse "$mine.2")
cp -a told cut
git -C cut/history.git update-ref "$mine" "$old" # the rows were written, the branch not moved yet
check "cut off before the branch moves, it is left at the next start" bash -c "casepack -C cut status >/dev/null && [ \$(git -C cut/history.git rev-parse $mine) = $good ]"
check "and all is as it is without a cut" equal "$(casepack -C cut status --hash)" "$(casepack -C told status --hash)"
rm -rf cut
cp -a told cut
git -C cut/history.git update-ref "$mine" "$old"
git -C cut/history.git update-ref -d "$mine.2"
sqlite3 cut/casepack.db "UPDATE commits SET branch = 'replica/$anna' WHERE branch = 'replica/$anna.2'"
check "cut off before that too" bash -c "casepack -C cut status >/dev/null && [ \$(git -C cut/history.git rev-parse $mine.2) = $old ]"
check "with the same end" equal "$(casepack -C cut status --hash)" "$(casepack -C told status --hash)"
check "which its history tells" status 0 casepack -C cut verify

# ---- accepted after all -------------------------------------------------------------------------------------------

quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post
quiet casepack -C hub pack --to bea -o post
quiet casepack -C bea open post/*-to-bea-0001.casepack.age --key bea
tell >/dev/null 2>&1 # the rater learns of the second hub, so what she returns is for that one, too
quiet judge anna q6 2
seventh=$(bundle)
quiet judge anna q7 2
eighth=$(bundle)
check "one hub refuses" refused "$seventh"
casepack -C hub merge "$eighth" >/dev/null 2>&1
tell >/dev/null 2>&1
check "and the rater hears of it" equal "$(graded anna)" "q1=0 q2=1 q3=3 q4=2 q5=2 q7=2 q8=1"
casepack -C bea merge "$seventh" >/dev/null 2>&1
quiet casepack -C bea pack --to lead -o post
casepack -C hub merge "$(last post to-lead)" >/dev/null 2>&1
check "another accepts, and the first with it" equal "$(graded hub)" "q1=0 q2=1 q3=3 q4=2 q5=2 q6=2 q7=2 q8=1"
tell >/dev/null 2>&1
check "then it counts at the rater's again" equal "$(graded anna)" "q1=0 q2=1 q3=3 q4=2 q5=2 q6=2 q7=2 q8=1"
check "as history tells" status 0 casepack -C anna verify
casepack -C hub merge "$(bundle)" >/dev/null 2>&1
check "both lines meet at the hub, and each judgment is there once" equal "$(graded hub)" "q1=0 q2=1 q3=3 q4=2 q5=2 q6=2 q7=2 q8=1"
check "no conflict came of it" status 0 casepack -C hub conflicts
check "the hub is sound" sound hub

# ---- through a relay ------------------------------------------------------------------------------------------------

quiet casepack key new acme
quiet casepack key new cem
quiet casepack -C hub person add acme --role relay --key "$keys/acme.pub"
quiet casepack -C hub person add cem --relay acme --locale en-US --key "$keys/cem.pub"
quiet casepack -C hub assign --form relevance --guideline guide --to cem
mkdir r
quiet casepack -C hub pack --to acme -o r
quiet casepack -C acme open "$(last r to-acme)" --key acme
quiet casepack -C acme pack --to cem -o r
quiet casepack -C cem open "$(last r to-cem)" --key cem
for case in q1 q2; do
	quiet judge cem $case 3
	quiet casepack -C cem return -o r
	quiet casepack -C acme merge "$(last r from-cem)"
	quiet casepack -C acme return -o r
	anna=$(replica cem)
	if [ $case = q1 ]; then refused "$(last r from-acme)"; else casepack -C hub merge "$(last r from-acme)" >/dev/null 2>&1; fi
done
quiet casepack -C hub pack --to acme -o r
casepack -C acme open "$(last r to-acme)" >/dev/null 2>&1
check "a relay drops what its hub refused" equal "$(graded acme)" "q2=3"
check "which its replay tells" status 0 casepack -C acme verify
quiet casepack -C acme pack --to cem -o r
casepack -C cem open "$(last r to-cem)" >/dev/null 2>&1
check "and tells its rater, who does too" equal "$(graded cem)" "q2=3"
quiet casepack -C cem return -o r
casepack -C acme merge "$(last r from-cem)" >/dev/null 2>&1
check "the relay takes in what was made after it, once" equal "$(graded acme)" "q2=3"
quiet casepack -C acme return -o r
casepack -C hub merge "$(last r from-acme)" >/dev/null 2>&1
check "and it arrives" bash -c 'casepack -C hub export --format csv --no-times -o - --field grade 2>/dev/null | grep "^q2," | grep -q ",cem,"'
check "made again from git the relay holds the same" bash -c '[ "$(casepack -C acme status --hash)" = "$(casepack -C acme rebuild --key "$0" >/dev/null && casepack -C acme status --hash)" ]' "$keys/acme"
check "and equals its replay" status 0 casepack -C hub verify

# ---- what a relay would refuse is the hub's to decide ----------------------------------------------------------
quiet judge cem q3 1
quiet casepack -C cem return -o r
sqlite3 acme/casepack.db "UPDATE replicas SET state = 'revoked' WHERE id = x'$(replica cem)'" # as if it had heard so
check "a relay that would refuse lets it wait" bash -c "casepack -C acme merge '$(last r from-cem)'; [ \$(casepack -C acme log --waiting --json | jq -s length) = 1 ]"
check "and does not refuse it" equal "$(casepack -C acme quarantine --json 2>/dev/null | jq -r 'select(.kind == "waiting").reason')" "cem's device is no longer trusted"
quiet casepack -C acme return -o r
casepack -C hub merge "$(last r from-acme)" >/dev/null 2>&1
check "it passes it on, and the hub takes it" bash -c 'casepack -C hub export --format csv --no-times -o - --field grade 2>/dev/null | grep "^q3," | grep -q ",cem,"'
finish
