#!/usr/bin/env bash
# Limits: what is just within one is taken, what is just over it is refused in one line that says
# which limit, its value and how it is changed; and a bomb costs no more than its limit.
. "$(dirname "$0")/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
scene
bombs() { python3 "$root/tests/tools/bombs.py" "$@"; }
bundle() { python3 "$root/tests/tools/bundle.py" "$@"; }

# ---- the table and the command ---------------------------------------------------------------

names='bundle expanded ratio window members object changeset document text depth seconds'
lists_all() { equal "$(casepack -C hub project limits --json | jq -r .limit | tr '\n' ' ')" "$names "; }
check "every limit is listed with value, default, unit and what it bounds" lists_all
at_default() { casepack -C hub project limits --json | jq -e -s 'length > 0 and all(.value == .default and .unit != "" and .bounds != "")'; }
check "each is at its default unless somebody made it smaller" at_default
in_help() { for n in $names; do casepack help project | tr '\n' ' ' | grep -q " $n: " || { echo "$n"; return 1; }; done; }
check "the help names every one of them" in_help
value() { casepack -C "${2:-hub}" project limits --json | jq -r "select(.limit == \"$1\").value"; }
tighter() { casepack -C hub project limit text 5000 && equal "$(value text)" 5000; }
check "a limit is made smaller" tighter
check "it is this machine's: nothing of the project changed" equal "$(hash hub)" "$(casepack -C hub status --hash)"
survives() { casepack -C hub rebuild && equal "$(value text)" 5000; }
check "and outlives a rebuild" survives
back() { casepack -C hub project limit text default && equal "$(value text)" 1048576; }
check "it is taken back" back
larger() { # what somebody wrote into the database themselves
	sqlite3 hub/casepack.db "INSERT OR REPLACE INTO meta(key, value) VALUES('limit/text', 1048577)" && equal "$(value text)" 1048576 &&
		sqlite3 hub/casepack.db "DELETE FROM meta WHERE key = 'limit/text'"
}
check "no hand makes one larger" larger
for bad in "text 1048577" "text 0" "text many" "text -1" "text 18446744073709551616" "nonsense 5"; do
	# shellcheck disable=SC2086
	check "\`limit $bad\` is refused" only_complains 2 '' casepack -C hub project limit $bad
done

# ---- each limit, just over and just within ---------------------------------------------------

# refuses TEXT COMMAND...: ends with status 4; one line says why, and holds TEXT (merge prints its balance, too)
refuses() {
	local text=$1
	shift
	status 4 "$@" && says "$text" && equal "$(grep -cE 'limit|refused:|^casepack:' "$work/.words")" 1
}

# over NAME VALUE WORKSPACE FILE COMMAND...: refused at VALUE - 1, in one line with all that is to know, and nothing
# changes; taken at VALUE. WORKSPACE.before is what it is made of anew.
over() {
	local name=$1 value=$2 where=$3 before
	shift 3
	rm -rf "$where" && cp -r "$where.before" "$where"
	casepack -C "$where" project limit "$name" $((value - 1)) || return 1
	before=$(hash "$where" && refs "$where")
	refuses "over the limit \"$name\" of $((value - 1)) " "$@" || return 1
	says "\`casepack project limit $name VALUE\` changes it" || return 1
	equal "$(hash "$where" && refs "$where")" "$before" || return 1
	casepack -C "$where" project limit "$name" "$value" && "$@"
}

note=$(head -c 5000 /dev/zero | tr '\0' n)
quiet casepack -C anna rate q1 grade@d1=3 grade@d2=0 --note "$note"
quiet casepack -C anna return --plain -o in
returned=$(last in from-anna)
quiet bundle unpack "$returned" returned
cp -r hub hub.before
for figure in bundle="$(stat -c %s "$returned")" $(bombs figures returned | grep -v ratio) text=5000 depth=3; do
	check "work over the limit ${figure%=*} is refused, and taken at the limit" \
		over "${figure%=*}" "${figure#*=}" hub casepack -C hub merge "$returned"
done

# What a hub gives: cases of words, 20 MB, so that they have a ratio.
rm -rf hub && cp -r hub.before hub
python3 -c '
import random
dice = random.Random(1)
words = ["".join(dice.choices("abcdefghij", k=dice.randrange(3, 9))) for _ in range(500)]
print("query,result,title")
for i in range(24):
    print("large %d,d,%s" % (i, " ".join(dice.choices(words, k=150000))[:900000]))' >large.csv
quiet casepack -C hub import large.csv --locale en-US
quiet casepack -C hub assign --form relevance --guideline guide
quiet casepack -C hub pack --plain --to ben -o out
given=$(last out to-ben)
quiet bundle unpack "$given" given
cp -r ben ben.before
for figure in $(bombs figures given) text=900000 window=$((1 << 21)); do
	check "material over the limit ${figure%=*} is refused, and taken at the limit" \
		over "${figure%=*}" "${figure#*=}" ben casepack -C ben open "$given"
done

# ---- what a person gives -----------------------------------------------------------------------

row_over() { # FILE NAME: named by its row, one line, nothing imported
	status 1 casepack -C hub import "$1" --locale en-US && says "$1:1:1: " && says "over the limit \"$2\"" &&
		says 'nothing was imported'
}
nested() { python3 -c 'import sys; n = int(sys.argv[1]); print("{\"query\":\"deep\",\"result\":\"d\",\"x\":" + "[" * n + "]" * n + "}")' "$1"; }
nested 31 >within.jsonl
nested 32 >deep.jsonl
nested 1000000 >deepest.jsonl
check "a line of JSON as deep as the limit is imported" casepack -C hub import within.jsonl --locale en-US
check "a deeper one is not" row_over deep.jsonl depth
check "nor is one a million deep" row_over deepest.jsonl depth
long_cell() { python3 -c 'import sys; print("query,result,title\nlong,d," + "x" * int(sys.argv[1]))' "$1"; }
long_cell 1048576 >cell.csv
check "a cell as long as the limit is imported" casepack -C hub import cell.csv --locale en-US
cell_over() {
	long_cell 1048577 >longer.csv
	status 1 casepack -C hub import longer.csv --locale en-US && says 'longer.csv:2:3: ' && says 'over the limit "text" of 1048576 bytes'
}
check "a longer one is not" cell_over
guideline_over() {
	head -c 16777217 /dev/zero | tr '\0' x >long.md
	only_complains 4 'over the limit "document" of 16777216 bytes' casepack -C hub guideline add long long.md
}
check "nor is a guideline longer than a document may be" guideline_over

# ---- bombs ---------------------------------------------------------------------------------------

limit=$((64 * 1024)) # KiB
grep -q __asan_init "$casepack" && limit=$((limit * 16))

# bomb KIND N FOLDER KEY SAYS COMMAND...: of the bundle in FOLDER; what it costs is memory, time and disk
bomb() {
	local kind=$1 n=$2 folder=$3 key=$4 says=$5 before after start=$SECONDS
	shift 5
	rm -rf bomb.parts bomb.casepack && cp -r "$folder" bomb.parts
	bombs "$kind" bomb.parts bomb.casepack "$keys/$key" "$n" || return 1
	before=$(du -sk "$where" | cut -f1)
	refuses "$says" python3 "$root/tests/tools/peak.py" peak "$@" bomb.casepack || return 1
	after=$(du -sk "$where" | cut -f1)
	echo "# $kind $n: $(stat -c %s bomb.casepack) bytes, $(cat peak) KiB, $((SECONDS - start)) s with its making" >>figures
	[ "$(cat peak)" -le "$limit" ] || { echo "$(cat peak) KiB of memory"; return 1; }
	[ $((after - before)) -le 1024 ] || { echo "$((after - before)) KiB on the disk"; return 1; }
}
where=hub
rm -rf hub && cp -r hub.before hub
check "a frame in a frame in a frame is no tar" bomb nested 0 returned anna 'member 1' casepack -C hub merge
wide() { # none refuses it: the words are those of a bundle that was taken
	rm -rf bomb.parts && cp -r returned bomb.parts && bombs window bomb.parts bomb.casepack "$keys/anna" 27 && casepack -C hub merge bomb.casepack
}
check "a window of 2^27 bytes is read" wide
check "a window of 2^28 bytes is over its limit" bomb window 28 returned anna '"window" of 134217728 bytes' casepack -C hub merge
check "and one of 2^31" bomb window 31 returned anna '"window" of 134217728 bytes' casepack -C hub merge
check "a skippable frame is refused" bomb skippable 0 returned anna 'does not begin with a zstd frame' casepack -C hub merge
check "a second frame is refused" bomb frames 0 returned anna 'more follows its zstd frame' casepack -C hub merge
check "many tiny objects are refused at the first that is none" \
	bomb members 100000 returned anna 'is a blob where a commit must come' casepack -C hub merge
check "a manifest nested 1000 deep is over the limit" bomb depth 1000 returned anna '"depth" of 32 levels' casepack -C hub merge
check "and one nested a million deep" bomb depth 1000000 returned anna '"depth" of 32 levels' casepack -C hub merge
check "an object of 64 MB of zeros is over the limit ratio before a byte of it is made" \
	bomb zeros 64 returned anna '"ratio" of 1000 times' casepack -C hub merge
where=ben
rm -rf ben && cp -r ben.before ben
check "a case document nested a million deep is over the limit" \
	bomb deep 1000000 given lead 'line 1: how deep its JSON goes is over the limit "depth"' casepack -C ben open
check "a case document of 17 MB is over the limit" bomb line 17000000 given lead '"document" of 16777216 bytes' casepack -C ben open
check "a text of 2 MB in one is over the limit" bomb text 2000000 given lead '"text" of 1048576 bytes' casepack -C ben open
quiet casepack -C ben project limit members 100000
check "many tiny case documents are over a limit of members" \
	bomb tiny 200000 given lead '"members" of 100000 members' casepack -C ben open
quiet casepack -C ben project limit members default
quiet casepack -C ben project limit seconds 1
check "what takes longer than its limit is given up" bomb lines 1200 given lead '"seconds" of 1 seconds' casepack -C ben open
quiet casepack -C ben project limit seconds default
check "what may take its time is taken" casepack -C ben open "$given"
check "after all of it the hub is sound" sound hub
check "and so is the device" sound ben
cat figures
finish
