#!/usr/bin/env python3
"""Play the table of attacks in the world that fixture.sh made, and print ok or not ok for each.

    play.py WORLD CASEPACK [PATTERN]     only those whose name holds PATTERN
    play.py WORLD CASEPACK --every N     one of N, and every honest bundle
    play.py WORLD CASEPACK --list        the table: name, from, who takes it in, exit status, what is left, what is said
"""
import hashlib
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

import attacks_age
import attacks_commit
import attacks_file
import attacks_rows
import attacks_sides
import attacks_trust
from kit import Built, run, split_name
from table import ATTACKS, SIDES
from world import World

SECONDS = 60        # longer is a hang
MEBIBYTES = 300     # more memory is a bomb that went off

# What a hub notes of a bundle, also of one that brings nothing that counts.
NOTES = {"strangers", "commits", "verdicts", "peers", "meta", "waiting", "sqlite_sequence"}


PLACES = ("hub", "bea", "acme", "anna", "cem", "revoked")


class Wrong(Exception):
    pass


def want(holds, *words):
    if not holds:
        raise Wrong(" ".join(str(w) for w in words))


# ---- a workspace, as it can be compared --------------------------------------------------------------


def files(folder):
    """Every file by content, but for SQLite's side files; every folder, link and pipe by name."""
    out = {}
    for at, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                if not name.endswith("-shm") and (not name.endswith("-wal") or os.path.getsize(path) > 0):
                    with open(path, "rb") as f:
                        out[path[len(folder):]] = hashlib.sha256(f.read()).hexdigest()
            else:
                out[path[len(folder):]] = "folder" if os.path.isdir(path) else "other"
    return out


def dump(path):
    """Every row of every table."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: sorted(map(repr, db.execute(f'SELECT * FROM "{name}"'))) for name in names}
    finally:
        db.close()


def tables(workspace):
    return {f"{db}.{name}": rows for db in ("casepack", "content") for name, rows in dump(f"{workspace}/{db}.db").items()}


def repositories(workspace):
    return [r for r in ("history.git", "private.git") if os.path.isdir(f"{workspace}/{r}")]


def refs(workspace):
    return {r: run("git", "-C", f"{workspace}/{r}", "for-each-ref", "--format=%(refname) %(objectname)").decode().split("\n") for r in repositories(workspace)}


def clean(workspace):
    for r in repositories(workspace):
        done = subprocess.run(["git", "-C", f"{workspace}/{r}", "fsck", "--strict", "--no-dangling", "--no-progress"], capture_output=True)
        want(done.returncode == 0 and not [x for x in done.stderr.splitlines() if b"unborn branch" not in x], r, "is not clean:", done.stdout + done.stderr)
    for db in ("casepack", "content"):
        c = sqlite3.connect(f"file:{workspace}/{db}.db?mode=ro", uri=True)
        want(c.execute("PRAGMA integrity_check").fetchall() == [("ok",)], db, "is damaged")
        c.close()


class Picture:
    def __init__(self, workspace):
        self.files, self.tables, self.refs = files(workspace), tables(workspace), refs(workspace)


def differing(a, b):
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))


# ---- one attack -------------------------------------------------------------------------------------------


class Stage:
    """The workspaces, each pictured once; where an attack may leave something it is played on a copy."""

    def __init__(self, folder, casepack):
        self.folder, self.casepack, self.world = folder, casepack, World(folder)
        self.temporary, self.box = f"{folder}/temporary", f"{folder}/box"
        os.makedirs(self.temporary, exist_ok=True)
        os.makedirs(self.box, exist_ok=True)
        run("mkdir", f"{folder}/pristine")
        run("cp", "-a", *(f"{folder}/{w}" for w in PLACES), f"{folder}/pristine")
        self.pictures = {w: Picture(f"{folder}/{w}") for w in PLACES}
        self.config = files(f"{folder}/config")
        self.copies = 0

    def run(self, *words):
        """Status and lines of casepack; what it needed of time and memory is looked at here."""
        env = {**os.environ, "TMPDIR": self.temporary}
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        p = subprocess.Popen([self.casepack, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env,
                             cwd=self.folder, preexec_fn=limit)
        status, used = self.wait(p)
        want("address" in self.casepack or used.ru_maxrss < MEBIBYTES << 10, "took", used.ru_maxrss >> 10, "MiB")
        return status, *(self.read(f) for f in (out, err))

    @staticmethod
    def read(file):
        with file:
            file.seek(0)
            return file.read().decode()

    @staticmethod
    def wait(p):
        end = time.monotonic() + SECONDS
        while True:
            pid, status, used = os.wait4(p.pid, os.WNOHANG)
            if pid:
                p.returncode = os.waitstatus_to_exitcode(status)
                return p.returncode, used
            if time.monotonic() > end:
                p.kill()
                p.wait()
                raise Wrong(f"hangs: {SECONDS} s")
            time.sleep(0.002)

    def make(self, attack):
        bundle = self.world.bundle(attack.base)
        made = attack.make(self.world, bundle)
        data = made if isinstance(made, bytes) else bundle.build()
        path = f"{self.box}/{attack.name}.casepack"
        with open(path, "wb") as f:
            f.write(data)
        return path, bundle

    def play(self, attack):
        path, bundle = self.make(attack)
        try:
            if attack.at == "new":
                self.in_a_new_place(attack, path)
            elif attack.leaves == "nothing":
                self.refused_whole(attack, path)
            else:
                self.on_a_copy(attack, path, bundle)
        finally:
            os.remove(path)
        want(os.listdir(self.temporary) == [], "left in TMPDIR:", os.listdir(self.temporary))
        want(files(f"{self.folder}/config") == self.config, "the user's configuration has changed")

    def take_in(self, attack, workspace, path):
        words = ["merge", path] if self.is_hub(attack) else ["open", path]
        status, out, err = self.run("-C", workspace, *words)
        self.said = out + err
        want(status == attack.status, f"exit {status}, not {attack.status}: {self.said}")
        self.line = self.one_line(attack, path, out, err)
        want(re.search(attack.says, self.line), "says otherwise:", self.line)
        return status

    @staticmethod
    def is_hub(attack):
        return attack.at in ("hub", "bea", "acme", "revoked")

    def one_line(self, attack, path, out, err):
        """The one line about the file: of `merge` among the results, of `open` on stderr where it is not taken."""
        want(all(c.isprintable() or c == "\n" for c in out + err), "control characters:", repr(out + err))
        about = [line for line in (out + err).split("\n") if path in line]
        if attack.status in (0, 3) or attack.leaves != "nothing":
            about = about[:1]
        elif attack.status == 1: # that it was not taken is said again as what `merge` failed with
            about = about[-1:]
        want(len(about) == 1, len(about), "lines about the file:", out + err)
        if not self.is_hub(attack) and attack.status not in (0, 3):
            want(out == "" and err == about[0] + "\n" and err.startswith("casepack: "), "more than one line:", out + err)
        if self.is_hub(attack):
            want(err == "" or attack.status == 1, "words beside the results:", err)
        want(about[0].count(path) == 1, "names the file twice:", about[0])
        if attack.status == 4 and attack.leaves == "nothing":
            want(re.search(r"; nothing was changed(;|$)", about[0]), "does not say what became of it:", about[0])
        return about[0]

    def refused_whole(self, attack, path):
        workspace, before = f"{self.folder}/{attack.at}", self.pictures[attack.at]
        beside = sorted(os.listdir(self.folder))
        try:
            self.take_in(attack, workspace, path)
        finally:
            now = files(workspace)
            rows = before.tables if now == before.files else tables(workspace)
            if now != before.files: # the next attack finds it as it was
                shutil.rmtree(workspace)
                run("cp", "-a", f"{self.folder}/pristine/{attack.at}", workspace)
                self.run("-C", workspace, "status") # a folder that was copied notices that at its next opening
                self.pictures[attack.at] = Picture(workspace)
        want(now == before.files, "changed files:", differing(now, before.files), "rows of", differing(rows, before.tables), self.said)
        want(sorted(os.listdir(self.folder)) == beside, "left beside the workspace:", os.listdir(self.folder))

    def in_a_new_place(self, attack, path):
        beside = sorted(os.listdir(self.folder))
        status, out, err = self.run("-C", f"{self.folder}/new", "open", path, "--key", self.world.key("dan"))
        self.said = out + err
        want(status == attack.status, f"exit {status}, not {attack.status}: {self.said}")
        self.line = self.one_line(attack, path, out, err)
        want(re.search(attack.says, self.line), "says otherwise:", self.line)
        want(sorted(os.listdir(self.folder)) == beside, "left:", os.listdir(self.folder))

    def on_a_copy(self, attack, path, bundle):
        workspace, before = f"{self.folder}/copy", self.pictures[attack.at]
        run("cp", "-a", "--reflink=auto", f"{self.folder}/{attack.at}", workspace)
        try:
            self.take_in(attack, workspace, path)
            clean(workspace)
            self.check_left(attack, workspace, before, bundle)
            self.copies += 1
            if attack.leaves != "refused" or self.copies % 10 == 0: # a replay of the whole history
                status, out, err = self.run("-C", workspace, "verify")
                want(status == 0, "does not verify:", out + err)
        finally:
            shutil.rmtree(workspace)

    def check_left(self, attack, workspace, before, bundle):
        if attack.leaves == "taken":
            return
        now, changed = tables(workspace), lambda table: table.split(".")[1] not in NOTES
        rows = [t for t in differing(now, before.tables) if changed(t)]
        want(not rows, "changed rows of", rows)
        lines = {r: [x for x in before.refs[r] if "/main " not in x and "/refused " not in x] for r in before.refs}
        then = {r: [x for x in names if "/main " not in x and "/refused " not in x] for r, names in refs(workspace).items()}
        want(then == lines, "changed branches:", then, lines)
        if attack.leaves == "stranger":
            listed = self.run("-C", workspace, "--json", "quarantine")[1]
            want('"stranger"' in listed, "no stranger is listed:", listed)
        elif attack.leaves == "known":
            want(refs(workspace) == before.refs, "a branch has moved")
        else:
            self.check_listed(attack, workspace, bundle)

    def check_listed(self, attack, workspace, bundle):
        oid = next(split_name(n)[0] for n, _ in bundle.taken)
        status, out, err = self.run("-C", workspace, "--json", "log", "--refused" if attack.leaves == "refused" else "--waiting")
        want(oid in out and status in (0, 3), "not listed:", oid, out + err)
        for name, data in bundle.taken:
            if not data: # git knows the empty tree and the empty blob without holding them
                continue
            there = subprocess.run(["git", "-C", f"{workspace}/history.git", "cat-file", "-e", split_name(name)[0]], capture_output=True)
            want(there.returncode != 0, name, "is an object of history.git")


def main(folder, casepack, pattern="", every="1"):
    if pattern == "--list":
        for a in ATTACKS:
            print("\t".join((a.name, a.base, a.at, str(a.status), a.leaves, a.says)))
        return 0
    stage, bad = Stage(folder, casepack), 0
    chosen = [a for a in ATTACKS if re.search(pattern if pattern != "--every" else "", a.name)]
    for a in [a for i, a in enumerate(chosen) if i % int(every) == 0 or a.name.startswith("honest")]:
        try:
            stage.said = ""
            stage.play(a)
            print(f"ok - {a.name}", flush=True)
            if os.environ.get("ADVERSARY_SHOW"):
                print("    " + stage.line.replace(stage.box + "/", ""))
        except Exception as e:
            bad += 1
            print(f"not ok - {a.name}\n#   " + (str(e) if isinstance(e, Wrong) else traceback.format_exc()).replace("\n", "\n#   "), flush=True)
    return bad > 0


sys.exit(main(*sys.argv[1:]))
