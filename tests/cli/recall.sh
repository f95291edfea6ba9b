# Cases taken back or given to more people while bundles are in the field; judgments that are late or stale.
. "$(dirname "$0")/lib.sh"

for who in lead ana ben cem; do quiet casepack key new $who; done
quiet casepack -C hub init --project Recall --name Lead --key lead
for who in ana ben cem; do quiet casepack -C hub person add $who --locale en --key config/casepack/keys/$who.pub; done
{ echo id,query,locale,result,title; for i in 1 2 3 4 5 6; do echo "q$i,query $i,en,d$i,title $i"; done; } >cases.csv
quiet casepack -C hub import cases.csv
quiet casepack -C hub form add rel --preset relevance-0-3
printf '# Guide\n\nBe fair.\n' >guide.md
quiet casepack -C hub guideline add guide guide.md
quiet casepack -C hub assign --form rel --guideline guide --to ana,ben --due 2026-03-31
mkdir out back
round() { rm -f out/* back/*; quiet casepack -C hub pack --all -o out; for w in ana ben cem; do
	for f in out/*-$w-*; do [ -e "$f" ] && quiet casepack -C $w open "$f" --key $w; done; done; }
return_all() { for w in "$@"; do quiet casepack -C $w return -o back; done; }
round
state() { sqlite3 hub/casepack.db "SELECT substr(a.state, 1, instr(a.state || ' ', ' ') - 1) FROM assignments a JOIN cases c ON c.id = a.case_id
	JOIN persons p ON p.id = a.person WHERE c.name = '$1' AND p.pseudonym = '$2' AND a.pass = ${3:-1}"; }
labels() { casepack -C hub export --format csv --no-times -o - 2>/dev/null; }
column() { labels | python3 -c 'import csv,sys
for r in csv.DictReader(sys.stdin):
    if (r["case"], r["rater"], r["pass"]) == tuple(sys.argv[2:5]): print(r[sys.argv[1]])' "$@"; }

# ---- withdraw -------------------------------------------------------------------------------
quiet casepack -C ana rate q1 grade@d1=3
return_all ana
quiet casepack -C hub merge back/*
quiet casepack -C ana rate q2 grade@d2=1
check "a dry run takes nothing back" bash -c "casepack -C hub assign withdraw --case q2 -n && [ -z \"\$(git -C hub/history.git grep -h withdrawn main -- assignments)\" ]"
check "a lead takes a case back while it is in the field" status 0 casepack -C hub assign withdraw --case q2
check "from everybody who has it" equal "$(state q2 ana) $(state q2 ben)" "withdrawn withdrawn"
check "the assignment says so on main" bash -c "git -C hub/history.git grep -q withdrawn main -- assignments/ana.tsv"
return_all ana
check "work that arrives later is taken" status 0 casepack -C hub merge back/*
check "and marked late" equal "$(column late q2 ana 1)" true
check "on main too" bash -c "git -C hub/history.git grep -F '[late]' main -- judgments | grep -q withdrawn"
check "with its answer kept" equal "$(column value q2 ana 1)" 1
check "it does not count in qrels" bash -c "casepack -C hub export --format qrels --aggregate mean --field grade -o - | grep -c ^q2 | grep -qx 0"
check "what is judged is left alone" bash -c "casepack -C hub assign withdraw --case q1 --from ana 2>&1 | grep -q 'left alone'"
check "unless that is said" bash -c "casepack -C hub assign withdraw --case q1 --from ana --judged"
check "a judgment that the lead knew is not late" equal "$(state q1 ana) $(column late q1 ana 1)" "withdrawn false"
round
quiet casepack -C ana rate --list
check "the rater is not asked for it any more" bash -c "! casepack -C ben rate --list | grep -q q2"
check "and told so" bash -c "casepack -C ben rate q2 grade@d2=0 2>&1 | grep -q 'taken back by the lead'"
check "a change by someone who did not know of the withdrawal yet is late no more than what it changes was" equal "$(column late q1 ana 1)" false
check "giving everything again does not give back what was taken" bash -c "casepack -C hub assign --form rel --guideline guide | grep -q . ; [ '$(state q2 ben)' = withdrawn ]"
check "naming the person does" bash -c "casepack -C hub assign --form rel --guideline guide --to ana --case q2"
check "and the judgment is late no longer" equal "$(state q2 ana) $(column late q2 ana 1)" "given false"

# ---- reassign, expire, top up ------------------------------------------------------------------
check "what ben has not judged goes to cem" bash -c "casepack -C hub assign reassign --from ben --to cem --case q3 --case q4"
check "ben's is marked, cem's is given" equal "$(state q3 ben) $(state q3 cem)" "reassigned given"
check "what was due is taken back by a lead, never by a clock" status 2 casepack -C hub assign expire
check "what was due before a day expires" bash -c "casepack -C hub assign expire --before 2026-04-01 --from ben"
check "and only that" equal "$(state q5 ben) $(state q3 cem) $(state q5 ana)" "expired given given"
round
quiet casepack -C ana rate q3 grade@d3=0
quiet casepack -C cem rate q3 grade@d3=3
quiet casepack -C ana rate q4 grade@d4=2
quiet casepack -C cem rate q4 grade@d4=2
return_all ana cem
quiet casepack -C hub merge back/*
check "a further rater for the case that disagrees, and no other" equal "$(casepack -C hub assign top-up --form rel --guideline guide --disagree grade --to ana,ben,cem --json | jq .made)" 1
check "it is somebody who does not have it" equal "$(state q3 ben)" given
check "and nothing more while his judgment is to come" equal "$(casepack -C hub assign top-up --form rel --guideline guide --disagree grade --json | jq .made)" 0

# ---- stale ---------------------------------------------------------------------------------------
check "nothing is stale yet" bash -c "casepack -C hub stale 2>&1 | grep -q '^0 judgments wait'"
printf '# Guide\n\nBe fair. Maps count.\n' >guide.md
quiet casepack -C hub guideline revise guide guide.md --revision breaking
check "a breaking revision makes earlier judgments stale" status 3 casepack -C hub stale
check "each of them" equal "$(casepack -C hub stale --json | jq -r '[.case,.rater]|join(" ")' | sort | tr '\n' ' ')" 'q1 ana q2 ana q3 ana q3 cem q4 ana q4 cem '
check "which stands on main" equal "$(git -C hub/history.git grep -hP '\t\[stale\]\tguide revision 2\topen\t' main -- judgments | wc -l)" 6
check "in exports they are open" equal "$(column stale q1 ana 1)" open
check "a reason is wanted" status 2 casepack -C hub stale keep
check "one is kept" status 0 casepack -C hub stale keep --case q1 --reason "no maps"
check "one rater's are void" status 0 casepack -C hub stale void --from cem --reason "wrong scale"
check "the rest is given once more" bash -c "casepack -C hub stale requeue --reason maps | grep -q 'given once more: 3 cases'"
check "exports say what was decided" equal "$(column stale q1 ana 1) $(column stale q3 cem 1) $(column stale q4 ana 1)" "keep void requeue"
check "kept ones count, void ones do not" equal "$(casepack -C hub export --format qrels --aggregate mean --field grade -o - 2>/dev/null | awk '{print $1}' | sort -u | tr '\n' ' ')" "q1 "
check "nothing waits then" status 0 casepack -C hub stale
check "who decided and why stands on main" bash -c "git -C hub/history.git grep -h '\[stale\]' main -- judgments | grep -q 'void.*wrong scale.*lead'"
round
quiet casepack -C ana rate q3 grade@d3=1
return_all ana
quiet casepack -C hub merge back/*
check "the further pass is judged under the new revision" equal "$(column guideline_revision q3 ana 2) $(column stale q3 ana 2)" "2 "
check "another decision takes its place" bash -c "casepack -C hub stale void --case q1 --again --reason 'has maps after all' && [ \"\$(sqlite3 hub/casepack.db \"SELECT group_concat(DISTINCT decision) FROM stale_settlements WHERE reason = 'has maps after all'\")\" = void ]"

# ---- judged under one guideline, given under another since -----------------------------------------
quiet casepack -C hub assign --form rel --guideline guide --to ben --case q6 --pass 3
round
quiet casepack -C ben rate q6 grade@d6=2
quiet casepack -C hub assign withdraw --from ben --case q6 --pass 3
quiet casepack -C hub guideline add other guide.md
quiet casepack -C hub assign --form rel --guideline other --to ben --case q6 --pass 3
printf '# Guide\n\nBe fair, and quick.\n' >guide.md
quiet casepack -C hub guideline revise guide guide.md --revision breaking
rm back/*
return_all ben
casepack -C hub merge back/* >/dev/null 2>&1
check "a judgment is stale by the guideline that it was made under" bash -c "casepack -C hub stale --json | jq -e 'select(.case == \"q6\" and .rater == \"ben\")' >/dev/null"
check "and stands so on main" bash -c "git -C hub/history.git grep '\[stale\]' main -- judgments | grep -q '/q6.tsv:ben'"

check "the hub equals its replay" status 0 casepack -C hub verify
sqlite3 hub/casepack.db "SELECT hex(doc), col, class, is_open, policy FROM conflicts ORDER BY 1,2,3" >conflicts.before
rm hub/casepack.db*
quiet casepack -C hub rebuild --key config/casepack/keys/lead
sqlite3 hub/casepack.db "SELECT hex(doc), col, class, is_open, policy FROM conflicts ORDER BY 1,2,3" >conflicts.after
check "rebuilt from git, late and stale are what they were" same conflicts.before conflicts.after
check "git fsck is clean" git -C hub/history.git fsck --strict
finish
