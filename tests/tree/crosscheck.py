#!/usr/bin/env python3
"""Compares sync/tree.h with a second, plain statement of the same rules.

Random histories are evaluated by the driver and by the functions below, which are
written for reading, not for speed, and share nothing with the C code.

    python3 crosscheck.py --driver build/plain/tests/tree/driver --runs 300 --seed 1
"""
import argparse
import hashlib
import random
import subprocess
import sys

POLICIES = ("latest", "severest", "review")


class Edit:
    """One edit. writes: column -> (value, severity), where a value is the text of it."""

    def __init__(self, rev, parents, writes, replica, clock, resolve=False, far=False, name=None):
        self.rev, self.parents, self.writes = rev, tuple(parents), dict(writes)
        self.replica, self.clock, self.resolve, self.far = replica, clock, resolve, far
        said = repr((rev, self.parents, sorted((c, v) for c, (v, _) in self.writes.items())))
        self.hash = name or hashlib.blake2b(said.encode(), digest_size=32).hexdigest()

    def key(self):
        return self.rev, self.hash

    def copy(self, **changes):
        fields = dict(rev=self.rev, parents=self.parents, writes=self.writes, replica=self.replica,
                      clock=self.clock, resolve=self.resolve, far=self.far, name=self.hash)
        if {"rev", "parents", "writes"} & changes.keys():
            fields["name"] = None
        return Edit(**{**fields, **changes})


# ---- the rules ---------------------------------------------------------------------------

class History:
    """The edits of one document. Edits are named by key: (rev, hash)."""

    def __init__(self, given):
        self.first, self.edit = {}, {}      # key -> the copy it goes by; key -> folded edit
        for key in {e.key() for e in given}:
            copies = [(e.replica, e.clock, i) for i, e in enumerate(given) if e.key() == key]
            self.first[key] = min(copies)[2]
            these = [given[i] for _, _, i in copies]
            self.edit[key] = given[self.first[key]].copy(
                replica=min(e.replica for e in these), clock=min(e.clock for e in these),
                far=any(e.far for e in these), resolve=any(e.resolve for e in these))
        self.memo, self.asked = {}, set()
        self.counting = {k for k in self.edit if self.before(k) is not None}

    def twins(self, rev):
        return sorted(k for k in self.edit if k[0] == rev)

    def before(self, key):
        """All that the author of an edit knew; None while something of it is missing."""
        if key in self.memo:
            return self.memo[key]
        if key in self.asked:
            return None                     # it comes back to itself: a ring
        self.asked.add(key)
        answer = set()
        for rev in self.edit[key].parents:
            named = self.twins(rev)
            pasts = [self.before(k) for k in named]
            if not named or None in pasts:
                answer = None
                break
            answer.update(named, *pasts)
        self.memo[key] = answer
        return answer

    def leaves(self):
        return {k for k in self.counting if not any(k in self.before(d) for d in self.counting)}

    def content(self, key):
        """column -> (value, severity, key of the edit that wrote it)."""
        parents = self.edit[key].parents
        below = self.content(self.twins(parents[0])[0]) if parents else {}
        return {**below, **{c: (*w, key) for c, w in self.edit[key].writes.items()}}


class Question:
    """What is decided at once. said: key -> what it says, of all that take part."""

    def __init__(self, history, said, policy):
        self.h, self.said, self.policy, self.memo = history, said, policy, {}

    def replaced_by(self, w):
        """What the write w replaces."""
        if w not in self.memo:
            knew = self.unreplaced({k for k in self.h.before(w) if k in self.said})
            edit = self.h.edit[w]
            if len({self.said[k] for k in knew}) > 1 and self.policy != "latest" and not edit.resolve:
                knew = {k for k in knew if edit.parents == (k[0],)}
            self.memo[w] = knew
        return self.memo[w]

    def unreplaced(self, among):
        return {k for k in among if not any(k in self.replaced_by(w) for w in among)}

    def heads(self):
        return self.unreplaced(set(self.said))

    def overruled(self):
        """Lost to a lead's resolve that chose between several values."""
        lost = set()
        for w in self.said:
            gone = self.replaced_by(w)
            if self.h.edit[w].resolve and len({self.said[k] for k in gone}) > 1:
                lost |= {k for k in gone if self.said[k] != self.said[w]}
        return lost

    def choose(self, heads, severity):
        """(shown, stands or None, the candidates)."""
        def rank(k):
            e = self.h.edit[k]
            return e.clock, e.replica, k
        if len({self.said[k] for k in heads}) == 1:
            top = max(heads, key=rank)
            return top, top, set()
        if self.policy == "severest":
            top = max(heads, key=lambda k: (severity(k), rank(k)))
        else:
            top = max(heads, key=rank)
        undecided = self.policy == "review" or (
            self.policy == "latest" and any(self.h.edit[k].far for k in heads))
        return top, None if undecided else top, heads


def fates_of(history, given, standing, candidates, overruled):
    fates = []
    for i, e in enumerate(given):
        k = e.key()
        if history.first[k] != i:
            fates.append("E")
        elif k not in history.counting:
            fates.append("W")
        else:
            fates.append("S" if k in standing else "C" if k in candidates
                         else "O" if k in overruled else "U")
    return "".join(fates)


def common(history, given, shown):
    first = [shown[0]] if shown else []
    revs = first + sorted({k[0] for k in history.leaves()} - set(first))
    forged = "".join(str(int(len(history.twins(e.rev)) > 1)) for e in given)
    return revs, forged


def by_columns(given, policy_of):
    h = History(given)
    columns, standing, candidates, overruled = {}, set(), set(), set()
    for c in sorted({c for k in h.counting for c in h.edit[k].writes}):
        writes = {k: h.edit[k].writes[c] for k in h.counting if c in h.edit[k].writes}
        q = Question(h, {k: w[0] for k, w in writes.items()}, policy_of(c))
        heads = q.heads()
        shown, stands, open_ = q.choose(heads, lambda k: writes[k][1])
        columns[c] = (writes[shown][0], shown, stands, sorted(open_))
        standing |= {stands} if open_ else heads
        candidates |= open_
        overruled |= q.overruled()
    standing |= {k for k in h.leaves() if not h.edit[k].writes}
    revs, forged = common(h, given, None)
    return dict(revs=revs, columns=columns, whole=None, forged=forged,
                fates=fates_of(h, given, standing, candidates, overruled))


def as_whole(given, policy, settlement=None):
    h = History(given)
    if not h.counting:
        return dict(revs=[], columns={}, whole=(None, None, []), fates=fates_of(h, given, (), (), ()),
                    forged=common(h, given, None)[1])
    q = Question(h, {k: tuple(sorted((c, w[0]) for c, w in h.content(k).items())) for k in h.counting},
                 policy)
    heads, overruled = q.heads(), q.overruled()
    if settlement and settlement["stands"] in settlement["weighed"]:
        weighed = {k for k in h.counting if k[0] in settlement["weighed"]}
        chosen = {k for k in weighed if k[0] == settlement["stands"]}
        if chosen:
            seen = weighed.union(*(h.before(k) for k in weighed))
            new = {k for k in heads if k not in seen}
            overruled |= heads & seen
            outgrown = policy == "latest" and any(h.before(k) & chosen for k in new)
            heads = new if outgrown else new | chosen
    shown, stands, open_ = q.choose(
        heads, lambda k: max([0] + [w[1] for w in h.content(k).values()]))
    columns = {c: (v, k, k if stands else None, []) for c, (v, _, k) in h.content(shown).items()}
    standing = {stands} if open_ else heads
    revs, forged = common(h, given, shown)
    return dict(revs=revs, columns=columns, whole=(shown, stands, sorted(open_)), forged=forged,
                fates=fates_of(h, given, standing, open_, overruled))


def knew(given, of, revs):
    h = History(given)
    past = h.before(given[of].key())
    return past is not None and any(k[0] in revs for k in past | {given[of].key()})


# ---- random histories --------------------------------------------------------------------

VALUES = ("i:0", "i:1", "r:1", "t:31", "b:31", "n:", "t:", "b:", "i:-7", "r:0.5", "t:3131")


class Writers:
    """Several writers of one document, who exchange parts of what they hold."""

    def __init__(self, rng, is_whole):
        self.rng, self.is_whole, self.step = rng, is_whole, 0
        self.names = [self.bytes(16) for _ in range(rng.randint(1, 5))]
        self.held = {n: [] for n in self.names}
        self.all = []
        self.columns = rng.sample(["x", "y", "h", "state", "h\0a", "h\0b", ""], rng.randint(1, 4))
        if rng.random() < .08:
            self.columns = [f"wide{i}" for i in range(rng.randint(20, 70))]
        self.values = rng.sample(VALUES, rng.randint(2, 4))
        self.harm = {v: rng.randint(0, 2) for v in self.values}

    def bytes(self, n):
        return self.rng.randbytes(n).hex()

    def leaves(self, edits):
        """Of a set that may lack parents: revs that no edit in it names."""
        named = {r for e in edits for r in e.parents}
        return sorted({e.rev for e in edits} - named)

    def writes(self):
        rng = self.rng
        most = min(len(self.columns), rng.choice([3, 3, 70]))
        chosen = rng.sample(self.columns, rng.randint(0 if rng.random() < .1 else 1, most))
        return {c: self.value() for c in chosen}

    def value(self):
        v = self.rng.choice(self.values)
        return v, self.harm[v] + (self.rng.random() < .1)

    def write(self, name):
        rng, mine = self.rng, self.held[name]
        parents = self.leaves(mine)
        rng.shuffle(parents)                # the first is what the row showed
        if len(parents) > 1 and rng.random() < .2:
            parents = parents[:-1]          # somebody who knew less than it held
        elif mine and rng.random() < .05:
            parents = [rng.choice(mine).rev]
        if mine and rng.random() < .08:     # two who knew the same say the same
            return self.add(name, self.again(rng.choice(mine), name))
        resolve = not self.is_whole and len(parents) > 1 and rng.random() < .4
        writes = self.writes()
        if resolve:
            writes = {c: writes.get(c) or self.value() for c in self.columns}
        self.add(name, Edit(self.bytes(8), parents, writes, name, self.clock(), resolve, rng.random() < .04))

    def again(self, e, name):
        writes = {c: (v, s + (self.rng.random() < .1)) for c, (v, s) in e.writes.items()}
        return e.copy(rev=self.bytes(8), writes=writes, replica=name, clock=self.clock())

    def add(self, name, e):
        self.held[name].append(e)
        self.all.append(e)

    def clock(self):
        self.step += 1
        return self.step + self.rng.choice([0, 0, 0, -9, 9, -1])

    def exchange(self, name):
        other = self.held[self.rng.choice(self.names)]
        some = self.rng.sample(other, self.rng.randint(0, len(other)))
        self.held[name] += [e for e in some if e not in self.held[name]]

    def forge(self, edits):
        """Twins, rings, copies, orphans and edits that name one rev twice."""
        rng, more = self.rng, []
        for e in rng.sample(edits, min(len(edits), rng.choice([0, 0, 1, 2]))):
            other = rng.choice([e, rng.choice(edits)])
            more.append(e.copy(writes=self.writes(), replica=rng.choice(self.names), clock=e.clock + 1,
                               parents=[r for r in other.parents if r != e.rev]))
        if rng.random() < .15:
            a, b = rng.choice(edits), self.bytes(8)
            more += [Edit(b, [a.rev], self.writes(), a.replica, 1), a.copy(parents=[b])]
        if rng.random() < .05:
            rev = self.bytes(8)
            more.append(Edit(rev, [rev], self.writes(), rng.choice(self.names), 1))
        if rng.random() < .1:
            a = rng.choice(edits)
            more.append(Edit(self.bytes(8), [a.rev, a.rev], self.writes(), a.replica, a.clock))
        edits = edits + more
        likely = edits + 4 * [e for e in edits if e.resolve]
        for e in rng.sample(likely, min(len(likely), rng.choice([0, 0, 1, 3, 9]))):
            edits.append(e.copy(replica=rng.choice(self.names), clock=e.clock + rng.choice([-3, 0, 0, 5]),
                                far=rng.random() < .1, resolve=e.resolve and rng.random() < .5))
        return edits

    def history(self, steps):
        rng = self.rng
        for _ in range(steps):
            name = rng.choice(self.names)
            if self.all and rng.random() < .4:
                self.exchange(name)
            else:
                self.write(name)
        edits = self.all or [Edit(self.bytes(8), [], self.writes(), self.names[0], 1)]
        if rng.random() < .6:
            edits = self.forge(edits)
        if rng.random() < .2:
            edits = rng.sample(edits, rng.randint(0, len(edits)))
        return rng.sample(edits, len(edits))


def random_settlement(rng, edits):
    """What a lead who held some of the edits decided, or something odd."""
    if not edits or rng.random() < .4:
        return None
    part = [e for e in edits if rng.random() < rng.choice([.5, .9, 1])] or edits
    named = {r for e in part for r in e.parents}
    weighed = sorted({e.rev for e in part} - named) or [edits[0].rev]
    if rng.random() < .15:
        weighed = sorted({rng.choice(edits).rev for _ in range(3)})
    stands = rng.choice(weighed) if rng.random() < .9 else rng.choice(edits).rev
    return dict(weighed=weighed, stands=stands)


class Document:
    def __init__(self, rng, is_whole, steps):
        self.is_whole = is_whole
        self.edits = Writers(rng, is_whole).history(steps)
        self.policy = rng.choice(POLICIES)
        columns = {c for e in self.edits for c in e.writes}
        self.policies = {c: rng.choice(POLICIES) for c in sorted(columns) if rng.random() < .6}
        self.settlement = random_settlement(rng, self.edits) if is_whole else None
        revs = sorted({e.rev for e in self.edits})
        self.asked = rng.randrange(len(self.edits)) if self.edits else 0
        self.revs = rng.sample(revs, min(len(revs), rng.randint(0, 2)))

    def expected(self):
        if self.is_whole:
            state = as_whole(self.edits, self.policy, self.settlement)
        else:
            state = by_columns(self.edits, lambda c: self.policies.get(c, self.policy))
        state["knew"] = bool(self.edits) and knew(self.edits, self.asked, self.revs)
        return state

    def shuffled(self, rng):
        """Order of the edits, as places in self.edits; copies that a tie leaves equal keep theirs."""
        order = rng.sample(range(len(self.edits)), len(self.edits))
        tied = {}
        for i in sorted(order):
            e = self.edits[i]
            tied.setdefault((e.key(), e.replica, e.clock), []).append(i)
        return [tied[self.edits[i].key(), self.edits[i].replica, self.edits[i].clock].pop(0) for i in order]


# ---- the driver --------------------------------------------------------------------------

def joined(words):
    return ",".join(words) or "-"


def to_lines(doc, order):
    yield f"doc {'whole' if doc.is_whole else 'columns'} {doc.policy}"
    for c, p in doc.policies.items():
        yield f"policy {c.encode().hex()} {p}"
    if doc.settlement:
        yield f"settle {doc.settlement['stands']} {joined(doc.settlement['weighed'])}"
    if doc.edits:
        yield f"knew {order.index(doc.asked)} {joined(doc.revs)}"
    for e in (doc.edits[i] for i in order):
        writes = joined(f"{c.encode().hex()}={v}:{s}" for c, (v, s) in sorted(e.writes.items()))
        flags = "-" + "r" * e.resolve + "f" * e.far
        yield f"edit {e.rev} {e.replica} {e.clock} {flags} {e.hash} {joined(e.parents)} {writes}"
    yield "end"


def from_lines(lines, doc, order):
    """The driver's answer for one document, in the words of expected()."""
    given = [doc.edits[i] for i in order]
    goes_by = {}

    def key(index):
        if int(index) < 0:
            return None
        goes_by[given[int(index)].key()] = order[int(index)]
        return given[int(index)].key()

    def verdict(shown, stands, conflict, candidates):
        keys = [] if candidates == "-" else [key(i) for i in candidates.split(",")]
        assert (conflict == "1") == bool(keys), "a conflict is where candidates are"
        return key(shown), key(stands), keys

    def back(text):
        return "".join(c for _, c in sorted(zip(order, text)))

    state = dict(columns={}, whole=None)
    for line in lines:
        kind, *rest = line.split(" ")
        if kind == "revs":
            state["revs"] = [] if rest[0] == "-" else rest[0].split(",")
        elif kind == "column":
            name = bytes.fromhex(rest[0]).decode()
            assert all(name > c for c in state["columns"]), "columns are sorted"
            state["columns"][name] = (rest[1], *verdict(*rest[2:]))
        elif kind == "whole":
            state["whole"] = verdict(*rest)
        elif kind == "knew":
            state["knew"] = rest[0] == "1"
        else:
            state[kind] = back(rest[0])
    first = History(doc.edits).first
    assert all(first[k] == i for k, i in goes_by.items()), "an edit goes by another of its copies"
    return state


def documents_of(seed, run):
    rng = random.Random(f"{seed}/{run}")
    size = rng.choice([4, 8, 15, 15, 25, 40, 80])
    return rng, [Document(rng, is_whole, rng.randint(1, size)) for is_whole in (True, False)]


def check(driver, seed, runs):
    """Counts of edits, conflicts and settlements, each history in two orders; exits where one differs."""
    cases, lines = [], []
    for run in runs:
        rng, docs = documents_of(seed, run)
        for doc in docs:
            for order in (doc.shuffled(rng), doc.shuffled(rng)):
                cases.append((run, doc, order))
                lines += to_lines(doc, order)
    done = subprocess.run([driver], input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"crosscheck: seed {seed}, runs {runs[0]} to {runs[-1]}: {driver} ended with "
                 f"{done.returncode}: {done.stderr.strip()}")
    answers = done.stdout.split("end\n")[:-1]
    if len(answers) != len(cases):
        sys.exit(f"crosscheck: seed {seed}: {len(cases)} documents asked, {len(answers)} answered")
    total, wanted = [0, 0, 0], (None, None)
    for (run, doc, order), answer in zip(cases, answers):
        if wanted[0] is not doc:
            wanted = doc, doc.expected()
            total = [t + x for t, x in zip(total, (len(doc.edits), is_open(wanted[1]), bool(doc.settlement)))]
        compare(seed, run, doc, wanted[1], from_lines(answer.splitlines(), doc, order))
    return total


def is_open(state):
    return any(c[3] for c in state["columns"].values()) or bool(state["whole"] and state["whole"][2])


def compare(seed, run, doc, want, got):
    for what in want:
        if want[what] != got.get(what):
            print("\n".join(to_lines(doc, range(len(doc.edits)))), file=sys.stderr)
            sys.exit(f"crosscheck: seed {seed} run {run}, "
                     f"{'a judgment' if doc.is_whole else 'by columns'}: {what}\n"
                     f"  wanted {want[what]}\n  got    {got.get(what)}\n"
                     f"again: crosscheck.py --seed {seed} --only {run}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--driver", default="build/plain/tests/tree/driver")
    p.add_argument("--runs", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", type=int, help="this run alone")
    a = p.parse_args()
    runs = list(range(a.runs)) if a.only is None else [a.only]
    total = [0, 0, 0]
    for at in range(0, len(runs), 500):
        total = [t + x for t, x in zip(total, check(a.driver, a.seed, runs[at:at + 500]))]
    print("tree: {} documents from seed {}, {} edits, {} in conflict, {} settled: all as the plain rules say"
          .format(2 * len(runs), a.seed, *total))


if __name__ == "__main__":
    main()
