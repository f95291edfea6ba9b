# A report to attach to a dispute: its facts against what was done, its HTML and its Markdown against each other (read by an HTML
# parser and by cmark-gfm), the commands that it prints run as they stand, and what must not be in it.
. "$(dirname "$0")/lib.sh"
paper() { python3 "$root/tests/tools/paper.py" "$@"; }
row() { paper cells "$1" "$2" | grep -P "$3"; } # FILE HEADING PATTERN: a row like that stands there
under() { paper text "$1" "$2" | grep -F -- "$3"; }
silent() { local said; said=$("$@" 2>&1) && [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }; }

for who in lead ada1 ada2 ben cy; do quiet casepack key new $who; done
quiet casepack -C hub init --project Dispute --name 'Lena Realname' --key lead
quiet casepack -C hub person add ada --name 'Ada Realname' --key config/casepack/keys/ada1.pub
quiet casepack -C hub person add ada --key config/casepack/keys/ada2.pub
quiet casepack -C hub person add ben --key config/casepack/keys/ben.pub
quiet casepack -C hub person add cy --key config/casepack/keys/cy.pub
cat >cases.csv <<'X'
id,query,result,title
q1,secret shoes,d1,one title
q1,secret shoes,d2,two title
q2,secret hats,d3,three title
q3,secret caps,d4,four title
q4,secret belts,d5,five title
a query with spaces,secret ties,d 6,six title
X
printf '# Policy\n\nRed shoes are shoes.\n\nHats are hats.\n' >policy.md
hand_out_cases ben cy
quiet casepack -C one rate q1 grade@d1=1 grade@d2=1 --note "the shoe is red and new"
quiet casepack -C one return -o back
quiet casepack -C two rate q1 grade@d1=3 grade@d2=1 --note "the shoe was red and old"
quiet casepack -C two return -o back
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=2
quiet casepack -C ben rate q2 grade@d3=2 --note "at first sight"
quiet casepack -C ben return -o back
casepack -C hub merge back/* >/dev/null 2>&1
# a second revision, which reaches ben before he changes his mind
printf '# Policy\n\nRed shoes are boots.\n\nHats are hats.\n' >policy2.md
quiet casepack -C hub guideline revise policy policy2.md --note "boots, not shoes"
quiet casepack -C hub pack --to ben -o out
quiet casepack -C ben open $(ls out/*-ben-* | tail -1)
quiet casepack -C ben rate q2 grade@d3=0 --note "at second sight"
quiet casepack -C ben rate q3 grade@d4=1
quiet casepack -C ben return -o back
quiet casepack -C cy rate q2 grade@d3=3
quiet casepack -C cy rate q4 grade@d5=3
quiet casepack -C cy return -o back
casepack -C hub merge back/* >/dev/null 2>&1
q1=$(casepack -C hub conflicts --case q1 --json 2>/dev/null | jq -r .conflict | head -1)
quiet casepack -C hub resolve $q1 --take 1 --reason "the photo shows <b>new</b> shoes"
quiet casepack -C hub adjudicate q2 grade@d3=1 --cause disagreement --reason "in between"
quiet casepack -C hub gold set q4 grade@d5=2 --reason goldreason
quiet casepack -C hub adjudicate q4 grade@d5=2 --cause gold --reason "known before"
quiet casepack -C hub person revoke cy --reason "laptop stolen"
quiet casepack -C cy rate q3 grade@d4=1
rm -r back; mkdir back; quiet casepack -C cy return -o back
casepack -C hub merge back/* >/dev/null 2>&1
report() { quiet casepack -C hub report audit --made-at 2026-03-01T14:05:09Z "$@"; }
for kind in html md; do
	report q1 -o q1.$kind
	report q2 -o q2.$kind
	report -o all.$kind
	report -o some.$kind --full 1 --rows 2
	report --rater ben -o ben.$kind
	report --rater ada --content -o ada.$kind
done

# ---- the two writers ------------------------------------------------------------------------------
for f in q1 q2 all some ben ada; do
	check "$f.html nests, fetches nothing, has no script, and its links lead somewhere" silent paper sound $f.html
	check "and $f.md, rendered, says the same" silent paper same $f.html $f.md
done
check "dark on white is said for dark screens too" grep -q 'color-scheme:light' q1.html

# ---- what it says -----------------------------------------------------------------------------------
main=$(git -C hub/history.git rev-parse main)
# PERSON N: their N-th change commit taken in, from 0
commit() { sqlite3 hub/casepack.db "SELECT substr(oid, 1, 10) FROM commits c JOIN replicas r ON r.id = c.replica JOIN persons p ON p.id = r.person WHERE p.pseudonym = '$1' AND c.is_private = 0 ORDER BY no LIMIT 1 OFFSET ${2:-0}"; }
check "it names the checkpoint" under q1.md "Audit report" "$main"
check "and the state" under q1.md "Audit report" "$(casepack -C hub status --hash)"
check "and when it was made" under q1.md "Audit report" "2026-03-01 14:05:09"
check "and what it does not prove" under q1.md "What this" "who sat at it"
check "the life of a case is told: imported" row q1.md "What happened" '\tlead [0-9a-f]{10}\timported\t'
check "assigned" row q1.md "What happened" '\tassigned\tto ben\t'
check "opened" row q1.md "What happened" '\tada [0-9a-f]{10}\topened\t'
check "judged, with answers, revision, change commit and signature" row q1.md "What happened" "\\tben [0-9a-f]{10}\\tjudged\\t.*grade of d1: 0.*\\tpolicy 1\\t$(commit ben)\\tgood"
check "conflicted" row q1.md "What happened" '\tconflicted'
check "settled, with the reason" row q1.md "What happened" '\tsettled.*the photo shows <b>new</b> shoes'
check "superseded" row q1.md "What happened" '\tsuperseded'
check "changed, from and to" row q2.md "What happened" "\\tben [0-9a-f]{10}\\tchanged\\tgrade of d3: 2 -> 0.*\\tpolicy 2\\t$(commit ben 1)"
check "adjudicated, with the reason" row q2.md "What happened" '\tadjudicated\t.*in between'
check "what a revoked device judged is marked" row q2.md "What happened" '\tcy .*device revoked since'
check "a changed answer stands before and after" row q2.md "By ben" '^grade@d3\t2\t0$'
check "and its note" row q2.md "By ben" '^note\tat first sight\tat second sight$'
check "and the words that differ" under q2.md "By ben" "[-first-] {+second+}"
check "an edit that was replaced is named" under q2.md "By ben" "It replaced edit"
check "a conflict has its candidates" equal "$(paper cells q1.md Conflict | grep -c 'grade@d1 [13]')" 2
check "who settled it, and why" under q1.md "Conflict " "settled by lead"
check "the guideline that was judged under is there" under q1.md "policy revision 1" "Red shoes are shoes."
check "and what changed in it since" under q1.md "policy revision 1" "+Red shoes are boots."
check "the same in HTML" bash -c "grep -q '<ins dir=\"auto\">+Red shoes are boots.</ins>' q1.html && grep -q '<del dir=\"auto\">-Red shoes are shoes.</del>' q1.html"

# ---- who could have known what -------------------------------------------------------------------------
ben=$(sqlite3 hub/casepack.db "SELECT lower(hex(r.id)) FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = 'ben'")
given() { git -C hub/history.git rev-list --reverse "outbound/$ben" | sed -n "$1p" | cut -c1-10; }
applied() { git -C hub/history.git log -1 --format='%(trailers:key=Casepack-Applied,valueonly)' "$1" | cut -c1-10; }
check "the earliest moment is the material that the change commit names" under q1.md "Who could" "applied outbound commit $(applied "$(commit ben)") (by lead"
check "which is ben's first outbound commit" equal "$(applied "$(commit ben)")" "$(given 1)"
check "a revision that came later is told to have come later" under q1.md "Who could" "Revision 2, which stands now: first given by outbound commit $(given 2)"
check "than what was applied" under q1.md "Who could" "which the device had not applied when this was sealed"
check "one that had reached the device is told so" bash -c "python3 '$root/tests/tools/paper.py' text q2.md 'Who could' | grep -q 'names policy revision 2 as the one on screen; first given by outbound commit $(given 2) .*, which the device had applied'"
check "a rater was given nobody's answers" equal "$(paper text q1.md "Who could" | grep -c "none could have reached it through casepack")" 3
check "the other device of one person is told" under q1.md "Who could" "nothing here shows that its author had it"

# ---- signatures, and the commands as they are printed ------------------------------------------------------
fingerprint() { ssh-keygen -lf "config/casepack/keys/$1.pub" | cut -d' ' -f2; }
check "each signer stands with the fingerprint that ssh-keygen has" row q1.md Signatures "\\tben [0-9a-f]{10}\\tgood, by the device's own key: $(fingerprint ben | sed 's/[+.]/\\&/g')\\tactive"
check "a revoked key with who revoked it and why" row q2.md Signatures '\tcy .*\trevoked since; revoke by lead, .*: laptop stolen'
check "and each hub's verdict" row q2.md Signatures '\tben .*\taccepted by lead \([0-9a-f]{10}\)'
HISTORY=$PWD/hub/history.git
paper text q1.md "How to check" | sed -n '/^git clone/,/^awk/p' >commands.sh
check "the commands run as they are printed" bash -c "HISTORY='$HISTORY' bash -ex commands.sh >checked 2>&1 || { tail -20 checked; exit 1; }"
named=$(paper cells q1.md Signatures | tail -n +2 | wc -l)
check "git finds every named change commit signed by the one it names" equal "$(awk '$2 == "G" && $3 == $4' checked | grep -cE '^[0-9a-f]{40} G')" "$named"
check "ssh-keygen alone, too" grep -q '^Good "git" signature for' checked
check "the changeset is the one that was signed" bash -c "[ \$(grep -oE '[0-9a-f]{64}' checked | sort | uniq -d | wc -l) = 1 ]"
check "main says who took it in" grep -q '^taken in by lead, ' checked
check "and still grows from the checkpoint" grep -q 'main still grows' checked
quiet casepack -C hub export --format git -o clone.bundle
rm -rf check; check "from the file for an auditor as well" bash -c "HISTORY='$PWD/clone.bundle' bash -e commands.sh"

# ---- a rater, the project -------------------------------------------------------------------------------------
check "a rater's work stands in order" equal "$(paper cells ben.md "Work, in" | tail -n +2 | cut -f1 | tr '\n' ' ')" "q1 q2 q3 "
check "with what was changed" row ben.md "Work, in" '^q2\t.*\tchanged after submission\t'
check "and in no other case" equal "$(paper cells ben.md "Work, in" | grep -c "changed after")" 1
check "of two devices that differ nothing is called changed" row ada.md "Work, in" '^q1\t.*\t2\tconflict settled\t'
check "people are counted" row all.md People '^ben\trater\tactive\t1\t0\t2\t0\t3\t1\t0$'
check "decisions have their reasons" row all.md "What leads" '\tsettlement\tq1, ada\tedit [0-9a-f]{16} stands\tthe photo'
check "revisions too" row all.md Revisions '\tpolicy\t2\tclarifying\tboots, not shoes\tstands'
check "what was refused has its reason" row all.md Refused '\tcy [0-9a-f]{10}\trefused\t[0-9a-f]{40}\t1\t.*no longer trusted'
check "cases without a dispute are rows" row all.md Cases '^q3\t.*\tno dispute$'
check "those with one are told in full" equal "$(grep -c '^## Case ' all.md)" 3
check "of which --full 1 leaves one" equal "$(grep -c '^## Case ' some.md)" 1
check "and says so" grep -q 'The other 2 are told with' some.md
check "--rows 2 leaves two rows, and says what is left out" bash -c "[ \$(python3 '$root/tests/tools/paper.py' cells some.md People | wc -l) = 3 ] && grep -q '2 more are left out here' some.md"
today=$(date -u +%F)
check "a period that holds nothing has no case" bash -c "casepack -C hub report audit --until 2020-01-01 -o none.md 2>/dev/null && grep -q '^0 cases, 0 judgments' none.md"
check "one that holds today has all" bash -c "casepack -C hub report audit --since $today -o now.md 2>/dev/null && grep -q '^5 cases, 6 judgments' now.md"
check "as JSON it says what it wrote" bash -c "casepack -C hub report audit q1 -o x.html --json | jq -e '.full == 1 and .main == \"$main\"'"

# ---- what must not be in it --------------------------------------------------------------------------------------
check "no real name" bash -c '! grep -l Realname *.md *.html'
check "no gold" bash -c '! grep -lE "goldreason|[^a-z]gold[^a-z]" q*.md all.md some.md ben.md all.html'
check "no query and no title" bash -c '! grep -lE "secret|one title|a query with" q1.* q2.* all.* some.* ben.*'
check "unless they are asked for" bash -c 'grep -q "secret shoes" ada.md && grep -q "one title" ada.html'

# ---- the same bytes, and wrong words --------------------------------------------------------------------------------
report -o again.html
check "the same state and time give the same bytes" same all.html again.html
SOURCE_DATE_EPOCH=1772373909 quiet casepack -C hub report audit -o epoch.html
check "SOURCE_DATE_EPOCH is a time, too" same all.html epoch.html
check "a report changes nothing" equal "$(git -C hub/history.git rev-parse main)" "$main"
check "it needs a file" status 2 casepack -C hub report audit
check "HTML or Markdown" status 2 casepack -C hub report audit -o x.pdf
check "a time that is none is wrong usage" status 2 casepack -C hub report audit -o x.md --made-at yesterday
check "a period that ends before it begins, too" status 2 casepack -C hub report audit -o x.md --since 2026-02-02 --until 2026-01-01
check "a case that is none is not found" status 1 casepack -C hub report audit nocase -o y.md
check "nor a person" status 1 casepack -C hub report audit --rater nobody -o y.md
check "and nothing was written" test ! -e y.md
check "a rater can report on what is at hand" bash -c "casepack -C ben report audit q2 -o own.html 2>/dev/null && [ -z \"\$(python3 '$root/tests/tools/paper.py' sound own.html)\" ]"
finish
