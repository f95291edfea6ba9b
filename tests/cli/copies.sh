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
	check "stock git verifies the copy's commits by main's list" bash -c "git -C hub/history.git show main:trust/allowed_signers >signers &&
		git -C hub/history.git -c gpg.ssh.allowedSignersFile=$PWD/signers log --format='%G? %GS %ce' replica/$(id copy) | tee /dev/stderr | awk '\$1 != \"G\" || \$2 != \$3 { bad = 1 } END { exit bad }'"
	rm -rf more && mkdir more
	quiet casepack -C hub pack --to anna -o more
	for f in more/*; do casepack -C anna open "$f" >/dev/null 2>&1; casepack -C copy open "$f" >/dev/null 2>&1; done
	check "each is given material again, and told what arrived" bash -c \
		'for w in anna copy; do [ $(casepack -C $w --json status | jq .unsent) = 0 ] || exit 1; done'
	check "the copy equals its own replay" status 0 casepack -C copy verify
	check "and owes nothing" bash -c "casepack -C copy return --owed -o in 2>&1 | grep -q 'nothing to return' || { casepack -C copy return --owed -o in; casepack -C copy return --owed -o in 2>&1 | grep -q 'nothing to return'; }"
	quiet judge copy q6 2
	back copy anna; f=$(cat .last)
	check "work of the copy goes on" status 3 casepack -C hub merge "$f"
	check "and arrives" equal "$(grade_of q6 anna)" 2
	graded hub >"$work/labels.$order"
	mv copy/casepack.db copy/casepack.db.gone; rm -f copy/casepack.db-*
	check "a copy's database is made again from git" status 0 casepack -C copy rebuild --key anna
	check "as the copy that it was" equal "$(id copy)" "$(basename "$(git -C copy/history.git for-each-ref --format='%(refname)' refs/heads/replica | grep -v "$original")")"
done
check "both orders of arrival give the same labels" same "$work/labels.first" "$work/labels.second"
finish
