# `diff A B`: what differs between two points of history. Judged by python over the pages that real git gives of both.
. "$(dirname "$0")/lib.sh"

for who in lead ada1 ada2 ben; do quiet casepack key new $who; done
quiet casepack -C hub init --project Diff --name Lead --key lead
quiet casepack -C hub person add ada --key config/casepack/keys/ada1.pub
quiet casepack -C hub person add ada --key config/casepack/keys/ada2.pub
quiet casepack -C hub person add ben --key config/casepack/keys/ben.pub
{ echo id,query,result,title; for i in 1 2 3 4 5 6 7 8; do printf 'q%s,query %s,d1,one\nq%s,query %s,d=2,two\n' $i $i $i $i; done; } >cases.csv
printf 'id,query,result,title\n"odd, one",odd query,d1,one\n' >odd.csv
quiet casepack -C hub import cases.csv
quiet casepack -C hub import odd.csv
printf '# Policy\n\nRed shoes are shoes.\nHats are hats.\n' >policy.md
quiet casepack -C hub guideline add policy policy.md
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --guideline policy --to ada,ben
mkdir out back
hub() { casepack -C hub "$@"; }
main() { git -C hub/history.git rev-parse main; }
hand_out ben
a=$(main)
for i in 1 2 3 4 5; do quiet casepack -C one rate q$i grade@d1=$((i % 4)) grade@d=2=1 --note "note $i	tab"; done
quiet casepack -C one rate 'odd, one' grade@d1=3
quiet casepack -C ben rate q1 grade@d1=3 grade@d=2=0
quiet casepack -C ben rate q2 --skip --note 'does not load'
for w in one ben; do quiet casepack -C $w return -o back; done
quiet hub merge back/*
b=$(main)
quiet casepack -C one rate q1 grade@d1=0 grade@d=2=1
quiet casepack -C two rate q2 grade@d1=1 grade@d=2=3
for w in one two; do quiet casepack -C $w return -o back; done
status 3 hub merge back/* >/dev/null
printf '# Policy\n\nRed shoes are boots.\nHats are hats.\n' >new.md
quiet hub guideline revise policy new.md --revision breaking
quiet hub adjudicate q3 grade@d1=2 --cause policy --reason 'a "hat"'
quiet hub assign withdraw --case q8 --from ben
quiet hub assign withdraw --case q1 --from ada --judged
quiet hub person add cem --locale fr
c=$(main)

cat >judge.py <<'P'
# The answers, facts, final answers and assignments that differ, as git's two trees have them.
import json, subprocess, sys
a, b, told = sys.argv[1], sys.argv[2], [json.loads(l) for l in open(sys.argv[3])]
def git(*w): return subprocess.run(["git", "-C", "hub/history.git", *w], check=True, capture_output=True, text=True).stdout
external = {json.loads(git("show", f"{b}:{p}"))["name"]: None for p in git("ls-tree", "-r", "--name-only", b, "cases").split("\n") if p}
keys = {}
for p in git("ls-tree", "-r", "--name-only", b, "cases").split("\n"):
    if p: o = json.loads(git("show", f"{b}:{p}")); keys[o["id"]] = o["name"]
def pages(commit, folder):
    for p in git("ls-tree", "-r", "--name-only", commit, folder).split("\n"):
        if p: yield p.rsplit("/", 1)[1].rsplit(".", 1)[0], [l.split("\t") for l in git("show", f"{commit}:{p}").split("\n") if l]
def untsv(t): return t.replace("\\t", "\t")
names = {"~": "odd, one"}
def case(n): n = keys.get(n, n); return "odd, one" if n.startswith("~") else n
def result(n): return "d=2" if n.startswith("~") else n
def judgments(commit):
    return {("judgment", case(n), l[0], int(l[1]), l[2].strip("[]"), result(l[3])): untsv(l[4]) for n, ls in pages(commit, "judgments") for l in ls if l[2] != "[stale]"}
def stales(commit):
    return {("stale", case(n), l[0], int(l[1]), l[3], ""): l[4] for n, ls in pages(commit, "judgments") for l in ls if l[2] == "[stale]"}
def finals(commit):
    return {("final", case(n), "", 0, l[0], result(l[1])): l[2] for n, ls in pages(commit, "adjudications") for l in ls}
def assignments(commit):
    return {("assignment", case(l[1]), n, int(l[2]), column, ""): l[i] for n, ls in pages(commit, "assignments") for l in ls[1:]
            for i, column in enumerate(ls[0]) if i not in (1, 2) and l[i]}
want = {}
for f in (judgments, finals, assignments, stales):
    x, y = f(a), f(b)
    want.update({k: (x.get(k), y.get(k)) for k in x.keys() | y.keys() if x.get(k) != y.get(k)})
got = {(d["what"], d["case"], d["who"], d["pass"], d["subject"] if d["what"] == "stale" else d["name"], d["result"]): (d["was"], d["now"])
       for d in told if d["what"] in ("judgment", "final", "assignment", "stale")}
assert got == want, (sorted(got.items() ^ want.items(), key=str))
assert len(want) >= int(sys.argv[4]), len(want)
s = told[-1]
assert s["what"] == "summary" and s["from"] == a and s["to"] == b
answers = [k for k in want if k[0] == "judgment" and "d" in k[5]]
assert s["answer"] == {"new": sum(want[k][0] is None for k in answers), "gone": sum(want[k][1] is None for k in answers),
                       "changed": sum(None not in want[k] for k in answers)}, s
def docs(x): return {k[:4] for k in x}
x, y = judgments(a), judgments(b)
assert s["judgment"]["new"] == len(docs(y) - docs(x)) and s["judgment"]["gone"] == len(docs(x) - docs(y)), s
assert s["judgment"]["changed"] == len({k[:4] for k in want if k[0] == "judgment"} & docs(x) & docs(y)), s
P
among() { jq -s -e "any(.[]; $1)" told; } # is there such a difference?
told() { hub diff "$@" --json >told 2>words; }
check "every answer, final answer and assignment that git's trees tell apart, and no other" bash -c "casepack -C hub diff $a $b --json >told && python3 judge.py $a $b told 20"
check "of the next step" bash -c "casepack -C hub diff $b $c --json >told && python3 judge.py $b $c told 6"
check "of both together" bash -c "casepack -C hub diff $a $c --json >told && python3 judge.py $a $c told 20"
check "backwards" bash -c "casepack -C hub diff $c $a --json >told && python3 judge.py $c $a told 20"
check "from the beginning" bash -c "casepack -C hub diff now~1000 2>&1 | grep -q 'has only' ; r=$(git -C hub/history.git rev-list --max-parents=0 main); casepack -C hub diff \$r $c --json >told && python3 judge.py \$r $c told 60"
told "$b" "$c"
check "a conflict that opened" among '.what == "conflict" and .case == "q2" and .who == "ada" and .was == null and .now == "open"'
check "a withdrawn assignment" among '.what == "assignment" and .case == "q8" and .who == "ben" and .was == "given" and .now == "withdrawn"'
check "a person who is new" among '.what == "device" and .who == "cem" and .name == "locales" and .now == "fr"'
check "judgments that became stale" bash -c 'jq -s -e "[.[] | select(.what == \"stale\" and .now == \"open\" and .subject == \"policy revision 2\")] | length == 8" told'
jq -j 'select(.what == "guideline").diff' told >text.diff
git -C hub/history.git show "$b:guidelines/policy.md" >was.md
check "a guideline's diff is one that patch takes to the other text" bash -c "patch -s was.md text.diff && git -C hub/history.git show $c:guidelines/policy.md | cmp - was.md"
check "and the same as guideline diff shows" bash -c "diff <(casepack -C hub guideline diff policy | tail -n +3) text.diff"
check "B left out is now" bash -c "casepack -C hub diff $a >x && casepack -C hub diff $a $c >y && cmp x y"
check "nothing differs from itself" bash -c "[ -z \"\$(casepack -C hub diff $c 2>/dev/null)\" ]"
check "words name case, rater, field and result" bash -c "casepack -C hub diff $b $c | grep -qx 'judgment q1, ada: grade@d1: 1 -> 0'"
check "and why a lead decided" bash -c "casepack -C hub diff $b $c | grep -qx 'final q3: grade@d1 = 2  (lead, policy: a \"hat\")'"
check "--stat says only how many" bash -c "casepack -C hub diff $b $c --stat | head -1 | grep -q '^WHAT .*NEW .*CHANGED .*GONE' && casepack -C hub diff $b $c --stat >x && casepack -C hub diff $b $c | sed -n '/^WHAT/,\$p' >y && cmp x y"
check "what a change commit changed" bash -c "casepack -C hub diff $c~ $c --json | jq -s -e 'any(.[]; .what == \"device\" and .who == \"cem\")'"
check "both points are on main" bash -c "! casepack -C hub diff $a 2020-01-01 2>w && grep -q 'history begins later' w"
check "a rater's workspace has no points" status 1 casepack -C ben diff now
check "one point at least" status 2 casepack -C hub diff

# ---- names that begin alike -------------------------------------------------------------------------
cp -a hub many
python3 - >commits <<'P'
for i in range(1500): print(f"commit refs/heads/junk\ncommitter a <a@b.invalid> {i + 1} +0000\ndata 2\nx\n")
P
quiet git -C many/history.git fast-import --quiet <commits
git -C many/history.git fast-import --quiet <commits
alike=$(git -C many/history.git rev-list --all | cut -c1-4 | sort | uniq -d | head -1)
check "digits with which several commits begin are refused, and two of them named" bash -c "! casepack -C many diff $alike 2>w && grep -q '^casepack: $alike: several commits begin so, $alike[0-9a-f]* and $alike' w"
check "a commit that main does not reach is no point" bash -c "! casepack -C many diff \$(git -C many/history.git rev-parse junk) 2>w && grep -q 'is a commit that main does not reach' w"
check "where blobs begin like a commit of main, the commit is meant" bash -c '
	m=$(git -C many/history.git rev-parse main)
	for i in $(seq 1 40000); do echo "blob"; echo "data <<E"; echo $i; echo E; done | git -C many/history.git fast-import --quiet
	casepack -C many diff ${m:0:5}~ ${m:0:5} --json | jq -s -e "any(.[]; .what == \"device\")" >/dev/null'
finish
