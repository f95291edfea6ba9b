#!/usr/bin/env bash
# Text is data: fifty hostile texts are planted wherever a case, a rater, a lead or a file can bring text, and
# then nothing that any command says, on a terminal or in a pipe, and no file that people read, has anything in
# it that acts; yet every text is read back as it was. Judged by a restatement in Python, by jq and by git.
. "$(dirname "$0")/lib.sh"
hostile() { python3 "$root/tests/tools/hostile.py" "$@"; }
keys=$XDG_CONFIG_HOME/casepack/keys
esc=$'\e]0;owned\a' bidi=$'a\u202eb\u2066c' zero=$'d\u200be'

# ---- planting ------------------------------------------------------------------------------------

for who in lead anna ben; do quiet casepack key new $who; done
quiet casepack init hub --project "Hostile $bidi $zero <b>*x*</b>" --name "Lea $esc" --key lead --show-queries
quiet casepack -C hub person add anna --locale en-US --name "Anna $esc" --vendor "$esc $bidi" --key "$keys/anna.pub"
quiet casepack -C hub person add ben --locale en-US --vendor "=1+1 | <b>" --key "$keys/ben.pub"
python3 - >form.json <<P
import json
say = "$bidi $zero <img src=x onerror=alert(1)> ![x](http://evil.test/y) | a | \`c\` =1+1"
print(json.dumps({"title": say, "fields": [
  {"name": "grade", "type": "scale", "level": "ordinal", "scope": "result", "required": True, "label": say, "help": say,
   "choices": [{"value": str(i), "label": f"{i} {say}"} for i in range(4)]},
  {"name": "why", "type": "text", "scope": "page", "label": say, "help": say}]}))
P
quiet casepack -C hub form add hostile form.json --title "form $bidi" --note "why $esc"
printf '# Guide %s %s\n\n<script>alert(1)</script> [x](javascript:alert(1))\n' "$bidi" "$zero" >guide.md
quiet casepack -C hub guideline add guide guide.md --title "title $esc" --note "note $esc"
printf '\nMore %s.\n' "$bidi" >>guide.md
quiet casepack -C hub guideline revise guide guide.md --note "again $esc"
with_escape() { printf 'x %s\n' "$esc" >bad.md; casepack -C hub guideline add bad bad.md; }
check "a guideline with escape sequences is refused" status 1 with_escape
check "in words" says 'control characters'
printf 'one\r\ntwo\r\n' >crlf.md
check "one with line ends of Windows is not" casepack -C hub guideline add crlf crlf.md
hostile cases >cases.jsonl
check "fifty hostile texts are imported, each in eight places" casepack -C hub import cases.jsonl --locale en-US
quiet casepack -C hub assign --form hostile --guideline guide
mkdir out in files
quiet casepack -C hub pack --all -o out
for who in anna ben; do quiet casepack -C $who open out/*-to-$who-0001.casepack.age --key $who; done
cp -r anna twin
hostile answers >answers.jsonl
check "they are rated with hostile answers" casepack -C anna rate --from answers.jsonl
check "and notes" hostile notes anna
quiet casepack -C anna return -o in
quiet casepack -C hub merge in
sed 's/"value": "2"/"value": "3"/' answers.jsonl >other.jsonl
quiet casepack -C twin rate --from other.jsonl
quiet hostile notes twin
quiet casepack -C twin return -o in
casepack -C hub merge in >>merged 2>&1
name() { python3 -c 'import sys, importlib.util as u; s = u.spec_from_file_location("h", sys.argv[1]); h = u.module_from_spec(s); s.loader.exec_module(h); print(sys.argv[2] + " " + h.TEXTS[int(sys.argv[2])], end="")' "$root/tests/tools/hostile.py" "$1"; }
quiet casepack -C hub adjudicate "$(name 0)" "grade@plain=2" --cause policy --reason "final $esc $bidi"
conflict=$(casepack -C hub conflicts --json --open | jq -r .conflict | head -1)
quiet casepack -C hub resolve "$conflict" --take 1 --reason "because $esc $bidi"
printf '\nBreaking %s.\n' "$zero" >>guide.md
quiet casepack -C hub guideline revise guide guide.md --revision breaking --note "breaks $esc"
quiet casepack -C hub forget "$(name 2)" --reason "forgotten $esc $bidi"
quiet casepack -C hub person revoke ben --reason "revoked $esc $bidi"
quiet casepack -C hub stale keep --reason "kept $esc" --case "$(name 1)"
casepack -C hub merge in >>merged 2>&1
quiet casepack -C hub pack --all -o out
for path in out/*-to-anna-*; do casepack -C anna open "$path" >>opened 2>&1; done
hostile names files

# ---- every command ----------------------------------------------------------------------------------

say() { python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >>commands; }
for w in hub anna; do
	for json in "" --json; do
		for words in status project "project limits" "person list" "person devices" "person devices anna" "person trust anna" "forget --list" "guideline list" "guideline log guide" "guideline diff guide" \
			"form list" "form log hostile" "form show hostile" conflicts "conflicts --all" stale "stale --all" log \
			"log --refused" "log --waiting" verify "rate --list" "key list"; do
			# shellcheck disable=SC2086
			say casepack -C $w $json $words
		done
		say casepack -C $w $json log '{i} {}'
		say casepack -C $w $json show '{i} {}'
		say casepack -C $w $json conflicts --case '{i} {}'
		say casepack -C $w $json show '{}'
		say casepack -C $w $json inspect out in
	done
	say casepack -C $w guideline show guide --rev 99
	say casepack -C $w '{}'
	say casepack -C $w status '{}'
	say casepack -C $w project policy '{}' latest
	say casepack -C $w project limit '{}' 5
	say casepack -C $w project limit text '{}'
	say casepack -C $w guideline show '{}'
	say casepack -C $w form add '{}' form.json
	say casepack -C $w person add '{}'
	say casepack -C $w import 'files/{}.csv' --locale en-US
	say casepack -C $w import --map 'query={},result={}' --locale '{}' cases.jsonl
	say casepack -C $w rate '{i} {}' 'grade@{}={}'
	say casepack -C $w rate '{i} {}' 'why={}' -n
	say casepack -C $w merge '{}'
	say casepack -C $w sync '{}'
	say casepack -C $w open '{}'
	say casepack inspect '{}'
	say casepack -C '{}' status
	say casepack key show '{}'
	say casepack init new --project x --name y --key '{}'
	say casepack -C $w resolve '{}' --take 1 --reason '{}'
	say casepack -C $w adjudicate '{i} {}' 'grade@{}={}' --cause policy --reason '{}'
	say casepack -C $w stale keep --reason '{}' --text '{}'
	say casepack help '{}'
	say casepack completion '{}'
done
say casepack -C hub resolve --rule '{}' --reason '{}' --dry-run
say casepack -C hub resolve --rule latest --reason '{}' --dry-run
say casepack -C hub assign --form hostile --case '{i} {}' --segment '{}' -n
say casepack -C hub assign withdraw --case '{i} {}' -n
say casepack -C hub forget '{i} {}' --reason '{}' -n
say casepack -C hub person trust anna '{}'
say casepack -C hub person revoke '{}' --reason '{}'
say casepack -C hub export --format csv -o -
say casepack -C hub export --format jsonl -o -
say casepack -C hub export --format qrels --field grade --aggregate mean -o -
say casepack -C hub export --format csv -o 'files/{}.out.csv' --field '{}'
say casepack -C hub export --format csv -o - --rater '{}'
check "nothing that a command says acts, on a terminal or in a pipe" hostile run commands
grep '^#' "$work/.out"
not_run() { [ ! -e pwned ] && [ ! -e ../pwned ] && [ ! -e new ]; }
check "and nothing of it was run" not_run

bidi_shown() { casepack -C hub show "$(name 18)" | grep -qF 'user \u202egpj.exe'; }
check "a bidirectional override is shown, spelled out" bidi_shown
stays() { casepack -C hub show "$(name 49)" | grep -qF $'\U0001f469\u200d\u2764\ufe0f\u200d\U0001f469 stays'; }
check "what joins an emoji is left as it is" stays
persian() { casepack -C hub show "$(name 48)" | grep -qF $'\u0645\u0646\u200c\u062e\u0648\u0628'; }
check "and what joins Persian letters" persian
one_line() { equal "$(casepack -C hub rate --list 2>/dev/null | grep -c '^casepack: a lie')" 0 && equal "$(casepack -C hub log "$(name 14)" 2>&1 | grep -c '^casepack: a lie')" 0; }
check "no text makes a line of its own" one_line

# ---- the rating screen --------------------------------------------------------------------------------

screen() { # every case on a terminal: > goes on to the next, g is the guideline
	python3 - <<'P'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["PAGER"] = ""
    os.execvp("casepack", ["casepack", "-C", "ben", "rate"])
out = b""
def read(wait):
    global out
    while select.select([fd], [], [], wait)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            return
        out += piece
        wait = 0.15
read(5)
for key in [b"g"] + [b">"] * 60 + [b"n", "x\x1b".encode(), b"\r", b"q"]:
    os.write(fd, key)
    read(1)
open("screen", "wb").write(out)
P
}
quiet screen
seen_all() { grep -qa 'case 50 of 50' screen; }
check "the rating screen shows every case" seen_all
screen_is_safe() { python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import hostile as h; sys.exit(1 if h.report("the screen", h.progress(open("screen", "rb").read()).replace(b"\r", b"")) else 0)' "$root/tests/tools"; }
check "and nothing acts there" screen_is_safe

# ---- files ----------------------------------------------------------------------------------------------

check "nothing acts in main's files, in their names, in messages or in names of authors" hostile repo hub/history.git main
git -C hub/history.git archive main judgments | tar xO --wildcards '*.tsv' >judgments.tsv
check "and yet each note is read back from them" hostile same tsv judgments.tsv
reads_json() { git -C hub/history.git archive main cases forms | tar xO | jq -s length; }
check "jq reads the JSON among them" reads_json
quiet casepack -C hub export -o labels.csv --rater anna
quiet casepack -C hub export -o guarded.csv --guard
quiet casepack -C hub export -o labels.jsonl
quiet casepack -C hub export -o some.qrels --field grade --aggregate mean
check "CSV gives every text back" hostile same csv labels.csv
check "guarded CSV has no formula, and numbers are numbers" hostile same guarded guarded.csv
check "JSON lines give every text back" hostile same jsonl labels.jsonl
check "nothing acts in JSON lines, and nothing in qrels" hostile files labels.jsonl some.qrels
topics() { tr '\t' ' ' <some.qrels.topics.tsv >topics && hostile files topics; }
check "nor in topics" topics
quiet casepack -C hub report audit --content --full 0 --rows 0 --made-at 2026-03-01T14:05:09Z -o report.html
quiet casepack -C hub report audit --content --full 0 --rows 0 --made-at 2026-03-01T14:05:09Z -o report.md
check "nor in a report" hostile files report.html report.md
paper() { local said; said=$(python3 "$root/tests/tools/paper.py" "$@" 2>&1) && [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }; }
check "whose HTML has no tag, link or script but its own" paper sound report.html
check "and whose Markdown, rendered, has none either, and says the same" paper same report.html report.md
check "nor in a data dictionary" hostile files labels.csv.dictionary.md some.qrels.dictionary.md
no_markup() { ! grep -nE '(^|[^\\])(<|!?\[|`c)' <(grep '| each result\|the page' labels.csv.dictionary.md; grep '^Project' labels.csv.dictionary.md); }
check "whose labels are no markup, links or HTML" no_markup
columns() { equal "$(grep -c '^| why |' labels.csv.dictionary.md)" 1 && equal "$(grep '^| why |' labels.csv.dictionary.md | sed 's/\\|//g' | tr -cd '|' | wc -c)" 9; }
check "nor cells of their own" columns
names_of_bundles() { ls out in | LC_ALL=C grep -vE '^(out:|in:|)$|^[a-z0-9-]+\.casepack\.age$' | wc -l | grep -qx 0; }
check "names of bundles are plain whatever the project is called" names_of_bundles
finish
