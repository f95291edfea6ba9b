# `show COMMIT` and git's textconv: changes in words and as JSON, names where they are known, signatures checked.
# Judged by real git, by sqlite3 on the database, and by what was typed.
. "$(dirname "$0")/lib.sh"

for who in lead ada ben eve; do quiet casepack key new $who; done
quiet casepack -C hub init --project Show --name 'Lea D' --key lead
for who in ada ben; do quiet casepack -C hub person add $who --key config/casepack/keys/$who.pub; done
printf 'id,query,result,title\nq1,red shoes,d1,one\nq1,red shoes,d2,two\n"q 2",blue shoes,"d 3",three\n' >cases.csv
quiet casepack -C hub import cases.csv
printf '# Policy\n\nRed shoes are shoes.\n' >policy.md
quiet casepack -C hub guideline add policy policy.md
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --guideline policy
mkdir out back
hub() { casepack -C hub "$@"; }
quiet hub pack --all -o out
for w in ada ben; do quiet casepack -C $w open out/*-$w-* --key $w; done
quiet casepack -C ada rate q1 grade@d1=2 grade@d2=0 --note "$(printf 'first thought, and more than two hundred bytes of it: %0200d end' 0)"
quiet casepack -C ada rate 'q 2' 'grade@d 3=3'
quiet casepack -C ada return -o back
quiet hub merge back/*
quiet casepack -C ada rate q1 grade@d1=3 grade@d2=0 --note "second thought"
quiet casepack -C ada return -o back
quiet hub merge back/*
branch() { git -C hub/history.git for-each-ref --format='%(refname:short) %(authorname)' refs/heads/replica | sed -n "s/ $1\$//p"; }
ada=$(branch ada)
tip=$(git -C hub/history.git rev-parse "$ada")

# ---- change commits -------------------------------------------------------------------------------
hub show "${tip:0:9}" >page 2>words
check "who made it, on which device" grep -qx "by ada on device ${ada#replica/} at 20.*Z" page
check "the signature is checked" grep -qx "signature good" page
check "which hub accepted it" grep -q "^accepted by lead at 20" page
check "and which commit of main took it in" grep -qx "main $(git -C hub/history.git rev-parse main)" page
check "a change of an answer from and to" grep -qx "  grade of d1: 2 -> 3" page
check "of whose judgment of which case" grep -qx "judgment of q1 by ada" page
check "a whole note" grep -qx '  note: "first thought, and more than two hundred bytes of it: 0\{200\} end" -> "second thought"' page
check "what did not change is not told" bash -c '! grep -q "of d2" page'
check "upper case digits do as well" bash -c "casepack -C hub show $(echo "${tip:0:9}" | tr a-f A-F) | cmp - page"
hub show "$tip~" >older 2>/dev/null
first=$(git -C hub/history.git rev-parse "$ada~")
hub show "$first" >older
check "a new judgment stands with its answers, by the ids that people know" bash -c 'grep -A9 "^new judgment of q 2 by ada$" older | grep -qx "  grade of d 3: 3"'
check "under the revision that was on screen" bash -c '[ $(grep -cx "  guideline: policy revision 1" older) = 2 ] && [ $(grep -cx "  form: rel version 1" older) = 2 ]'
hub show "$tip" --json >page.json
check "as JSON" jq -e '.kind == "change" and .who == "ada" and .signature == "good" and .verdict == "accepted" and .edits == 1
	and .verdicts[0].by == "lead" and (.changes | length) == 1 and .changes[0].case == "q1" and .changes[0].who == "ada" and .changes[0].op == "changed"
	and any(.changes[0].cells[]; .name == "grade" and .result == "d1" and .was == "2" and .now == "3")' page.json
cat >all.py <<'P'
# Each row of every accepted public change commit is told once, and its answers are those of the database.
import json, sqlite3, subprocess
db = sqlite3.connect("file:hub/casepack.db?mode=ro", uri=True)
told = {}
for oid, in db.execute("SELECT oid FROM commits WHERE verdict = 'accepted' AND is_private = 0 ORDER BY no"):
    o = json.loads(subprocess.run(["casepack", "-C", "hub", "show", oid, "--json"], check=True, capture_output=True, text=True).stdout)
    assert o["commit"] == oid and o["signature"] == "good", o
    edits = {(c["table"].replace("ratings", "judgments"), c["key"]) for c in o["changes"]}
    assert len(edits) == o["edits"], (oid, o["edits"], len(edits))
    for c in o["changes"]:
        for cell in c["cells"]:
            if "result" in cell: told[c["key"], cell["name"], cell["result"]] = cell["now"]
have = {(k, f, {"~": "d 3"}.get(r[:1], r)): v for k, f, r, v in db.execute("SELECT lower(hex(judgment)), field, result, value FROM ratings")}
assert told == have and len(have) == 3, (told, have)
P
check "every edit of every change commit is told, and answers come to those of the database" python3 all.py
private=$(sqlite3 hub/casepack.db "SELECT oid FROM commits WHERE is_private = 1 LIMIT 1")
check "a lead's private commit is shown at the lead's hub" bash -c "casepack -C hub show $private >p && grep -q '^private change commit $private' p && grep -qx '  name: \"Lea D\"' p && grep -qx 'signature good' p"
check "a lead's revision of a guideline is told as text" bash -c 'printf "# Policy\n\nRed shoes are boots.\n" >policy.md; casepack -C hub guideline revise policy policy.md >/dev/null 2>&1
	casepack -C hub show $(git -C hub/history.git rev-parse '"$(branch lead)"') >p && grep -qx "new policy revision 2" p && grep -qx "    -Red shoes are shoes." p && grep -qx "    +Red shoes are boots." p'
given=$(git -C hub/history.git for-each-ref --format='%(objectname)' 'refs/heads/outbound/*' | head -1)
check "material that was given" bash -c "casepack -C hub show $given >p && grep -q '^material $given' p && grep -q '^given to device' p && grep -q 'assignment of q1 to' p"
check "a rater's own device shows its commits, and material of its hub" bash -c "casepack -C ada show $tip | grep -qx '  grade of d1: 2 -> 3' && casepack -C ada show \$(git -C ada/history.git for-each-ref --format='%(objectname)' refs/heads/outbound) | grep -qx 'signature good'"

# ---- main -------------------------------------------------------------------------------------------
main=$(git -C hub/history.git rev-parse main~1)
check "a commit of main says what it took in" bash -c "casepack -C hub show $main >p && grep -qx 'commit of main $main' p && grep -qx 'change commit $tip accepted, edits: 1' p && grep -qx 'signature good' p"
check "for scripts too" bash -c "casepack -C hub show $main --json | jq -e '.kind == \"main\" and .took_in[0].commit == \"$tip\" and .branch == \"$ada\"'"

# ---- what waits, and what was refused ------------------------------------------------------------------
quiet casepack -C ben rate q1 grade@d1=1 grade@d2=1
quiet casepack -C ben return -o back
quiet hub person revoke ben --reason lost
status 3 hub merge back/*-ben-* >/dev/null || status 4 hub merge back/*-ben-* >/dev/null
refused=$(sqlite3 hub/casepack.db "SELECT oid FROM commits WHERE verdict = 'refused'")
hub show "$refused" >page
check "a refused change commit is no object, and shown" bash -c "! git -C hub/history.git cat-file -e $refused && grep -q '^change commit $refused' page"
check "with the reason" grep -q '^refused by lead at 20.*: .' page
check "and with what it would have changed" bash -c 'grep -qx "new judgment of q1 by ben" page && grep -qx "  grade of d1: 1" page'
check "by whom it is signed, and that the device is revoked" grep -qx "signature good; the device is revoked by now" page
check "a name of nothing" status 1 casepack -C hub show 0123456789abcdef

# ---- a commit that somebody else signed -------------------------------------------------------------------
cp -a hub forged
git -C forged/history.git cat-file commit "$tip" >c
sed 's/^author ada /author ben /; s/^committer ada /committer ben /' c >d
forged=$(git -C forged/history.git hash-object -t commit -w "$PWD/d")
git -C forged/history.git update-ref refs/heads/replica/junk "$forged"
check "a signature that is not the device's is called bad" bash -c "casepack -C forged show $forged | grep -q '^signature bad: '"

# ---- git ---------------------------------------------------------------------------------------------------
git -C hub/history.git log -p --textconv "$ada" >journal 2>words
check "git log -p in history.git reads changesets through casepack" bash -c 'grep -qx "+  grade of d1: 2 -> 3" journal && [ ! -s words ]'
check "with keys for names, since it has the changeset alone" bash -c 'grep -qE "^\+new judgment [0-9a-f]{12}$" journal && grep -qx "+  grade of d2: 0" journal'
check "and nothing of git's words about binary files" bash -c '! grep -q "^Binary files" journal'
git -C hub/history.git log -p --ext-diff --reverse --format='%n%s' "$ada" >journal 2>words
check "git log -p --ext-diff there is a journal: each commit with what it brings, in order" bash -c '[ ! -s words ] &&
	grep -E "^(judgment|new judgment|  grade|case |[0-9]+ edits)" journal | sed -E "s/ [0-9a-f]{12}\$/ KEY/; s/~[0-9a-f]+/KEY/" | diff -u - <(printf "%s\n" "2 edits in 2 saves" "new judgment KEY" \
	"  grade of d1: 2" "  grade of d2: 0" "new judgment KEY" "  grade of KEY: 3" "case q1: submitted" "judgment KEY" "  grade of d1: 2 -> 3")'
check "and says nothing twice" equal "$(grep -c "first thought" journal)" 2
quiet hub export --format git -o audit.bundle
quiet git clone -q audit.bundle clone
check "in an auditor's clone it is bytes at first" bash -c "git -C clone log -p origin/$ada | grep -q '^Binary files'"
quiet git -C clone config diff.casepack.textconv 'casepack show --textconv'
check "and a journal behind one line" bash -c "git -C clone log -p origin/$ada | grep -qx '+  grade of d1: 2 -> 3'"
check "every branch can be read so" bash -c 'git -C clone log -p --all >all && ! grep -q "^Binary files" all && ! grep -q "no changeset" all'
quiet git -C clone config diff.casepack.command 'casepack show --ext-diff'
check "or the journal, behind another" bash -c "git -C clone log -p --ext-diff --reverse --format='%n%s' origin/$ada | cmp - journal"
check "on every branch" bash -c 'git -C clone log -p --ext-diff --all >all && ! grep -q "^Binary files" all && ! grep -q "no changeset" all'
check "a changeset that is gone is said so" bash -c 'casepack show --ext-diff changeset a 1 100644 /dev/null . . | grep -qx "(changeset: is gone)"'
check "and git's other call, of one unmerged" bash -c 'casepack show --ext-diff changeset | grep -qx "(changeset: not one changeset)"'
check "git calls it in one way" status 2 casepack show --ext-diff changeset --textconv cases.csv
printf 'no changeset at all' >junk
check "bytes that are none end no listing" bash -c 'casepack show --textconv junk | grep -q "^(no changeset: "'
finish
