# A vendor's hub between the lead and its raters: one bundle there, one bundle back, nothing read that is not theirs.
. "$(dirname "$0")/lib.sh"

for who in lead acme ben cem dan; do quiet casepack key new $who; done
pub() { echo config/casepack/keys/$1.pub; }
quiet casepack -C hub init --project Relay --name Lead --key lead
quiet casepack -C hub person add acme --role relay --vendor acme --key "$(pub acme)"
quiet casepack -C hub person add ben --relay acme --vendor acme --name 'Benedikt Canary' --key "$(pub ben)"
quiet casepack -C hub person add cem --relay acme --vendor acme --key "$(pub cem)"
quiet casepack -C hub person add dan --vendor other --key "$(pub dan)"
check "a relay must be one" status 1 casepack -C hub person add dan --relay ben
{ echo id,query,result,title; for i in 1 2 3 4; do echo "q$i,query $i,d$i,title $i"; done; echo hidden9,canary query,d9,canary title; } >cases.csv
quiet casepack -C hub import cases.csv
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --to ben,cem --case q1 --case q2 --case q3 --case q4
quiet casepack -C hub assign --form rel --to dan --case q1 --case hidden9
mkdir out back to from late
check "the hub packs for the relay and for its own rater, not for the relay's" bash -c "casepack -C hub pack --all -o out && [ \"\$(ls out | sed 's/.*-to-//;s/-.*//' | sort | tr '\n' ' ')\" = 'acme dan ' ]"
quiet casepack -C dan open out/*-dan-* --key dan
check "the relay opens it" status 0 casepack -C acme open out/*-acme-* --key acme
check "it may not change what a lead decides" bash -c "casepack -C acme assign --form rel --to ben --case q1 --pass 2 2>&1 | grep -q 'is a relay'"
check "and holds nothing of other vendors' work" bash -c "! grep -aqi -e canary -e hidden9 acme/casepack.db && ! sqlite3 acme/casepack.db 'SELECT pseudonym FROM persons' | grep -q dan && [ -z \"\$(sqlite3 acme/content.db .dump | grep -i canary)\" ]"
check "the content it holds is that of its raters' cases" equal "$(sqlite3 acme/casepack.db 'SELECT count(*) FROM cases')" 4
check "it gives each rater its part" bash -c "casepack -C acme pack --all -o to && [ \$(ls to | wc -l) = 2 ]"
for w in ben cem; do quiet casepack -C $w open to/*-$w-* --key $w; done
check "a rater gets its own assignments only" equal "$(sqlite3 ben/casepack.db 'SELECT count(*), count(DISTINCT person) FROM assignments')" '4|1'
quiet casepack -C ben rate q1 grade@d1=3
quiet casepack -C ben return -o back
quiet casepack -C ben rate q2 grade@d2=2
quiet casepack -C cem rate q1 grade@d1=0
quiet casepack -C dan rate q1 grade@d1=1
for w in ben cem; do quiet casepack -C $w return -o back; done
quiet casepack -C dan return -o late
check "it merges what its raters return" status 0 casepack -C acme merge back/*
check "and sees how far they are" bash -c "casepack -C acme status --json | grep -q '\"submitted\": *2'"
check "it returns everything in one bundle" bash -c "casepack -C acme return -o from && [ \$(ls from | wc -l) = 1 ]"
check "which says that it is a relay's" bash -c "casepack inspect from/* | grep -qi relay"
check "the hub takes it" status 0 casepack -C hub merge from/*
check "and its own rater's" status 0 casepack -C hub merge late/*
labels() { casepack -C hub export --format csv -o - 2>/dev/null | cut -d, -f1,9,13 | sort | tr '\n' ' '; }
check "every answer is there" bash -c "casepack -C hub export --format csv --no-times -o - 2>/dev/null | python3 -c \"
import csv, sys
got = sorted((r['case'], r['rater'], r['value']) for r in csv.DictReader(sys.stdin))
want = [('q1', 'ben', '3'), ('q1', 'cem', '0'), ('q1', 'dan', '1'), ('q2', 'ben', '2')]
sys.exit(got != want)\""
page=$(git -C hub/history.git ls-tree -r --name-only main judgments | grep /q1.tsv)
blamed() { git -C hub/history.git blame --line-porcelain main -- "$page" | awk -F'\t' '/^author / { split($0, a, " ") } /^\t/ { print a[2], $2 }' | sort -u; }
check "git blame names the rater of each line, of all that came in one bundle" equal "$(blamed)" "$(printf 'ben ben\ncem cem\ndan dan')"
git -C hub/history.git show main:trust/allowed_signers >allowed
signed() { # every change commit of a replica is signed by that replica's own key
	git -C hub/history.git -c gpg.ssh.allowedSignersFile="$work/allowed" log --format='%G? %GS %ce' --branches='replica/*' >signers
	[ -s signers ] && ! awk '$1 != "G" || $2 != $3' signers | grep .; }
check "each change commit carries its rater's own signature" signed
check "the history is clean" git -C hub/history.git fsck --strict
check "the hub equals its replay" status 0 casepack -C hub verify

# ---- acknowledgements, in both directions --------------------------------------------------------
rm -f out/* to/* from/* back/*
quiet casepack -C hub pack --to acme -o out
quiet casepack -C acme open out/*
check "what the hub holds is not passed on again" equal "$(casepack -C acme return -o from 2>/dev/null; sqlite3 acme/casepack.db "SELECT count(*) FROM meta WHERE key LIKE 'acked/%'")" 2
quiet casepack -C acme pack --all -o to
quiet casepack -C ben open to/*-ben-*
check "and the rater knows that the relay has it" bash -c "casepack -C ben status 2>&1 | grep -q 'the hub has confirmed everything'"
quiet casepack -C hub assign withdraw --from ben --case q3
quiet casepack -C ben rate q3 grade@d3=1
quiet casepack -C ben return -o back
quiet casepack -C acme merge back/*
rm -f from/*
quiet casepack -C acme return -o from
quiet casepack -C hub merge from/*
travelled() { age -d -i config/casepack/keys/lead from/* | tar xO history.tar.zst | zstd -dc | tar t | grep -c '[.]commit$'; }
check "only what is new travels" equal "$(travelled)" 1
check "late work comes through the relay as late" bash -c "casepack -C hub export --format csv -o - 2>/dev/null | grep '^q3,.*,ben,' | grep -q ,true,"

# ---- what a relay could try --------------------------------------------------------------------------
cp -a hub before
flip() { python3 - "$1" "$2" <<'P'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[len(data) // 2] ^= 4
open(sys.argv[2], 'wb').write(data)
P
}
flip from/*.casepack.age bent.casepack
check "a bundle that was bent is refused" status 4 casepack -C hub merge bent.casepack
check "a rater is no relay" bash -c "sqlite3 ben/casepack.db \"UPDATE persons SET role = 'relay'; UPDATE replicas SET is_hub = 1 WHERE person IN (SELECT id FROM persons WHERE pseudonym = 'ben')\"; rm -f back/*; casepack -C ben return --plain -o back >/dev/null 2>&1; [ -z \"\$(ls back)\" ] || { casepack -C hub merge back/* ; [ \$? = 4 ]; }"
check "nothing of that changed the hub" equal "$(casepack -C hub status --hash)" "$(casepack -C before status --hash)"
oid=$(git -C acme/history.git for-each-ref --format='%(objectname)' refs/heads/replica | head -1)
forge() { # a relay signs another answer in a rater's name: its own key, the rater's address
	git -C acme/history.git cat-file commit "$oid" | sed -n 's/^committer //p'; }
check "the relay holds its raters' commits as they signed them" bash -c "[ -n \"$(forge)\" ] && git -C acme/history.git cat-file commit $oid | grep -q gpgsig"

# ---- the relay's own database is derived too ------------------------------------------------------------
hash=$(casepack -C acme status --hash)
rm acme/casepack.db*
check "the relay's database is made again from git" status 0 casepack -C acme rebuild --key config/casepack/keys/acme
check "to the same state" equal "$(casepack -C acme status --hash)" "$hash"
check "sync is the everyday verb for a relay" bash -c "mkdir stick && casepack -C hub sync stick && casepack -C acme sync stick && casepack -C cem sync stick && casepack -C cem rate q2 grade@d2=1 && casepack -C cem sync stick && casepack -C acme sync stick && casepack -C hub sync stick && casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q2,.*,cem,'"

# ---- a further device ---------------------------------------------------------------------------------------
quiet casepack key new ben2
quiet casepack -C hub person add ben --key "$(pub ben2)"
mkdir d
check "a further device of a relay's rater is the relay's too" bash -c "casepack -C hub pack --all -o d && ! ls d/*-ben-*"
quiet casepack -C acme open d/*-acme-*
rm d/*
check "who gives it its part" bash -c "casepack -C acme pack --to ben -o d && [ \$(ls d | wc -l) = 2 ]"

# ---- a rater moves from the hub to the relay and back, while bundles are in the field ------------------------
mkdir f && hub_to() { rm -f f/*; casepack -C hub pack --to "$1" -o f && casepack -C "$1" open f/*; }
relay_to() { rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*; rm -f f/*; quiet casepack -C acme pack --to "$1" -o f; casepack -C "$1" open f/*; }
through() { rm -f f/*; quiet casepack -C "$1" return -o f; quiet casepack -C acme merge f/*; rm -f f/*; quiet casepack -C acme return -o f; casepack -C hub merge f/*; }
quiet casepack -C hub assign --form rel --to dan --case q2 --case q3
quiet hub_to dan
quiet casepack -C dan rate q2 grade@d2=2
quiet casepack -C hub person add dan --relay acme
rm -f f/*
check "who moves to a relay is told so by the hub it trusts" bash -c "casepack -C hub pack --all -o f && casepack -C dan open f/*-dan-*"
rm -f f/*
check "once" bash -c "casepack -C hub pack --all -o f && ! ls f/*-dan-*"
check "then the relay gives it its part" relay_to dan
quiet casepack -C dan rate q3 grade@d3=3
check "what it judged before and after comes through the relay" through dan
graded() { casepack -C hub export --format csv --no-times -o - 2>/dev/null | python3 -c 'import csv, sys
print(" ".join(sorted(r["case"] + "=" + r["value"] for r in csv.DictReader(sys.stdin) if r["rater"] == "dan")))'; }
check "and nothing is lost" equal "$(graded)" 'q1=1 q2=2 q3=3'
rm -f f/*; quiet casepack -C acme pack --to dan -o f; mkdir -p g; mv f/* g/
rm dan/casepack.db*
check "its database is made again, and knows what the hub gave before" status 0 casepack -C dan rebuild --key config/casepack/keys/dan
quiet casepack -C hub person add dan --relay lead
quiet casepack -C hub assign --form rel --to dan --case q4
check "back at the hub it is given by the hub" hub_to dan
check "and takes nothing from the relay any more" bash -c "casepack -C dan open g/*; [ \$? = 4 ]"
rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*
rm -f f/*
check "which knows, and packs for it no more" bash -c "casepack -C acme pack --all -o f && ! ls f/*-dan-*"
quiet casepack -C dan rate q4 grade@d4=0
rm -f f/*; quiet casepack -C dan return -o f
check "its work comes home" status 0 casepack -C hub merge f/*
check "all of it" equal "$(graded)" 'q1=1 q2=2 q3=3 q4=0'

check "the rater's workspace equals its replay" status 0 casepack -C dan verify
check "and so does the hub's" status 0 casepack -C hub verify

# ---- what a hub that was put back has lost, the relay sends again ---------------------------------------------
cp -a hub put-back
quiet casepack -C cem rate q4 grade@d4=2
quiet through cem
rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*
rm -rf hub/history.git hub/private.git hub/*.db*; cp -a put-back/. hub/
check "a hub is put back" bash -c "! casepack -C hub export --format csv --no-times -o - 2>/dev/null | grep '^q4,.*,cem,'"
rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*
rm -f f/*; quiet casepack -C acme return -o f
check "the relay owes it what its manifest no longer names" status 0 casepack -C hub merge f/*
check "and nothing is lost" bash -c "casepack -C hub export --format csv --no-times -o - 2>/dev/null | grep -q '^q4,.*,cem,'"

# ---- a rater that the hub does not know any more -----------------------------------------------------------------
quiet casepack key new eve
rm -rf put-back && cp -a hub put-back
quiet casepack -C hub person add eve --relay acme --vendor acme --key "$(pub eve)"
quiet casepack -C hub assign --form rel --to eve --case q1
rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*
rm -f f/*; quiet casepack -C acme pack --to eve -o f; quiet casepack -C eve open f/* --key eve
quiet casepack -C eve rate q1 grade@d1=2
quiet casepack -C cem rate q3 grade@d3=1
rm -f f/*; for w in eve cem; do quiet casepack -C $w return -o f; done; quiet casepack -C acme merge f/*
rm -rf hub && mv put-back hub
of() { casepack -C hub export --format csv --no-times -o - 2>/dev/null | grep -c "^$2,.*,$1,"; }
rm -f f/*; quiet casepack -C acme return -o f
check "a device that a hub put back does not know does not keep the others' work out" status 3 casepack -C hub merge f/*
check "hers waits, and it is said for what" says "is by a device that is not on the roster here"
check "theirs is taken" equal "$(of cem q3) $(of eve q1)" "1 0"
check "who waits is listed" bash -c "casepack -C hub quarantine | grep -q 'not on the roster'"
check "the hub is sound meanwhile" status 0 casepack -C hub verify
cp -a hub asked
check "a lead who lets her in and gives her the case again has her work" bash -c "casepack -C asked person add eve --relay acme --key '$(pub eve)' &&
	casepack -C asked assign --form rel --to eve --case q1 && casepack -C asked merge f/* && casepack -C asked export --format csv -o - | grep -q '^q1,.*,eve,'"
check "which is proven" status 0 casepack -C asked verify
rm -f f/*; quiet casepack -C acme return --full -o f
check "or the relay proves that she was given it" status 0 casepack -C hub merge f/*
check "and hers is taken too" equal "$(of cem q3) $(of eve q1)" "1 1"
check "which is proven as well" status 0 casepack -C hub verify

# ---- a key replaced at a relay, which a lead's hub has to let in ---------------------------------------------------
quiet casepack key new cem2
quiet casepack -C cem key replace cem2
quiet casepack -C cem rate q4 grade@d4=1
rm -f f/*; quiet casepack -C cem return -o f
check "who goes on with another key waits at the relay" status 3 casepack -C acme merge f/*
rm -f f/*; quiet casepack -C acme return -o f
check "the hub lets the device in" bash -c "casepack -C hub merge f/* | grep -q 'goes on as .* with another key'"
rm -f f/*; quiet casepack -C hub pack --to acme -o f; quiet casepack -C acme open f/*
rm -f f/*; quiet casepack -C acme pack --to cem -o f
check "and the relay, which has heard so, confirms what it holds" bash -c "casepack -C cem open f/*-cem-* && casepack -C cem status 2>&1 | grep -q 'the hub has confirmed everything'"

# ---- a case that the hub never assigned -------------------------------------------------------------------------
derived() { # the id of an assignment: of case, person and pass
	python3 -c "
import hashlib, sys
h = hashlib.blake2b(digest_size=32)
for part in (b'assignment', bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3]).to_bytes(8, 'big')):
    h.update(len(part).to_bytes(8, 'big') + part)
print(h.hexdigest()[:32])" "$@"; }
IFS='|' read -r case person < <(sqlite3 acme/casepack.db "SELECT hex(a.case_id), hex(p.id) FROM assignments a, persons p WHERE p.pseudonym = 'cem' LIMIT 1")
sqlite3 acme/casepack.db "INSERT INTO assignments SELECT x'$(derived "$case" "$person" 7)', randomblob(8), clock, x'$case', person, 7, 99, due, form, guideline, state FROM assignments WHERE person = x'$person' LIMIT 1"
quiet relay_to cem
id=$(sqlite3 cem/casepack.db "SELECT name FROM cases WHERE id = (SELECT case_id FROM assignments WHERE pass = 7)")
d=$(sqlite3 cem/casepack.db "SELECT substr(results, instr(results, char(34)) + 1, 2) FROM cases WHERE name = '$id'")
quiet casepack -C cem rate "$id" "grade@$d=3"
rm -f f/*; quiet casepack -C cem return -o f; quiet casepack -C acme merge f/*; rm -f f/*; quiet casepack -C acme return -o f
check "a judgment on what only the relay gave waits at the hub" status 3 casepack -C hub merge f/*
check "and is listed, with the reason" bash -c "casepack -C hub log 2>&1 | grep -q 'is not known here yet'"
finish
