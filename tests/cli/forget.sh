# What a case shows is erased everywhere, down to the bytes; who judged it how stays, and stays provable.
. "$(dirname "$0")/lib.sh"

traces() { python3 "$root/tests/tools/traces.py" "$@"; }
found() { ! traces "$@"; }
words=(KanariQuery KanariNeed KanariTitle KanariSecond KanariSnippet kanari.example 'kanari id' KanariResult KanariMedia)
all=$(IFS=,; echo "${words[*]}"),KanariDraft
everywhere="hub bea acme anna ben"

# ---- a project with two leads, a relay and its rater ------------------------------------------------
keys=$work/config/casepack/keys
for who in lead bea acme anna ben; do quiet casepack key new $who; done
quiet casepack -C hub init --project Forgetting --name Lea --key lead
quiet casepack -C hub person add bea --role lead --hub --key "$keys/bea.pub"
quiet casepack -C hub person add acme --role relay --key "$keys/acme.pub"
quiet casepack -C hub person add anna --key "$keys/anna.pub"
quiet casepack -C hub person add ben --relay acme --key "$keys/ben.pub"
printf 'KanariMedia: only one case names this' >own
printf 'SharedMedia: two cases name this' >shared
name() { b2sum -l 256 "$1" | cut -c1-64; }
place() { for f in own shared; do mkdir -p "$1/media/$(name $f | cut -c1-2)"; cp $f "$1/media/$(name $f | cut -c1-2)/$(name $f)"; done; }
has() { [ -e "$1/media/$(name "$2" | cut -c1-2)/$(name "$2")" ]; } # WORKSPACE own|shared
cases() { # TITLE: of the one that will be forgotten
	printf '{"id":"kanari id/\\u00fc","query":"KanariQuery red shoes","need":"KanariNeed","results":[{"id":"KanariResult 1","title":"%s","snippet":"KanariSnippet","url":"https://kanari.example/%s"},{"id":"d2","title":"Second","url":"https://example.org/%s"}]}\n' \
		"$1" "$(name own)" "$(name shared)"
	for i in 1 2 3; do
		printf '{"id":"q%d","query":"query %d","results":[{"id":"d1","title":"Title %d","url":"https://example.org/%s"}]}\n' $i $i $i "$(name shared)"
	done
}
cases KanariTitle >cases.jsonl
quiet casepack -C hub import cases.jsonl --locale en-US
case=$(sqlite3 hub/casepack.db "SELECT name FROM cases WHERE name LIKE '~%'")
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --to anna,ben
mkdir out in post
send() { # FROM TO KEY: what FROM owes TO, opened there
	rm -f post/*
	quiet casepack -C "$1" pack --to "$2" -o post
	quiet casepack -C "$2" open post/* ${3:+--key "$3"}
}
back() { # FROM TO
	rm -f in/*
	quiet casepack -C "$1" return -o in
	casepack -C "$2" merge in/* >"$work/.out" 2>&1
}
meet() { # FROM TO PSEUDONYM-OF-TO
	rm -f post/*
	quiet casepack -C "$1" pack --to "$3" -o post
	casepack -C "$2" merge post/* >"$work/.out" 2>&1
}
send hub bea bea
send hub acme acme
send hub anna anna
send acme ben ben
grade() { casepack -C "$1" rate "$2" "${3:-grade@KanariResult 1=2}" grade@d2="${4:-0}"; }
quiet grade anna 'kanari id/ü' # of the first version, and not returned yet
quiet casepack -C ben rate q1 grade@d1=1
quiet casepack -C ben rate 'kanari id/ü' 'grade@KanariResult 1=1' --draft --note KanariDraft
casepack -C ben rebuild --key ben >/dev/null 2>&1 || [ $? = 3 ] || exit 1 # media do not travel # which keeps the database of then, with the draft
back ben acme; back acme hub
cases KanariSecond >second.jsonl
quiet casepack -C hub import second.jsonl --locale en-US
meet hub bea bea
for w in $everywhere; do place $w; done
ln "hub/media/$(name own | cut -c1-2)/$(name own)" same
cp -a hub backup
for c in "${words[@]}"; do check "before: $c is found in the hub" found "$c" hub; done
for w in bea acme anna ben; do check "before: what the case shows is found at $w" found KanariTitle $w; done
check "before: the second version too, at both leads" bash -c "$(declare -f traces found); root=$root; found KanariSecond hub && found KanariSecond bea"
check "before: no history holds it, in any repository" traces "$all" hub/history.git hub/private.git bea/history.git bea/private.git acme/history.git anna/history.git ben/history.git
check "before: the draft is at the rater's alone" bash -c "$(declare -f traces found); root=$root; found KanariDraft ben && traces KanariDraft hub acme"

# ---- what is refused -----------------------------------------------------------------------------------
check "a reason is asked for" status 2 casepack -C hub forget q1
check "and cases" status 2 casepack -C hub forget --reason x
check "a rater forgets nothing" status 1 casepack -C anna forget q1 --reason x
check "nor does a relay" status 1 casepack -C acme forget q1 --reason x
check "one unknown case, and nothing is forgotten" status 1 casepack -C hub forget q1 nosuch --reason x
check "a dry run forgets nothing" status 0 casepack -C hub forget 'kanari id/ü' --reason x -n
check "so that all still stand" equal "$(sqlite3 hub/casepack.db "SELECT count(*) FROM cases WHERE state = 'active'")" 4

# ---- the hub ---------------------------------------------------------------------------------------------
check "a lead forgets a case" status 0 casepack -C hub forget 'kanari id/ü' "$case" --reason "a person asked for it"
check "naming it twice is once" says "1 case forgotten"
check "both versions are erased" says "2 versions of what they showed, 1 media file"
check "and what is not reached is said" says "bundles already written, exported files and backups are not reached"
check "nothing of it is left in any file of the hub" traces "$all" hub
check "nor beside it" traces "$all" config
check "nor in free pages" bash -c '[ "$(sqlite3 hub/content.db "PRAGMA freelist_count")$(sqlite3 hub/casepack.db "PRAGMA freelist_count")" = 00 ]'
check "the media file that only it names is gone" bash -c "! [ -e hub/media/$(name own | cut -c1-2)/$(name own) ]"
check "its bytes were overwritten, as another name of it shows" equal "$(tr -d '\0' <same | wc -c) $(wc -c <same)" "0 $(wc -c <own)"
check "the one that others name is not" has hub shared
check "the other cases are there" equal "$(casepack -C hub show q2 --json | jq -r '.results[0].title')" "Title 2"
check "show says that it is forgotten, and why" bash -c "casepack -C hub show $case | grep -q 'a person asked for it'"
check "it is found by the name that it had" bash -c "casepack -C hub --json show 'kanari id/ü' | jq -e '.state == \"forgotten\" and .has_content == false and .query == \"\"'"
check "the tombstone stands on main, with its reason" bash -c "git -C hub/history.git grep -q 'a person asked for it' main -- cases && git -C hub/history.git grep -q '\"state\": \"forgotten\"' main -- cases"
check "log tells it" bash -c "casepack -C hub log $case | grep -q forgotten"
check "the same once more changes nothing" bash -c "h=\$(casepack -C hub status --hash); casepack -C hub forget $case --reason other | grep -q 'forgotten before' && [ \$(casepack -C hub status --hash) = \$h ]"
check "importing it again is passed over" bash -c "casepack -C hub import cases.jsonl --locale en-US 2>&1 | grep -q '1 case was passed over: forgotten'"
check "and brings nothing back" traces "$all" hub
check "it cannot be assigned" status 1 casepack -C hub assign --form rel --to anna --pass 2 --case "$case"
check "nobody owes it any more" equal "$(casepack -C hub --json status 2>/dev/null | jq -r 'select(.person == "anna").owed')" 3
check "who has not confirmed is listed" equal "$(casepack -C hub --json forget --list 2>/dev/null | jq -r .not_confirmed_by)" "acme, anna, bea"

# ---- bundles made later -----------------------------------------------------------------------------------
rm -f out/*
quiet casepack -C hub pack --all -o out
check "no bundle made later holds it" traces "$all" out
cp -a hub again && rm again/casepack.db*
check "nor one for who has nothing yet" bash -c "casepack -C again rebuild --key lead >/dev/null && sqlite3 again/casepack.db 'DELETE FROM peers; DELETE FROM meta WHERE key LIKE \"hub%\"' && mkdir full && casepack -C again pack --all -o full"
check "(nothing of it is in those)" traces "$all" full

# ---- the others ----------------------------------------------------------------------------------------------
check "the other lead's hub hears of it" bash -c "casepack -C bea merge out/*-to-bea-* | grep -q '1 case was forgotten'"
check "and has erased it" traces "$all" bea
check "with the media, but for those that others name" bash -c "[ ! -e bea/media/$(name own | cut -c1-2)/$(name own) ] && [ -e bea/media/$(name shared | cut -c1-2)/$(name shared) ]"
check "both hubs hold one state" equal "$(casepack -C bea status --hash)" "$(casepack -C hub status --hash)"
check "the relay opens the news" bash -c "casepack -C acme open out/*-to-acme-* | grep -q '1 case was forgotten'"
check "and has erased it" traces "$all" acme
check "the rater is told" bash -c "casepack -C anna open out/*-to-anna-* | grep -q 'forgotten by the lead: what it showed is erased here'"
check "and the device has erased it" traces "$all" anna
mkdir old
quiet casepack -C backup pack --to anna -o old
casepack -C anna open old/* >"$work/.out" 2>&1
check "an old bundle brings nothing back" traces "$all" anna
rm -f post/*
quiet casepack -C acme pack --to ben -o post
check "the relay passes the news on, and nothing else of it" traces "$all" post
check "its rater is told, and that a draft went with it" bash -c "casepack -C ben open post/* | grep -q 'erased here, with 1 draft'"
check "and the device has erased both" traces "$all" ben
check "in free pages too" bash -c 'for w in bea acme anna ben; do for d in casepack content; do [ "$(sqlite3 $w/$d.db "PRAGMA freelist_count")" = 0 ] || exit 1; done; done'
check "the case is no longer in the queue" bash -c "! casepack -C ben rate --list | grep -q '~'"
check "who judges it is told why not" status 1 casepack -C ben rate "$case" grade@d2=1
check "in words" says "was forgotten by the lead"
check "what was judged of it is there still" equal "$(casepack -C anna --json show "$case" | jq -r '.ratings | length')" 2
check "conflicts cope" status 0 casepack -C hub conflicts

# ---- work that arrives later ------------------------------------------------------------------------------------
back anna hub
check "a judgment of a version that nobody holds any more is taken in" equal "$(casepack -C hub --json status 2>/dev/null | jq -r 'select(.person == "anna").submitted')" 1
check "nothing waits, nothing is refused" equal "$(casepack -C hub --json status 2>/dev/null | jq -r 'select(.replica) | "\(.waiting) \(.refused)"')" "0 0"
export_of() { casepack -C "$1" export --format jsonl -o - 2>/dev/null | jq -rs "sort_by(.field, .result, .rater) | .[] | select(.case_name == \"$case\") | $2"; }
check "its answers are exported, by the names in history" equal "$(export_of hub '"\(.rater) \(.result) \(.value) \(.state)"' | sed 's/ ~[0-9a-f]* / ~ /')" "anna d2 0 submitted
anna ~ 2 submitted"
check "the export says that the case is forgotten" equal "$(export_of hub .forgotten | sort -u)" true
check "and that nothing is late" equal "$(export_of hub .late | sort -u)" false
check "and holds nothing else of it" bash -c "! casepack -C hub export --format jsonl -o - 2>/dev/null | grep -i kanari"
check "qrels are made" bash -c "casepack -C hub export --format qrels --aggregate mean --field grade -o - | grep -q '^~'"
meet hub bea bea
check "the other hub takes it in too" equal "$(casepack -C bea status --hash)" "$(casepack -C hub status --hash)"
meet bea hub lead
back ben acme; back acme hub
check "then everybody has confirmed" equal "$(casepack -C hub --json forget --list 2>/dev/null | jq -r .not_confirmed_by)" ""
check "the relay knows of its rater" equal "$(casepack -C acme --json forget --list 2>/dev/null | jq -r .not_confirmed_by)" ""
check "what a device knows of its own is the same" status 0 casepack -C anna forget --list

# ---- it stays provable ------------------------------------------------------------------------------------------
git -C hub/history.git show main:trust/allowed_signers >allowed
signed() { git -C hub/history.git -c gpg.ssh.allowedSignersFile="$work/allowed" log --format='%G? %GS %ce' main --branches='replica/*' >signers; [ -s signers ] && ! awk '$1 != "G" || $2 != $3' signers | grep .; }
check "every commit carries its author's signature" signed
for w in $everywhere; do
	check "$w equals its replay" status 0 casepack -C $w verify
	check "its history is clean" git -C $w/history.git fsck --strict
	check "and its databases" bash -c "[ \"\$(sqlite3 $w/casepack.db 'PRAGMA integrity_check')\$(sqlite3 $w/content.db 'PRAGMA integrity_check')\" = okok ]"
done
# ---- a bundle of before, which comes late -----------------------------------------------------------------
printf '{"id":"late1","query":"KanariLate","results":[{"id":"d1","title":"KanariLate"}]}\n' >late.jsonl
quiet casepack -C bea import late.jsonl --locale en-US
mkdir late
for i in 1 2; do quiet casepack -C bea pack --to lead -o late; done # the second says it all again
quiet casepack -C hub merge "$(ls late/* | tail -1)"
check "what another lead imported is here" found KanariLate hub
quiet casepack -C hub forget late1 --reason "asked for too"
casepack -C hub merge "$(ls late/* | head -1)" >"$work/.out" 2>&1
check "what was forgotten does not come back with an older bundle" traces KanariLate hub

h=$(casepack -C hub status --hash)
check "made again from history the hub is the same" bash -c "casepack -C hub rebuild --key lead && [ \$(casepack -C hub status --hash) = $h ]"
check "and nothing has come back" traces "$all" hub
check "no content is missing" equal "$(casepack -C hub --json status 2>/dev/null | jq 'select(.replica).missing')" 0
casepack -C ben rebuild --key ben >/dev/null 2>&1 || [ $? = 3 ] || exit 1 # media do not travel
check "nor at a rater's" traces "$all" ben
quiet casepack -C hub export --format git -o audit.bundle
quiet git clone -q audit.bundle audit
check "what an auditor is given holds nothing of it" traces "$all" audit

# ---- a content.db out of a backup ----------------------------------------------------------------------------------
cp backup/content.db* hub/
check "a content.db put back has it again" found KanariTitle hub
check "naming the case once more erases it again" status 0 casepack -C hub forget "$case" --reason again
check "down to the bytes" traces "$all" hub

# ---- a hub put back from before ---------------------------------------------------------------------------------------
forgets_again() { # FOLDER: whatever tells it
	check "the hub that was put back knows that it is forgotten" equal "$(sqlite3 "$1/casepack.db" "SELECT state || ': ' || reason FROM cases WHERE name = '$case'")" "forgotten: a person asked for it"
	check "and has erased it again" traces "$all" "$1"
	check "and is sound" status 0 casepack -C "$1" verify
}
cp -a backup lost
check "a hub put back has it again" found KanariTitle lost
rm -f in/*
quiet casepack -C anna return --full -o in
check "what a rater proves with a return" traces "$all" in
casepack -C lost merge in/* >"$work/.out" 2>&1
forgets_again lost
cp -a backup lost2
rm -f post/*
sqlite3 bea/casepack.db "DELETE FROM meta WHERE key LIKE 'hub_%'; DELETE FROM peers"
quiet casepack -C bea pack --to lead -o post
casepack -C lost2 merge post/* >"$work/.out" 2>&1
forgets_again lost2

# ---- hubs that meet at a git remote ------------------------------------------------------------------------------------
git init -q --bare -b main remote.git
quiet casepack -C hub sync remote.git
quiet casepack -C bea sync remote.git
printf '{"id":"kanari too","query":"KanariQuery two","results":[{"id":"KanariResult 2","title":"KanariTitle"}]}\n' >too.jsonl
quiet casepack -C hub import too.jsonl --locale en-US
meet hub bea bea
too=$(sqlite3 hub/casepack.db "SELECT name FROM cases WHERE name LIKE '~%' AND state = 'active'")
check "before: bea holds another case" found KanariTitle bea
quiet casepack -C hub forget "$too" --reason "that one too"
quiet casepack -C hub sync remote.git
check "the other hub hears of it at the remote" bash -c "casepack -C bea sync remote.git | grep -q '1 case was forgotten by another lead'"
check "and has erased it" traces "$all" bea remote.git

# ---- a lead who changes what another forgets ---------------------------------------------------------------------------
printf '{"id":"both","query":"query both","results":[{"id":"d1","title":"KanariTitle"}]}\n' >both.jsonl
quiet casepack -C hub import both.jsonl --locale en-US
meet hub bea bea
sed s/KanariTitle/KanariSecond/ both.jsonl >both2.jsonl
quiet casepack -C bea import both2.jsonl --locale en-US
quiet casepack -C hub forget both --reason concurrently
meet bea hub lead
check "what another lead imported meanwhile is erased when it comes" traces KanariTitle,KanariSecond hub
meet hub bea bea
check "and there" traces KanariTitle,KanariSecond bea
check "and both agree" equal "$(casepack -C bea status --hash)" "$(casepack -C hub status --hash)"

# ---- many, and what SQLite leaves of cells that it moved -----------------------------------------------------------------
quiet casepack -C many init --project Many --name Lea --key lead
python3 -c 'import json, random
random.seed(1)
for i in range(600):
    print(json.dumps({"id": f"m{i}", "query": f"m{i}", "results": [{"id": "d", "title": "".join(random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=random.randint(300, 2500)))}]}))' >many.jsonl
quiet casepack -C many import many.jsonl --locale en-US
sqlite3 many/content.db "SELECT hex(substr(frame, 40, 32)) FROM contents" >parts
left() { python3 -c 'import os, sys
data = b"".join(open(os.path.join("many", n), "rb").read() for n in os.listdir("many") if n.startswith("content"))
print(sum(bytes.fromhex(line) in data for line in open("parts")))'; }
check "before: each of them is found" equal "$(left)" 600
for i in 1 2 3 4 5 6 7 8 9; do quiet casepack -C many forget $(python3 -c "import random; random.seed(1); l = list(range(600)); random.shuffle(l); print(*('m%d' % n for n in l[$i * 60 - 60:$i * 60]))") --reason round-$i; done
check "of those that are forgotten no part is left" equal "$(left)" 60

# ---- queries that are shown --------------------------------------------------------------------------------------------
quiet casepack -C open init --project Open --name Lea --key lead --show-queries
printf 'query,result,title\nkanariword,d1,First\n"two words",d1,First\n' >open.csv
quiet casepack -C open import open.csv --locale en-US
check "where queries are shown, one that is a name stands in git" bash -c "git -C open/history.git grep -q kanariword main"
check "forgetting it is done, and said not to reach that" status 3 casepack -C open forget kanariword "two words" --reason asked
check "in words" says "1 query stays readable in git"
check "the rest of it is erased" traces First open
finish
