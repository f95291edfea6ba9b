#!/usr/bin/env python3
"""Real people who disagree with themselves, on two devices each: what must be a fork, and nothing else.

    forks.py DRIVER [--whole] [--keep]

Takes samples/adultcontent2 (all of it, or the judgments of the forks and of 500 equal pairs), lets DRIVER play it, and
compares what the hubs then hold with what follows from the data alone. Ids are derived anew as sync/history.md says, and
which device made a change commit is asked of git. Prints a line "ok" or "not ok" for each property.
"""
import argparse
import base64
import collections
import gzip
import hashlib
import io
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples/adultcontent2/judgments.tsv.gz"
EQUAL_PAIRS = 500
FATES = ("exported", "standing", "equal", "superseded", "overruled", "in conflict", "quarantined", "waiting")
failures = 0


def check(sentence, wrong):
    """wrong: what speaks against it, empty when nothing does."""
    global failures
    wrong = [str(w) for w in wrong]
    print(f"{'not ok' if wrong else 'ok'} - {sentence}")
    for w in wrong[:10]:
        print(f"#   {w[:200]}")
    failures += bool(wrong)


def differences(got, want):
    """Of two dicts or sets: what is missing, what is too much, what is otherwise."""
    for key in sorted(set(want) - set(got), key=str):
        yield f"{key}: missing"
    for key in sorted(set(got) - set(want), key=str):
        yield f"{key}: too much"
    if isinstance(want, dict):
        for key in sorted(set(want) & set(got), key=str):
            if got[key] != want[key]:
                yield f"{key}: got {got[key]}, want {want[key]}"


# ---- what follows from the data --------------------------------------------------------------------

def read_rows():
    with gzip.open(SAMPLE, "rt", encoding="ascii") as f:
        return [tuple(line.rstrip("\n").split("\t")) for line in f]


def in_pairs(rows):
    """The labels that each worker gave each item, in order."""
    pairs = collections.defaultdict(list)
    for worker, item, label in rows:
        pairs[worker, item].append(label)
    return pairs


def is_twice(labels):
    return len(labels) > 1


def is_fork(labels):
    return len(set(labels)) > 1


def small(rows):
    """All judgments of the pairs that disagree, and of the first that agree."""
    pairs = in_pairs(rows)
    kept = {p for p, labels in pairs.items() if is_fork(labels)}
    kept |= set([p for p, labels in pairs.items() if is_twice(labels) and not is_fork(labels)][:EQUAL_PAIRS])
    return [r for r in rows if r[:2] in kept]


def edits_of(labels):
    """What a device records: saying again what stands on it already is no edit."""
    return [label for i, label in enumerate(labels) if i == 0 or labels[i - 1] != label]


class Expected:
    def __init__(self, rows):
        self.pairs = in_pairs(rows)
        self.workers = {w for w, _ in self.pairs}
        self.forks = {p for p, labels in self.pairs.items() if is_fork(labels)}
        self.stands = {p: labels[-1] for p, labels in self.pairs.items()}  # the latest, and device 2 comes later
        self.balance = {(w, d): collections.Counter({f: 0 for f in FATES}) for w in self.workers for d in (1, 2)}
        for (worker, item), labels in self.pairs.items():
            self.count(worker, edits_of(labels[:1]), edits_of(labels[1:]), (worker, item) in self.forks)

    def count(self, worker, first, second, forked):
        """Of each device the last edit is a leaf. Equal leaves all stand; of different ones the later."""
        for device, edits in ((1, first), (2, second)):
            if not edits:
                continue
            b = self.balance[worker, device]
            b["exported"] += len(edits)
            b["superseded"] += len(edits) - 1
            b["in conflict" if forked and device == 1 else "standing"] += 1


# ---- ids, as sync/history.md derives them -------------------------------------------------------------

def derived(*parts):
    h = hashlib.blake2b(digest_size=32)
    for part in parts:
        h.update(len(part).to_bytes(8, "big") + part)
    return h.digest()[:16]


class Ids:
    def __init__(self, work, expected):
        project = bytes.fromhex(json.loads(git(work / "hub", "show", "main:project.json"))["id"])
        persons = {w: derived(b"person", project, b"w" + w.encode()) for w in expected.workers}
        cases = {i: derived(b"case", project, b"item-" + i.encode()) for i in {i for _, i in expected.pairs}}
        self.pair_of = {derived(b"assignment", cases[i], persons[w], (1).to_bytes(8, "big")).hex(): (w, i)
                        for w, i in expected.pairs}
        self.device_of = {derived(b"replica", project, public_key(work / f"keys/w{w}-{d}.pub")).hex(): (w, d)
                          for w in expected.workers for d in (1, 2)}


def public_key(path):
    return base64.b64decode(path.read_text().split()[1])[-32:]


def git(hub, *words, text=True):
    return subprocess.run(["git", "-C", str(hub / "history.git"), *words], check=True, stdout=subprocess.PIPE, text=text).stdout


# ---- what a hub holds ------------------------------------------------------------------------------------

class Hub:
    """One copy of the hub, after all was merged in one order."""

    def __init__(self, work, order):
        self.path, self.order = work / order, order
        self.conflicts = table(work / f"{order}.conflicts")
        self.labels = table(work / f"{order}.labels")
        self.balance = table(work / f"{order}.balance")
        self.facts = dict(table(work / f"{order}.facts"))

    def committers(self):
        """Which replica made a change commit: git knows."""
        lines = git(self.path, "log", "--branches=replica/*", "--format=%H %ce").splitlines()
        return {oid: address.split("@")[0] for oid, address in (line.split() for line in lines)}

    def judgments_on_main(self):
        archive = tarfile.open(fileobj=io.BytesIO(git(self.path, "archive", "main", "judgments", text=False)))
        for member in archive:
            if member.isfile():
                for line in archive.extractfile(member).read().decode().splitlines():
                    yield pathlib.PurePosixPath(member.name).stem, line.split("\t")


def table(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def check_taking(hub, expected):
    edits = sum(b["exported"] for b in expected.balance.values())
    want = {"edits": edits, "refused": 0, "waiting": 0, "conflicts": len(expected.forks)}
    check(f"{hub.order}: all {edits} edits are taken in, none is refused or waits",
          differences({k: int(hub.facts[k]) for k in want}, want))


def check_forks(hub, expected, ids):
    found = {ids.pair_of.get(doc, doc) for _, _, doc, *_ in hub.conflicts}
    other = [c for c in hub.conflicts if (c[0], c[1], c[3]) != ("fork", "judgments", "")]
    check(f"{hub.order}: the {len(expected.forks)} pairs that disagree are forks, and nothing else is a conflict",
          list(differences(found, expected.forks)) + other)


def check_candidates(hub, expected, ids):
    """Two of each: the first label from device 1, the last from device 2, which stands."""
    committers, got = hub.committers(), collections.defaultdict(set)
    for _, _, doc, _, who, oid, stands, value in hub.conflicts:
        worker, item = ids.pair_of.get(doc, ("?", doc))
        said = {name: v for name, v in json.loads(value).items() if "@" in name}
        device = ids.device_of.get(committers.get(oid), ("?", oid))
        got[worker, item].add((who, device, json.dumps(said), stands == "1"))
    want = {}
    for worker, item in expected.forks:
        labels = expected.pairs[worker, item]
        want[worker, item] = {("w" + worker, (worker, d), json.dumps({f"explicit@site-{item}": label}), d == 2)
                              for d, label in ((1, labels[0]), (2, labels[-1]))}
    wrong = list(differences(got, want))
    if len(hub.conflicts) != 2 * len(expected.forks):
        wrong.append(f"{len(hub.conflicts)} candidates")
    check(f"{hub.order}: each has two candidates, with the values and devices of the data, and the later stands", wrong)


def check_balance(hub, expected, ids):
    got, wrong = {}, []
    for replica, who, *numbers in hub.balance:
        exported, *fates = map(int, numbers)
        if exported != sum(fates):
            wrong.append(f"{who}: exported {exported}, fates add up to {sum(fates)}")
        if who != "lead":
            got[ids.device_of.get(replica, replica)] = {f: n for f, n in zip(FATES, map(int, numbers))}
    want = {key: dict(b) for key, b in expected.balance.items() if b["exported"] > 0}
    agree = sum(is_twice(labels) for labels in expected.pairs.values()) - len(expected.forks)
    check(f"{hub.order}: the balance is that of the data on each device; both of the {agree} equal pairs stand",
          wrong + list(differences(got, want)))


def check_labels(hub, expected):
    want = {("w" + w, f"item-{i}", f"site-{i}", "1", "submitted", "explicit", label, str(int((w, i) in expected.forks)))
            for (w, i), label in expected.stands.items()}
    wrong = list(differences(set(map(tuple, hub.labels)), want))
    if len(hub.labels) != len(expected.pairs):
        wrong.append(f"{len(hub.labels)} labels for {len(expected.pairs)} pairs")
    check(f"{hub.order}: the labels have one line for each of the {len(expected.pairs)} pairs, and mark the forks", wrong)


def check_main(hub, expected):
    got = collections.defaultdict(list)
    for case, (rater, _, field, result, value) in hub.judgments_on_main():
        if not field.startswith("["):
            got[rater, case].append((field, result, value))
    want = {("w" + w, f"item-{i}"): [("explicit", f"site-{i}", label)] for (w, i), label in expected.stands.items()}
    wrong = list(differences(got, want))
    files = git(hub.path, "grep", "-lP", "^judgments\t\tfork\topen\t", "main", "--", "conflicts/").split()
    if len(files) != len(expected.forks):
        wrong.append(f"{len(files)} files of conflicts")
    check(f"{hub.order}: main has the same answers for git to read, and a file for each fork", wrong)


def check_hub(hub, expected, ids):
    check_taking(hub, expected)
    check_forks(hub, expected, ids)
    check_candidates(hub, expected, ids)
    check_balance(hub, expected, ids)
    check_labels(hub, expected)
    check_main(hub, expected)
    check(f"{hub.order}: replayed from git it is the same", differences({hub.facts["replayed"]}, {hub.facts["hash"]}))


def check_orders(hubs):
    names = ", ".join(h.order for h in hubs)
    check(f"the state is the same in each order ({names})", list({h.facts["hash"] for h in hubs})[1:])
    trees = {git(h.path, "rev-parse", "main:judgments", "main:conflicts") for h in hubs}
    check("and so are the answers and conflicts on main", list(trees)[1:])


# ---- the run ------------------------------------------------------------------------------------------------

def play(driver, rows, work, orders):
    data = work / "judgments.tsv"
    data.write_text("".join("\t".join(r) + "\n" for r in rows))
    env = dict(os.environ, HOME=str(work), XDG_CONFIG_HOME="/dev/null", GIT_CONFIG_NOSYSTEM="1") # no tokens: copies are twins
    env.pop("CASEPACK_PASSPHRASE", None)
    ended = subprocess.run([driver, data, work, *orders], env=env).returncode
    if ended != 0:
        sys.exit(f"not ok - the driver ended with {ended}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"# processor {used.ru_utime + used.ru_stime:.1f} s, peak memory {used.ru_maxrss / 1024:.0f} MiB", flush=True)


def check_data(rows, whole):
    """The figures that the source's users know."""
    pairs = in_pairs(rows)
    twice = [labels for labels in pairs.values() if is_twice(labels)]
    forks = sum(map(is_fork, twice))
    if whole:
        got = (len(rows), len({r[0] for r in rows}), len({r[1] for r in rows}), len(twice), forks)
        check(f"the data are {got[0]} judgments by {got[1]} workers on {got[2]} items, {got[3]} pairs judged twice, {forks} differently",
              [] if got == (92721, 825, 11040, 2918, 149) else [got])
    else:
        check(f"the sample has {forks} forks and {len(twice) - forks} equal pairs",
              [] if (forks, len(twice) - forks) == (149, EQUAL_PAIRS) else [len(pairs)])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("driver")
    p.add_argument("--whole", action="store_true", help="all 92,721 judgments, in two orders")
    p.add_argument("--keep", action="store_true", help="leave the folder and say where it is")
    args = p.parse_args()
    rows = read_rows() if args.whole else small(read_rows())
    orders = ["sent", "backwards"] if args.whole else ["sent", "backwards", "shuffled"]
    work = pathlib.Path(tempfile.mkdtemp(prefix="casepack-forks."))
    try:
        check_data(rows, args.whole)
        play(pathlib.Path(args.driver).resolve(), rows, work, orders)
        expected = Expected(rows)
        ids = Ids(work, expected)
        hubs = [Hub(work, order) for order in orders]
        for hub in hubs:
            check_hub(hub, expected, ids)
        check_orders(hubs)
    finally:
        if args.keep:
            print(f"# kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    sys.exit(failures > 0)


main()
