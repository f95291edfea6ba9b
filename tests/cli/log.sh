#!/usr/bin/env bash
# The life of a case, and who gave each answer: at a hub, a second hub, a relay and a device; held against git.
. "$(dirname "$0")/lib.sh"
keys=$work/config/casepack/keys
for who in lead bea ada1 ada2 ben acme cem; do quiet casepack key new $who; done
quiet casepack -C hub init --project Lives --name Lead --key lead
for key in ada1 ada2; do quiet casepack -C hub person add ada --key "$keys/$key.pub"; done
quiet casepack -C hub person add ben --key "$keys/ben.pub"
quiet casepack -C hub person add acme --role relay --vendor acme --key "$keys/acme.pub"
quiet casepack -C hub person add cem --relay acme --vendor acme --key "$keys/cem.pub"
printf 'id,query,result,title\nq1,red,d1,one\nq1,red,d2,two\nq2,blue,d3,three\nq2,blue,d4,four\nq3,green,d5,five\nq4,grey,d6,six\n' >cases.csv
quiet casepack -C hub import cases.csv
printf '# Policy\n\nRed is red.\n' >policy.md
quiet casepack -C hub guideline add policy policy.md
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --guideline policy --to ada,ben,cem
mkdir out back to from post
quiet casepack -C hub pack --all --plain -o out
for f in out/*-ada-*; do
	casepack -C one open "$f" --key ada1 >/dev/null 2>&1 || quiet casepack -C two open "$f" --key ada2
done
quiet casepack -C ben open out/*-ben-* --key ben
quiet casepack -C acme open out/*-acme-* --key acme
quiet casepack -C acme pack --all --plain -o to
quiet casepack -C cem open to/*-cem-* --key cem

# Ada's second device is a day ahead; it answers q1 first, by any clock but its own.
sqlite3 two/casepack.db "INSERT OR REPLACE INTO meta VALUES('clock', (unixepoch() + 86300) * 1000000)"
quiet casepack -C two rate q1 grade@d1=3 grade@d2=1
quiet casepack -C one rate q1 grade@d1=1 grade@d2=1
quiet casepack -C one rate q2 grade@d3=2 grade@d4=2
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=2
quiet casepack -C ben rate q2 grade@d3=1 grade@d4=0
quiet casepack -C cem rate q1 grade@d1=2 grade@d2=2
for who in two one ben; do quiet casepack -C $who return --plain -o back; done
quiet casepack -C cem return --plain -o from
status 3 casepack -C hub merge back/*-ada-* >/dev/null
status 3 casepack -C hub merge back/*-ben-* >/dev/null
quiet casepack -C acme merge from/*
rm back/* from/*
quiet casepack -C acme return --plain -o from
status 3 casepack -C hub merge from/* >/dev/null
printf '# Policy\n\nRed is red.\nBlue is not.\n' >policy.md
quiet casepack -C hub guideline revise policy policy.md --revision clarifying --note blue
quiet casepack -C hub pack --to ben --plain -o out
quiet casepack -C ben open "$(ls out/*-ben-* | tail -1)"
quiet casepack -C ben rate q1 grade@d1=3 grade@d2=2
quiet casepack -C ben return --plain -o back
status 3 casepack -C hub merge back/* >/dev/null
fork=$(casepack -C hub conflicts --case q1 --json 2>/dev/null | jq -r .conflict | head -1)
mine=$(casepack -C hub conflicts --case q1 --json 2>/dev/null | jq -r 'select(.value | contains("\"grade@d1\":\"1\"")).rev')
quiet casepack -C hub resolve $fork --take $mine --reason "she looked twice"
quiet casepack -C hub adjudicate q1 grade@d1=2 --cause error --reason "two of three"
quiet casepack -C hub gold set q1 grade@d1=2 --reason known
quiet casepack -C hub assign withdraw --case q3 --from ben
quiet casepack -C hub export -o labels.csv
quiet casepack -C hub export -o ben.csv --rater ben
quiet casepack -C hub export -o later.jsonl --rater cem
quiet casepack -C hub pack --to ben --plain -o out

json() { casepack -C "$1" log "${@:2}" --json 2>/dev/null; }
events() { json "$@" | jq -r "$query" | tr '\n' ' '; }
json hub q1 >life

# ---- the life of a case at the hub ------------------------------------------------------------------
check "every line of it is JSON" bash -c '[ $(wc -l <life) -gt 20 ] && python3 -c "import json, sys; [json.loads(l) for l in sys.stdin]" <life'
for what in imported assigned opened judged changed superseded conflicted settled adjudicated gold exported; do
	check "it tells that the case was $what" jq -se "any(.what == \"$what\")" life
done
check "it begins with the import" equal "$(head -1 life | jq -r .what)" imported
check "each was given to whom it was given" equal "$(jq -r 'select(.what == "assigned").whom' life | sort | xargs)" "ada ben cem"
check "each device that judged it had it open, once" equal "$(jq -r 'select(.what == "opened").who' life | sort | xargs)" "ada ada ben cem"
check "what was open is named by an outbound commit that the hub made" bash -c \
	'for o in $(jq -r "select(.what == \"opened\" and .who != \"cem\").applied" life); do git -C hub/history.git branch --contains $o | grep -q outbound/ || exit 1; done'
check "and is what the change commit itself says" bash -c 'jq -r "select(.what == \"opened\") | [.commit, .applied] | @tsv" life | while read commit applied; do
	[ "$(git -C hub/history.git log -1 --format="%(trailers:key=Casepack-Applied,valueonly)" $commit | head -1)" = $applied ] || exit 1; done'
check "a change says from what to what" equal "$(jq -r 'select(.what == "changed").changes[] | select(.result == "d1") | .from + .to' life)" 03
check "under which revision" equal "$(jq -r 'select(.who == "ben" and (.what == "judged" or .what == "changed")).revision' life | xargs)" "1 2"
check "what was changed is superseded by whoever changed it" equal "$(jq -r 'select(.what == "superseded" and .whom == "ben") | .who' life)" ben
check "what a lead did not choose is superseded by the lead" equal "$(jq -r 'select(.what == "superseded" and .whom == "ada") | .who' life)" lead
check "the fork is told with both candidates" bash -c 'jq -r "select(.what == \"conflicted\").detail" life | grep -q "fork of judgments.*by ada.*by ada"'
check "the settlement with its reason" jq -se 'any(.what == "settled" and .who == "lead" and .reason == "she looked twice")' life
check "the final answer with its reason" jq -se 'any(.what == "adjudicated" and .reason == "two of three" and .changes[0].to == "2")' life
check "the fate of each edit is that of its tree" equal "$(jq -r 'select(.what == "judged" or .what == "changed") | .who + ":" + .fate' life | sort | xargs)" \
	"ada:overruled ada:standing ben:standing ben:superseded cem:standing"
check "the export names the file" jq -se "any(.what == \"exported\" and (.detail | contains(\"$(b2sum -l 256 labels.csv | cut -d' ' -f1)\")))" life
check "every export that asked for an answer of it, and no other" bash -c '[ $(grep -c "\"exported\"" life) = 3 ] && casepack -C hub log q2 --json | jq -se "map(select(.what == \"exported\")) | length == 2" &&
	casepack -C hub log q4 --json | jq -se "length > 0 and all(.what != \"exported\")"'
check "every signature is good, but of what is not sealed" equal "$(jq -r 'select(.commit != "").signature' life | sort -u | xargs)" good
check "git says so too of each commit" bash -c 'git -C hub/history.git show main:trust/allowed_signers >signers
	for c in $(jq -r "select(.what != \"gold\").commit" life | sort -u | grep .); do git -C hub/history.git -c gpg.ssh.allowedSignersFile=$PWD/signers verify-commit $c || exit 1; done'
check "everything has a time of receipt that was taken in" jq -se 'length > 0 and all(.commit == "" or .received != null)' life
check "for people it is a table" bash -c 'casepack -C hub log q1 2>/dev/null | head -1 | grep -q "^WHEN .*WHO .*WHAT .*FATE .*SIGNATURE .*RECEIVED"'

# ---- order under wrong clocks -----------------------------------------------------------------------
cat >order.py <<'PY'
import json, sys
life = [json.loads(line) for line in sys.stdin]
place = lambda what, **has: [i for i, e in enumerate(life) if e["what"] == what and all(e[k] == v for k, v in has.items())]
judged, settled, changed = place("judged"), place("settled"), place("changed")
ahead = [i for i in judged if life[i]["when"] > life[settled[0]]["when"]]
assert len(ahead) == 1, "one clock is ahead of the settlement"
assert max(judged) < min(settled) and place("judged", who="ben")[0] < changed[0]
assert max(place("assigned")) < min(place("opened")) and max(place("judged", who="ada")) < place("conflicted")[0] < settled[0]
for i in place("opened"):
    assert i < min(j for j in judged if life[j]["device"] == life[i]["device"])
PY
check "no effect stands before its cause, whatever the clocks say" bash -c 'python3 order.py <life'
quiet casepack -C hub assign withdraw --case q4 --from ben
check "what was taken back stands behind what was given" equal "$(query=.what events hub q4 --person ben)" "assigned withdrawn "

# ---- other places --------------------------------------------------------------------------------------
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
quiet casepack -C hub pack --to bea --plain -o post
quiet casepack -C bea open post/*-to-bea-0001.casepack --key bea
story() { json "$1" q1 | jq -r 'select(.what != "opened") | [.what, .who, .commit, .fate] | @tsv' | sort; }
check "another lead's hub tells the same" equal "$(story bea)" "$(story hub)"
check "the exports are on its main" bash -c '[ $(git -C bea/history.git show main:exports.tsv | grep -c "$(b2sum -l 256 ben.csv | cut -d" " -f1)") = 1 ]'
check "a device tells its own work, and what it had open" equal "$(query='.what + ":" + .who' events ben q1 | tr ' ' '\n' | sort | uniq | xargs)" "changed:ben judged:ben opened:ben superseded:ben"
quiet casepack -C ben open "$(ls out/*-ben-* | tail -1)"
check "with when it heard that the hub holds them" bash -c 'casepack -C ben log q1 --json | jq -se "any(.received != null)"'
check "nobody's device hears of exports" bash -c '! grep -aq exported ben/casepack.db && [ $(sqlite3 ben/casepack.db "SELECT count(*) FROM exports") = 0 ]'
check "a relay tells its raters' work" equal "$(query='.who' events acme q1 | tr ' ' '\n' | sort -u | xargs)" cem

# ---- filters -------------------------------------------------------------------------------------------
check "by person: what they did, and what is theirs" equal "$(query='.who' events hub q1 --person ben | tr ' ' '\n' | sort -u | xargs)" "ben lead"
check "by field: answers to it" equal "$(query='.what' events hub q1 --field grade | tr ' ' '\n' | sort -u | xargs)" "adjudicated changed gold judged"
check "by guideline" equal "$(query='.who' events hub q1 --guideline policy | tr ' ' '\n' | sort | uniq -c | xargs)" "2 ada 2 ben 1 cem"
check "by one revision of it" equal "$(query='.what + .who' events hub q1 --guideline policy@2)" "changedben "
check "by day" equal "$(query=.what events hub q1 --since 2126-01-01)" ""
check "without a case: all judgments and decisions, newest first" bash -c 'casepack -C hub log --field grade --json >all && [ $(head -1 all | jq -r .what) = adjudicated ] &&
	[ "$(jq -r "select(.who == \"ben\").case" all | xargs)" = "q1 q2 q1" ]'
check "as many as are wanted" equal "$(json hub --field grade --max 2 | wc -l)" 2
check "without anything: change commits, as ever" bash -c 'casepack -C hub log 2>/dev/null | head -1 | grep -q "^COMMIT .*EDITS"'
check "a person who is none" status 1 casepack -C hub log q1 --person nobody
check "a field that is none" status 1 casepack -C hub log q1 --field nothing
check "a guideline that is none" status 1 casepack -C hub log --guideline nothing
check "a revision that is none" status 1 casepack -C hub log q1 --guideline policy@9
check "a day that is none" status 2 casepack -C hub log --since 2026-02-30
check "a case that is none" status 1 casepack -C hub log q99
check "filters on change commits are wrong usage" status 2 casepack -C hub log --refused --person ben
check "and so is a number of events of one case" status 2 casepack -C hub log q1 --max 3

# ---- blame ---------------------------------------------------------------------------------------------
casepack -C hub blame q1 --json >blame
of() { jq -r "select(.rater == \"$1\" and .result == \"$2\") | $3" blame; } # RATER RESULT WHAT
check "each answer that stands is named once" equal "$(jq -r 'select(.final | not) | .rater + .result' blame | sort | xargs)" "adad1 adad2 bend1 bend2 cemd1 cemd2"
check "a changed answer is that of the change" equal "$(of ben d1 '.value + .guideline + (.revision | tostring) + .commit')" "3policy2$(jq -r 'select(.what == "changed").commit' life)"
check "one given again with the same value was set before" equal "$(of ben d2 .commit)" "$(jq -r 'select(.what == "judged" and .who == "ben").commit' life)"
check "behind a fork the rater has the credit, from the device that was chosen" equal "$(of ada d1 '.who + .value + .device')" "ada1$(casepack -C one status --json | jq -r .replica | tail -1)"
check "the lead who settled it is named beside" equal "$(of ada d1 '.settled.who + ": " + .settled.reason')" "lead: she looked twice"
check "with the commit of the settlement" equal "$(of ada d1 .settled.commit)" "$(jq -r 'select(.what == "settled").commit' life)"
check "the final answer is a line of its own" equal "$(jq -r 'select(.final) | .who + .value + .reason' blame)" "lead2error: two of three"
check "passed on by a relay it is the rater's" equal "$(of cem d1 '.who + .signature')" cemgood
git -C hub/history.git branch --format='%(refname:short)' >branches
agrees() { # CASE: the author that git names for each line of main is the one that blame names, and the commit of main took that one in
	local file
	file=$(git -C hub/history.git ls-tree -r --name-only main | grep "^judgments/../$1.tsv$")
	casepack -C hub blame "$1" --json | jq -r 'select(.final | not) | [.rater, .result, .value, .who, .commit] | @tsv' | sort >ours
	git -C hub/history.git blame --line-porcelain main -- "$file" | awk -F'\t' '/^[0-9a-f]+ [0-9]+ [0-9]+/{split($0, p, " "); c = p[1]} /^author /{a = substr($0, 8)}
		/^\t/{if ($4 == "grade") print $2 "\t" $5 "\t" $6 "\t" a "\t" c}' | sort >theirs
	[ -s ours ] && equal "$(cut -f1-4 ours)" "$(cut -f1-4 theirs)" || return 1
	paste ours theirs | while IFS=$'\t' read -r _ _ _ _ change _ _ _ _ main; do
		git -C hub/history.git log -1 --format=%B "$main" | grep -q "^Change-commit: $change accepted" || { echo "$main did not take in $change"; return 1; }
	done
}
check "where nothing was in conflict git blame names the same authors and commits" agrees q2
check "another lead's hub blames the same" equal "$(casepack -C bea blame q1 --json)" "$(cat blame)"
check "so does a hub that is made again from git" bash -c 'cp -a hub again && rm -f again/casepack.db* && casepack -C again rebuild --key config/casepack/keys/lead >/dev/null 2>&1 &&
	casepack -C again blame q1 --json >blame.again && cmp blame blame.again && casepack -C again log q1 --json | jq -c "del(.received)" >life.again && jq -c "del(.received)" life | grep -v "\"commit\":\"\"" >life.before &&
	[ $(grep -cxFf life.before life.again) -ge $(wc -l <life.before) ]'
check "a case without answers says so" bash -c 'casepack -C hub blame q3 2>&1 | grep -q "no answer"'
check "blame needs a case" status 2 casepack -C hub blame
check "which is there" status 1 casepack -C hub blame q99
check "a rater's own device blames the rater" equal "$(casepack -C ben blame q1 --json | jq -r .who | sort -u)" ben

# ---- what does not hold ----------------------------------------------------------------------------------
quiet casepack -C hub person revoke cem --reason "the laptop was stolen"
check "a device that was revoked since is marked" equal "$(json hub q1 --person cem | jq -r 'select(.what == "judged") | .signature + .device_state')" goodrevoked
cp -a hub altered
sqlite3 altered/casepack.db "UPDATE commit_objects SET bytes = CAST(replace(CAST(bytes AS TEXT), 'author ben', 'author bea') AS BLOB) WHERE CAST(bytes AS TEXT) LIKE '%author ben%'"
check "a commit that was altered is bad" bash -c '[ "$(casepack -C altered log q1 --json | jq -r "select(.who == \"ben\").signature" | sort -u)" = bad ]'
check "exports are never changed" equal "$(git -C hub/history.git log --format=%H main -- exports.tsv | wc -l)" 1
quiet casepack -C hub export -o again.csv --rater ben
check "the same file made again is noted once" equal "$(sqlite3 hub/casepack.db 'SELECT count(*) FROM exports')" 3
check "what is printed is not noted" bash -c 'casepack -C hub export --format csv -o - >/dev/null 2>&1; [ $(sqlite3 hub/casepack.db "SELECT count(*) FROM exports") = 3 ]'
check "the hub equals its replay" bash -c 'casepack -C hub verify >/dev/null 2>&1 || [ $? = 3 ]'
finish
