#!/usr/bin/env bash
# What an auditor asks of guidelines: who wrote which revision and which line, the text that a judgment was made under,
# and how labels moved. Judged by git, by python on exports of labels, and by published examples of agreement.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"
scene
revision() { printf '%s/guidelines/rev-%04d.md' "$samples" "$1"; }
well() { "$@" >"$work/.did" 2>&1 || [ $? = 3 ] || { cat "$work/.did"; return 1; }; } # done, or done and something waits
hub() { casepack -C hub "$@"; }
log_of() { casepack -C "$1" --json guideline log "$2"; } # WORKSPACE NAME

# ---- 37 revisions in one line ------------------------------------------------------------------

quiet hub guideline add policy "$(revision 1)" --note 'the first'
for n in $(seq 2 37); do quiet hub guideline revise policy "$(revision "$n")" --note "step $n"; done
log_of hub policy >log
me=$(sqlite3 hub/casepack.db "SELECT lower(hex(value)) FROM meta WHERE key = 'replica'")
check "the log names the parent of each revision" equal "$(jq -r '[.number, .parents[].number] | join(" ")' log)" "$(echo 1; paste -d' ' <(seq 2 37) <(seq 1 36))"
check "and the device that wrote it" equal "$(jq -r .device log | sort -u)" "$me"
check "each is signed" equal "$(jq -r .signature log | sort | uniq -c | xargs)" '37 good'
signed() { # git itself says so of the commits named
	local oid
	git -C hub/history.git show main:trust/allowed_signers >signers
	jq -r .commit log | sort -u >oids
	[ "$(wc -l <oids)" = 37 ] || return 1
	while read -r oid; do
		git -C hub/history.git -c gpg.ssh.allowedSignersFile="$work/signers" verify-commit "$oid" 2>/dev/null || { echo "$oid"; return 1; }
	done <oids
}
check "so says git of every commit named" signed
holds() { # the commit named is the one that holds the revision
	local id oid
	while read -r id oid; do
		git -C hub/history.git cat-file blob "$oid:changeset" | xxd -p | tr -d '\n' | grep -q "$id" || { echo "$id is not in $oid"; return 1; }
	done < <(jq -r '.id + " " + .commit' log)
}
check "and each holds the revision that it is named for" holds
check "a line for people has the note, the commit and the signature" bash -c \
	"casepack -C hub guideline log policy | grep -q \"^ *7 .* \$(jq -r 'select(.number == 7).commit[:8]' log)  good .*step 7\$\""
check "of every line of all 37 the revision is right, git being the judge" python3 "$root/tests/tools/blame.py" hub policy
check "for people blame shows the text" bash -c \
	"cmp <(casepack -C hub guideline blame policy --rev 5 | sed 's/^[^)]*) \{0,1\}//') <(sed 's/\r\$//' '$(revision 5)')"
check "of a revision that is not there it fails" status 1 hub guideline blame policy --rev 99
check "an option of another verb is wrong usage" status 2 hub guideline blame policy --text
check "the first revision is credited with all of itself" equal "$(hub --json guideline blame policy --rev 1 | jq .number | sort -u)" 1

# ---- two leads: texts that merge ------------------------------------------------------------------

quiet casepack key new bea
quiet hub person add bea --role lead --name 'Bea B' --key "$keys/bea.pub" --hub
mkdir post
quiet hub pack --plain --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
exchange() {
	well hub pack --plain --to bea -o post && well casepack -C bea merge "$(last post to-bea)" &&
		well casepack -C bea pack --plain --to lead -o post && well hub merge "$(last post to-lead)"
}
{
	printf '# سياسة\n\nالحكم على النتيجة.\n\n'
	for i in $(seq 30); do printf 'Rule %d of the text.\n%s' "$i" "$([ $((i % 3)) = 0 ] && echo)"; [ $((i % 3)) != 0 ] || echo; done
	printf 'With CR\r\n'
	head -c 20000 /dev/zero | tr '\0' y
	printf '\n- last\n'
} >text.0
cp text.0 start.md
quiet hub guideline add rules start.md
quiet exchange
edit() { # WORKSPACE SEED: a revision of the current text
	casepack -C "$1" guideline show rules --rev "$(log_of "$1" rules | jq -r 'select(.current).id')" >now.md
	python3 "$root/tests/tools/edit.py" "$2" now.md next.md
	well casepack -C "$1" guideline show rules
	well casepack -C "$1" guideline revise rules next.md
}
join() { # WORKSPACE [LINE]: what stands side by side becomes one, overlaps as they come, with a line of its own
	well casepack -C "$1" guideline show rules
	casepack -C "$1" guideline show rules 2>/dev/null | grep -vE '^(<<<<<<<|=======|>>>>>>>)' >one.md
	[ $# = 1 ] || echo "$2" >>one.md
	well casepack -C "$1" guideline merge rules --from one.md
}
for round in 1 2 3 4; do
	quiet edit hub $((round * 10))
	quiet edit bea $((round * 10 + 1))
	[ $round != 2 ] || quiet edit bea 29
	[ $round != 3 ] || quiet edit hub 39
	quiet exchange
	[ $((round % 2)) = 0 ] && quiet join hub || quiet join bea 'Written in the merge.'
	[ $round != 3 ] || quiet join hub 'Another one who merged.' # both merge the same two, differently
	quiet exchange
done
sed 's/\r*$/\r/' <(hub guideline show rules) >crlf.md && quiet hub guideline revise rules crlf.md --note 'other ends of lines'
printf '\n' >empty.md && quiet hub guideline revise rules empty.md --note 'emptied'
printf 'no newline at its end' >bare.md && quiet hub guideline revise rules bare.md
quiet hub guideline revise rules start.md --note 'the first text again'
quiet exchange
log_of hub rules >log
check "some revisions have two parents" test "$(jq -r 'select(.parents | length > 1).id' log | wc -l)" -ge 5
check "both hubs tell the same of all" equal "$(log_of bea rules | jq -c 'del(.received)')" "$(jq -c 'del(.received)' log)"
check "one's own device is told from the other's" equal "$(jq -r '.author + " " + .device' log | sort -u | wc -l)" 2
check "through merges, CRLF, Arabic, long lines and an empty text each line is credited as git does" \
	python3 "$root/tests/tools/blame.py" hub rules 60
check "on the other hub too" bash -c 'for w in hub bea; do casepack -C $w --json guideline blame rules --rev '"$(jq -r 'select((.parents | length) > 1) | .id' log | tail -1)"' >$w.blame; done; cmp hub.blame bea.blame && [ -s hub.blame ]'
credit() { hub --json guideline blame rules --rev "$1" | jq -r "select(.text == \"$2\") | .id"; }
merge=$(jq -r 'select((.parents | length) > 1) | .id' log | head -1)
check "a merge is credited with what was written in it" equal "$(credit "$merge" 'Written in the merge.')" "$merge"
restored=$(jq -r 'select(.note == "the first text again").id' log)
check "what came again after it was gone is credited to who brought it again" equal \
	"$(hub --json guideline blame rules --rev "$restored" | jq -r .id | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')" "$restored"
edit hub 70 && edit bea 71 && quiet exchange
check "two heads: the log marks both" equal "$(log_of hub rules | jq -r 'select(.unmerged).id' | wc -l)" 2
now=$(log_of hub rules | jq -r 'select(.current).id')
check "blame shows the one that raters work under" bash -c \
	"casepack -C hub --json guideline blame rules >one 2>words && casepack -C hub --json guideline blame rules --rev $now | cmp - one"
check "and says that there are two" grep -q '2 revisions stand side by side' words
# ---- signatures that are none ------------------------------------------------------------------------

rm -rf bad && cp -a hub bad
oid=$(jq -r 'select(.number == 1).commit' log)
forged=$(git -C bad/history.git cat-file commit "$oid" | sed 's/^guideline rules/guideline Rules/' | git -C bad/history.git hash-object -t commit -w --stdin)
quiet sqlite3 bad/casepack.db "UPDATE commits SET oid = '$forged' WHERE oid = '$oid'"
check "a signature that does not fit is told" bash -c \
	"casepack -C bad --json guideline log rules >said; [ \$? = 4 ] && [ \"\$(jq -r 'select(.number == 1).signature' said)\" = bad ] && [ \"\$(jq -r .signature said | grep -c good)\" = $(($(wc -l <log) + 1)) ]"
CASEPACK_PASSPHRASE='two words' casepack key new shy --protect >.out 2>&1 || CASEPACK_PASSPHRASE='two words' casepack key new shy >.out 2>&1
CASEPACK_PASSPHRASE='two words' quiet casepack init shy --project Shy --name S --key shy
quiet casepack -C shy guideline add g start.md
check "what is not sealed yet is not signed yet" equal "$(log_of shy g | jq -r '.signature + .commit')" unsealed
check "and its lines say so" bash -c 'casepack -C shy guideline blame g | head -1 | grep -q " unsealed "'
quiet hub person revoke bea --reason 'lost her laptop'
check "a device that is trusted no longer is told" equal "$(log_of hub rules | jq -r 'select(.author == "bea").signature' | sort -u)" revoked

# ---- the text that a judgment was made under ------------------------------------------------------------

mkdir two && (scene two) && cd two || exit 1
hub guideline show guide >guide.1
for c in q1 q2 q4; do quiet judge anna $c 1; done
take anna
printf '# Guide\n\nJudge the result.\n\nMaps count.\n' >guide.2
quiet hub guideline revise guide guide.2 --note 'maps'
sed s/result/page/ guide.2 >guide.3
quiet hub guideline revise guide guide.3 --revision editorial --note 'words'
quiet give anna
quiet judge anna q1 2 # the same judgment, now under revision 3
quiet judge anna q3 0
quiet judge ben q1 3 # offline all the while: still under revision 1
for who in anna ben; do take $who; done
hub --json guideline of q1 --rater anna >of.anna
hub --json guideline of q1 --rater ben >of.ben
check "a judgment tells the revision that it was made under" equal "$(jq -c '[.under.number, .since]' of.anna)" '[3,[]]'
check "and under which it was made before" equal "$(jq -c '.course | map([.guideline_revision, .state, .stands])' of.anna)" \
	'[[1,"submitted",false],[3,"submitted",true]]'
check "in the change commits that prove it" equal "$(jq -r '.course[].commit' of.anna)" \
	"$(hub --json log q1 | jq -r 'select(.who == "anna" and (.commit != "")).commit' | uniq)"
check "what came since is told with its kind" equal "$(jq -c '[.under.number, .to, (.since | map([.number, .revision, .note]))]' of.ben)" \
	'[1,3,[[2,"clarifying","maps"],[3,"editorial","words"]]]'
check "the text is the one that the rater had" bash -c 'casepack -C hub guideline of q1 --rater ben --text | cmp - guide.1 && jq -j .text of.ben | cmp - guide.1'
patched() { cp guide.1 now && hub guideline of q1 --rater ben | sed -n '/^---/,$p' | patch -s now && cmp now guide.3; }
check "what has changed in it since is a patch" patched
check "up to another revision too" equal "$(hub --json guideline of q1 --rater ben --to 2 | jq -c '[.to, (.since | length)]')" '[2,1]'
check "of all who judged it" equal "$(hub --json guideline of q1 | jq -r .rater | xargs)" 'anna ben'
check "the text of several is wrong usage" status 2 hub guideline of q1 --text
check "of one that nobody judged there is none" status 1 hub guideline of q8
check "nor of a rater who did not" status 1 hub guideline of q2 --rater ben
check "on the rater's device it is told as far as it is here" equal "$(casepack -C ben --json guideline of q1 | jq -c '[.under.number, .to]')" '[1,1]'

# ---- before and after a revision -----------------------------------------------------------------------

cd "$work" && mkdir three && cd three || exit 1
quiet casepack init hub --project Agree --name 'Lea D' --key lead
for who in a b c d; do
	quiet casepack key new r$who
	quiet hub person add $who --locale en --key "$keys/r$who.pub"
done
{ echo query,result; for i in $(seq 12); do echo "u$i,d1"; done; } >units.csv
quiet hub import units.csv --locale en
quiet hub guideline add guide ../start.md
cat >form.json <<'J'
{"title": "One", "fields": [
 {"name": "v", "type": "choice", "level": "nominal", "scope": "page", "required": true, "label": "Which?",
  "choices": [{"value": "1", "label": "a"}, {"value": "2", "label": "b"}, {"value": "3", "label": "c"}, {"value": "4", "label": "d"}, {"value": "5", "label": "e"}]},
 {"name": "words", "type": "text", "scope": "page", "required": false, "label": "In words"}]}
J
quiet hub form add one form.json
quiet hub assign --form one --guideline guide --overlap 4
mkdir out in
quiet hub pack --all --plain -o out
for who in a b c d; do quiet casepack -C $who open "$(last out to-$who)" --key r$who; done
again=
rate() { # WORKSPACE VALUES...: of u1, u2, ...; a dot is none
	local who=$1 n=0 v
	shift
	for v in "$@"; do
		n=$((n + 1))
		[ "$v" = . ] || quiet casepack -C "$who" rate u$n v=$v words="$who $n$again"
	done
}
effect() { hub --json guideline effect guide --rev 2 --field v | jq -c "$1"; }
# Krippendorff's examples: C, four observers with answers missing (alpha 0.743), then B, two observers (0.692)
rate a 1 2 3 3 2 1 4 1 2 . . .
rate b 1 2 3 3 2 2 4 1 2 5 . 3
rate c . 3 3 3 2 3 4 2 2 5 1 .
rate d 1 2 3 3 2 4 4 1 2 5 1 .
for who in a b c d; do take $who; done
hub guideline show guide >next.md && echo 'A rule more.' >>next.md
quiet hub export -o before.jsonl
quiet hub guideline revise guide next.md --note 'a rule more'
check "before anybody judged under a revision nothing is after it" equal "$(effect '[.before.judgments, .after.judgments]')" '[41,0]'
check "agreement is alpha as published" equal "$(effect '.fields[0].agreement.before.alpha * 1000 | round')" 743
for who in a b c d; do quiet give $who; done
again=' again' # the same answer with other words is a judgment under the new revision all the same
rate a 1 1 2 2 4 3 3 3 5 4 4 1
rate b 2 1 2 2 2 3 3 3 5 4 4 4
for who in a b; do take $who; done
judged_by() { # python says the same of two exports
	hub export -o now.jsonl && hub --json guideline effect guide --rev 2 >effect.json && python3 "$root/tests/tools/effect.py" effect.json before.jsonl now.jsonl 2
}
check "behind it, too" equal "$(effect '.fields[0].agreement.after.alpha * 1000 | round')" 692
check "what was judged before and changed after counts on both sides" equal "$(effect '[.before.judgments, .before.changed, .after.judgments]')" '[41,20,24]'
check "nine pairs of raters of twelve agree after" equal "$(effect '.fields[0].agreement.after | [.items, .pairs, .agreeing]')" '[12,12,9]'
check "a's and b's labels moved so" equal "$(effect '.fields[0].moves | map([.from, .to, .n])')" \
	'[["1","1",1],["1","2",1],["1","3",3],["2","1",2],["2","2",1],["2","3",1],["2","4",1],["2","5",2],["3","2",4],["3","4",1],["4","3",2],["5","4",1]]'
check "all of it is what two exports say" judged_by
quiet casepack -C c rate u2 --skip --note 'cannot tell now'
quiet casepack -C d rate u11 v=3 # offline: of revision 1 still
quiet hub assign --form one --guideline guide --pass 2 --case u1 --to d
quiet give d
quiet casepack -C d rate u1 v=5
cp -a b twin
quiet casepack -C b rate u7 v=1
quiet casepack -C twin rate u7 v=2
for who in b c d; do quiet casepack -C $who return --plain -o in; well hub merge "$(last in from-$who)"; done
quiet casepack -C twin return --plain -o in
well hub merge "$(last in from-b)"
check "skipped, given once more, late and in conflict: still what two exports say" judged_by
check "who skips now moved to no answer" equal "$(effect '.fields[0].moves[] | select(.to == null) | [.from, .n]')" '["3",1]'
check "a further pass moves the label of the pass before" equal "$(effect '.fields[0].moves[] | select(.to == "5" and .from == "1") | .n')" 1
check "a copy's answer is in conflict" equal "$(effect .after.in_conflict)" 1
quiet hub guideline revise guide ../start.md --revision breaking
check "stale ones are counted by themselves" bash -c "[ \"\$(casepack -C hub --json guideline effect guide 2>/dev/null | jq .before.stale)\" = \"\$(casepack -C hub stale --json 2>/dev/null | wc -l)\" ]"
check "free text is counted and not compared" equal "$(hub --json guideline effect guide --rev 2 | jq -c '.fields[] | select(.free_text) | [.field, (.values | length)]')" '["words",0]'
check "for people there is a matrix, and no word of cause" bash -c "casepack -C hub guideline effect guide --rev 2 > said 2>&1 && grep -q '^FROM' said && grep -q 'not what it caused' said"
check "a field that nobody answered is not there" status 1 hub guideline effect guide --field nothing
check "nor a revision that is none" status 1 hub guideline effect guide --rev 77
finish
