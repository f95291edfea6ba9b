"""A workspace at rest, and what can be done to it with sqlite3, git, ssh-keygen and an editor."""
import base64
import os
import re
import sqlite3
import subprocess

from kit import sign, unsigned, with_signature

ENV = {**os.environ, "GIT_NO_REPLACE_OBJECTS": "1"}


class Repo:
    """A bare repository, by plumbing."""

    def __init__(self, path):
        self.path = path

    def git(self, *words, data=None):
        return subprocess.run(("git", "-C", self.path, *words), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=True, env=ENV).stdout

    def say(self, *words):
        return self.git(*words).decode().strip()

    def branches(self, prefix=""):
        return self.say("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/" + prefix).split()

    def tip(self, branch):
        return self.say("rev-parse", "--verify", branch + "^{commit}")

    def chain(self, branch):
        """Oldest first."""
        return self.say("rev-list", "--first-parent", "--reverse", branch).split()

    def read(self, oid, kind="commit"):
        return self.git("cat-file", kind, oid)

    def write(self, data, kind="commit"):
        return self.say_with(data, "hash-object", "-t", kind, "-w", "--stdin", "--literally")

    def say_with(self, data, *words):
        return self.git(*words, data=data).decode().strip()

    def move(self, branch, oid):
        self.git("update-ref", "refs/heads/" + branch, oid)

    def loose(self):
        """Every object as a file of its own, and no pack."""
        for name in os.listdir(f"{self.path}/objects/pack"):
            data = f"{self.path}/objects/pack/{name}"
            if name.endswith(".pack"):
                with open(data, "rb") as f:
                    pack = f.read()
                for side in (data, data[:-5] + ".idx"):
                    os.chmod(side, 0o644)
                    os.remove(side)
                self.git("unpack-objects", "-q", data=pack)

    def packs(self, ending=".pack"):
        return sorted(f"{self.path}/objects/pack/{n}" for n in os.listdir(f"{self.path}/objects/pack") if n.endswith(ending))

    def objects(self, pack):
        """Names of the objects in a pack."""
        return [line.split()[0] for line in self.say("verify-pack", "-v", pack[:-5] + ".idx").split("\n")
                if re.match("[0-9a-f]{40} ", line)]


def parts(commit):
    """Lines of the head without the signature, and the message."""
    head, body = unsigned(commit)
    return head.split(b"\n"), body


def signed(lines, body, key):
    plain = b"\n".join(lines) + b"\n\n" + body
    return with_signature(plain, sign(plain, key, "git"))


def with_parent(commit, parent, key=None):
    """Its bytes on another parent: signed anew by key, or with the signature that it had."""
    if key is None:
        return re.sub(rb"^parent [0-9a-f]{40}", b"parent " + parent.encode(), commit, count=1, flags=re.M)
    lines, body = parts(commit)
    return signed([re.sub(rb"^parent [0-9a-f]{40}$", b"parent " + parent.encode(), x) for x in lines], body, key)


class Workspace:
    """The copy that one alteration is made in."""

    def __init__(self, folder, at, path, casepack):
        self.folder, self.at, self.path, self.casepack = folder, at, path, casepack
        self.history, self.private = Repo(path + "/history.git"), Repo(path + "/private.git")

    def key(self, name):
        return f"{self.folder}/config/casepack/keys/{name}"

    def file(self, name):
        return f"{self.path}/{name}"

    # ---- SQL ----

    def sql(self, *statements, db="casepack.db"):
        """Statements, or pairs of a statement and what is bound."""
        c = sqlite3.connect(self.file(db), isolation_level=None)
        try:
            for s in statements:
                c.execute(*s) if isinstance(s, tuple) else c.execute(s)
        finally:
            c.close()

    def ask(self, sql, *bound, db="casepack.db"):
        c = sqlite3.connect(f"file:{self.file(db)}?mode=ro", uri=True)
        c.row_factory = sqlite3.Row
        try:
            return c.execute(sql, bound).fetchall()
        finally:
            c.close()

    def one(self, sql, *bound, db="casepack.db"):
        return self.ask(sql, *bound, db=db)[0][0]

    def replica(self, name):
        """Of a device: its id in hex, by the key's public half."""
        with open(self.key(name) + ".pub") as f:
            public = base64.b64decode(f.read().split()[1])[-32:]
        return self.one("SELECT lower(hex(id)) FROM replicas WHERE public_key = ?", public)

    # ---- bytes ----

    def read(self, name):
        with open(self.file(name), "rb") as f:
            return f.read()

    def write(self, name, data):
        path = self.file(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.chmod(path, 0o644)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def flip(self, name, bit):
        path = self.file(name)
        os.chmod(path, 0o644)
        with open(path, "r+b") as f:
            f.seek(bit // 8)
            byte = f.read(1)[0]
            f.seek(bit // 8)
            f.write(bytes([byte ^ 1 << bit % 8]))
