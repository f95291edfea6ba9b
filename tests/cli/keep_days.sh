# Raters' devices keep what cases show for so many days behind the receipt of their judgments.
. "$(dirname "$0")/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"

scene
traces() { python3 "$root/tests/tools/traces.py" "$@"; }
shown() { casepack -C anna --json show "$1" | jq -r .has_content; }
days_pass() { sqlite3 anna/casepack.db "UPDATE commits SET acked_us = acked_us - $1 * 86400000000 WHERE acked_us > 0"; } # the receipt is that much older
listed() { casepack -C anna --json rate --list | jq -r "select(.case == \"$1\" or .case == \"$(sqlite3 anna/casepack.db "SELECT name FROM cases c WHERE c.id = x'$2'")\") | .query"; }
key() { sqlite3 anna/casepack.db "SELECT hex(case_id) FROM assignments a JOIN judgments j USING (id) LIMIT 1"; }

check "a number of days is asked for" status 2 casepack -C hub project keep-days soon
check "and none below nothing" status 2 casepack -C hub project keep-days -- -1
check "a rater decides nothing of that" status 1 casepack -C anna project keep-days 3
check "a lead says how long" status 0 casepack -C hub project keep-days 3
check "and sees it" equal "$(casepack -C hub --json project | jq .keep_days)" 3
check "it stands on main" equal "$(git -C hub/history.git show main:project.json | jq .keep_days)" 3
quiet judge anna q1
k=$(key)
take anna
days_pass 100
check "what the hub has not confirmed stays" equal "$(casepack -C anna status >/dev/null 2>&1; shown q1)" true
give anna
check "what it confirmed just now stays" equal "$(shown q1)" true
check "the device was told" equal "$(casepack -C anna --json project | jq .keep_days)" 3
days_pass 2
check "for as long as was said" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q1)" true
quiet judge anna q2
days_pass 1
check "before: it is there" bash -c "! python3 '$root/tests/tools/traces.py' 'First of 1' anna"
quiet casepack -C anna rate --list
check "then it is erased, down to the bytes" traces "First of 1" anna
check "what is not judged stays" equal "$(shown q3)" true
check "and what is not confirmed" equal "$(shown q2)" true
check "the list says that it expired" equal "$(listed q1 "$k")" "(its content expired)"
check "show says so" bash -c "casepack -C anna show ${k:0:8} 2>/dev/null | grep -q 'content expired' || casepack -C anna show q1 | grep -q 'content expired'"
check "the judgment is there" equal "$(casepack -C anna --json show q1 | jq -r '.ratings | length')" 2
check "the hub keeps what it shows" equal "$(casepack -C hub --json show q1 | jq -r .has_content)" true
check "the device equals its replay" status 0 casepack -C anna verify
check "opening the first bundle again brings nothing back for long" bash -c "casepack -C anna open out/chorus-to-anna-0001.casepack; python3 '$root/tests/tools/traces.py' 'First of 1' anna"
quiet casepack -C anna rebuild --key anna
check "made again from history it is expired still" equal "$(listed q1 "$k")" "(its content expired)"
check "and receipts are remembered" equal "$(sqlite3 anna/casepack.db 'SELECT count(*) FROM commits WHERE acked_us > 0')" 1

# ---- what keeps it ---------------------------------------------------------------------------------------
take anna
give anna
quiet judge anna q2 1 # again: not confirmed
days_pass 10
check "a case that was judged once more stays until that is confirmed" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q2)" true
quiet casepack -C anna rate q4 grade@d1=1 grade@d2=1
take anna
give anna
quiet casepack -C anna rate q4 grade@d1=0 --draft
days_pass 10
check "with all confirmed it goes" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q2)" false
check "a case with a draft on it stays" equal "$(shown q4)" true
quiet casepack -C anna rate q4 grade@d1=0 grade@d2=1
take anna
give anna
days_pass 10
sqlite3 anna/casepack.db "UPDATE commits SET acked_us = acked_us + 1000 * 86400000000 WHERE acked_us > 0"
check "a clock that goes back erases nothing" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q4)" true
sqlite3 anna/casepack.db "UPDATE commits SET acked_us = acked_us - 1000 * 86400000000 WHERE acked_us > 0"
check "and comes forward again" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q4)" false
quiet casepack -C hub assign withdraw --from anna --case q5
give anna
check "what was taken back before it was judged goes at once" equal "$(shown q5)" false

# ---- given again ---------------------------------------------------------------------------------------------
quiet casepack -C hub assign --form relevance --guideline guide --to anna --case q1 --pass 2
give anna
check "a case that is given again comes with what it shows" equal "$(shown q1)" true
check "and can be judged" judge anna q1 1
check "once is enough in a bundle" equal "$(casepack inspect --json "$(last out to-anna)" >/dev/null 2>&1; tar xOf "$(last out to-anna)" cases.jsonl.zst | zstd -dc | wc -l)" 1
take anna
give anna
days_pass 10
check "and expires as before" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q1)" false

# ---- longer, for ever -------------------------------------------------------------------------------------------
quiet judge anna q6
take anna
quiet casepack -C hub project keep-days 0
give anna
days_pass 10000
check "with 0 days it is kept for ever" equal "$(casepack -C anna rate --list >/dev/null 2>&1; shown q6)" true
check "the hub is sound" sound hub
check "the device is sound" sound anna
finish
