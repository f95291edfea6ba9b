#!/usr/bin/env python3
"""Make each alteration of the table in a copy of a workspace of the world that fixture.sh made, and ask `casepack verify`.

    play.py WORLD CASEPACK [PATTERN]     only those whose name holds PATTERN
    play.py WORLD CASEPACK --every N     one of N
    play.py WORLD CASEPACK [...] --remembered    each behind a `verify` that found nothing and remembers it
    play.py WORLD CASEPACK --list        the table: name, workspace, what is wanted, places
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import traceback

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "adversary"))

import alter_bytes
import alter_files
import alter_git
import alter_rows
from readings import NOTED, Reader
from workspace import Workspace
from table import ALTERATIONS

SECONDS = 60 # longer is a hang
LINES = 14   # of what was said are shown


DEVICES = ("acme", "anna", "anna2", "ben", "cem", "dan") # whose history is small, and read anew each time


class Wrong(Exception):
    pass


def want(holds, *words):
    if not holds:
        lines = " ".join(str(w) for w in words).split("\n")
        raise Wrong("\n".join(line[:300] for line in lines[:LINES]) + ("\n..." if len(lines) > LINES else ""))


def files(folder):
    """Every file by content, but for SQLite's side files where they hold nothing, and what `verify` remembers; folders and links by name."""
    out = {}
    for at, folders, names in os.walk(folder):
        for name in set(folders + names) - {"verified.db"}:
            path = os.path.join(at, name)
            if os.path.islink(path):
                out[path] = "link to " + os.readlink(path)
            elif os.path.isfile(path):
                if not name.endswith("-shm") and (not name.endswith("-wal") or os.path.getsize(path) > 0):
                    with open(path, "rb") as f:
                        out[path] = hashlib.sha256(f.read()).hexdigest()
            else:
                out[path] = "other"
    return out


class Stage:
    def __init__(self, folder, casepack, remembers):
        self.folder, self.casepack, self.remembers = folder, casepack, remembers
        self.outside = f"{folder}/config/casepack/workspaces" # where it remembers
        self.copy, self.ready = f"{folder}/copy-{os.getpid()}", f"{folder}/ready-{os.getpid()}"
        for path in (self.copy, self.ready):
            os.makedirs(path, exist_ok=True)
        self.second = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples", "audit", "verify.py")
        self.honest, self.readers = {}, {}
        self.harmless = 0

    def take(self, at):
        """A copy of that workspace, always in the same folder: a folder that is copied notices that, once, when it is opened."""
        ready = f"{self.ready}/{at}"
        if self.remembers:
            self.take_remembered(at, ready)
        elif not os.path.isdir(ready):
            self.fill(f"{self.folder}/{at}")
            self.run("-C", self.copy, "status")
            subprocess.run(["cp", "-a", self.copy, ready], check=True)
        self.fill(ready)
        return Workspace(self.folder, at, self.copy, self.run)

    def take_remembered(self, at, ready):
        """Where it stands itself: a copy has a token, and remembers, of its own."""
        self.copy = f"{self.folder}/{at}"
        if not os.path.isdir(ready):
            want(self.run("-C", self.copy, "verify")[0] == 0, "the honest one does not verify")
            want(os.path.exists(f"{self.copy}/verified.db") or at in DEVICES, "nothing is remembered")
            for source, to in ((self.copy, ready), (self.outside, ready + ".outside")):
                subprocess.run(["cp", "-a", source, to], check=True)
        shutil.rmtree(self.outside)
        subprocess.run(["cp", "-a", ready + ".outside", self.outside], check=True)

    def fill(self, source):
        for name in os.listdir(self.copy):
            path = f"{self.copy}/{name}"
            os.remove(path) if os.path.islink(path) or os.path.isfile(path) else shutil.rmtree(path)
        subprocess.run(["cp", "-a", "--reflink=auto", f"{source}/.", self.copy], check=True)

    def run(self, *words):
        try:
            p = subprocess.run([self.casepack, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
                               cwd=self.folder)
        except subprocess.TimeoutExpired:
            raise Wrong(f"hangs: {SECONDS} s")
        return p.returncode, (p.stdout + p.stderr).decode(errors="replace")

    def reader(self, at):
        """What the honest workspace reads like, once for each."""
        if at not in self.honest:
            site = self.take(at)
            cases = [r[0] for r in site.ask("SELECT name FROM cases ORDER BY name")]
            texts = [r[0].hex() for r in site.ask("SELECT id FROM guideline_revisions ORDER BY id")]
            self.readers[at] = Reader(self.casepack, self.copy, cases, texts)
            self.honest[at] = self.readers[at].read()
        return self.readers[at]

    def differs(self, at):
        """Which readings say something else than before."""
        reader = self.reader_ready(at)
        now = reader.read()
        return [k for k, v in self.honest[at].items() if now.get(k) != v]

    def reader_ready(self, at):
        if at in self.readers:
            return self.readers[at]
        kept = self.copy + ".kept"
        shutil.rmtree(kept, ignore_errors=True)
        subprocess.run(["cp", "-a", self.copy, kept], check=True)
        self.reader(at)
        self.fill(kept)
        return self.readers[at]

    @staticmethod
    def names(said, places):
        holds = lambda line, p: any(x in line for x in p) if isinstance(p, (set, frozenset)) else p in line
        return any(all(holds(line, p) for p in places) for line in said.split("\n"))

    def play(self, a):
        site = self.take(a.at)
        places = a.places + tuple(a.make(site) or ())
        if hasattr(site, "asks"): # a file that is no part of a workspace
            return self.about_a_file(a, site, places)
        before = files(self.copy)
        status, said = self.run("-C", self.copy, *getattr(site, "verify", ["verify"]))
        self.said, self.status = said, status
        after = files(self.copy)
        changed = {k[len(self.copy) + 1:] for k in after.keys() | before.keys() if after.get(k) != before.get(k)}
        want(changed <= getattr(site, "may_write", set()), "verify changed", sorted(changed), said)
        want(status in (0, 3, 4), f"exit {status}:", said)
        want(all(c.isprintable() or c in "\n\t" for c in said), "control characters:", repr(said))
        self.judge(a, status, said, places)
        if a.second is not None:
            self.ask_second(a)

    def judge(self, a, status, said, places):
        if a.wants == "found" or a.wants == "unknowable" and self.remembers: # what it remembers is a checkpoint
            want(status == 4, f"exit {status}, not 4:", said, *([] if status else ["reads otherwise:", *self.differs(a.at)]))
        if a.wants == "honest":
            want(status == 0, f"exit {status}:", said)
        if a.wants == "unknowable" and not self.remembers:
            want(status == 0, f"exit {status}, though all of it was signed:", said)
            want("not excluded: " in said, "does not say what it cannot exclude:", said)
            status, said = self.run("-C", self.copy, "verify", "--against", f"{self.folder}/checkpoint")
            self.said += said
            want(status == 4, f"against the checkpoint exit {status}:", said)
        if a.wants in ("found", "unknowable") or a.wants == "told" or a.wants == "either" and status == 4:
            want(self.names(said, places), "does not name", places, ":", said)
        if a.wants == "noted" and status != 4:
            otherwise = set(self.differs(a.at)) - NOTED
            want(status == 0 and not otherwise, f"exit {status}, reads otherwise:", *otherwise, said)
            self.note = " # a note of this workspace's own"
        if a.wants in ("either", "same", "honest") and status != 4:
            otherwise = self.differs(a.at)
            want(not otherwise, "is not found, but reads otherwise:", *otherwise)
            self.harmless += 1
            self.note = " # harmless: everything reads as before"

    def about_a_file(self, a, site, places):
        for words in site.asks:
            before = files(self.copy)
            status, said = self.run(*words)
            self.said, self.status = said, status
            want(files(self.copy) == before, "changed the workspace:", said)
            want(status == 4, " ".join(words), f"exit {status}, not 4:", said)
            want(self.names(said, places), "does not name", places, ":", said)

    def ask_second(self, a):
        p = subprocess.run([sys.executable, self.second, f"{self.copy}/history.git"], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=4 * SECONDS)
        want(p.returncode == a.second, f"the second verifier ends with {p.returncode}, not {a.second}:", (p.stdout + p.stderr).decode())


def main(folder, casepack, *words):
    if words == ("--list",):
        for a in ALTERATIONS:
            print("\t".join((a.name, a.at, a.wants, " ".join(str(p) for p in a.places))))
        return 0
    remembers = "--remembered" in words # run.sh makes the world with tokens then
    said = [w for w in words if w != "--remembered"]
    pattern, every = (said + ["", "1"][len(said):])[:2]
    stage, bad, n = Stage(folder, casepack, remembers), 0, 0
    chosen = [a for a in ALTERATIONS if not (remembers and a.at in ("earlier", "forged")) and re.search(pattern if pattern != "--every" else "", a.name)]
    for a in chosen[::int(every)]:
        stage.said, stage.note, n = "", "", n + 1
        try:
            stage.play(a)
            print(f"ok - {a.name}{stage.note}", flush=True)
            if os.environ.get("TAMPER_SHOW"):
                print("    " + stage.said.replace("\n", "\n    "))
        except Exception as e:
            bad += 1
            print(f"not ok - {a.name}\n#   " + (str(e) if isinstance(e, Wrong) else traceback.format_exc()).replace("\n", "\n#   "), flush=True)
    print(f"# {n} alterations: {n - bad - stage.harmless} found or told, {stage.harmless} harmless, {bad} wrong")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
