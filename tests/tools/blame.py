"""What `casepack guideline blame` says of every revision of a guideline, held against git.

    blame.py WORKSPACE NAME [SHARE]

The revisions become commits of one file in a git repository, with the same parents in the same order; `git blame
--minimal` is asked of each. Two shortest diffs may pair lines differently (mostly empty lines, which are all alike), and
each tool may take another one; and some diffs that git calls minimal are not the shortest. So for every line the revisions
are worked out that some choice of shortest diffs leads to, by counting alone. casepack must name one of them, always. git
must, too, or one that its own diff leads to where that is longer. Where there is one choice all three are the same: at
least SHARE percent (75 unless said) of all lines are so."""
import json, os, re, subprocess, sys, tempfile

def casepack(*words):
    return subprocess.run(["casepack", "-C", sys.argv[1], *words], check=True, capture_output=True).stdout

def rows(*words):
    return [json.loads(line) for line in casepack("--json", "guideline", *words).splitlines()]

def lines_of(body):
    parts = body.split(b"\n")
    return [p + b"\n" for p in parts[:-1]] + ([parts[-1]] if parts[-1] else [])

def pairs(a, b):
    """For each line of b: the lines of a that it is in some shortest diff, and whether it is new in some."""
    n, m = len(a), len(b)
    front = [[0] * (m + 1) for _ in range(n + 1)]
    back = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n):
        for j in range(m):
            front[i + 1][j + 1] = front[i][j] + 1 if a[i] == b[j] else max(front[i][j + 1], front[i + 1][j])
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            back[i][j] = back[i + 1][j + 1] + 1 if a[i] == b[j] else max(back[i + 1][j], back[i][j + 1])
    most = front[n][m]
    return [([i for i in range(n) if a[i] == b[j] and front[i][j] + 1 + back[i + 1][j + 1] == most],
             any(front[i][j] + back[i][j + 1] == most for i in range(n + 1))) for j in range(m)]

def git_pairs(diff, n):
    """The same of one diff by git, read from its hunks."""
    new, hunks, out = [False] * n, [], []
    for m in re.finditer(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", diff, re.M):
        old_n, new_at, new_n = (int(g) if g is not None else 1 for g in m.groups()[1:])
        begin = new_at - 1 if new_n else new_at
        new[begin:begin + new_n] = [True] * new_n
        hunks.append((begin + new_n, old_n - new_n))
    for j in range(n):
        delta = sum(d for end, d in hunks if end <= j)
        out.append(([], True) if new[j] else ([j + delta], False))
    return out

def credits(own, n, twin, steps, may):
    """Of each line of a revision: to which ones these choices lead."""
    result = []
    for j in range(n):
        credit, passes = set(may[twin][j]) if twin is not None else set(), twin is None
        for p, step in steps:
            if passes:
                for i in step[j][0]:
                    credit |= may[p][i]
                passes = step[j][1]
        result.append(credit | ({own} if passes else set()))
    return result

def main():
    name, share = sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 75
    log = rows("log", name)
    bodies = {r["id"]: casepack("guideline", "show", name, "--rev", r["id"]) for r in log}
    texts = {i: lines_of(b) for i, b in bodies.items()}
    parents = {r["id"]: [p["id"] for p in r["parents"]] for r in log}
    folder = tempfile.mkdtemp(dir=".")
    def git(*words, data=None):
        date = f"{1500000000 + 60 * len(commit)} +0000"
        env = dict(os.environ, GIT_AUTHOR_NAME="x", GIT_AUTHOR_EMAIL="x@x", GIT_COMMITTER_NAME="x", GIT_COMMITTER_EMAIL="x@x",
                   GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        return subprocess.run(["git", "-C", folder, *words], input=data, check=True, capture_output=True, env=env).stdout
    commit = {}
    git("init", "-q")
    for r in log:
        blob = git("hash-object", "-w", "--no-filters", "--stdin", data=bodies[r["id"]]).decode().strip()
        tree = git("mktree", data=f"100644 blob {blob}\ttext\n".encode()).decode().strip()
        above = [w for p in parents[r["id"]] for w in ("-p", commit[p])]
        commit[r["id"]] = git("commit-tree", "-m", r["id"], *above, tree).decode().strip()
    revision = {c: i for i, c in commit.items()}

    may, may_git = {}, {}  # of each revision, for each line, the revisions that may have brought it in
    for r in log:
        own = r["id"]
        twin = next((p for p in parents[own] if bodies[p] == bodies[own]), None)
        steps = [(p, pairs(texts[p], texts[own])) for p in parents[own]] if twin is None else []
        may[own] = credits(own, len(texts[own]), twin, steps, may)
        for n, (p, step) in enumerate(steps):
            its = git_pairs(git("diff", "--minimal", "-U0", commit[p], commit[own], "--", "text"), len(texts[own]))
            steps[n] = (p, [(a + [i for i in b if i not in a], x or y) for (a, x), (b, y) in zip(step, its)])
        may_git[own] = credits(own, len(texts[own]), twin, steps, may_git)

    total = sure = differs = wrong = 0
    for r in log:
        own = r["id"]
        ours = rows("blame", name, "--rev", own)
        assert [o["line"] for o in ours] == list(range(1, len(texts[own]) + 1)), own
        assert [o["text"].encode() for o in ours] == [t[:-1] if t.endswith(b"\n") else t for t in texts[own]], own
        out = git("blame", "--minimal", "--line-porcelain", commit[own], "--", "text").split(b"\n")
        theirs = [revision[w.split()[0].decode()] for w in out if len(w.split()) in (3, 4) and len(w.split()[0]) == 40
                  and w.split()[0].decode() in revision]
        assert len(theirs) == len(ours), (own, len(theirs), len(ours))
        for j, (o, t) in enumerate(zip(ours, theirs)):
            total += 1
            sure += len(may_git[own][j] | may[own][j]) == 1
            differs += o["id"] != t
            if o["id"] not in may[own][j] or t not in may_git[own][j]:
                wrong += 1
                print(f"revision {r['number']} line {j + 1}: casepack {o['number']}, git {t[:8]}, may {may[own][j]}")
    print(f"{len(log)} revisions, {total} lines, {sure} of them sure; {differs} credited to another one than git's")
    assert total > 0 and wrong == 0 and 100 * sure >= share * total, (wrong, sure, total)

main()
