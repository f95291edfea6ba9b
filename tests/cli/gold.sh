# Gold answers and product metrics: what a lead does with them. What others may not see of them is blind.sh's.
. "$(dirname "$0")/lib.sh"

for who in lead bea ana ben acme; do quiet casepack key new $who; done
pub() { echo config/casepack/keys/$1.pub; }
hub() { casepack -C hub "$@"; }
quiet casepack -C hub init --project Gold --name Lead --key lead
quiet hub person add bea --role lead --hub --key "$(pub bea)"
for who in ana ben; do quiet hub person add $who --key "$(pub $who)"; done
quiet hub person add acme --role relay --key "$(pub acme)"
python3 - >cases.csv <<'PY'
print("id,query,doc,title,clicks,left")
for i in range(40):
    for d in "ab":
        print(f"q{i:02},query {i},d{i}={d},title {i}{d},0.{i:02}{d},{i}")
PY
map=id=id,query=query,result=doc,title=title

# ---- metrics -------------------------------------------------------------------------------------
check "a metric that is named twice is wrong usage" status 2 casepack -C hub import cases.csv --map $map,metric.ctr=clicks,metric.ctr=left
check "so is one without a name" status 2 casepack -C hub import cases.csv --map $map,metric.=clicks
check "a column of a metric must be there" status 1 casepack -C hub import cases.csv --map $map,metric.ctr=klicks
check "metrics are imported with their cases" status 0 casepack -C hub import cases.csv --map $map,metric.ctr=clicks,case-metric.left=left
check "and counted" says "80 results, 120 metrics"
check "of its results and of the case" equal "$(hub show q07 --json | jq -c '[.metrics[] | [.name, .result, .value]] | sort')" '[["ctr","d7=a","0.07a"],["ctr","d7=b","0.07b"],["left","","7"]]'
main=$(git -C hub/history.git rev-parse main)
sed -i 's/0.07a/0.99/' cases.csv
quiet hub import cases.csv --map $map,metric.ctr=clicks,case-metric.left=left
check "a metric is measured anew" equal "$(hub show q07 --json | jq -r '.metrics[] | select(.result == "d7=a") | .value')" 0.99
check "of which main has nothing" equal "$(git -C hub/history.git rev-parse main)" "$main"
printf 'id,query,doc,left\nq90,x,d1,1\nq90,x,d2,2\n' >bad.csv
check "rows of one case measure the same of it, or the row is named" status 1 casepack -C hub import bad.csv --map id=id,query=query,result=doc,case-metric.left=left
check "with its place" says 'bad.csv:3:4: an earlier row measured another value of the case than this: "2"'
printf '{"id":"q91","query":"x","left":3,"results":[{"id":"d1"}]}\n' >whole.jsonl
quiet hub import whole.jsonl --map id=id,query=query,metric.left=left
check "a case on one line is measured as a whole" equal "$(hub show q91 --json | jq -c '[.metrics[] | [.name, .result, .value]]')" '[["left","","3"]]'

# ---- gold answers -----------------------------------------------------------------------------------
quiet hub form add rel --preset relevance-0-3
check "gold is checked against the form" status 1 casepack -C hub gold set q01 grade@d1=a=9
check "and against the case" status 1 casepack -C hub gold set q01 grade@d2=a=1
check "a field of results needs one" status 1 casepack -C hub gold set q01 grade=1
check "what is no answer is wrong usage" status 2 casepack -C hub gold set q01 grade
check "one bad answer and none is kept" bash -c "casepack -C hub gold set q01 grade@d1=a=1 grade@d1=b=7; [ -z \"\$(casepack -C hub gold list)\" ]"
main=$(git -C hub/history.git for-each-ref)
check "gold is set, with a reason" status 0 casepack -C hub gold set q01 "grade@d1=a=3" "grade@d1=b=0" --reason "section 3.2"
check "the same again changes nothing" bash -c "casepack -C hub gold set q01 grade@d1=a=3 | grep -q already"
cat >gold.csv <<'CSV'
query,doc,grade,why
q02,d2=a,2,
q03,d3=a,1,because
q04,d4=a,0,
q05,d5=b,3,
CSV
check "a file needs the columns, or words for them" status 1 casepack -C hub gold import gold.csv
check "with which it is read" status 0 casepack -C hub gold import gold.csv --map case=query,result=doc,value=grade,reason=why --field grade
printf 'case,field,result,value\nq06,grade,d6=a,1\nq06,grade,d7=a,1\nnone,grade,d,1\nq06,grad,d6=a,1\n' >bad.csv
check "of a file with bad rows nothing is kept" status 1 casepack -C hub gold import bad.csv
check "and each is named" bash -c "grep -q 'bad.csv:3:1: ' .words && grep -q 'bad.csv:4:1: none: no such case here' .words && grep -q 'bad.csv:5:1: .*grad' .words && grep -q '3 bad rows' .words"
check "gold is listed" equal "$(hub gold list --json | jq -r '[.case, .result, .value, .reason] | join(" ")' | sort | tr '\n' ',')" \
	"q01 d1=a 3 section 3.2,q01 d1=b 0 section 3.2,q02 d2=a 2 ,q03 d3=a 1 because,q04 d4=a 0 ,q05 d5=b 3 ,"
check "a case shows its own" equal "$(hub show q01 --json |  jq -c '[.gold[] | [.result, .value]] | sort')" '[["d1=a","3"],["d1=b","0"]]'
check "an answer is withdrawn" status 0 casepack -C hub gold withdraw q01 "grade@d1=b"
check "so is all of a case" bash -c "casepack -C hub gold withdraw q04 | grep -q '1 gold answer withdrawn'"
check "what is not there cannot be" status 1 casepack -C hub gold withdraw q04 grade
check "and is set anew" bash -c "casepack -C hub gold set q04 grade@d4=a=0 && [ \$(casepack -C hub gold list --json | wc -l) = 5 ]"
check "of all that no public branch moved" equal "$(git -C hub/history.git for-each-ref)" "$main"
check "a segment of gold cases alone is warned of" bash -c "printf 'id,query,doc,seg\nseg1,x,d1,special\n' >seg.csv && casepack -C hub import seg.csv --map id=id,query=query,result=doc,segment=seg &&
	casepack -C hub gold set seg1 grade@d1=1 2>&1 | grep -q 'every case of segment special has gold' && casepack -C hub gold withdraw seg1"

# ---- giving them out ----------------------------------------------------------------------------------
check "a share of gold is given among the others" bash -c "casepack -C hub assign --form rel --to ana,ben --overlap 1 --gold 10 --json | tee given | jq -e '.gold == 4 and .seed == null' && jq -e '.made == 41' given" # 37 others in two shares, two of gold each
check "not alone: the same again gives nothing" bash -c "casepack -C hub assign --form rel --to ana,ben --overlap 1 --gold 10 --json | jq -e '.made == 0'"
check "a seed draws the same shares" bash -c "for i in 1 2; do rm -rf h\$i && cp -a hub h\$i && casepack -C h\$i assign --form rel --to ana --gold 10 --pass 3 --seed 5 &&
	sqlite3 h\$i/casepack.db 'SELECT position, hex(case_id) FROM assignments WHERE pass = 3 ORDER BY 1' >drawn\$i; done; cmp drawn1 drawn2 && [ -s drawn1 ]"
check "more than there is is said" bash -c "casepack -C h1 assign --form rel --to ben --gold 50 --pass 4 2>&1 | grep -q '1 person got less gold than that'"
mkdir out back hubs
quiet hub pack --all -o out
for who in ana ben; do
	quiet casepack -C $who open out/*-to-$who-* --key $who
	sqlite3 $who/casepack.db "SELECT name FROM cases c JOIN assignments a ON a.case_id = c.id ORDER BY position" | while read -r id; do
		[[ $id == q[0-3]? ]] || continue
		n=$((10#${id#q}))
		quiet casepack -C $who rate "$id" "grade@d$n=a=3" "grade@d$n=b=3"
	done
	quiet casepack -C $who return -o back
done
quiet hub merge back/*
check "raters are held against gold" bash -c "casepack -C hub gold report --json | python3 -c \"
import json, subprocess, sys
got = {(r['rater'], r['field']): (r['answered'], r['equal'], r['share']) for r in map(json.loads, sys.stdin)}
gold = {(g['case'], g['result']): g['value'] for g in map(json.loads, subprocess.run(['casepack', '-C', 'hub', 'gold', 'list', '--json'], stdout=subprocess.PIPE).stdout.splitlines())}
want = {}
for l in subprocess.run(['casepack', '-C', 'hub', 'export', '--format', 'jsonl', '-o', '-'], stdout=subprocess.PIPE).stdout.splitlines():
    l = json.loads(l)
    if (l['case'], l['result']) in gold:
        a, e = want.get(l['rater'], (0, 0))
        want[l['rater']] = a + 1, e + (gold[l['case'], l['result']] == l['value'])
want = {(w, f): (a, e, '%.3f' % (e / a)) for w, (a, e) in want.items() for f in ('all', 'grade')}
assert got == want and len(got) == 4, (got, want)\""

# ---- who may -------------------------------------------------------------------------------------------
check "a rater knows no gold" status 1 casepack -C ana gold list
check "and cannot set any" status 1 casepack -C ana gold set q01 "grade@d1=a=3"
quiet hub assign --form rel --to ana --pass 2 --case q09
quiet hub person add ana --relay acme
quiet hub pack --to acme -o out
quiet casepack -C acme open out/*-to-acme-0002* --key acme
check "nor does a relay" status 1 casepack -C acme gold report
quiet hub pack --to bea -o hubs
quiet casepack -C bea open hubs/*-to-bea-* --key bea
check "another lead's hub has it, by a hub bundle" same <(hub gold list) <(casepack -C bea gold list)
check "and the metrics" equal "$(casepack -C bea show q07 --json | jq -c .metrics)" "$(hub show q07 --json | jq -c .metrics)"
quiet casepack -C bea gold set q20 "grade@d20=a=2" --reason "bea's"
quiet casepack -C bea gold set q05 "grade@d5=b=0"
quiet casepack -C bea pack --to lead -o hubs
quiet hub merge hubs/*-to-lead-*
check "what she sets comes back" same <(hub gold list) <(casepack -C bea gold list)
check "of two answers the later one stands" equal "$(hub gold list --json | jq -r 'select(.case == "q05") | .value')" 0
check "the hub equals its replay" status 0 casepack -C hub verify
before=$(hub gold list)
quiet hub rebuild
check "gold is made again from history" equal "$(hub gold list)" "$before"

# ---- numbers of saves -------------------------------------------------------------------------------------
seals() { git -C hub/history.git log --format='%(trailers:key=Casepack-Outbox,valueonly)' "replica/$1" | grep . | sort -n | tr '\n' ' '; }
me=$(git -C hub/history.git for-each-ref --format='%(refname:lstrip=3)' refs/heads/replica | while read -r r; do [ "$(git -C hub/history.git log -1 --format=%an "replica/$r")" = lead ] && echo "$r"; done | head -1)
check "saves that others see are numbered as if there had been no others" bash -c "[ \"$(seals "$me")\" = \"\$(seq -s ' ' 1 $(seals "$me" | wc -w)) \" ]"
finish
