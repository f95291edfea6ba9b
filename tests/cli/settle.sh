# Settling conflicts from the command line: explained, decided, undone, by rule, on a terminal; final answers.
. "$(dirname "$0")/lib.sh"

for who in lead ada1 ada2 ben; do quiet casepack key new $who; done
quiet casepack -C hub init --project Settle --name Lead --key lead
quiet casepack -C hub person add ada --key config/casepack/keys/ada1.pub
quiet casepack -C hub person add ada --key config/casepack/keys/ada2.pub
quiet casepack -C hub person add ben --key config/casepack/keys/ben.pub
printf 'id,query,result,title\nq1,red shoes,d1,one\nq1,red shoes,d2,two\nq2,blue shoes,d=3,three\nq3,hats,d4,four\nq4,caps,d5,five\n' >cases.csv
printf '# Policy\n\nRed shoes are shoes.\n' >policy.md
hand_out_cases ben
quiet casepack -C one rate q1 grade@d1=1 grade@d2=1 --note "the shoe is red and new"
quiet casepack -C two rate q1 grade@d1=3 grade@d2=1 --note "the shoe was red and old"
quiet casepack -C one rate q2 grade@d=3=2 --note "first thought"
quiet casepack -C two rate q2 grade@d=3=2 --note "second thought"
quiet casepack -C one rate q3 grade@d4=2
quiet casepack -C two rate q3 grade@d4=2
quiet casepack -C one rate q4 grade@d5=0
quiet casepack -C two rate q4 grade@d5=1
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=2
for who in one two ben; do quiet casepack -C $who return -o back; done
cp -a hub other
check "merging says how many of which class are open" bash -c 'casepack -C hub merge back/* >merged; [ $? = 3 ] && grep -q "3 conflicts open (3 fork)" merged'
status 3 casepack -C other merge $(ls -r back/*) >/dev/null
check "in another order the pages of conflicts are the same" equal "$(git -C other/history.git rev-parse main:conflicts)" "$(git -C hub/history.git rev-parse main:conflicts)"
check "status says it too, and that something waits" status 3 casepack -C hub status
check "by class" bash -c 'casepack -C hub status | grep -q "3 conflicts open (3 fork)"'

name() { casepack -C hub conflicts --all --case "$1" --json 2>/dev/null | jq -r .conflict | head -1; }
q1=$(name q1) q2=$(name q2) q4=$(name q4)

# ---- lists and filters ----------------------------------------------------------------------
lines() { casepack -C hub conflicts "$@" 2>/dev/null | tail -n +2 | wc -l; }
check "each open conflict is one line" equal "$(lines)" 3
check "those that need nobody are counted with --all" equal "$(lines --all)" 4
check "one case's" equal "$(lines --case q1)" 1
check "one class" equal "$(lines --class hard)" 0
check "identical ones" equal "$(lines --all --class identical)" 1
check "a person's" equal "$(lines --person ada)" 3
check "another person's work is in none" equal "$(lines --person ben)" 0
check "one table" equal "$(lines --table judgments)" 3
check "a class that is none is wrong usage" status 2 casepack -C hub conflicts --class spoon
check "two states at once are wrong usage" status 2 casepack -C hub conflicts --open --all
check "a person who is none is not found" status 1 casepack -C hub conflicts --person nobody
check "a conflict that is none is not found" status 1 casepack -C hub conflicts 0123456789abcdef

# ---- one explained ----------------------------------------------------------------------------
casepack -C hub conflicts "${q1:0:8}" >page 2>/dev/null
check "a conflict is explained in a screenful" bash -c '[ $(wc -l <page) -le 30 ]'
check "with who wrote what on which device" bash -c '[ $(grep -c "ada on device" page) = 2 ]'
check "under which guideline and form" bash -c '[ $(grep -c "under policy revision 1, form rel version 1" page) = 2 ]'
check "those answers marked that differ" bash -c 'grep -qx " \* grade@d1: 1" page && grep -qx " \* grade@d1: 3" page && grep -q "the same: grade@d2=1" page'
check "and the words that differ" grep -qF 'the shoe [-is-] {+was+} red and [-new-] {+old+}' page
check "and what stands meanwhile" grep -q "policy latest: candidate 2 stands meanwhile" page
command=$(grep -m1 -oE 'casepack resolve [0-9a-f]+ --take [0-9a-f]+' page)
check "and the commands that settle it" bash -c '[ $(grep -c "casepack resolve" page) = 2 ]'
check "as JSON it has both candidates with what they knew" bash -c "casepack -C hub conflicts $q1 --json 2>/dev/null | jq -e '.candidates | length == 2 and all(.knew == [])'"

# ---- wrong words --------------------------------------------------------------------------------
check "a decision needs a reason" status 2 casepack -C hub resolve $q1 --take 1
check "an empty one is none" status 1 casepack -C hub resolve $q1 --take 1 --reason " "
check "a candidate that is none is refused" status 1 casepack -C hub resolve $q1 --take 3 --reason why
check "a judgment gets no new value" bash -c "! casepack -C hub resolve $q1 --value 2 --reason why 2>said && grep -q adjudicate said"
check "what is identical has nothing to settle" status 1 casepack -C hub resolve "$(name q3)" --take 1 --reason why
check "a rule that is none is wrong usage" status 2 casepack -C hub resolve --rule dice --reason why
check "without a terminal it asks nobody" status 2 casepack -C hub resolve
check "a rater settles nothing" status 1 casepack -C one resolve --rule latest --reason why
check "none of these changed anything" equal "$(lines)" 3

# ---- deciding, and deciding otherwise --------------------------------------------------------------
hash=$(casepack -C hub status --hash)
check "a dry run says what would be" bash -c "casepack -C hub resolve $q1 --take 1 --reason why --dry-run | grep -q 'would be settled'"
check "and changes nothing" equal "$(casepack -C hub status --hash)" "$hash"
standing() { casepack -C hub export --format jsonl -o - 2>/dev/null | jq -r 'select(.case == "'$1'" and .rater == "ada" and .result == "'$2'").value'; }
check "the command that the page shows settles it" bash -c "${command/casepack/casepack -C hub} --reason 'first come'"
check "and that candidate stands whole" equal "$(standing q1 d1)" 1
check "it is no longer open" equal "$(lines)" 2
check "and can be found" bash -c "casepack -C hub conflicts --settled 2>/dev/null | grep -q '^${q1:0:8} .*settled'"
check "with who and why" bash -c "casepack -C hub conflicts $q1 2>/dev/null | grep -q 'settled by lead, .*: first come'"
check "the case shows it" bash -c "casepack -C hub show q1 | grep -q 'settled by lead.*first come'"
check "main has it as a file" bash -c "git -C hub/history.git grep -qh 'lead.*first come' main -- settlements"
check "another resolve undoes it" status 0 casepack -C hub resolve $q1 --take 2 --reason "asked her"
check "so the other candidate stands" equal "$(standing q1 d1)" 3
check "whatever was decided, no candidate is gone" bash -c "casepack -C hub conflicts $q1 --json 2>/dev/null | jq -e '.candidates | length == 2'"
check "replayed from git it is the same" status 0 casepack -C hub verify

# ---- by rule -----------------------------------------------------------------------------------------
check "the rule unanimous would settle what differs in notes alone" bash -c 'casepack -C hub resolve --rule unanimous --reason same --dry-run 2>/dev/null >dry; [ $? = 3 ] && [ $(wc -l <dry) = 1 ] && grep -q "^conflict '${q2:0:8}'" dry'
check "and does, and says that others are left" status 3 casepack -C hub resolve --rule unanimous --reason "the same answers"
check "one is left" equal "$(lines)" 1
check "the rule latest settles a class at once" status 0 casepack -C hub resolve --rule latest --class fork --reason "second thoughts count"
check "by the later one" equal "$(standing q4 d5)" 1
check "nothing is open, nothing waits" status 0 casepack -C hub conflicts
check "neither says status" status 0 casepack -C hub status

# ---- on a terminal -----------------------------------------------------------------------------------
cat >type.py <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("casepack", ["casepack", "-C", "hub", "resolve"] + sys.argv[2:])
answers = sys.argv[1].split("|")
said = b""
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    said += data
    while answers and (said.endswith(b")? ") or said.endswith(b"why? ")):
        os.write(fd, answers.pop(0).encode() + b"\n")
        said += b"\n"
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
check "on a terminal it shows the conflict and asks" bash -c "python3 type.py '9|why|1|she said so' $q4 >typed && grep -q 'is no candidate' typed && grep -q 'settled: ada' typed"
check "and what was typed is decided" equal "$(standing q4 d5)" 0

# ---- policies ------------------------------------------------------------------------------------------
check "a policy that is none is wrong usage" status 2 casepack -C hub project policy judgments spoon
check "a table that is none is refused" status 1 casepack -C hub project policy spoons review
check "a field that is none is refused" status 1 casepack -C hub project policy judgments.spoon review
check "a column that is none is refused" status 1 casepack -C hub project policy cases.spoon review
check "a rater sets none" status 1 casepack -C one project policy judgments review
quiet casepack -C hub project policy judgments.grade review
check "the project shows its policies" bash -c "casepack -C hub project | grep -q 'judgments.grade *review'"
quiet casepack -C two rate q4 grade@d5=2
rm -r back; mkdir back; quiet casepack -C two return -o back
check "under review what comes later opens the question again" status 3 casepack -C hub merge back/*
check "and nothing stands until a lead decides" bash -c "casepack -C hub export --format jsonl -o - 2>/dev/null | jq -e 'select(.case == \"q4\" and .rater == \"ada\") | .undecided and .in_conflict'"
check "so qrels leave it out, and say so" bash -c "casepack -C hub export --format qrels --aggregate majority --ties low -o all.qrels 2>said; ! grep -q q4 all.qrels && grep -q 'left out, since nothing stands' said"
check "it is explained" bash -c "casepack -C hub conflicts $q4 2>/dev/null | grep -q 'policy review: nothing stands'"
quiet casepack -C hub project policy judgments.grade default
check "without the policy the later one stands meanwhile" equal "$(standing q4 d5)" 2
check "and the project shows none" bash -c "[ \$(casepack -C hub project --json | jq '.policies | length') = 0 ]"
check "main shows who decided under which policy" bash -c "git -C hub/history.git show main:settlements/$(casepack -C hub conflicts $q1 --json 2>/dev/null | jq -r '.document[0:2] + "/" + .document').tsv | tail -1 | cut -f5,6 | grep -qP '^latest\tlead\$'"

# ---- final answers ----------------------------------------------------------------------------------------
check "a final answer needs a cause" status 2 casepack -C hub adjudicate q1 grade@d1=2 --reason why
check "one that is known" status 2 casepack -C hub adjudicate q1 grade@d1=2 --cause spoon --reason why
check "and a reason" status 2 casepack -C hub adjudicate q1 grade@d1=2 --cause gold
check "it must be on the scale" status 1 casepack -C hub adjudicate q1 grade@d1=7 --cause gold --reason why
check "of a result that is there" status 1 casepack -C hub adjudicate q1 grade@d9=2 --cause gold --reason why
check "and for each result" status 1 casepack -C hub adjudicate q1 grade=2 --cause gold --reason why
check "a rater sets none" status 1 casepack -C one adjudicate q1 grade@d1=2 --cause gold --reason why
check "all answers of one call or none" bash -c "! casepack -C hub adjudicate q1 grade@d1=2 grade@d2=7 --cause gold --reason why && ! casepack -C hub show q1 | grep -q 'final answer'"
check "a final answer is set" status 0 casepack -C hub adjudicate q1 grade@d1=2 --cause disagreement --reason "section 3.2"
check "also where the result's id holds =" status 0 casepack -C hub adjudicate q2 grade@d=3=1 --cause policy --reason "section 4"
check "the case shows it with cause and reason" bash -c "casepack -C hub show q1 | grep -q 'final answer: grade@d1 = 2  (lead, .*, disagreement: section 3.2)'"
check "the log tells it" bash -c "casepack -C hub log q1 | grep -q adjudicated"
check "exports have it beside what raters said" bash -c "casepack -C hub export --format jsonl -o - 2>/dev/null | jq -r 'select(.case == \"q1\" and .result == \"d1\") | .rater + .value + .final' | sort | tr '\n' ' ' | grep -qx 'ada32 ben02 '"
quiet casepack -C hub export --format qrels --aggregate majority --ties low -o all.qrels
check "qrels take it" grep -qx 'q1 0 d1 2' all.qrels
quiet casepack -C hub export --format qrels --rater ada -o ada.qrels
check "unless one rater's are asked for" grep -qx 'q1 0 d1 3' ada.qrels
quiet casepack -C hub adjudicate q1 grade@d1= --cause error --reason "by mistake"
check "it can be taken back" bash -c "! casepack -C hub show q1 | grep -q 'final answer'"
check "replayed from git all is the same" status 0 casepack -C hub verify

# ---- rebuilt --------------------------------------------------------------------------------------------------
casepack -C hub conflicts --all --json 2>/dev/null | jq -S . >before
hash=$(casepack -C hub status --hash)
quiet casepack -C hub rebuild --key lead
check "a rebuilt hub holds the same state" equal "$(casepack -C hub status --hash)" "$hash"
casepack -C hub conflicts --all --json 2>/dev/null | jq -S . >after
check "and the same conflicts, open and settled" same before after
check "git fsck is clean" git -C hub/history.git fsck --strict
finish
