# Copied folders, restored backups, cloned disks, a hub put back: noticed, nothing overwritten, nothing lost.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

tokens_on
id() { casepack -C "$1" --json status | jq -r 'select(.replica).replica'; }
graded() { casepack -C "$1" export --format csv -o - --field grade --no-times 2>/dev/null | tr -d '\r' | cut -d, -f1,7,9,13 | grep -v '^case,' | sort; }
grade_of() { graded hub | grep "^$1,d1,$2," | cut -d, -f4; }
back() { quiet casepack -C "$1" return -o in; last in from-"${2:-$1}" >.last; }
# every branch tip of before is still reached by a branch now
nothing_overwritten() { # REFS-BEFORE REPO
	while read -r repo _ tip; do
		[ "$repo" = history ] || continue
		[ -n "$(git -C "$2" for-each-ref --contains "$tip")" ] || { echo "lost: $tip"; return 1; }
	done <"$1"
}
whole() { # HUB
	sound "$1" && status 0 casepack -C "$1" verify
}

# ---- a copied folder --------------------------------------------------------------------------
for order in first second; do
	scene "$work/copied-$order"
	quiet judge anna q1 1
	back anna # sealed, not merged
	quiet judge anna q2 1 # in the outbox of both
	original=$(id anna)
	cp -a anna copy
	check "a copied folder is noticed at once ($order)" bash -c "[ $(id copy) != $original ]"
	check "the original stays what it was ($order)" equal "$(id anna)" "$original"
	check "the copy says so" bash -c "casepack -C copy status | grep -q 'copied or put back'"
	quiet judge anna q3 1
	quiet judge copy q4 2
	quiet judge anna q5 1
	quiet judge copy q5 2
	back anna; a=$(cat .last); back copy anna; b=$(cat .last)
	[ $order = first ] && files="$a $b" || files="$b $a"
	refs hub >before
	check "both lines merge ($order)" status 3 casepack -C hub merge $files
	check "merge says that it was copied ($order)" says 'was copied, or put back'
	check "no branch of the hub was overwritten ($order)" nothing_overwritten before hub/history.git
	check "what both did stands once: sealed, and in the outbox of both ($order)" equal "$(grade_of q1 anna) $(grade_of q2 anna)" '1 1'
	check "what each did alone stands ($order)" equal "$(grade_of q3 anna) $(grade_of q4 anna)" '1 2'
	check "where they differ both are kept ($order)" bash -c "[ \$(casepack -C hub conflicts --json | grep -c 'grade@d1') = 2 ]"
	check "no second line was needed ($order)" bash -c "! git -C hub/history.git branch --list 'replica/*.*' | grep -q ."
	check "status tells of the copy ($order)" bash -c "casepack -C hub status | grep -q \"anna's device .* goes on as\""
	check "the roster names whose copy it is" equal "$(sqlite3 hub/casepack.db "SELECT lower(hex(copy_of)) FROM replicas WHERE lower(hex(id)) = '$(id copy)'")" "$original"
	check "the hub is sound and equals its replay ($order)" whole hub
	git -C hub/history.git show main:trust/allowed_signers >signers
	git -C hub/history.git -c gpg.ssh.allowedSignersFile="$PWD/signers" log --format='%G? %GS %ce' "replica/$(id copy)" >verified
	check "stock git verifies the copy's commits: the key is the one on the committer's line" awk 'NR == FNR { key[$1] = $4; next }
		$1 != "G" || key[$2] != key[$3] || key[$3] == "" { print; bad = 1 } END { exit bad }' signers verified
	rm -rf more && mkdir more
	quiet casepack -C hub pack --to anna -o more
	for f in more/*; do casepack -C anna open "$f" >/dev/null 2>&1; casepack -C copy open "$f" >/dev/null 2>&1; done
	check "each is given material again, and told what arrived" bash -c \
		'for w in anna copy; do [ $(casepack -C $w --json status | jq .unsent) = 0 ] || exit 1; done'
	check "the copy equals its own replay" status 0 casepack -C copy verify
	check "and owes nothing" bash -c "casepack -C copy return --owed -o in 2>&1 | grep -q 'nothing to return' || { casepack -C copy return --owed -o in; casepack -C copy return --owed -o in 2>&1 | grep -q 'nothing to return'; }"
	back copy anna
	status 0 casepack -C hub merge "$(cat .last)" >/dev/null
	rm more/* && quiet casepack -C hub pack --to anna -o more
	for f in more/*; do casepack -C copy open "$f" >/dev/null 2>&1; done
	mkdir -p empty
	check "nor does it for ever prove what was given to the original, which got more since" bash -c \
		"casepack -C copy return -o empty 2>&1 | grep -q 'nothing to return'"
	quiet judge copy q6 2
	back copy anna; f=$(cat .last)
	check "inspect knows a copy's key by its first commit" status 0 casepack inspect "$b"
	check "work of the copy goes on" status 3 casepack -C hub merge "$f"
	check "and arrives" equal "$(grade_of q6 anna)" 2
	graded hub >"$work/labels.$order"
	mv copy/casepack.db copy/casepack.db.gone; rm -f copy/casepack.db-*
	check "a copy's database is made again from git" status 0 casepack -C copy rebuild --key anna
	check "as the copy that it was" equal "$(id copy)" "$(basename "$(git -C copy/history.git for-each-ref --format='%(refname)' refs/heads/replica | grep -v "$original")")"
done
check "both orders of arrival give the same labels" same "$work/labels.first" "$work/labels.second"

# ---- a folder put back from a backup --------------------------------------------------------------
scene "$work/restored"
quiet judge anna q1 1
cp -a anna backup
quiet judge anna q2 1
take anna
quiet judge anna q3 1
quiet casepack -C anna return -o in # sealed, and the stick was lost
rm -f "$(last in from-anna)"
original=$(id anna)
rm -rf anna && mv backup anna
check "a backup put back after a seal is noticed" bash -c "[ $(id anna) != $original ]"
check "once: it keeps its new id" equal "$(id anna)" "$(id anna)"
quiet judge anna q4 2
take anna
check "nothing that the hub had or the backup held is lost" equal "$(grade_of q1 anna)$(grade_of q2 anna)$(grade_of q4 anna)" 112
check "what was judged before the backup and after it is no conflict" equal "$(casepack -C hub --json status | jq 'select(.replica).conflicts')" 0
check "the hub is sound and equals its replay" whole hub
give anna
check "it is given everything under its new id" equal "$(casepack -C anna --json rate --list | wc -l)" 8
check "a restored device equals its own replay" status 0 casepack -C anna verify
cp -a anna backup
quiet judge anna q5 1
take anna
rm -rf anna && mv backup anna
quiet judge anna q6 1
take anna
check "a second time too" equal "$(grade_of q5 anna)$(grade_of q6 anna)" 11
check "with an id for each life" equal "$(git -C hub/history.git for-each-ref refs/heads/replica | wc -l)" 4
quiet casepack -C anna rebuild --key anna
check "and a rebuild finds the last" equal "$(casepack -C anna return -o in 2>&1 | grep -c 'nothing to return\|for hub')" 1
check "the hub is sound and equals its replay then" whole hub

# ---- what is no copy --------------------------------------------------------------------------------
scene "$work/same"
original=$(id anna)
mv anna elsewhere
check "a moved folder is no copy" equal "$(id elsewhere)" "$original"
mv elsewhere anna
check "nor when it moves back" equal "$(id anna)" "$original"
check "nor is one seen through a link" bash -c "ln -s anna link && [ \$(casepack -C link --json status | jq -r .replica) = $original ]"
check "nor under a new home folder" equal "$(XDG_CONFIG_HOME=$PWD/fresh casepack -C anna --json status | jq -r .replica)" "$original"
cp -a "$XDG_CONFIG_HOME/casepack/workspaces" behind
quiet judge anna q1 1
take anna
cp -a behind/. "$XDG_CONFIG_HOME/casepack/workspaces/"
check "nor one whose token is behind after a crash" equal "$(id anna)" "$original"
mkdir read-only && cp -a anna read-only/anna
mv "$XDG_CONFIG_HOME/casepack/workspaces" away && : >"$XDG_CONFIG_HOME/casepack/workspaces"
check "with no place for tokens anybody can rate" status 0 judge anna q2 1
check "and return" status 0 casepack -C anna return -o in
casepack -C anna status >said 2>&1
check "status says so once" equal "$(grep -c 'no token of it can be kept' said)" 1
check "with no home at all too" bash -c "cd / && env -u XDG_CONFIG_HOME HOME=/dev/null/x casepack -C $PWD/anna status | grep -q anna"
mv read-only/anna unseen
quiet judge unseen q3 2
quiet casepack -C hub merge "$(last in from-anna)"
quiet casepack -C unseen return -o in
status 3 casepack -C hub merge "$(last in from-anna)" >/dev/null
check "a copy that only the hub notices is a second line" bash -c "git -C hub/history.git branch --list 'replica/*.2' | grep -q ."
check "marked for review in status" bash -c "casepack -C hub status | grep -q \"has a second line, replica/\""
check "and both lines' work stands" equal "$(grade_of q2 anna)$(grade_of q3 anna)" 12
check "the hub is sound and equals its replay with two lines" whole hub
rm "$XDG_CONFIG_HOME/casepack/workspaces" && mv away "$XDG_CONFIG_HOME/casepack/workspaces"

# ---- a cloned disk: folder and configuration ----------------------------------------------------------
scene "$work/cloned"
mkdir a b
other_machine() { # FROM TO: what is at anna and in the configuration goes to FROM, what TO holds comes
	mv anna "$1/anna" && mv "$XDG_CONFIG_HOME" "$1/config" && mv "$2/anna" anna && mv "$2/config" "$XDG_CONFIG_HOME"
}
quiet judge anna q1 1
cp -a anna b/anna && cp -a "$XDG_CONFIG_HOME" b/config
original=$(id anna)
quiet judge anna q2 1
quiet casepack -C anna return -o in
one=$(last in from-anna)
other_machine a b
check "a cloned disk cannot know" equal "$(id anna)" "$original"
quiet judge anna q3 2
quiet judge anna q2 2
quiet casepack -C anna return -o in
two=$(last in from-anna)
refs hub >before
check "the hub takes both lines" status 3 casepack -C hub merge "$two" "$one"
check "the second beside the first" equal "$(git -C hub/history.git for-each-ref --format='%(refname:lstrip=3)' "refs/heads/replica/$original*" | tr '\n' ' ')" "$original $original.2 "
check "nothing was overwritten" nothing_overwritten before hub/history.git
check "both lines' work stands or is a conflict" bash -c "[ $(grade_of q1 anna)$(grade_of q3 anna) = 12 ] && casepack -C hub conflicts --json | grep -q 'grade@d1'"
check "and is marked for review" bash -c "casepack -C hub status | grep -q 'second line'"
check "both machines go on" bash -c "casepack -C anna rate q4 grade@d1=2 grade@d2=0 && casepack -C anna return -o in"
two=$(last in from-anna)
other_machine b a
quiet judge anna q5 1
quiet casepack -C anna return -o in
status 3 casepack -C hub merge "$two" "$(last in from-anna)" >/dev/null
check "each on its line" equal "$(grade_of q4 anna)$(grade_of q5 anna) $(git -C hub/history.git for-each-ref 'refs/heads/replica' | grep -c "$original")" '21 2'
check "the hub is sound and equals its replay after it" whole hub

# ---- behind a relay -------------------------------------------------------------------------------------
scene "$work/relayed"
quiet casepack key new acme
quiet casepack -C hub person add acme --role relay --key "$keys/acme.pub"
quiet casepack -C hub person add anna --relay acme
rm out/*
quiet casepack -C hub pack --to acme -o out
quiet casepack -C acme open out/* --key acme
mkdir to from
quiet casepack -C acme pack --all -o to
rm -rf anna
quiet casepack -C anna open to/*-anna-* --key anna
quiet judge anna q4 1
cp -a anna copy
quiet casepack -C anna return -o from # both seal the same changeset
quiet casepack -C copy return -o from
quiet judge anna q1 1
quiet judge copy q2 2
quiet casepack -C anna return -o from
quiet casepack -C copy return -o from
check "at a relay a copy's work waits for the lead's hub" status 3 casepack -C acme merge from/*
check "and goes on there" status 0 casepack -C acme return -o in
check "where it is taken" status 0 casepack -C hub merge "$(last in from-acme)"
check "with the original's" equal "$(grade_of q1 anna)$(grade_of q2 anna)$(grade_of q4 anna)" 121
rm out/* to/*
quiet casepack -C hub pack --to acme -o out
quiet casepack -C acme open out/*
quiet casepack -C acme pack --all -o to
check "the relay knows the copy then, and gives to both" equal "$(ls to/*-anna-* | wc -l)" 2
check "the copy takes it" bash -c 'for f in to/*-anna-*; do casepack -C copy open "$f" && exit; done; exit 1'
quiet judge copy q3 2
quiet casepack -C copy return -o from
check "and its further work is taken by the relay itself" status 0 casepack -C acme merge "$(last from from-anna)"
quiet casepack -C acme return -o in
check "and arrives at the hub" status 0 casepack -C hub merge "$(last in from-acme)"
check "as well" equal "$(grade_of q3 anna)" 2
check "the hub behind a relay is sound and equals its replay" whole hub

# ---- who may not ---------------------------------------------------------------------------------------
scene "$work/forged"
cp -a anna copy
quiet judge copy q1 1
quiet casepack -C copy return -o in
sqlite3 hub/casepack.db "UPDATE replicas SET state = 'revoked' WHERE person = (SELECT id FROM persons WHERE pseudonym = 'anna')"
check "a copy of a device that is no longer trusted is refused" status 4 casepack -C hub merge "$(last in from-anna)"
check "and not entered into the roster" equal "$(sqlite3 hub/casepack.db "SELECT count(*) FROM replicas WHERE copy_of <> x''")" 0
cp -a copy forged
quiet casepack -C forged key use ben
derived=$(python3 - "$(sqlite3 forged/casepack.db "SELECT hex(id) FROM project")" "$(sqlite3 hub/casepack.db \
	"SELECT hex(public_key) FROM replicas JOIN persons p ON p.id = person WHERE pseudonym = 'ben'")" <<'EOF'
import hashlib, sys
part = lambda b: len(b).to_bytes(8, "big") + b
print(hashlib.blake2b(b"".join(map(part, [b"replica", *map(bytes.fromhex, sys.argv[1:]), bytes(15) + b"1"])), digest_size=32).hexdigest()[:32])
EOF
)
sqlite3 forged/casepack.db "UPDATE meta SET value = x'$derived' WHERE key = 'replica'; UPDATE meta SET value = x'00000000000000000000000000000031' WHERE key = 'nonce'"
quiet judge forged q2 3
quiet casepack -C forged return -o in
check "ben cannot make an id for himself out of anna's" status 4 casepack -C hub merge "$(last in from-anna)"
check "which enters nobody into the roster" equal "$(sqlite3 hub/casepack.db "SELECT count(*) FROM replicas WHERE copy_of <> x''")" 0
finish
