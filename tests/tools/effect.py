"""What `guideline effect --json` must say of revision REV, from two exports of labels alone.

    effect.py EFFECT BEFORE NOW REV

BEFORE was exported (jsonl) before anybody judged under REV, NOW is what stands; all revisions are in one line, so that
those from REV on grew from it."""
import collections, itertools, json, sys

effect = json.load(open(sys.argv[1]))
then, now = ([json.loads(line) for line in open(p, encoding="utf-8")] for p in sys.argv[2:4])
rev = int(sys.argv[4])
key = lambda r: (r["case"], r["rater"], r["pass"])
after = [r for r in now if r["guideline_revision"] >= rev]
changed = {key(r) for r in after} & {key(r) for r in then}
before = [r for r in now if r["guideline_revision"] < rev] + [r for r in then if key(r) in changed]
sides = {"before": before, "after": after}

def heads(rows):
    return list({key(r): r for r in rows}.values())

for name, rows in sides.items():
    got, h = effect[name], heads(rows)
    standing = heads([r for r in rows if name == "after" or key(r) not in changed])
    want = {"judgments": len(h), "raters": len({r["rater"] for r in h}), "cases": len({r["case"] for r in h}),
            "changed": len(changed) if name == "before" else 0,
            **{s: sum(r["state"] == s for r in h) for s in ("submitted", "skipped", "escalated", "withdrawn")},
            **{f: sum(r[f] for r in standing) for f in ("late", "in_conflict", "undecided")},
            "stale": sum(r["stale"] not in ("", "keep") for r in standing)}
    assert {k: got[k] for k in want} == want, (name, got, want)

def answers(rows, field):
    return [r for r in rows if r["field"] == field and r["state"] == "submitted" and not r["undecided"]]

def agreement(rows, field):
    latest = {}
    for r in heads(r for r in rows if not r["undecided"]):
        k = r["case"], r["rater"]
        latest[k] = max(latest.get(k, 0), r["pass"])
    items = collections.defaultdict(list)
    for r in answers(rows, field):
        if latest[r["case"], r["rater"]] == r["pass"]:
            items[r["case"], r["result"]].append(r["value"])
    items = [v for v in items.values() if len(v) > 1]
    two = [p for v in items for p in itertools.combinations(v, 2)]
    agreeing = sum(a == b for a, b in two)
    # alpha by its coincidence matrix, as the definition has it
    o = collections.Counter()
    for v in items:
        for a, b in itertools.permutations(range(len(v)), 2):
            o[v[a], v[b]] += 1 / (len(v) - 1)
    n_v = collections.Counter()
    for (a, _), x in o.items():
        n_v[a] += x
    n = sum(n_v.values())
    off = sum(x for (a, b), x in o.items() if a != b)
    expected = sum(n_v[a] * n_v[b] for a, b in itertools.permutations(n_v, 2))
    alpha = 1 - (n - 1) * off / expected if expected else None
    return {"items": len(items), "pairs": len(two), "agreeing": agreeing,
            "percent": 100 * agreeing / len(two) if two else None, "alpha": alpha}

def near(a, b):
    return a == b or (a is not None and b is not None and abs(a - b) < 1e-9)

def moves(field):
    out = collections.Counter()
    last = {}
    for name, rows in sides.items():
        for r in heads(r for r in rows if not r["undecided"]):
            k = name, r["case"], r["rater"]
            last[k] = max(last.get(k, 0), r["pass"])
    for (name, case, rater), top in last.items():
        b = [p for (n, c, w), p in last.items() if (n, c, w) == ("before", case, rater)]
        if name != "after" or not b or b[0] > top:
            continue
        said = lambda rows, p: {r["result"]: r["value"] for r in answers(rows, field)
                                if (r["case"], r["rater"], r["pass"]) == (case, rater, p)}
        x, y = said(before, b[0]), said(after, top)
        for result in x.keys() | y.keys():
            out[x.get(result), y.get(result)] += 1
    return out

fields = {f["field"]: f for f in effect["fields"]}
assert set(fields) == {r["field"] for r in before + after if r["field"]}, set(fields)
for name, f in fields.items():
    assert f["answers"] == {s: len(answers(rows, name)) for s, rows in sides.items()}, (name, f["answers"])
    if f["free_text"]:
        assert f["values"] == f["moves"] == [], name
        continue
    got = {v["value"]: (v["before"], v["after"]) for v in f["values"]}
    count = {s: collections.Counter(r["value"] for r in answers(rows, name)) for s, rows in sides.items()}
    want = {v: (count["before"][v], count["after"][v]) for v in count["before"] | count["after"]}
    assert got == want, (name, got, want)
    for s, rows in sides.items():
        a, w = f["agreement"][s], agreement(rows, name)
        assert all(near(a[k], w[k]) for k in w), (name, s, a, w)
    m = {(x["from"], x["to"]): x["n"] for x in f["moves"]}
    assert m == dict(moves(name)), (name, m, moves(name))
    assert f["same"] == sum(n for (a, b), n in m.items() if a == b) and f["moved"] == sum(n for (a, b), n in m.items() if a != b)
