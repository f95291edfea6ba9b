#!/usr/bin/env bash
# What leaves for analysis and for an auditor: CSV, JSON lines, the dictionary, qrels, the git bundle.
# Judged by python's csv and json, sqlite3 on the database that they come from, and git.
. "$(dirname "$0")/lib.sh"

keys=$XDG_CONFIG_HOME/casepack/keys
for who in lead ada ben eve; do quiet casepack key new $who; done
quiet casepack init hub --project Exports --name 'Lea D' --key lead
for who in ada ben eve; do quiet casepack -C hub person add $who --locale en --vendor acme --key "$keys/$who.pub"; done
head -121 "$samples/chorus/ratings.csv" >cases.csv
quiet casepack -C hub import cases.csv --map query=query,result=docid,title=name,snippet=description --locale en-US
cat >odd.jsonl <<'J'
{"id": "odd, \"one\"", "query": "two\tlines \"quoted\", 日本語 café", "results": [{"id": "r 1", "title": "=1+1", "rank": 1}, {"id": "r,2", "title": "plain", "rank": 7}]}
{"id": "plain.id", "query": "=cmd|' /C calc'!A0", "results": [{"id": "r1", "title": "a"}, {"id": "r2", "title": "b"}]}
J
quiet casepack -C hub import odd.jsonl --locale en-US --segment odd
quiet casepack -C hub guideline add policy "$samples/guidelines/rev-0001.md"
cat >form.json <<'J'
{"title": "Grades and words", "fields": [
 {"name": "grade", "type": "scale", "level": "ordinal", "scope": "result", "required": true, "label": "How good?",
  "choices": [{"value": "0", "label": "Bad"}, {"value": "1", "label": "Fair"}, {"value": "2", "label": "Good"}, {"value": "3", "label": "Perfect"}]},
 {"name": "words", "type": "text", "scope": "page", "required": false, "label": "In words | with a bar"},
 {"name": "odd", "type": "bool", "scope": "page", "required": false, "label": "Odd?"}]}
J
quiet casepack -C hub form add grades form.json
quiet casepack -C hub assign --form grades --guideline policy --seed 4
mkdir out back
quiet casepack -C hub pack --all -o out
n=0
for who in ada ben eve; do
	n=$((n + 1))
	quiet casepack -C $who open out/*-to-$who-0001.casepack.age --key $who
	python3 "$samples/sheet.py" agent_${n}_rating cases.csv >$who.csv
	quiet casepack -C $who rate --from $who.csv
done
quiet casepack -C ada rate 'odd, "one"' 'grade@r 1=1' grade@r,2=2 'words==SUM(A1:A2), "quoted"
and a second line' odd=yes --note '@note; with, commas'
quiet casepack -C ben rate 'odd, "one"' 'grade@r 1=3' grade@r,2=2 'words=-12.5'
quiet casepack -C eve rate 'odd, "one"' 'grade@r 1=3' grade@r,2=0 words=+plus
quiet casepack -C ada rate plain.id grade@r1=0 grade@r2=2
quiet casepack -C ben rate plain.id grade@r1=3 grade@r2=3
quiet casepack -C eve rate plain.id --skip --note 'page does not load'
for who in ada ben eve; do quiet casepack -C $who return -o back; done
quiet casepack -C hub merge back/*
export_as() { casepack -C hub export "$@"; }

# ---- rows -------------------------------------------------------------------------------------

quiet export_as -o labels.csv
state=$(casepack -C hub status --hash) # with the note of this export
quiet export_as -o labels.jsonl
check "the formats are told by the file's name" bash -c 'head -c 5 labels.csv | grep -q case, && head -c 1 labels.jsonl | grep -q "{"'
check "to standard output goes the same as to a file" bash -c 'casepack -C hub export --format csv -o - 2>/dev/null | cmp - labels.csv'
check "and no dictionary" test ! -e ./-.dictionary.md
check "CSV lines end in CR LF, as RFC 4180 has it" python3 -c '
b = open("labels.csv", "rb").read()
assert b.endswith(b"\r\n") and not b.startswith(b"\xef\xbb\xbf")
assert b.split(b"\r\n")[0].count(b",") == 27'
cat >rows.py <<'PY'
import csv, json, sys
csv_rows = list(csv.DictReader(open("labels.csv", encoding="utf-8", newline="")))
json_rows = [json.loads(line) for line in open("labels.jsonl", encoding="utf-8")]
def words(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)
assert len(csv_rows) == len(json_rows) == int(sys.argv[1]), (len(csv_rows), len(json_rows))
def instant(t): # the same time, however many digits of a second
    return t.split(".")[0].rstrip("Z")
for c, j in zip(csv_rows, json_rows):
    assert list(c) == list(j), (list(c), list(j))
    for k in c:
        a, b = c[k], words(j[k])
        if k == "judged_at":
            a, b = instant(a), instant(b)
        assert a == b, (k, c[k], j[k])
assert any("\n" in r["value"] and '"' in r["value"] for r in csv_rows)
PY
answers=$(sqlite3 hub/casepack.db "SELECT count(*) FROM ratings WHERE value IS NOT NULL")
check "what python reads of the CSV are the JSON lines, in the same order" python3 rows.py $((answers + 1))
cat >database.py <<'PY'
import csv, sqlite3
db = sqlite3.connect("file:hub/casepack.db?mode=ro", uri=True)
want = db.execute("""
    SELECT c.name, p.pseudonym, a.pass, coalesce(r.field, ''), coalesce(r.value, ''), j.state, j.note,
        strftime('%Y-%m-%dT%H:%M:%S', j.clock / 1000000, 'unixepoch'), f.name, fv.number, g.name, gr.number, lower(hex(j.content)), c.locale, c.segment, c.kind, p.vendor, j.active_ms
    FROM judgments j JOIN assignments a ON a.id = j.id JOIN cases c ON c.id = a.case_id JOIN persons p ON p.id = a.person
    JOIN form_versions fv ON fv.id = j.form_version JOIN forms f ON f.id = fv.parent_doc
    JOIN guideline_revisions gr ON gr.id = j.guideline_revision JOIN guidelines g ON g.id = gr.parent_doc
    LEFT JOIN ratings r ON r.judgment = j.id AND r.value IS NOT NULL""").fetchall()
keys = ["case_name", "rater", "pass", "field", "value", "state", "note", "judged_at", "form", "form_version", "guideline",
        "guideline_revision", "content", "locale", "segment", "kind", "vendor", "active_ms"]
got = [tuple(r[k].split(".")[0].rstrip("Z") if k == "judged_at" else r[k] for k in keys) for r in csv.DictReader(open("labels.csv", encoding="utf-8", newline=""))]
assert sorted(got) == sorted(tuple(map(str, w)) for w in want), set(got) ^ set(tuple(map(str, w)) for w in want)
PY
check "and they are what sqlite3 says of the database" python3 database.py
cat >given.py <<'PY'
import csv
rows = list(csv.DictReader(open("labels.csv", encoding="utf-8", newline="")))
got = {(r["case"], r["result"], r["rater"]): r["value"] for r in rows if r["field"] == "grade" and r["segment"] == ""}
want = {(r["query"], r["docid"], w): r[f"agent_{n}_rating"]
        for r in csv.DictReader(open("cases.csv", encoding="utf-8", newline="")) for n, w in enumerate(["ada", "ben", "eve"], 1)}
assert got == want and len(got) == 360
odd = {(r["rater"], r["field"], r["result"]): r for r in rows if r["case"] == 'odd, "one"'}
assert odd["ada", "words", ""]["value"] == '=SUM(A1:A2), "quoted"\nand a second line', odd["ada", "words", ""]
assert odd["ada", "odd", ""]["value"] == "true"
assert odd["ada", "grade", "r 1"]["query"] == 'two\tlines "quoted", 日本語 café'
assert odd["ada", "grade", "r,2"]["rank"] == "7" and odd["ada", "words", ""]["rank"] == "0"
skipped = [r for r in rows if r["state"] == "skipped"]
assert [(r["case"], r["rater"], r["field"], r["value"], r["note"]) for r in skipped] == [("plain.id", "eve", "", "", "page does not load")]
PY
check "ids, queries and answers come back as they were given" python3 given.py

# ---- what the columns mean ----------------------------------------------------------------------

columns() { sed -n '/^## Columns/,/^## Fields/s/^| \([a-z_]*\) | .*/\1/p' "$1" | grep -vx column; }
header() { head -1 "$1" | tr -d '\r' | tr , '\n'; }
check "the dictionary names every column of the header and no other" \
	equal "$(columns labels.csv.dictionary.md)" "$(header labels.csv)"
check "that of the JSON lines too" equal "$(columns labels.jsonl.dictionary.md)" "$(head -1 labels.jsonl | jq -r 'keys_unsorted[]')"
check "with a type and a meaning for each" bash -c \
	"! sed -n '/^## Columns/,/^## Fields/p' labels.csv.dictionary.md | grep -E '^\| [a-z_]+ \|  \||\|  \|\$'"
check "it names every field of the form" bash -c 'for f in grade words odd; do grep -q "^| $f | grades 1 |" labels.csv.dictionary.md || exit 1; done'
check "with the values of a scale" grep -q '0 (Bad), 1 (Fair), 2 (Good), 3 (Perfect)' labels.csv.dictionary.md
check "the number of rows" grep -q "Rows: $((answers + 1))\." labels.csv.dictionary.md
check "and the state that was exported" grep -q "$state" labels.csv.dictionary.md
quiet export_as -o timeless.csv --no-times
check "--no-times leaves the times out, of the dictionary too" bash -c \
	'! head -1 timeless.csv | grep -qE "judged_at|active_ms" && ! grep -qE "judged_at|active_ms" timeless.csv.dictionary.md'
check "and nothing else" bash -c 'python3 - <<"PY"
import csv
a, b = (list(csv.DictReader(open(p, encoding="utf-8", newline=""))) for p in ("labels.csv", "timeless.csv"))
assert [{k: r[k] for k in b[0]} for r in a] == b and set(a[0]) - set(b[0]) == {"judged_at", "active_ms"}
PY'
check "without times two exports are the same bytes" bash -c \
	'casepack -C hub export -o timeless2.csv --no-times && cmp timeless.csv timeless2.csv'
quiet export_as -o guarded.csv --guard
cat >guard.py <<'PY'
import csv
a, b = (list(csv.DictReader(open(p, encoding="utf-8", newline=""))) for p in ("labels.csv", "guarded.csv"))
n = 0
for x, y in zip(a, b):
    for k in x:
        if x[k] != y[k]:
            assert y[k] == "'" + x[k] and x[k][0] in "=+-@\t\r", (x[k], y[k])
            n += 1
values = {y["value"] for y in b}
assert "'=SUM(A1:A2), \"quoted\"\nand a second line" in values and "'+plus" in values and "-12.5" in values
assert {y["note"] for y in b} >= {"'@note; with, commas"}
assert {y["query"] for y in b} >= {"'=cmd|' /C calc'!A0"}
assert n and len(a) == len(b)
PY
check "--guard defuses formulas, and leaves numbers and all else alone" python3 guard.py
check "the dictionary says so" grep -q apostrophe guarded.csv.dictionary.md
quiet export_as -o ben.csv --rater ben --field grade
check "--rater and --field narrow it" bash -c \
	"python3 -c 'import csv; rows = list(csv.DictReader(open(\"ben.csv\", newline=\"\"))); assert len(rows) == 124 and {(r[\"rater\"], r[\"field\"]) for r in rows} == {(\"ben\", \"grade\")}'"
check "a rater who is not there fails" status 1 export_as -o no.csv --rater nobody
check "a field that is in no form fails" status 1 export_as -o no.csv --field nothing
check "a format that is none is wrong usage" status 2 export_as -o no.xlsx
check "options of another format are wrong usage" status 2 export_as -o no.csv --ties low
check "and none of them leaves a file" bash -c '! ls no.* 2>/dev/null'
check "an export can be rated from again, and changes nothing" bash -c \
	"casepack -C hub export -o mine.csv --rater ada --field grade && casepack -C ada --json rate --from mine.csv -n |
	jq -e '.cases > 0 and .unchanged == .cases'"
check "a file that is there is replaced whole" bash -c 'echo old >again.csv && casepack -C hub export -o again.csv && cmp again.csv labels.csv'
check "a folder that is not there fails" status 1 export_as -o nowhere/labels.csv

# ---- qrels ----------------------------------------------------------------------------------------

check "several raters without a word about them are wrong usage" status 2 export_as -o all.qrels
check "and the line says what to say" says --aggregate
quiet export_as -o ada.qrels --rater ada
cat >qrels.py <<'PY'
import re, sys
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
assert lines.pop() == ""
seen = set()
for line in lines:
    topic, iteration, docno, grade = line.split()      # every reader of qrels splits like this
    assert line == f"{topic} {iteration} {docno} {grade}" and iteration == "0" and re.fullmatch(r"[0-9.]+", grade), line
    assert (topic, docno) not in seen
    seen.add((topic, docno))
topics = [line.split("\t") for line in open(sys.argv[1] + ".topics.tsv", encoding="utf-8").read().splitlines()]
assert {t for t, _ in topics} == {t for t, _ in seen} and len(topics) == len({t for t, _ in topics})
queries = {q for _, q in topics}
assert "bluetooth speaker" in queries and 'two lines "quoted", 日本語 café' in queries, queries
assert ("plain.id", "=cmd|' /C calc'!A0") in map(tuple, topics)
assert len(lines) == int(sys.argv[2]), len(lines)
PY
check "qrels are four fields a line, also where ids hold white space" python3 qrels.py ada.qrels 124
check "an id that holds none stands there as it is" grep -q '^plain.id 0 r2 2$' ada.qrels
check "the dictionary explains topic and grade" bash -c 'grep -q "^| topic |" ada.qrels.dictionary.md && grep -q "ada" ada.qrels.dictionary.md'
check "a majority that is a tie is refused" status 1 export_as -o majority.qrels --aggregate majority
check "each tie is listed" bash -c "grep -q 'tie in case plain.id, result r1: 0 by ada, 3 by ben' '$work/.words'"
check "and nothing is written" bash -c '! ls majority.qrels* 2>/dev/null'
cat >aggregate.py <<'PY'
import csv, statistics, subprocess, sys
from collections import Counter
votes = {}
for r in csv.DictReader(open("labels.csv", encoding="utf-8", newline="")):
    if r["field"] == "grade":
        votes.setdefault((r["case_name"] if " " in r["case"] else r["case"], r["result"]), []).append(int(r["value"]))
def majority(v, pick):
    c = Counter(v); most = max(c.values())
    return pick(k for k in c if c[k] == most)
hows = {"majority low": lambda v: majority(v, min), "majority high": lambda v: majority(v, max),
        "median": statistics.median, "median low": statistics.median_low, "median high": statistics.median_high,
        "mean": statistics.mean}
for how, f in hows.items():
    words = how.split()
    args = ["casepack", "-C", "hub", "export", "-o", "agg.qrels", "--aggregate", words[0]]
    args += ["--ties", words[1]] if len(words) > 1 else []
    subprocess.run(args, check=True)
    got = Counter()
    for line in open("agg.qrels", encoding="utf-8"):
        topic, _, docno, grade = line.split()
        got[topic, grade] += 1
    want = Counter((topic, "%.6g" % f(v)) for (topic, _), v in votes.items())
    assert got == want, (how, got - want, want - got)
    assert sum(got.values()) == 124
PY
check "majority, median and mean are those of python's statistics, ties as asked" python3 aggregate.py
check "grades that are no whole numbers are said" bash -c \
	'casepack -C hub export -o mean.qrels --aggregate mean 2>&1 | grep -q "trec_eval takes whole ones"'
check "a field of the whole page gives no qrels" status 1 export_as -o words.qrels --rater ada --field words

# A second pass: one rater's later word is the one that counts.
cp -a hub again-hub && cp -a ada again-ada
quiet casepack -C again-hub assign --form grades --guideline policy --to ada --case plain.id --pass 2
quiet casepack -C again-hub pack --to ada -o out
quiet casepack -C again-ada open "$(ls out/*-to-ada-* | tail -1)"
quiet casepack -C again-ada rate plain.id grade@r1=2 grade@r2=1
mkdir again && quiet casepack -C again-ada return -o again
quiet casepack -C again-hub merge again
quiet casepack -C again-hub export -o again.qrels --rater ada
check "of two passes qrels have the later" equal "$(grep '^plain.id ' again.qrels | xargs)" 'plain.id 0 r1 2 plain.id 0 r2 1'
quiet casepack -C again-hub export -o again.csv --rater ada --field grade --no-times
check "and CSV has both" equal "$(grep '^plain.id,' again.csv | cut -d, -f7,11,13 | xargs)" 'r1,1,0 r2,1,2 r1,2,2 r2,2,1'

# A judgment whose assignment was withdrawn meanwhile: marked, and no part of qrels.
quiet casepack -C again-hub assign --form grades --guideline policy --to ada --case plain.id --pass 3
quiet casepack -C again-hub pack --to ada -o out
quiet casepack -C again-ada open "$(ls out/*-to-ada-* | tail -1)"
quiet casepack -C again-ada rate plain.id grade@r1=0 grade@r2=0
quiet casepack -C again-hub assign withdraw --from ada --pass 3
mkdir late && quiet casepack -C again-ada return -o late
quiet casepack -C again-hub merge late
quiet casepack -C again-hub export -o late.jsonl
check "what is late is marked, and nothing else" equal "$(jq -r 'select(.late) | .case + " " + .rater + " " + (.pass | tostring)' late.jsonl | sort | uniq -c | xargs)" '2 plain.id ada 3'
check "qrels leave it out, and say so" bash -c 'casepack -C again-hub export -o late.qrels --rater ada 2>&1 | grep -q "2 stale or late answers were left out"'
check "and keep what counted before" equal "$(grep '^plain.id ' late.qrels | xargs)" 'plain.id 0 r1 2 plain.id 0 r2 1'

# ---- git ----------------------------------------------------------------------------------------

quiet export_as --format git -o audit.bundle
check "git verifies the bundle" git -C hub/history.git bundle verify "$work/audit.bundle"
check "which needs nothing else" bash -c "git init -q empty && git -C empty bundle verify ../audit.bundle 2>&1 | grep -qi 'complete history'"
check "it holds main and a branch for each replica" equal \
	"$(git bundle list-heads audit.bundle | awk '{print $2}' | grep -v HEAD | sort)" \
	"$(git -C hub/history.git for-each-ref --format='%(refname)' refs/heads/main 'refs/heads/replica/*' | sort)"
quiet git clone -q audit.bundle clone
check "a clone of it has main checked out" bash -c '[ "$(git -C clone branch --show-current)" = main ] && ls clone/judgments/*/*.tsv >/dev/null'
check "and is sound" git -C clone fsck --strict
check "to standard output there is none" status 2 export_as --format git -o -
replica=$(git -C hub/history.git for-each-ref --format='%(refname:short)' 'refs/heads/replica/*' |
	while read -r b; do git -C hub/history.git log -1 --format='%an %D' "$b" | grep -q '^ada' && echo "$b"; done)
git -C hub/history.git log -p "$replica" >told 2>&1
check "git log -p in the hub's history reads a replica's changesets in words" bash -c \
	'! grep -q "Binary files" told && grep -q "grade" told && grep -q "+.*submitted" told'
check "with each answer that was given" bash -c '[ $(grep -cE "^\+ +grade of .*: [0-3]$" told) = 124 ]'
finish
