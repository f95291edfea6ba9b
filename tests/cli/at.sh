# Points of history: what `export --at` and `show --at` say of a moment is what `export` and `show` said then.
# Judged by what was saved at each moment, and by real git on main.
. "$(dirname "$0")/lib.sh"

for who in lead ada1 ada2 ben; do quiet casepack key new $who; done
quiet casepack -C hub init --project At --name Lead --key lead
quiet casepack -C hub person add ada --vendor acme --key config/casepack/keys/ada1.pub
quiet casepack -C hub person add ada --key config/casepack/keys/ada2.pub
quiet casepack -C hub person add ben --vendor acme --key config/casepack/keys/ben.pub
printf 'id,query,result,title\nq1,red shoes,d1,one\nq1,red shoes,d2,two\nq 2,blue shoes,d=3,three\nq3,hats,d4,four\nq4,caps,d5,five\n' >cases.csv
quiet casepack -C hub import cases.csv --locale en-US
printf '# Policy\n\nRed shoes are shoes.\n' >policy.md
quiet casepack -C hub guideline add policy policy.md
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --guideline policy
mkdir out back
hub() { casepack -C hub "$@"; }

# moment NAME: what stands now, and main's commit.
kinds="labels.csv labels.jsonl grades.qrels ada.qrels"
save() { # DIR ARGUMENTS...; a dictionary names its file, so all are written in one place
	local to=$1
	shift
	rm -rf sheets
	mkdir sheets
	hub export -o sheets/labels.csv "$@" && hub export -o sheets/labels.jsonl "$@" &&
		hub export -o sheets/grades.qrels --aggregate median --ties low "$@" && hub export -o sheets/ada.qrels --rater ada "$@" || return 1
	mkdir -p "$to" && mv sheets/* "$to"
}
moments=
moment() {
	quiet save "then/$1"
	for c in "q1" "q 2" "q3"; do
		hub show "$c" --json 2>/dev/null >"then/$1/$c.json"
		hub show "$c" 2>/dev/null >"then/$1/$c.txt"
	done
	git -C hub/history.git rev-parse main >"then/$1/main"
	git -C hub/history.git log -1 --format=%ct main >"then/$1/seconds"
	moments="$moments $1"
	sleep 1.1
}

hand_out ben
quiet casepack -C one rate q1 grade@d1=1 grade@d2=1 --note "first thought"
quiet casepack -C one rate q3 grade@d4=2
quiet casepack -C one return -o back
quiet hub merge back/*
moment first
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=2
quiet casepack -C ben rate 'q 2' grade@d=3=2
quiet casepack -C ben return -o back
quiet hub merge back/*
moment both
quiet casepack -C two rate q1 grade@d1=3 grade@d2=1
quiet casepack -C two return -o back
status 3 hub merge back/* >/dev/null
moment conflict
quiet hub resolve "$(hub conflicts --json 2>/dev/null | jq -r .conflict | head -1)" --take 2 --reason "the shoe is red"
moment settled
quiet hub adjudicate q3 grade@d4=1 --cause policy --reason "not a hat"
moment final
printf '# Policy\n\nRed shoes are boots.\n' >policy.md
quiet hub guideline revise policy policy.md --revision breaking --note boots
moment stale
quiet hub stale keep --case 'q 2' --reason "still right"
quiet hub stale void --case q3 --from ada --reason "hats"
moment decided
printf '# Policy\n\nRed shoes are boots, and boots are shoes.\n' >policy.md
quiet hub guideline revise policy policy.md --revision breaking --note again
quiet hub person revoke ben --reason 'lost laptop'
quiet hub assign withdraw --case q3 --judged
moment late
cp -a hub whole
quiet hub forget 'q 2' --reason "asked to"
moment forgotten

# ---- export --at ------------------------------------------------------------------------------
as_then() { # NAME POINT: every format is what it was
	rm -rf again
	save again --at "$2" || return 1
	for f in $kinds; do
		cmp "then/$1/$f" "again/$f" || return 1
		diff <(grep -v '^State exported: ' "then/$1/$f.dictionary.md") <(grep -v '^State exported: ' "again/$f.dictionary.md") || return 1
	done
	cmp "then/$1/grades.qrels.topics.tsv" again/grades.qrels.topics.tsv
}
mv hub after && mv whole hub
# Pages have no times of answers.
untimed() { jq -S 'del(.gold, .metrics, .at, .ratings[].judged_at, .final[].at)' "$1"; }
shown_then() { # MOMENT
	for c in "q1" "q 2" "q3"; do
		hub show "$c" --at "$(cat then/$1/main)" --json >now.json || return 1
		diff <(untimed "then/$1/$c.json") <(untimed now.json) || return 1
		equal "$(jq -r .at.commit now.json)" "$(cat then/$1/main)" || return 1
		hub show "$c" --at "$(cat then/$1/main)" >now.txt || return 1
		diff <(grep -E '^(conflict|  [a-z])' "then/$1/$c.txt") <(grep -E '^(conflict|  [a-z])' now.txt) || return 1
	done
}
for m in $moments; do
	[ $m = forgotten ] && continue
	check "show --at tells each case as show did then, with its conflicts: $m" shown_then $m
	check "export --at gives the same bytes as export gave then: $m" as_then $m "$(cat then/$m/main)"
done
check "a point is named by digits of main's commit, too" as_then both "$(cut -c1-8 then/both/main)"
taken() { git -C hub/history.git log -1 --format=%B "$(cat then/$1/main)" | sed -n 's/^Change-commit: \([0-9a-f]*\).*/\1/p'; }
check "or by the change commit that it took in" as_then conflict "$(taken conflict)"
check "by one that came later than the moment it is another" bash -c "! cmp -s then/conflict/labels.csv then/settled/labels.csv"
then_at() { date -u -d "@$(($(cat then/$1/seconds) + $2))" +%Y-%m-%dT%H:%M:%SZ; }
check "by the second in which main received it" as_then settled "$(then_at settled 0)"
check "a second before it is the moment before" as_then conflict "$(then_at settled -1)"
check "a time in another zone" as_then settled "$(date -u -d "@$(($(cat then/settled/seconds) + 5400))" +%Y-%m-%dT%H:%M:%S+01:30)"
check "N commits back" as_then settled "$(cat then/final/main)~1"
check "the dictionary says which state it is" grep -q "^State exported: main at .$(cat then/settled/main)." again/labels.csv.dictionary.md
check "nothing is left behind" bash -c '! ls hub | grep -q past'
rm -rf hub && mv after hub
check "of the present it is the same as now" as_then forgotten now
check "a day is its end" as_then forgotten "$(date -u -d tomorrow +%Y-%m-%d)"
quiet hub export --at "$(cat then/both/main)" -o old.csv
cp .out words
check "what was forgotten since is said" grep -q '^what 1 judged case showed then is not here any more' words
cat >erased.py <<'P'
import csv
old, new = (list(csv.DictReader(open(p, newline=""))) for p in ("then/both/labels.csv", "old.csv"))
lost = [(k, a["case_name"], a[k], b[k]) for a, b in zip(old, new) for k in a if a[k] != b[k]]
assert len(old) == len(new) and lost, lost
assert {n for _, n, _, _ in lost} == {r["case_name"] for r in old if r["case"] == "q 2"}, lost
assert {k for k, _, _, _ in lost} == {"case", "query", "result"}, lost
P
check "and nothing else differs: answers, raters and marks of it stand" python3 erased.py

check "open, settled and stale conflicts were among them" bash -c 'grep -q "^conflict .* open: q1, ada: grade@d1" then/conflict/q1.txt && grep -q "^conflict .* settled by lead: q1, ada" then/settled/q1.txt && grep -q "^conflict .* open: .*policy revision 2" then/stale/q3.txt'
check "what waited then waits for nobody now" status 0 casepack -C hub show q1 --at "$(cat then/conflict/main)"
check "a case now is one that waits" status 3 casepack -C hub show q3
check "words of the past are said to be so" bash -c 'casepack -C hub show q1 --at now 2>&1 >/dev/null | grep -q "^as it stood at [0-9a-f]\{12\} of main, received 20"'
check "a changeset has no past" status 2 casepack show --textconv cases.csv --at now
check "a case that is forgotten now is told, without what it showed" bash -c 'casepack -C hub show "q 2" --at "$(cat then/both/main)" | grep -q "forgotten by a lead since"'
check "its answers stand" bash -c 'casepack -C hub show "q 2" --at "$(cat then/both/main)" --json | jq -e ".ratings[0].value == \"2\" and .state == \"active\" and .has_content == false"'
check "as forgotten as it is now" bash -c 'casepack -C hub show "q 2" --at now | grep -q "forgotten by a lead: "'
root=$(git -C hub/history.git rev-list --max-parents=0 main)
check "a case that was not there yet" bash -c "! casepack -C hub show q1 --at $root 2>w && grep -q '^casepack: q1: was not there yet at ${root:0:12}' w"

# ---- what is no point -----------------------------------------------------------------------------
at() { hub export -o none.csv --at "$1"; }
check "before the first commit" bash -c '! casepack -C hub export -o none.csv --at 2020-02-29 2>w && grep -q "2020-02-29: history begins later, with a commit of 20" w'
check "no such day" status 2 at 2021-02-29
check "a day of no month" status 2 at 2021-13-01
check "no such hour" status 2 at 2021-01-01T25:00:00Z
check "words behind a time" status 2 at 2021-01-01T05:00:00Zulu
check "no name at all" status 2 at yesterday
check "an unknown commit" status 1 at 0123456789abcdef
check "a device has no main" bash -c '! casepack -C one export -o none.csv --at now 2>w && grep -q "a point of history is asked for at a lead.s hub" w'
check "more commits back than there are" bash -c '! casepack -C hub export -o none.csv --at now~1000 2>w && grep -q "has only [0-9]* commits before it" w'
check "a git bundle is of the present" status 2 hub export -o none.bundle --format git --at now
check "material that was given is no point" bash -c "casepack -C hub export -o none.csv --at $(git -C hub/history.git for-each-ref --format='%(objectname)' 'refs/heads/outbound/*' | head -1) 2>&1 | grep -q 'gave material to a device'"
check "none of these wrote a file" bash -c '! ls none.* 2>/dev/null'
finish
