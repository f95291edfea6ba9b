#!/usr/bin/env bash
# A git remote at which others have pushed too: junk is passed over, said and kept out, and what is good is exchanged.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
git init -q --bare -b main remote.git
export GIT_AUTHOR_NAME=mallory GIT_AUTHOR_EMAIL=m@example.org GIT_COMMITTER_NAME=mallory GIT_COMMITTER_EMAIL=m@example.org

me() { casepack -C "$1" --json status 2>/dev/null | jq -r '.replica // empty' | tail -1; }
hub=$(me hub) bea=$(me bea) anna=$(me anna)
there() { git -C remote.git for-each-ref; }
state() { for w in hub bea; do hash $w; refs $w; git -C $w/history.git count-objects -v | grep -v size; done; }
trees() { for w in hub bea; do git -C $w/history.git rev-parse 'main^{tree}'; done; }
agree() { [ "$(trees | sort -u | wc -l)" = 1 ] && equal "$(hash hub)" "$(hash bea)"; }
exchange() { # STATUS: a turn of both, after which both have seen where the other stands
	local w
	for w in hub bea hub bea; do status "$1" casepack -C $w sync remote.git >said.$w || { cat said.$w; return 1; }; done
}
work() { quiet judge "$1" "$2" "$3"; quiet casepack -C "$1" return --plain -o in; quiet casepack -C "$4" merge "$(last in from-"$1")"; }
put() { git -C remote.git hash-object -t "$1" --literally -w --stdin; } # TYPE: an object there, of bytes that git would not take
commit() { git -C remote.git commit-tree -m "${2:-junk}" ${3:+-p $3} "$1"; } # TREE [WORDS [PARENT]]
id() { printf '%032x' "$1"; }
said() { grep -qF -- "$1" said.hub && grep -qF -- "$1" said.bea || { cat said.hub said.bea; echo "both do not say: $1"; return 1; }; }

# before anybody else: names in whose place no branch can be made
stranger=$(commit "$(git -C remote.git hash-object -t tree -w /dev/null)")
git -C remote.git branch replica/$anna/notes $stranger
git -C remote.git branch hub/$bea/notes $stranger
check "two hubs meet where somebody has been" exchange 0
check "and agree" agree
check "the lines for which there was no room have another number" bash -c "git -C remote.git rev-parse -q --verify hub/$bea.2"

work anna q1 3 hub
work ben q1 2 bea
blob=$(echo text | put blob)
git_entry=$(commit "$(printf '40000 .git\0\x4b\x82\x5d\xc6\x42\xcb\x6e\xb9\xa0\x60\xe5\x4b\xf8\xd6\x92\x88\xfb\xee\x49\x04' | put tree)")
real=$(git -C remote.git rev-parse hub/$hub)
forged=$(git -C remote.git cat-file commit hub/$hub | sed 's/accepted/refused/' | put commit)
git -C remote.git update-ref refs/heads/wip $stranger
git -C remote.git update-ref refs/heads/hub/notes $stranger
git -C remote.git update-ref refs/heads/hub/$(printf 'x%.0s' {1..150}) $stranger
git -C remote.git update-ref refs/heads/replica/$(id 1) $stranger
git -C remote.git update-ref refs/heads/hub/$(id 2) $stranger
git -C remote.git update-ref refs/heads/hub/$(id 3) $git_entry
git -C remote.git update-ref refs/heads/hub/$(id 4) $forged
git -C remote.git update-ref refs/heads/hub/$hub "$(commit $real^{tree} 'on top of theirs' $real)"
git -C remote.git update-ref refs/heads/outbound/$(id 5) $real
git -C remote.git update-ref refs/heads/replica/$(id 6) "$(git -C remote.git rev-parse "replica/$hub")"
echo $blob >remote.git/refs/heads/outbound/$(id 7)
echo $blob >remote.git/refs/heads/replica/$(id 8)
junk=$(for n in 1 2 3 4 6; do git -C remote.git for-each-ref --format='%(objectname)' "refs/heads/*/$(id $n)"; done; echo $stranger; echo $blob; git -C remote.git rev-parse hub/$hub)
good=$(git -C remote.git rev-parse replica/$hub)

check "with junk among its branches they exchange all the same, and something was refused" exchange 4
check "what each had is with the other" agree
for n in 1 2 3 4 5 7 8; do
	name=$(git -C remote.git for-each-ref --format='%(refname:lstrip=2)' "refs/heads/*/$(id $n)")
	check "one line says that $name was refused" equal "$(grep -c "^remote.git: branch $name refused: " said.hub) $(grep -c "^remote.git: branch $name refused: " said.bea)" "1 1"
done
check "and what can be done" said "\`git push remote.git :hub/$(id 2)\` removes it there"
check "the one on top of a hub's own main too" said "branch hub/$hub refused: "
check "a stranger is named so" said "not"
check "names that are no hub's are left alone" said "left alone: "
check "and told" said "wip"
check "no junk is in either history" bash -c "for o in $(echo $junk | tr '\n' ' '); do [ \$o = $good ] && continue; for w in hub bea; do git -C \$w/history.git cat-file -e \$o 2>/dev/null && echo \$o in \$w && exit 1; done; done; true"
check "git finds nothing wrong in the first" sound hub
check "nor in the second" sound bea
check "both equal their replay" bash -c 'casepack -C hub verify && casepack -C bea verify'
check "nothing was overwritten there" bash -c "[ \$(git -C remote.git rev-parse hub/$(id 2)) = $stranger ] && git -C remote.git merge-base --is-ancestor $real hub/$hub.2"
(state; there) >before
check "once more" exchange 4
(state; there) >after
check "changes nothing, here or there" same before after
check "a script sees which" equal "$(casepack -C hub --json sync remote.git 2>/dev/null | jq -r 'select(.outcome == "refused" and .branch != null).branch' | wc -l)" 8
for ref in $(git -C remote.git for-each-ref --format='%(refname)' | grep -E "/0{30}|/$hub\$|/wip|/notes|/xxx"); do git -C remote.git update-ref -d $ref; done
rm -f remote.git/refs/heads/*/"$(id 7)" remote.git/refs/heads/*/"$(id 8)"
work anna q2 1 hub
check "once it is swept out nothing is said any more" exchange 0
check "and all is exchanged" agree

# ---- a main that is no hub's ----------------------------------------------------------------------------

work anna q3 1 hub
main=$(git -C remote.git rev-parse main)
raters() { # a main commit that anna signs
	GIT_COMMITTER_EMAIL=$anna@x GIT_COMMITTER_NAME=anna git -C remote.git -c gpg.format=ssh -c user.signingkey="$keys/anna" commit-tree -S -m junk -p $main $main^{tree}
}
for kind in unsigned signed-by-a-rater altered no-commit; do
	case $kind in
	unsigned) git -C remote.git update-ref refs/heads/main "$(commit $main^{tree} junk $main)" ;;
	signed-by-a-rater) git -C remote.git update-ref refs/heads/main "$(raters)" ;;
	altered) git -C remote.git update-ref refs/heads/main "$(git -C remote.git cat-file commit $main | sed 's/^committer \([^ ]*\) /committer \1x /' | put commit)" ;;
	no-commit) echo $blob >remote.git/refs/heads/main ;;
	esac
	(state; there 2>/dev/null) >before
	check "a main that is $kind refuses the whole" only_complains 4 "remote.git: main: " casepack -C hub sync remote.git
	(state; there 2>/dev/null) >after
	check "and changes nothing ($kind)" same before after
done
echo $main >remote.git/refs/heads/main
check "with its own main it takes all again" exchange 0
check "and both agree" agree
check "and are sound" sound hub
finish
