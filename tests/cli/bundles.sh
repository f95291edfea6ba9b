#!/usr/bin/env bash
# Bundles that are damaged, forged, foreign, early, late or old: refused (exit status 4) with nothing
# changed, or waiting (3) until what they need has come. The hub's canonical hash and every branch are
# compared before and after.
. "$(dirname "$0")/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
scene

tool() { python3 "$root/tests/tools/bundle.py" "$@"; }
state() { hash "$1" && refs "$1"; }
edit_of() { rm -rf u && tool unpack "$1" u; } # into the folder u

judge anna q1 >/dev/null 2>&1
judge ben q1 2 >/dev/null 2>&1
quiet casepack -C anna return --plain -o in
quiet casepack -C ben return --plain -o in
first=$(last in from-anna)
bens=$(last in from-ben)
before=$(state hub)
cp -a hub twin-of-hub

# merge_refused TEXT FILE: status 4, says so and why, and the hub is as it was
merge_refused() {
	status 4 casepack -C hub merge "$2" || return 1
	says "refused" && says "$1" || return 1
	equal "$(state hub)" "$before"
}

# ---- damage ---------------------------------------------------------------------------------

# all_refused FOLDER N: one merge of the whole folder refuses each of its N files
all_refused() {
	casepack -C hub --json merge "$1" >outcomes 2>"$work/.words" </dev/null
	equal "$?" 4 || return 1
	equal "$(jq -r 'select(has("outcome")).outcome' outcomes | sort | uniq -c | xargs)" "$2 refused" || return 1
	equal "$(state hub)" "$before"
}
each_refused() { # one by one, for the exit status of each
	for file in "$@"; do
		status 4 casepack -C hub merge "$file" >/dev/null || { echo "$file"; return 1; }
	done
	equal "$(state hub)" "$before"
}
quiet tool flip "$first" 11 200 flipped
quiet tool cut "$first" 12 60 cut
check "a bundle with one bit flipped is refused, at 200 places" all_refused flipped 200
check "each for itself with exit status 4" each_refused $(ls -d flipped/* | head -16)
check "a bundle cut short is refused, at 60 places" all_refused cut 60
check "each for itself with exit status 4" each_refused $(ls -d cut/* | head -6)
cp "$first" longer.casepack && printf x >>longer.casepack
check "so is one with a byte behind its end" merge_refused "" longer.casepack
head -c 9000 /dev/urandom >noise.casepack
check "and noise" merge_refused "" noise.casepack
: >empty.casepack
check "and an empty file" merge_refused "" empty.casepack

quiet tool flip out/chorus-to-anna-0001.casepack 13 24 opens
quiet tool cut out/chorus-to-anna-0001.casepack 14 12 opens
opens_refused() {
	for file in opens/*; do
		only_complains 4 "$file" casepack -C "$1" open "$file" --key anna || { echo "$file"; return 1; }
	done
}
pictured=$(picture anna)
check "a damaged bundle of cases is refused by its rater's workspace" opens_refused anna
check "which stays as it was" equal "$(picture anna)" "$pictured"
check "and makes no new one" opens_refused fresh
check "not even in part" equal "$(ls -d fresh* 2>/dev/null)" ""

# ---- forgery --------------------------------------------------------------------------------

edit_of "$first"
check "taken apart and put together again it is the same, byte for byte" \
	bash -c "python3 '$root/tests/tools/bundle.py' pack u same.casepack '$keys/anna' && cmp '$first' same.casepack"
quiet tool pack u signed-by-ben.casepack "$keys/ben"
check "a rater's bundle signed by another rater is refused" merge_refused "another key signed it" signed-by-ben.casepack
quiet casepack key new stranger
quiet tool pack u signed-by-stranger.casepack "$keys/stranger"
check "so is one signed by nobody on the roster" merge_refused "another key signed it" signed-by-stranger.casepack

edit_of "$first"
quiet tool set u number 7
quiet tool pack u edited.casepack old
check "a manifest edited under its old signature is refused" merge_refused "" edited.casepack

anna=$(jq -r .sender <u/manifest.json)
edit_of "$bens"
ben=$(jq -r .sender <u/manifest.json)

edit_of "$first"
quiet tool resign u "$keys/ben"
quiet tool set u sender "\"$ben\""
quiet tool pack u taken-over.casepack "$keys/ben"
check "another rater's change commit, signed anew, is refused" merge_refused "another key signed it" taken-over.casepack

edit_of "$first"
quiet tool resign u "$keys/ben" "anna <$anna" "ben <$ben"
quiet tool set u sender "\"$ben\""
quiet tool pack u as-own.casepack "$keys/ben"
as_own() { # his own signature over her rows: the commit is quarantined, not one row of it counts
	cp -a hub quarantine
	status 4 casepack -C quarantine merge as-own.casepack || return 1
	says "refused" || return 1
	casepack -C quarantine merge "$first" "$bens" || return 1
	casepack -C quarantine export -o theirs.csv && sound quarantine || return 1
	equal "$(grep -c ',anna,' theirs.csv) $(grep -c ',ben,' theirs.csv)" '2 2' || return 1
	! grep -q ',ben,.*grade,3' theirs.csv
}
check "another rater's answers given out as one's own are refused, and nothing of them stands" as_own

lying() { # TEXT OLD NEW: a device that signs what its rater could not have said is refused, and nothing of it stands
	edit_of "$first"
	tool alter u "$keys/anna" "$2" "$3" && tool pack u lying.casepack "$keys/anna" || return 1
	rm -rf lied && cp -a twin-of-hub lied
	status 4 casepack -C lied merge lying.casepack || return 1
	says "$1" && equal "$(sqlite3 lied/casepack.db 'SELECT (SELECT count(*) FROM judgments), (SELECT count(*) FROM ratings)')" '0|0'
}
check "a value off the scale is refused, rightly signed as it may be" lying '"9" is not a value of this field' $'\x03\x013' $'\x03\x019'
check "so is an answer about a result that the case does not have" lying '"d7", which the case does not have' d2 d7
check "and one to a question that the form does not ask" lying 'the form has no field "grada"' grade grada

edit_of "$first"
blob=$(ls u/history/objects/*.blob)
printf '\0' | dd of="$blob" bs=1 seek=$(($(stat -c %s "$blob") - 1)) conv=notrunc status=none
touch u/changed
quiet tool pack u other-object.casepack "$keys/anna"
check "an object that is not what its name says is refused" merge_refused "does not hash to its name" other-object.casepack

edit_of "$first"
sed -i '/blob$/d' u/order
touch u/changed
quiet tool pack u no-blob.casepack "$keys/anna"
check "a change commit without its changeset is refused" merge_refused "ends within a change commit" no-blob.casepack

cp -a anna longer
judge longer q3 >/dev/null 2>&1
mkdir in-longer
quiet casepack -C longer return --plain -o in-longer
edit_of in-longer/*
check "of a bundle with two commits" equal "$(grep -c blob u/order)" 2
awk '!/blob$/ || !n++' u/order >order && mv order u/order
touch u/changed
quiet tool pack u half.casepack "$keys/anna"
traceless() { merge_refused "ends within a change commit" half.casepack && equal "$(casepack -C hub --json log | wc -l)" "$1"; }
check "of which the second is cut, not even the first is taken" traceless "$(casepack -C hub --json log | wc -l)"

edit_of "$first"
quiet tool set u format 2
quiet tool pack u newer.casepack "$keys/anna"
check "a newer format is refused with that reason" merge_refused "newer casepack" newer.casepack
edit_of "$first"
quiet tool set u schema 99
quiet tool pack u newer-tables.casepack "$keys/anna"
check "newer tables are refused with that reason" merge_refused "newer casepack" newer-tables.casepack
edit_of "$first"
quiet tool set u surprise true
quiet tool pack u unknown-field.casepack "$keys/anna"
check "an unknown field of the manifest is refused" merge_refused "" unknown-field.casepack

# ---- foreign --------------------------------------------------------------------------------

mkdir far && cd far || exit 1
hub_of hub Other
mkdir out in
quiet casepack -C hub pack --plain --all -o out
quiet casepack -C anna open out/other-to-anna-0001.casepack --key anna
judge anna q1 >/dev/null 2>&1
quiet casepack -C anna return --plain -o in
cd ..
check "a return of another project is refused" merge_refused "another project" far/in/other-from-anna-0001.casepack

cp -a hub hub-with-carl
quiet casepack key new carl
quiet casepack -C hub-with-carl person add carl --locale en-US --key "$keys/carl.pub"
quiet casepack -C hub-with-carl assign --form relevance --guideline guide --to carl
quiet casepack -C hub-with-carl pack --plain --to carl -o out
quiet casepack -C carl open "$(last out to-carl)" --key carl
judge carl q1 >/dev/null 2>&1
mkdir in-carl
quiet casepack -C carl return --plain -o in-carl
check "a return by somebody who is not on the roster is refused" merge_refused "not on the roster" in-carl

check "a bundle of cases is not for merging" complains 1 "cases bundle" casepack -C hub merge out/chorus-to-anna-0001.casepack
check "a return is not for opening" only_complains 1 "return bundle" casepack -C anna open "$first"
check "and the hub is as it was" equal "$(state hub)" "$before"

touched_nothing() { # TEXT WORKSPACE BUNDLE: refused, and no byte of the folder has changed
	local pictured
	pictured=$(picture "$2")
	only_complains 4 "$1" casepack -C "$2" open "$3" || return 1
	equal "$(picture "$2")" "$pictured"
}
check "opening in another person's workspace touches nothing" \
	touched_nothing "somebody else" ben out/chorus-to-anna-0001.casepack
check "opening in another project's workspace touches nothing" \
	touched_nothing "another project" anna far/out/other-to-anna-0001.casepack
in_a_hub() { only_complains 1 "is a hub" casepack -C hub open out/chorus-to-anna-0001.casepack && equal "$(state hub)" "$before"; }
check "opening in a hub touches nothing" in_a_hub
into_folder() { # a folder of something else
	mkdir -p holiday/photos && echo sea >holiday/photos/1.txt
	local pictured
	pictured=$(picture holiday)
	complains 1 "not empty" casepack -C holiday open out/chorus-to-anna-0001.casepack --key anna || return 1
	equal "$(picture holiday)" "$pictured" && equal "$(ls -d holiday*)" holiday
}
check "opening in a folder that is something else touches nothing" into_folder
into_file() { echo text >afile && complains 1 "afile" casepack -C afile open out/chorus-to-anna-0001.casepack --key anna && equal "$(cat afile)" text; }
check "opening in a file touches nothing" into_file
neighbour() { # what lies beside the new workspace is somebody's too
	mkdir -p desk.opening && echo mine >desk.opening/notes.txt
	casepack -C desk open out/chorus-to-anna-0001.casepack --key anna
	equal "$(cat desk.opening/notes.txt)" mine
}
check "opening leaves the neighbours of a new workspace alone" neighbour
into_empty() { mkdir hollow && casepack -C hollow open out/chorus-to-anna-0001.casepack --key anna && sound hollow; }
check "opening in an empty folder makes a workspace" into_empty

# ---- early, late, twice, in any order -------------------------------------------------------

# The rater believes that her first return has arrived, since a copy of the hub said so; the hub never got it.
cp -a hub hub-copy
quiet casepack -C hub-copy merge "$first"
quiet casepack -C hub-copy pack --plain --to anna -o out
quiet casepack -C anna open "$(last out to-anna)"
judge anna q2 1 >/dev/null 2>&1
quiet casepack -C anna return --plain -o in
second=$(last in from-anna)
carries() { equal "$(tar -xOf "$1" history.tar.zst | zstd -dcq | tar -t | grep -c 'commit$')" "$2"; }
check "a return carries only what is not acknowledged" carries "$second" 1
orphan() {
	cp -a hub waits
	status 3 casepack -C waits merge "$second" || return 1
	says "waits" || says "waiting" || return 1
	casepack -C waits export -o waits.csv 2>&1 | grep -q '0 rows' || { echo "answers of an orphan count"; return 1; }
	status 3 casepack -C waits merge "$second" || { echo "the second time"; return 1; }
	status 0 casepack -C waits merge "$first" || return 1
	sound waits && casepack -C waits export --format csv -o - >waits.csv && equal "$(grep -c ',anna,' waits.csv)" 4
}
check "an orphan waits until its forerunner has come" orphan
waiting_listed() { # with what it waits for
	rm -rf patient && cp -a hub patient
	status 3 casepack -C patient merge "$second" >/dev/null
	casepack -C patient --json log --waiting >waiting
	equal "$(jq -r '.who + " " + .verdict + " " + .commit' waiting)" "anna waiting $(git -C anna/history.git rev-parse "replica/$anna")" || return 1
	jq -r .reason waiting | grep -qF "$(git -C anna/history.git rev-parse --short=12 "replica/$anna^")" || return 1
	casepack -C patient log --waiting | grep -q 'has not come yet' && equal "$(casepack -C patient --json log --refused)" ''
}
check "log lists what waits, and for what" waiting_listed
in_order() { cp -a hub ordered && casepack -C ordered merge "$first" && casepack -C ordered merge "$second"; }
check "in order nothing waits" in_order
check "and the state is the same" equal "$(hash waits)" "$(hash ordered)"

any_order() {
	local files=("$first" "$second" "$bens" "$(last in-ben from-ben)") want='' got
	for seed in 1 2 3 4 5 6; do
		rm -rf shuffled && cp -a hub shuffled
		for file in $(printf '%s\n' "${files[@]}" | shuf --random-source=<(yes $seed)); do
			casepack -C shuffled merge "$file" >/dev/null 2>&1
		done
		got=$(hash shuffled)
		[ -n "$want" ] || want=$got
		equal "$got" "$want" || { echo "seed $seed"; return 1; }
	done
	rm -rf shuffled && cp -a hub shuffled
	status 0 casepack -C shuffled merge "${files[@]}" && equal "$(hash shuffled)" "$want" && sound shuffled
}
judge ben q2 >/dev/null 2>&1
judge ben q1 0 >/dev/null 2>&1
mkdir in-ben
quiet casepack -C ben return --plain -o in-ben
check "in any order four bundles make the same state" any_order

twice() {
	casepack -C hub merge "$first" "$second" "$bens" || return 1
	local after
	after=$(state hub)
	status 0 casepack -C hub merge "$second" "$first" "$bens" || return 1
	says "known already" || return 1
	equal "$(state hub)" "$after"
}
check "merging a file again does nothing: no branch moves" twice

good_and_bad() {
	before=$(hash hub)
	status 4 casepack -C hub merge flipped/flip-003* "$(last in-ben from-ben)" in-carl || return 1
	says "taken" && says "not on the roster" && [ "$(hash hub)" != "$before" ]
}
check "of several files the good are taken, and the others listed" good_and_bad

only_mine() { # a folder may hold what is for others too
	rm -rf both && mkdir both && cp "$first" out/chorus-to-anna-0001.casepack both/
	status 0 casepack -C hub merge both && says "1 bundle for others passed over"
}
check "merging a folder passes over what is for others" only_mine
counted() { # two cases in one sitting
	cp -a hub counts && cp -a anna sitting && mkdir in-sitting
	judge sitting q5 && judge sitting q6 && casepack -C sitting return --plain -o in-sitting || return 1
	casepack -C counts --json merge in-sitting | jq -c 'select(has("outcome")) | [.outcome, .from, .commits, .edits, .refused, .waiting]' >counted
	equal "$(cat counted)" '["taken","anna",1,2,0,0]'
}
check "what was taken is counted in commits and edits" counted
log_of() { casepack -C hub --json log "$@"; }
listed() { # newest first, as git has them
	local n
	log_of >commits || return 1
	equal "$(jq -r .commit commits | sort)" "$(git -C hub/history.git rev-list --glob='refs/heads/replica/*' | sort)" || return 1
	equal "$(jq -r .edits commits | paste -sd+ | bc)" "$(sqlite3 hub/casepack.db 'SELECT sum(edits) FROM commits WHERE is_private = 0')" || return 1
	equal "$(jq -r .received commits)" "$(jq -r .received commits | sort -r)" || return 1
	for n in 1 3; do
		log_of --max $n | diff - <(head -$n commits) || return 1
	done
	equal "$(log_of --refused; log_of --waiting)" ''
}
check "log has every change commit, newest first" listed
refused_listed() { # on the hub that quarantined one, and on its main
	casepack -C quarantine --json log --refused >refused && equal "$(jq -r '.who + " " + .verdict' refused)" 'ben refused' || return 1
	git -C quarantine/history.git grep -hF "$(jq -r .commit refused)" main -- verdicts | cut -f2 | grep -qx refused
}
check "a quarantined commit is listed as refused, on main too" refused_listed

only_news() { # what anna has confirmed is not sent again
	give anna && take anna
	printf 'query,result\nq11,d1\n' >eleven.csv
	cp -a hub news && casepack -C news import eleven.csv --locale en-US && casepack -C news assign --form relevance --guideline guide &&
		casepack -C news --json pack --plain --to anna -o out >sent || return 1
	equal "$(jq -c '[.cases, .assignments]' sent)" '[1,1]' && carries "$(jq -r .file sent)" 1
}
check "a bundle carries only what its receiver has not confirmed" only_news
owed_once() { # with --owed there is one bundle, however often it is said
	cp -a news owing && cp -a anna owed && mkdir owed-out owed-in && judge owed q7 || return 1
	for turn in 1 2; do
		casepack -C owing pack --plain --all --owed -o owed-out && casepack -C owed return --plain --owed -o owed-in || return 1
		equal "$(ls owed-out | grep -c to-anna) $(ls owed-in | wc -l)" '1 1' || return 1
	done
	casepack -C owing pack --plain --to anna -o owed-out && casepack -C owed return --plain -o owed-in &&
		equal "$(ls owed-out | grep -c to-anna) $(ls owed-in | wc -l)" '2 2'
}
check "--owed writes nothing that lies there already" owed_once
unnamed() { # a document in the hub's own bundle that no case of mine names
	edit_of out/chorus-to-anna-0001.casepack
	{ zstd -dcq u/cases.jsonl.zst; echo '{"id":"stray","kind":"serp","results":[]}'; } >u/raw
	zstd -cq --check u/raw >u/cases.jsonl.zst
	tool set u parts "$(jq -c --argjson n "$(stat -c %s u/raw)" '(.parts[] | select(.name == "cases.jsonl.zst")).expanded = $n | .parts' u/manifest.json)" &&
		tool pack u stray.casepack "$keys/lead" && casepack -C strayed open stray.casepack --key anna || return 1
	equal "$(sqlite3 strayed/content.db 'SELECT count(*) FROM contents')" "$(sqlite3 strayed/casepack.db 'SELECT count(*) FROM cases')"
}
check "content that no case names is not taken in" unnamed

# ---- history that was altered on the hub's own disk -------------------------------------------

cp -a twin-of-hub forging
quiet casepack -C forging merge "$first"
forged() { # TEXT KEY MAIN [OLD NEW WAS WHO]: the database from before does not fit it, and verify finds out a new one
	local text=$1
	shift
	rm -rf forged && cp -a forging forged && tool forge forged/history.git "replica/$anna" "$@" || return 1
	git -C forged/history.git fsck --strict || return 1
	status 4 casepack -C forged verify && rm forged/casepack.db* || return 1
	casepack -C forged rebuild --key lead >rebuilt 2>&1 || { grep -qF -- "$text" rebuilt; return; } # a signature is asked at once
	status 4 casepack -C forged verify && says "$text"
}
check "history signed by whom it should be verifies" casepack -C forging verify
check "a change commit that another key signed does not" forged "but another key signed it" "$keys/ben" "$keys/lead"
check "nor a commit of main" forged "but another key signed it" "$keys/anna" "$keys/stranger"
check "nor one rater's answers, given out as another's" forged "is another person's" "$keys/ben" "$keys/lead" "$anna" "$ben" anna ben

# ---- told before it is opened ----

inspected() { status "$1" casepack inspect "$2" && says "$3"; }
check "inspect says that a bundle is whole" inspected 0 "$first" "the key is the sender's"
check "that another key signed it" inspected 4 signed-by-ben.casepack "NOT the sender's"
check "that its signature does not fit" inspected 4 edited.casepack "NOT to be trusted"
check "and that it is damaged" inspected 4 "$(ls cut/* | head -1)" "DAMAGED"

# ---- old ------------------------------------------------------------------------------------

old=out/chorus-to-anna-0001.casepack
give anna
check "an old bundle is known, and said to be" bash -c "casepack -C anna open $old | grep -q 'known already'"
unchanged_by_old() {
	local before
	before=$(hash anna)
	casepack -C anna open "$old" && equal "$(hash anna)" "$before" && casepack -C anna return --plain -o in
}
check "it takes nothing away" unchanged_by_old
gap() { # a later bundle, without the one that it builds on
	cp -a hub gapped
	printf 'query,result\nq9,d1\n' >nine.csv
	casepack -C gapped import nine.csv --locale en-US && casepack -C gapped assign --form relevance --guideline guide &&
		casepack -C gapped pack --plain --to anna -o out || return 1
	cp -a anna ahead
	casepack -C ahead open "$(last out to-anna)" && judge ahead q9 0 2>/dev/null
	casepack -C ahead rate q9 grade@d1=1 && mkdir -p in-ahead && casepack -C ahead return --plain -o in-ahead &&
		casepack -C gapped merge in-ahead || return 1
	printf 'query,result\nq10,d1\n' >ten.csv
	casepack -C gapped import ten.csv --locale en-US && casepack -C gapped assign --form relevance --guideline guide &&
		casepack -C gapped pack --plain --to anna -o out || return 1
	local pictured
	pictured=$(hash anna)
	only_complains 1 "was not opened here" casepack -C anna open "$(last out to-anna)" && equal "$(hash anna)" "$pictured"
}
check "a bundle that builds on one that never came changes nothing, and says so" gap
gap_without_news() { # what is owed is acknowledged, by a workspace that was put back since
	local pictured
	casepack -C ahead open "$(last out to-anna)" && casepack -C ahead return --plain --full -o in-ahead &&
		casepack -C gapped merge "$(last in-ahead from-anna)" && casepack -C gapped pack --plain --to anna -o out || return 1
	[ "$(tar -xOf "$(last out to-anna)" history.tar.zst | zstd -dc | tar -t 2>/dev/null | wc -l)" = 0 ] || { echo 'it brings commits'; return 1; }
	pictured=$(hash anna)
	only_complains 1 "builds on an earlier bundle" casepack -C anna open "$(last out to-anna)" && equal "$(hash anna)" "$pictured" &&
		grep -q "is number $(casepack inspect --json "$(last out to-anna)" | jq .number) and" .line
}
check "one that brings nothing itself, but builds on one that never came, is not taken for an old one" gap_without_news
gap_closed() { # on a copy: gapped is another hub than the one that goes on below
	cp -a anna behind
	mkdir -p in-again && casepack -C behind return --plain --full -o in-again && casepack -C gapped merge in-again
	casepack -C gapped pack --plain --to anna -o out && casepack -C behind open "$(last out to-anna)" && casepack -C behind rate q10 grade@d1=1
}
check "what it says to do brings what is missing" gap_closed
in_pages() { # who judged first stands where the name does
	quiet judge ben q8 && quiet judge anna q8 && take ben && take anna
	equal "$(git -C hub/history.git grep -h . main -- 'judgments/*/'"$(sqlite3 hub/casepack.db \
		"SELECT lower(hex(id)) FROM cases WHERE content = (SELECT j.content FROM judgments j ORDER BY j.clock DESC LIMIT 1)").tsv" | cut -f1 | uniq | xargs)" 'anna ben'
}
check "in a page of main raters stand by name, whoever judged first" in_pages
check "in the end everything is sound" sound hub
finish
