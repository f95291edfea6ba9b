#!/usr/bin/env bash
# samples/audit/verify.py, which shares no code with casepack: it agrees on honest histories, and names the place of what was
# altered, whoever's key signed it.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/audit_scene.sh"
second() { python3 "$samples/audit/verify.py" "$@"; }

# ---- honest histories ------------------------------------------------------------------------------

audit_scene
quiet git clone -q -b main audit.bundle clone
quiet git clone -q --bare audit.bundle bare.git
first=$(git ls-remote first.bundle refs/heads/main | cut -f1)
check "an honest clone is good" status 0 second clone
check "and it says how much was looked at" says "19 change commits accepted, 1 refused, 43 edits"
check "and what it cannot exclude without a checkpoint" says "cannot exclude that holders of leads' keys rewrote"
check "casepack comes to the same" status 0 casepack -C hub verify
check "so is a bare clone" status 0 second bare.git
check "and the hub's own repository, with the material that it gave" status 0 second hub/history.git
check "history was only added to since the commit that somebody kept" status 0 second clone --against "$first"
check "and it says so" says "history was only added to since the checkpoint"
printf '{"have":{},"tips":{"main":"%s"}}' "$first" >manifest.json
check "a bundle's manifest names a checkpoint, too" status 0 second clone --against manifest.json
check "so does the file that an auditor was given earlier" status 0 second clone --against first.bundle
check "and it is that commit of main" says "$first"
printf '\x1f\x8b\xff' >odd
for no in odd cases.csv; do check "a file that names none is said so, in a line ($no)" bash -c "python3 $samples/audit/verify.py clone --against $no >said 2>&1; [ \$? = 1 ] && [ \$(wc -l <said) = 1 ] && grep -q 'is neither a git bundle nor JSON' said"; done
check "and so is a word that is no commit, rather than that history was rewritten" status 1 second clone --against yesterday
check "a folder that is no history cannot be checked" status 1 second config
check "a shallow clone cannot either" bash -c "git clone -q --depth 2 file://$work/bare.git shallow && python3 $samples/audit/verify.py shallow; [ \$? = 1 ]"
check "no argument is wrong usage" status 2 second

# What the simulator plays: hubs that meet, relays, copies, successors, settling, policies, cases forgotten, clocks that are wrong.
sim=$(dirname "$casepack")/sim
agrees() { # SEED: each hub, and where they meet
	rm -rf sim && mkdir sim && "$sim" --seed "$1" --dir sim --bundles plain >/dev/null || return 1
	local repo n=0
	for repo in sim/hub*/history.git sim/remote.git; do
		[ ! -d "$repo" ] || { second "$repo" >said || { cat said; return 1; }; n=$((n + 1)); }
	done
	[ $n -gt 0 ]
}
if [ -x "$sim" ]; then
	for seed in 6 11; do
		check "it is of one mind with the hubs of seed $seed" agrees $seed
	done
	rm -rf sim
fi

# ---- tampered ones: the keys are there, and whoever has them uses them ---------------------------------

keys=$XDG_CONFIG_HOME/casepack/keys
device() { sed -n "s/^\([0-9a-f]*\)@.* $1\$/\1/p" clone/trust/allowed_signers | head -1; }
place() { git -C bare.git rev-list --first-parent main --reverse --grep "$1" | head -1 | xargs -I@ git -C bare.git rev-list --count @^; }
path() { git -C bare.git ls-tree -r --name-only main "$1" | grep -F "$2" | head -1; }
forged() { rm -rf forged.git && cp -a bare.git forged.git && python3 "$root/tests/tools/forge.py" forged.git "$keys/${signer:-lead}" "$@"; }
found() { # SENTENCE TEXT DEED...: after that deed the verdict is 4, and says where
	local sentence=$1 text=$2
	shift 2
	quiet forged "$@"
	check "$sentence" status 4 second forged.git
	check "  and it says where: $text" says "$text"
}
q1=$(path judgments q1) q3=$(path judgments q3)
ben=$(place '^ben: ') anna=$(place '^anna: ') revoked=$(place 'is revoked$') guide=$(place 'revision 2')

found "an answer altered on main by the hub's key" "$q3" page -3 "$q3" "d1	2" "d1	1"
found "an answer altered as soon as it came" "$q1: is not what follows" page "$ben" "$q1" "ben	1	grade	d1	0" "ben	1	grade	d1	3"
found "a file that does not come at all" "$q3: is not there, and should be" without 1 "$q3"
found "one more commit that changes a file" "it names no change commit" tip "$q3" "d1	2" "d1	1"
found "a commit dropped" "$q1" drop "$ben"
found "two commits that changed places" "$q1" swap "$anna" "$ben"
found "the revocation moved before the work that it came after" "revoked, as main says before" swap "$((ben + 1))" "$revoked"
found "work that is ascribed to somebody else" "its author is not that of change commit" author "$ben" ben anna
found "an accepted commit that is said to be refused" "verdicts/$(device ben).tsv" say "$ben" " accepted 1" " refused 1 not needed"
found "a refused commit that is said to be accepted" "is not here" say "$((revoked + 1))" " refused 1" " accepted 1"
found "another reason of a refusal" "verdicts/$(device cid).tsv" say "$((revoked + 1))" "no longer trusted" "not liked"
found "another number of edits" "it has 1 edits, and not 7" say "$ben" " accepted 1" " accepted 7"
found "a guideline that is back-dated" "verdicts/$(device lead).tsv" late "$guide" -200000
found "a verdict altered on its page" "verdicts/$(device cid).tsv" page -2 "verdicts/$(device cid).tsv" refused accepted
found "the roster altered" "trust/allowed_signers" page 5 trust/allowed_signers git, git2,
signer=anna
found "a commit of main by a rater's key" "another key than that of its committer signed it" sign -1
signer=

# Rows made by hand: a header, an insert, values by type.
hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }
blob() { printf '04%02x%s' $((${#1} / 2)) "$1"; }
text() { printf '03%02x%s' ${#1} "$(hex "$1")"; }
names="54050100000000$(hex names)001200$(blob 00112233445566778899aabbccddeeff)$(blob 0102030405060708)010000000000000001$(text 'Real Name')$(text mail)"
guideline="5406010000000000$(hex guidelines)001200$(blob 00112233445566778899aabbccddeeff)$(blob 0102030405060708)010000000000000001$(text mine)$(text sop)$(text '')"

quiet forged change "replica/$(device lead)" lead "$names"
check "a private row on a lead's branch" status 4 second forged.git
check "  and it says where" says "rows of the private table names"
rm -rf forged.git && cp -a bare.git forged.git
python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$names" | git -C forged.git hash-object -w --stdin >stray
check "one in an object that no branch reaches" status 4 second forged.git
check "  and it says which" says "object $(cat stray)"

accepted() { # KEY BRANCH NAME HEX: a change commit by that key, which the hub's key then accepts
	signer=$1 forged change "replica/$(device "$2")" "$3" "$4" >made || return 1
	python3 "$root/tests/tools/forge.py" forged.git "$keys/lead" accept "replica/$(device "$2")" "$(cat made)" 1
}
quiet accepted ben ben ben "$guideline"
check "a lead's row by a rater, which the hub's key accepts" status 4 second forged.git
check "  and it says which" says "a row of guidelines, which only a lead may write"
quiet accepted ben anna anna "$guideline"
check "a commit in another one's name" status 4 second forged.git
check "  and it says whose key it is not" says "another key than that of its committer signed it"

rm -rf forged.git && cp -a bare.git forged.git && git -C forged.git update-ref -d "refs/heads/replica/$(device ben)"
check "a branch that is gone" status 4 second forged.git
check "  and it says what it held" says "main accepts it, and no replica's branch holds it"
flipped() { # one bit of a loose object
	rm -rf forged.git && git clone -q --bare -b main audit.bundle forged.git && (cd forged.git && mv objects/pack/*.pack .. && git unpack-objects -q <../*.pack)
	local file
	file=$(find forged.git/objects -type f -size +300c | sort | head -1)
	chmod u+w "$file" && python3 -c "import sys; b = bytearray(open(sys.argv[1], 'rb').read()); b[40] ^= 1; open(sys.argv[1], 'wb').write(b)" "$file"
}
quiet flipped
check "a flipped bit" bash -c "python3 $samples/audit/verify.py forged.git; [ \$? -ne 0 ]"

# ---- what only a checkpoint finds --------------------------------------------------------------------------

cut_short() { # the last commits never were
	rm -rf forged.git && cp -a bare.git forged.git
	git -C forged.git update-ref refs/heads/main main~2
	git -C forged.git update-ref "refs/heads/replica/$(device lead)" "replica/$(device lead)~2"
}
tip=$(git -C bare.git rev-parse main)
quiet cut_short
check "an end that was cut off is as good as any to one who kept nothing" status 0 second forged.git
check "and it says that it cannot exclude it" says "left work out"
check "who kept the last commit sees it" status 4 second forged.git --against "$tip"
check "  and is told" says "main does not go on from it"
finish
