#!/usr/bin/env python3
"""Runs seeds of the simulator and judges each by its properties.

    python3 run.py --sim build/plain/sim --seeds 1-300 [--jobs 2] [--keep DIR]
    python3 run.py --sim build/plain/sim --seeds 17 --shrink

Each seed is one process of `sim` in a folder in memory (/dev/shm where there is one).
Then: the model (model.py), one hash for every order of merging, a replay of git for
every workspace, the balance, every exported judgment, `git fsck --strict`. A seed that
fails is printed with what differs, and with the fewest steps that still make it fail.
"""
import argparse
import atexit
import collections
import itertools
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import model

Verdict = collections.namedtuple("Verdict", "seed found steps counts")


def sim(args, seed, folder, skip=()):
    line = [args.sim, "--seed", str(seed), "--dir", folder, "--bundles", args.bundles]
    if skip:
        line += ["--skip", ",".join(map(str, sorted(skip)))]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return ["hang: the run did not end within two minutes"]
    if done.returncode == 0:
        return []
    if done.returncode == 4:
        return done.stderr.strip().splitlines()
    kind = "refused" if done.returncode == 3 else "crash"
    return [f"{kind}: {done.stderr.strip()[-400:] or 'status %d' % done.returncode}"]


def fsck(folder):
    """The hubs, the mirror, relays, where hubs meet, and one of the others."""
    found = []
    devices = sorted(n for n in os.listdir(folder) if n[-1].isdigit() and n[:3] != "hub")
    for name in hubs_of(folder) + relays_of(folder) + ["."] + devices[:1]:
        for repo in "history.git", "private.git", "remote.git":
            path = os.path.join(folder, name, repo)
            if not os.path.isdir(path):
                continue
            done = subprocess.run(["git", "-C", path, "fsck", "--strict", "--no-progress"], capture_output=True, text=True)
            said = [l for l in (done.stdout + done.stderr).splitlines() if not l.startswith(("notice:", "dangling "))]
            if done.returncode or said:
                found.append(f"fsck: {name}/{repo}: " + "; ".join(said)[:300])
    return found


def pages(folder, name):
    """Main's files. Between a hub and its mirror conflicts and verdicts differ: they tell of receipts, too."""
    git = ["git", "-C", os.path.join(folder, name, "history.git"), "ls-tree", "main"]
    rows = subprocess.run(git, capture_output=True, text=True).stdout.splitlines()
    return {r.split("\t")[1]: r.split()[2] for r in rows}


def hubs_of(folder):
    return [n for n in ("hub", "hub2", "hub3", "mirror") if os.path.isdir(os.path.join(folder, n))]


def relays_of(folder):
    return [n for n in ("vela1", "wega1") if os.path.isdir(os.path.join(folder, n))]


def signed(folder):
    """What went through a relay to the first hub is signed by its author's own key still: git and ssh-keygen say so."""
    found = []
    for name in hubs_of(folder)[:1] if relays_of(folder) else []:
        git, trusted = ["git", "-C", os.path.join(folder, name, "history.git")], os.path.join(folder, "allowed_signers")
        with open(trusted, "w") as f:
            f.write(subprocess.run(git + ["show", "main:trust/allowed_signers"], capture_output=True, text=True).stdout)
        with open(trusted) as f:
            keys = {line.split()[0]: line.split()[3] for line in f}
        said = subprocess.run(git + ["-c", "gpg.ssh.allowedSignersFile=" + trusted, "log", "--format=%H %ce %G? %GS",
                                     "--branches=replica/*"], capture_output=True, text=True).stdout.splitlines()
        for oid, author, good, signer in (line.split(" ", 3) for line in said):
            if good != "G" or keys.get(signer) != keys[author]:
                found.append(f"signed: {name}: {oid:.12} by {author} is {good} by {signer}")
    return found


def same_pages(folder):
    hub, *others = [pages(folder, name) for name in hubs_of(folder)]
    return [f"main: {p} differs between two hubs that merged the same" for other in others
            for p in sorted(hub.keys() | other.keys()) if hub.get(p) != other.get(p)
            and (p not in ("conflicts", "verdicts") or "mirror" not in hubs_of(folder))]


def judge(args, folder):
    with open(os.path.join(folder, "log.jsonl")) as f:
        log = [json.loads(line) for line in f]
    with open(os.path.join(folder, "state.json")) as f:
        state = json.load(f)
    hub = state["places"]["hub"]
    counts = collections.Counter(op=len(log), replicas=len(state["places"]), edits=sum(b[1] for b in hub["balance"]), cuts=state["cuts"],
                                 revoked=sum(d[3] == "revoked" for d in hub["tables"]["devices"]), keys=sum(l["op"] == "new key" for l in log),
                                 refused=sum(q[0] == "refused" for q in hub["quarantine"]),
                                 rulings=sum(r[1] != "revoke" for r in hub["tables"]["rulings"]),
                                 conflicts=len({row[0] for row in hub["tables"]["conflicts"] if row[3]}),
                                 settled=len({row[0] for row in hub["tables"]["conflicts"] if not row[3]}),
                                 leads=len({(row[0], row[1]) for row in hub["tables"]["other conflicts"] if row[3]}
                                           | {(row[0], row[1]) for row in hub["tables"]["texts"]}))
    found = model.check(log, state) + same_pages(folder) + signed(folder) + fsck(folder)
    return found, sorted({l["step"] for l in log if l["step"] >= 0}), counts


def run(args, seed, skip=()):
    folder = tempfile.mkdtemp(prefix=f"{seed}-", dir=args.room)
    try:
        found, steps, counts = sim(args, seed, folder, skip), [], collections.Counter()
        if not found:
            found, steps, counts = judge(args, folder)
        elif os.path.exists(os.path.join(folder, "log.jsonl")):
            with open(os.path.join(folder, "log.jsonl")) as f:
                steps = sorted(set(map(int, re.findall(r'"step":(\d+)', f.read()))))
        if found and args.keep:
            shutil.copytree(folder, os.path.join(args.keep, str(seed)), dirs_exist_ok=True)
        return Verdict(seed, found, steps, counts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_property(verdict):
    """Failed, and not by a crash, a refusal or a hang."""
    return verdict.found and not kinds(verdict.found) & {"crash", "refused", "hang"}


def kinds(found):
    return {f.split(":")[0] for f in found}


def shrink(args, verdict):
    """Leave out steps while the same kind of failure remains: halves first, then smaller parts."""
    last = max(verdict.steps, default=0)
    everything, needed, size = set(range(last + 200)), list(verdict.steps), max(len(verdict.steps) // 2, 1)
    until = time.time() + args.patience
    while needed and time.time() < until:
        for at in range(0, len(needed), size):
            less = needed[:at] + needed[at + size:]
            again = run(args, verdict.seed, everything - set(less))
            if kinds(again.found) & kinds(verdict.found):
                needed, verdict = less, Verdict(verdict.seed, again.found, again.steps, again.counts)
                break
        else:
            if size == 1:
                break
            size = (size + 1) // 2
    return needed, verdict


def report(args, verdict):
    print(f"seed {verdict.seed} fails by {', '.join(sorted(kinds(verdict.found)))}:")
    for line in verdict.found[:12]:
        print("    " + line[:1000])
    if args.shrink:
        needed, small = shrink(args, verdict)
        keep = args.keep or tempfile.mkdtemp(prefix="casepack-sim-failed-")
        folder = os.path.join(keep, f"{verdict.seed}-small")
        shutil.rmtree(folder, ignore_errors=True)
        sim(args, verdict.seed, folder, set(range(max(verdict.steps, default=0) + 200)) - set(needed))
        print(f"    {len(needed)} of {len(verdict.steps)} steps are enough: {','.join(map(str, needed))}; they are in {folder}")
        for line in small.found[:6]:
            print("    " + line[:1000])
        with open(os.path.join(folder, "log.jsonl")) as f:
            for line in f.read().splitlines():
                print("        " + line[:300])
    sys.stdout.flush()


def seeds_of(text):
    if text.endswith("-"):
        return itertools.count(int(text[:-1]))
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def worker(job):
    return run(*job)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--sim", required=True)
    p.add_argument("--seeds", default="1-300", help="17, 1-300, or 1- without end")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--bundles", default="plain", help="or encrypted, which costs some time")
    p.add_argument("--keep", help="folder for the workspaces of seeds that fail")
    p.add_argument("--shrink", action="store_true")
    p.add_argument("--first", action="store_true", help="stop at the first seed by which a property fails")
    p.add_argument("--patience", type=float, default=120, help="seconds for shrinking one seed")
    args = p.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 30 else None
    args.room = tempfile.mkdtemp(prefix="casepack-sim-", dir=memory)
    atexit.register(shutil.rmtree, args.room, ignore_errors=True)
    args.keep = args.keep and os.path.abspath(args.keep)
    started, ran, failed, total = time.time(), 0, [], collections.Counter()
    with multiprocessing.Pool(args.jobs) as pool:
        for verdict in pool.imap_unordered(worker, ((args, s) for s in seeds_of(args.seeds))):
            ran, total = ran + 1, total + verdict.counts
            if verdict.found:
                failed.append(verdict)
                if is_property(verdict) or not args.first:
                    report(args, verdict)
                if args.first and is_property(verdict):
                    pool.terminate()
                    break
            if ran % 1000 == 0:
                print(f"{ran} seeds, {len(failed)} failed, {time.time() - started:.0f} s", flush=True)
    print(f"{ran} seeds: {len(failed)} failed; {total['op']} deeds in {total['replicas']} workspaces, {total['edits']} edits merged, "
          f"{total['conflicts']} judgments and {total['leads']} cells and texts of leads in conflict, {total['settled']} settled, "
          f"{total['revoked']} devices revoked, {total['keys']} keys replaced, {total['refused']} change commits refused, "
          f"{total['rulings']} rulings of leads about trust, {total['cuts']} power cuts; {time.time() - started:.0f} s")
    for kind, n in collections.Counter(k for v in failed for k in kinds(v.found)).items():
        print(f"    {n} by {kind}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
