# One person, two devices, one case: what each said is kept, and listed.
. "$(dirname "$0")/lib.sh"

for who in lead ada1 ada2 ben; do quiet casepack key new $who; done
quiet casepack -C hub init --project Forks --name Lead --key lead
quiet casepack -C hub person add ada --key config/casepack/keys/ada1.pub
quiet casepack -C hub person add ada --key config/casepack/keys/ada2.pub
quiet casepack -C hub person add ben --key config/casepack/keys/ben.pub
printf 'id,query,result,title\nq1,red shoes,d1,one\nq1,red shoes,d2,two\nq2,blue shoes,d3,three\nq3,hats,d4,four\n' >cases.csv
quiet casepack -C hub import cases.csv
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel
mkdir out back
hand_out ben
check "two devices of one person get a bundle each" equal "$(ls out | wc -l)" 3
quiet casepack -C one rate q1 grade@d1=1 grade@d2=1
quiet casepack -C two rate q1 grade@d1=3 grade@d2=1
quiet casepack -C one rate q2 grade@d3=2
quiet casepack -C two rate q2 grade@d3=2
quiet casepack -C one rate q3 grade@d4=0
quiet casepack -C one rate q3 grade@d4=1
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=0
for who in one two ben; do quiet casepack -C $who return -o back; done
cp -a hub other
check "merging disagreeing devices is done, and something waits for a person" status 3 casepack -C hub merge back/*
check "both candidates are listed" bash -c "[ \$(casepack -C hub conflicts --json | wc -l) = 2 ]"
casepack -C hub conflicts --json >candidates
check "as something that waits for a person" status 3 casepack -C hub conflicts
check "one of them stands" equal "$(jq -r .stands candidates | sort | xargs)" 'false true'
check "with what each device said" bash -c "grep -q '\\\\\"grade@d1\\\\\":\\\\\"1\\\\\"' candidates && grep -q '\\\\\"grade@d1\\\\\":\\\\\"3\\\\\"' candidates"
casepack -C hub export --format csv -o - >labels.csv 2>/dev/null
check "the one that is exported" equal "$(jq -r 'select(.stands).value | fromjson["grade@d1"]' candidates)" \
	"$(grep -E '^q1,.*,d1,.*,ada,' labels.csv | cut -d, -f13)"
check "where it is marked as in conflict, and nothing else is" equal "$(casepack -C hub export --format jsonl -o - 2>/dev/null |
	jq -r 'select(.in_conflict) | .case + " " + .rater' | sort -u)" 'q1 ada'
check "what stands is one device's judgment whole, never a mixture" bash -c "grep -E '^q1,.*,ada,' labels.csv | cut -d, -f7,13 | sort | tr '\n' ' ' | grep -qE '^d1,3 d2,1 \$|^d1,1 d2,1 \$'"
check "two devices that said the same are no conflict" bash -c "[ \$(grep -cE '^q2,.*,ada,' labels.csv) = 1 ] && ! grep -q blue candidates"
check "other people's work on the case stands beside it" bash -c "[ \$(grep -cE '^q1,.*,ben,' labels.csv) = 2 ]"
check "the conflict is a file on main" bash -c "git -C hub/history.git ls-tree -r --name-only main conflicts/ | grep -q tsv"
status 3 casepack -C other merge $(ls -r back/*) >/dev/null
check "another order of arrival gives the same state" equal "$(casepack -C other status --hash)" "$(casepack -C hub status --hash)"
mkdir share && cp back/* share/
cp -a hub shared
check "a sync that leaves a conflict open ends so too" status 3 casepack -C shared sync share
check "replayed from git it is the same" status 0 casepack -C hub verify
check "the balance counts every edit once" bash -c "casepack -C hub merge back/* 2>&1 | grep -q 'the balance holds'"

# ---- a copied workspace: two lines of one replica ------------------------------------------
cp -a one copy
quiet casepack -C one rate q3 grade@d4=2
quiet casepack -C copy rate q3 grade@d4=3
mkdir a b
quiet casepack -C one return -o a
quiet casepack -C copy return -o b
status 3 casepack -C hub merge a/* b/* >/dev/null
check "a second line of one replica is kept on a branch of its own" bash -c "git -C hub/history.git branch --list 'replica/*.2' | grep -q ."
status 3 casepack -C other merge b/* a/* >/dev/null
check "and both orders give the same state" equal "$(casepack -C other status --hash)" "$(casepack -C hub status --hash)"
check "no judgment of either line is lost" bash -c "casepack -C hub conflicts --json | grep -c 'grade@d4' | grep -q 2"

# ---- a database that is not what history tells -----------------------------------------------
altered() { # SQL: verify sees it, and rebuild makes it good
	local before
	before=$(casepack -C hub status --hash)
	sqlite3 hub/casepack.db "$1"
	status 4 casepack -C hub verify && says 'casepack rebuild' && casepack -C hub rebuild &&
		casepack -C hub verify && equal "$(casepack -C hub status --hash)" "$before"
}
check "verify sees an answer that was altered" altered "UPDATE ratings SET value = '3' WHERE value = '0'"
check "one that is missing" altered "DELETE FROM ratings WHERE value = '1'"
check "and a judgment that was made up" altered "UPDATE judgments SET note = 'made up'"
check "git fsck is clean" git -C hub/history.git fsck --strict
finish
