#!/usr/bin/env bash
# Two leads, each with a hub, disjoint raters: exchange by hub bundles, a folder, a bare repository.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --name 'Bea B' --key "$keys/bea.pub" --hub
for who in anna ben; do give $who; done # their returns are for the second hub, too, once they know it
mkdir post
me() { casepack -C "$1" --json status | jq -r '.replica // empty' | tail -1; }
state() { for w in hub bea; do casepack -C $w status --hash; refs $w; git -C $w/history.git count-objects -v | grep -v size; done; }
trees() { git -C hub/history.git rev-parse 'main^{tree}'; git -C bea/history.git rev-parse 'main^{tree}'; }
one_tree() { [ "$(trees | sort -u | wc -l)" = 1 ] || { trees; git -C bea/history.git fetch -q ../../hub/history.git main 2>&1; git -C bea/history.git diff --stat FETCH_HEAD main; return 1; }; }
one_hash() { equal "$(casepack -C hub status --hash)" "$(casepack -C bea status --hash)"; }
agree() { one_tree && one_hash; }
replays() { casepack -C hub verify && casepack -C bea verify; }
work() { quiet judge "$1" "$2" "${3:-3}"; quiet casepack -C "$1" return -o in; quiet casepack -C "$4" merge "$(last in from-"$1")"; } # PERSON CASE GRADE HUB
# WORKSPACE: every commit of main is by the device that signed it, by stock git
genuine() {
	git clone -q "$1/history.git" "clone.$1" && cd "clone.$1" &&
		git config gpg.ssh.allowedSignersFile trust/allowed_signers &&
		[ -z "$(git log --format='%G? %GS %ce' | awk '$1 != "G" || $2 != $3')" ]
	local got=$?
	cd "$work" && rm -rf "clone.$1"
	return $got
}

# ---- a hub out of one bundle ---------------------------------------------------------------------

check "only a lead's device can be a hub" status 1 casepack -C hub person add anna --key "$keys/anna.pub" --hub
check "a hub's bundle is packed for a further lead" status 0 casepack -C hub pack --to bea -o post
check "it is of the kind hub" equal "$(casepack inspect --json post/*-to-bea-0001.casepack.age | jq -r .kind)" hub
check "a rater's workspace cannot be made of it" status 1 casepack -C stray open post/*-to-bea-0001.casepack.age --key anna
check "and nothing is left of the try" [ ! -e stray ]
check "its lead makes a hub of it" status 0 casepack -C bea open post/*-to-bea-0001.casepack.age --key bea
check "and is told whom she trusts from now on" says "founded by lead with the key $(ssh-keygen -lf "$keys/lead.pub" | cut -d' ' -f2)"
check "both hold the same state" agree
check "and each its own replay" replays
check "git finds nothing wrong in the new hub" sound bea
check "real names came, and are in no public object" bash -c \
	'casepack -C bea person list | grep -q "Bea B" && ! git -C bea/history.git grep -q "Bea B" $(git -C bea/history.git rev-list --all)'
check "what cases show came too" bash -c 'casepack -C bea export --format csv -o - --field grade >/dev/null && casepack -C bea show case q1 2>/dev/null | grep -q "First of 1" || casepack -C bea --json show q1 | grep -q "First of 1"'
check "a second one changes nothing" bash -c 'before=$(casepack -C bea status --hash); casepack -C bea merge post/*-to-bea-0001.casepack.age >/dev/null; [ "$(casepack -C bea status --hash)" = "$before" ]'
check "opening it at a hub says what to do" status 1 casepack -C bea open post/*-to-bea-0001.casepack.age
check "raters whom the first hub gives to are not given to by the second" status 0 casepack -C bea pack --all -o post
check "so no chain is written twice" bash -c '! ls post/*-to-anna-* 2>/dev/null'

# ---- both move, bundles by hand ---------------------------------------------------------------------

quiet casepack key new carl
quiet casepack -C bea person add carl --locale en-US --key "$keys/carl.pub"
quiet casepack -C bea assign --form relevance --guideline guide --to carl
quiet casepack -C bea pack --to carl -o out
quiet casepack -C carl open "$(last out to-carl)" --key carl
work carl q1 2 bea
work anna q1 3 hub
work ben q2 1 bea # a return may be taken in at either hub
quiet casepack -C hub pack --to bea -o post
check "the second hub takes in what the first lacks it" status 0 casepack -C bea merge "$(last post to-bea)"
quiet casepack -C bea pack --to lead -o post
check "and the first what the second has" status 0 casepack -C hub merge "$(last post to-lead)"
check "then both hold the same state, and main the same tree" agree
check "and each equals its replay" replays
check "main is joined: its tip has two parents" equal "$(git -C bea/history.git rev-list --parents -1 main | wc -w)" 3
check "each commit of main is good by stock git, on both" bash -c "$(declare -f genuine); work=$work; genuine hub && genuine bea"
check "verdicts name the hub that gave them" bash -c \
	"git -C hub/history.git show main:verdicts/$(casepack -C carl --json status | jq -r .replica).tsv | tail -1 | grep -q '$(me bea)'"
check "first parents are each hub's own line" bash -c \
	"[ -z \"\$(git -C bea/history.git log --first-parent --format=%ce $(git -C bea/history.git rev-parse hub/$(me hub))..main | grep -v '^$(me bea)')\" ]"
grades() { casepack -C "$1" export --format csv -o - --field grade --no-times 2>/dev/null | tr -d '\r' | sort | sha256sum; }
check "the labels are the same" equal "$(grades hub)" "$(grades bea)"

# ---- a folder ------------------------------------------------------------------------------------------

mkdir share
settle() { # until a whole turn is no news
	local turn w
	for turn in 1 2 3 4 5 6; do
		for w in hub bea; do casepack -C $w sync share >said.$w 2>&1 || { cat said.$w; return 1; }; done
		grep -q 'nothing new' said.hub && grep -q 'nothing new' said.bea && return 0
	done
	cat said.*
	return 1
}
work carl q2 1 bea
work anna q2 0 hub
check "hubs that sync with one folder come to rest" settle
check "with one state" agree
before=$(state)
quiet settle
check "and without news write nothing" equal "$(state)" "$before"
check "not even a file" bash -c 'n=$(ls share | wc -l); casepack -C hub sync share; casepack -C bea sync share; [ $(ls share | wc -l) = $n ]'
quiet casepack -C hub person add dora --name 'Dora D' --locale en-US
quiet settle
check "what only leads may read travels so" bash -c 'casepack -C bea person list | grep -q "Dora D"'

# ---- a git remote -----------------------------------------------------------------------------------------

git init -q --bare -b main remote.git
git -C remote.git config receive.denyNonFastForwards true
git -C remote.git config receive.fsckObjects true
check "a bare repository takes the first hub's history" status 0 casepack -C hub sync remote.git
check "and the second's" status 0 casepack -C bea sync remote.git
work carl q3 2 bea
work anna q3 3 hub
exchange() { casepack -C bea sync remote.git && casepack -C hub sync remote.git && casepack -C bea sync remote.git; }
check "both moved: they exchange" status 0 exchange
check "and hold the same state" agree
check "which is each one's replay" replays
check "real git finds nothing wrong there" git -C remote.git fsck --strict --no-dangling
check "a clone is good by stock git" bash -c "$(declare -f genuine); work=$work; mkdir -p r && ln -sfn ../remote.git r/history.git && genuine r"
check "main there is the joined one, with the tree of both" equal "$(git -C remote.git rev-parse 'main^{tree}')" "$(git -C hub/history.git rev-parse 'main^{tree}')"
check "neither content nor real names went there" bash -c \
	'for o in $(git -C remote.git rev-list --all); do git -C remote.git grep -qE "First of|Bea B|Dora D" $o && exit 1; done; exit 0'
there() { git -C remote.git for-each-ref; git -C remote.git count-objects -v | grep -v size; }
quiet casepack -C hub sync remote.git # to see where the other stands now
(state; there) >before
check "a sync without news says so" bash -c 'for w in hub bea; do casepack -C $w sync remote.git 2>&1 | grep -q "nothing new" || exit 1; done'
(state; there) >after
check "and writes nothing, here or there" same before after
check "a rater gets one clear line" status 1 casepack -C anna sync remote.git
check "which says why" says "a git remote is for leads' hubs"
check "another workspace's history is no place to meet" status 1 casepack -C hub sync bea/history.git

# ---- what a git server does not carry --------------------------------------------------------------------------

printf 'query,result,title\nlate1,d1,First of late\nlate2,d1,Second of late\n' >late.csv
quiet casepack -C hub import late.csv --locale en-US
quiet casepack -C hub person add emil --name 'Emil E'
quiet casepack -C hub sync remote.git
check "a lead who syncs with a remote alone" status 0 casepack -C bea sync remote.git
check "is told which contents are missing, and how they come" says "remote.git: 2 cases without content here; it comes by no git server, nor do real names: \`casepack pack --to bea\` at another hub, then \`casepack merge\` here"
check "again, while they are missing" bash -c 'casepack -C bea --json sync remote.git | jq -e ".missing == 2"'
quiet casepack -C hub pack --to bea -o post
quiet casepack -C bea merge "$(last post to-bea)"
check "a bundle brings them" bash -c 'casepack -C bea --json sync remote.git | jq -e ".missing == 0"'
check "and real names with them" bash -c 'casepack -C bea person list | grep -q "Emil E"'
quiet exchange

# ---- races ---------------------------------------------------------------------------------------------------

race() {
	casepack -C hub sync remote.git >said.hub 2>&1 & local a=$!
	casepack -C bea sync remote.git >said.bea 2>&1 & local b=$!
	wait $a; local x=$?; wait $b; local y=$?
	[ $x = 0 ] && [ $y = 0 ] || { echo "$x $y"; cat said.hub said.bea; return 1; }
}
for i in 4 5 6; do
	work carl q$i 1 bea
	work anna q$i 3 hub
	check "two syncs at one moment both succeed ($i)" race
	quiet exchange
	check "and agree afterwards ($i)" agree
done
# a hook lets the other hub in first, once
work carl q7 1 bea
work anna q7 3 hub
cat >remote.git/hooks/pre-receive <<HOOK
#!/bin/sh
[ -e "$work/let-in" ] || exit 0
rm "$work/let-in"
env -u GIT_QUARANTINE_PATH -u GIT_OBJECT_DIRECTORY -u GIT_ALTERNATE_OBJECT_DIRECTORIES -u GIT_DIR \
	"$casepack" -C "$work/bea" sync "$work/remote.git" >"$work/said.other" 2>&1
exit 0
HOOK
chmod +x remote.git/hooks/pre-receive
touch let-in
check "who is overtaken begins again" status 0 casepack -C hub sync remote.git
check "the other was let in" bash -c '[ ! -e let-in ] && grep -q pushed said.other'
quiet exchange
check "nothing was lost" agree
check "nor overwritten: every tip that ever stood there is held" bash -c \
	'for t in $(git -C hub/history.git for-each-ref --format="%(objectname)" refs/heads/replica) $(git -C bea/history.git for-each-ref --format="%(objectname)" refs/heads/replica); do git -C remote.git cat-file -e $t || exit 1; done'
printf '#!/bin/sh\necho "closed for today" >&2\nexit 1\n' >remote.git/hooks/pre-receive
work anna q8 3 hub
check "a remote that declines is one line, and no loop" timeout 60 bash -c 'casepack -C hub sync remote.git 2>said.declined; [ $? -ne 0 ] && grep -q "declined" said.declined'
rm remote.git/hooks/pre-receive
quiet exchange
check "once it opens, all arrives" agree

# ---- one hub refuses, another accepts ---------------------------------------------------------------------------

# carl leaves for the first hub, which is all that it knows when his work comes; the second accepted it before
quiet judge carl q8 2
quiet casepack -C carl return -o in
carl=$(last in from-carl)
sqlite3 hub/casepack.db "UPDATE replicas SET state = 'revoked' WHERE id = x'$(casepack -C carl --json status | jq -r .replica)'"
check "a hub that no longer trusts a device refuses its work" status 4 casepack -C hub merge "$carl"
sqlite3 hub/casepack.db "UPDATE replicas SET state = 'active' WHERE id = x'$(casepack -C carl --json status | jq -r .replica)'"
check "another, that does not know, accepts it" status 0 casepack -C bea merge "$carl"
check "they exchange" bash -c 'casepack -C hub sync remote.git >/dev/null; casepack -C bea sync remote.git >/dev/null; casepack -C hub sync remote.git >/dev/null; casepack -C bea sync remote.git'
check "accepted by one is accepted by both" agree
check "it is applied where it was refused" bash -c 'casepack -C hub export --format csv -o - --field grade --no-times 2>/dev/null | grep "^q8," | grep -q carl'
check "and marked for review" status 0 casepack -C hub status
check "in words" says "one hub refused and another accepted"
check "the log says who refused it and why" bash -c 'casepack -C bea log | grep -q "refused by lead: carl"'
check "main holds both verdicts" equal "$(git -C bea/history.git show "main:verdicts/$(casepack -C carl --json status | jq -r .replica).tsv" | grep -c refused)" 1
check "both equal their replay still" replays

# ---- from git alone ---------------------------------------------------------------------------------------------

hash=$(casepack -C bea status --hash)
check "a hub with joins in its main is rebuilt from git alone" status 0 casepack -C bea rebuild
check "to the same state" equal "$(casepack -C bea status --hash)" "$hash"
check "and goes on exchanging" bash -c 'casepack -C bea sync remote.git && casepack -C hub sync remote.git'
work anna q8 1 hub
check "with the other" bash -c 'casepack -C hub sync remote.git && casepack -C bea sync remote.git'
check "as before" agree
check "the first's repository is sound" sound hub
check "the second's too" sound bea

# ---- another home ------------------------------------------------------------------------------------------------

check "only who gives to a rater can pass her on" status 1 casepack -C bea person home anna bea
check "a rater moves to the other hub" status 0 casepack -C hub person home anna bea
quiet exchange
check "the old one gives nothing more" status 1 casepack -C hub pack --to anna -o out
check "and says who does" says bea
quiet casepack -C bea sync share
quiet casepack -C hub sync share
quiet casepack -C bea sync share
quiet casepack -C bea pack --to anna -o out
check "the new one goes on where the old one ended" status 0 casepack -C anna open "$(last out to-anna)"
quiet casepack -C anna rate q1 grade@d1=0 grade@d2=0
mkdir stick
check "her work goes home from now on" bash -c 'casepack -C anna return -o stick && casepack -C bea sync stick'
check "and is confirmed to her" bash -c 'casepack -C anna sync stick && [ $(casepack -C anna --json status | jq .unsent) = 0 ]'

# ---- one case, two imports ------------------------------------------------------------------------------------

shows() { printf '{"id": "%s", "query": "of both", "results": [%s]}\n' "$1" "$2"; } # CASE RESULTS
old='{"id": "d1", "title": "one"}, {"id": "d2", "title": "two"}' other='{"id": "d1", "title": "another"}, {"id": "d2", "title": "two"}'
import() { cat >"$1.jsonl"; quiet casepack -C "$1" import "$1.jsonl" --locale en-US; }
bring() { quiet casepack -C "$1" pack --to "$2" -o post; casepack -C "$3" merge "$(last post "to-$2")" >/dev/null 2>&1; } # FROM LEAD TO
# WORKSPACE: the row of each case names the results that it shows
consistent() {
	local c
	for c in m1 m2; do
		equal "$(sqlite3 "$1/casepack.db" "SELECT results FROM cases WHERE name = '$c'")" \
			"$(casepack -C "$1" --json show $c | jq -c '[.results[].id]')" || return 1
	done
}
meet() { # with a conflict that waits for a person each says so, and is done
	local w
	for w in bea hub bea; do casepack -C $w sync remote.git; case $? in 0 | 3) ;; *) return 1 ;; esac; done
}
(shows m1 "$old"; shows m2 "$old") | import hub
quiet meet
(shows m1 '{"id": "d2", "title": "two"}'; shows m2 "$other") | import hub
(shows m1 "$other"; shows m2 '{"id": "d2", "title": "two"}') | import bea
quiet meet
bring hub bea bea
bring bea lead hub
quiet meet
check "two leads change what a case shows: both hubs hold the same" agree
check "that is each one's replay" replays
check "it is one question, which content stands" equal "$(sqlite3 hub/casepack.db "SELECT group_concat(DISTINCT col) FROM conflicts WHERE is_open AND tbl = 3")" content
mkdir open && quiet casepack -C bea pack --to lead -o open
check "taking in a bundle of the other says what kind of question is open" bash -c "casepack -C hub merge open/* | grep -q 'open (.*[0-9] hard'"
check "and the results are those of the content, at one hub" consistent hub
check "and the other" consistent bea

# ---- one assignment, two leads ----------------------------------------------------------------------------------

for due in hub:2027-01-01 bea:2027-02-02; do
	quiet casepack -C "${due%:*}" assign --form relevance --guideline guide --to carl --case m1 --due "${due#*:}"
done
quiet meet
quiet casepack -C bea pack --to carl -o out
check "a row that two leads wrote is given with the edits of both" equal \
	"$(sqlite3 bea/casepack.db "SELECT length(a.rev) FROM assignments a JOIN cases c ON c.id = a.case_id WHERE c.name = 'm1'")" 16
check "and hubs that meet know what was given" status 0 meet
bring bea lead hub
check "by a bundle too" agree
quiet casepack -C carl open "$(last out to-carl)"

finish
