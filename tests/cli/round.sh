# The whole round on real data: a lead, three raters who share nothing but bundle files, an auditor.
. "$(dirname "$0")/lib.sh"

raters="ada ben eve"
data=$samples/chorus/ratings.csv

# sheet COLUMN PART OF: the ratings of that column as case, field, result, value; part k of n, by case.
# With a fourth word "wrong" every value is another one than the file's.
sheet() {
	python3 - "$data" "$@" <<'PY'
import csv, sys
data, column, part, parts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
wrong = len(sys.argv) > 5
rows = list(csv.DictReader(open(data, encoding="utf-8", newline="")))
order = {q: n for n, q in enumerate(dict.fromkeys(r["query"] for r in rows))}
out = csv.writer(sys.stdout)
out.writerow(["case", "field", "result", "value"])
for r in rows:
    if order[r["query"]] % parts == part:
        v = (int(r[column]) + wrong) % 4
        out.writerow([r["query"], "grade", r["docid"], v])
PY
}

# ---- the lead sets up -------------------------------------------------------------------
for who in lead $raters; do quiet casepack key new $who; done
quiet casepack init hub --project "Chorus round" --name "Lena Lead" --key lead
n=0
for who in $raters; do
	n=$((n + 1))
	quiet casepack -C hub person add $who --name "Real Name $n" --locale en --vendor "vendor $n" --key config/casepack/keys/$who.pub
done
quiet casepack -C hub import "$data" --map query=query,result=docid,title=name,snippet=description --locale en-US
quiet casepack -C hub guideline add aup "$samples/guidelines/rev-0001.md"
for i in $(seq 2 37); do
	quiet casepack -C hub guideline revise aup "$(printf '%s/guidelines/rev-%04d.md' "$samples" "$i")" --revision editorial
done
check "37 revisions of a guideline are 37 commits that plain git follows" \
	equal "$(git -C hub/history.git log --format=%h main -- guidelines/aup.md | wc -l)" 37
git -C hub/history.git show main:guidelines/aup.md >aup.now
check "the guideline on main is the newest revision, byte for byte" cmp aup.now "$samples/guidelines/rev-0037.md"
quiet casepack -C hub form add relevance --preset relevance-0-3
quiet casepack -C hub assign --form relevance --guideline aup --shuffle --seed 11 --due 2027-01-31
mkdir out back
quiet casepack -C hub pack --all -o out
check "each rater gets one bundle" equal "$(ls out | wc -l)" 3

# ---- the raters judge, in several sittings --------------------------------------------------
column=0
for who in $raters; do
	column=$((column + 1))
	agent=agent_${column}_rating
	quiet casepack -C $who open out/*-$who-*.casepack.age --key $who
	for part in 0 1 2; do
		sheet $agent $part 3 >$who-$part.csv
		if [ $part = 1 ]; then # some are changed, and changed back
			sheet $agent $part 3 wrong >$who-wrong.csv
			quiet casepack -C $who rate --from $who-wrong.csv
		fi
		quiet casepack -C $who rate --from $who-$part.csv
		quiet casepack -C $who return -o back
	done
	check "$who sealed three sittings as three signed change commits" equal \
		"$(git -C $who/history.git rev-list --count --all --branches='replica/*' --not --branches='outbound/*')" 3
done

# ---- what returns: shuffled, one twice, one cut short, one with a flipped bit ---------------------
ls back/*.casepack.age | shuf --random-source=<(yes 7) >order
first=$(head -1 order)
head -c 3000 "$first" >cut.casepack
python3 - "$first" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 2] ^= 4
open("flipped.casepack", "wb").write(b)
PY
before=$(casepack -C hub status --hash; git -C hub/history.git for-each-ref)
check "a bundle cut short is refused with status 4" status 4 casepack -C hub merge cut.casepack
check "a bundle with a flipped bit is refused with status 4" status 4 casepack -C hub merge flipped.casepack
check "a refused bundle leaves no trace" equal "$(casepack -C hub status --hash; git -C hub/history.git for-each-ref)" "$before"
cp -a hub hub2
check "bundles merge in any order, one of them twice" status 0 casepack -C hub merge $(cat order) "$first"
after=$(git -C hub/history.git rev-parse main)
check "merging everything again is no news" status 0 casepack -C hub merge $(sort order)
check "and writes nothing" equal "$(git -C hub/history.git rev-parse main)" "$after"
quiet casepack -C hub2 merge $(sort order)
check "another order gives the same canonical hash" equal "$(casepack -C hub2 status --hash)" "$(casepack -C hub status --hash)"

# ---- the labels ------------------------------------------------------------------------------------
quiet casepack -C hub export --format csv -o labels.csv
cat >compare.py <<'PY'
import csv, sys
want = {}
for r in csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")):
    for n, who in enumerate(["ada", "ben", "eve"], 1):
        want[r["query"], r["docid"], who] = r[f"agent_{n}_rating"]
got = {}
for r in csv.DictReader(open(sys.argv[2], encoding="utf-8", newline="")):
    if r["field"] == "grade":
        got[r["case"], r["result"], r["rater"]] = r["value"]
assert len(want) == 9564, len(want)
assert got == want, [k for k in want if got.get(k) != want[k]][:5]
PY
check "the export equals the file's three columns in all 9,564 cells" python3 compare.py "$data" labels.csv

# ---- the auditor, with plain git ----------------------------------------------------------------------
quiet casepack -C hub export --format git -o audit.bundle
quiet git clone -q audit.bundle clone
check "git fsck --strict is clean on the auditor's clone" git -C clone fsck --strict
quiet git -C clone config gpg.ssh.allowedSignersFile trust/allowed_signers
cat >signatures.sh <<'SH'
cd clone || exit 1
for c in $(git rev-list --all --remotes); do
	git verify-commit "$c" 2>/dev/null || { echo "$c does not verify"; exit 1; }
	[ "$(git log -1 --format=%GS "$c")" = "$(git log -1 --format=%ce "$c")" ] || { echo "$c: signer is not committer"; exit 1; }
done
SH
check "every commit verifies, and its signer is its committer" bash signatures.sh
cat >story.py <<'PY'
import csv, glob, json, subprocess, sys
want = {}
for r in csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")):
    for n, who in enumerate(["ada", "ben", "eve"], 1):
        want.setdefault((who, r["docid"]), []).append(r[f"agent_{n}_rating"])
got = {}
for path in glob.glob("clone/judgments/*/*.tsv"):
    for line in open(path, encoding="utf-8"):
        who, _, field, result, value = line.rstrip("\n").split("\t")
        if field == "grade":
            got.setdefault((who, result), []).append(value)
assert {k: sorted(v) for k, v in got.items()} == {k: sorted(v) for k, v in want.items()}
PY
check "the auditor's clone tells the same story" python3 story.py "$data"
page=$(cd clone && ls judgments/*/*.tsv | head -1)
check "the lines of a page are sorted: by rater, pass, field and result" bash -c 'for f in clone/judgments/*/*.tsv; do
	LC_ALL=C sort -s -t"	" -k1,1 -k2,2n -c $f && grep -v "	\[" $f | LC_ALL=C sort -t"	" -k1,1 -k2,2n -k3,3 -k4,4 -c || exit 1; done'
check "git blame credits each line to the rater who gave it" bash -c "git -C clone blame --line-porcelain -- $page |
	awk '/^author /{a=\$2} /^\t/{split(substr(\$0,2),f,\"\t\"); if (f[1]!=a) exit 1; n++} END{exit n==0}'"
check "no query text, title or real name is in the history" bash -c "! git -C clone log --all -p | grep -aqE 'bluetooth speaker|samsung|Roller Coaster|Real Name'"

# ---- rebuilt from git alone ---------------------------------------------------------------------------------
quiet casepack -C hub pack --all -o "$(mktemp -d)" # seals what the hub itself noted: that labels were exported
hash=$(casepack -C hub status --hash)
check "verify replays the history and agrees" status 0 casepack -C hub verify
rm -f hub/casepack.db*
check "a lost database is rebuilt from git" status 0 casepack -C hub rebuild --key lead
check "and has the same canonical hash" equal "$(casepack -C hub status --hash)" "$hash"
quiet casepack -C hub export --format csv -o again.csv
check "and exports the same labels" same labels.csv again.csv

# ---- acknowledgements ------------------------------------------------------------------------------------------
quiet casepack -C hub pack --all -o out
for who in $raters; do quiet casepack -C $who open out/*-$who-0002.casepack.age; done
check "what the hub has confirmed is not owed any more" bash -c "casepack -C ada return -o back && [ \$(ls back/*-ada-* | wc -l) = 3 ]"
finish
