"""Bundles taken apart and put together again by formats/*.md and sync/history.md, with nothing of casepack's own:
hashes by hashlib, signatures by ssh-keygen, frames by zstd, all else by hand.

A Bundle is read from a file. An attack changes what it holds, or says with on(STEP, change) what is to be done to the bytes
of one step of building; everything behind that step is made anew, and signed anew by whoever signed it before. Where
nothing is changed the same bytes come out.

Steps of a Commit     changeset tree trailers text armor commit
Steps of a Bundle     objects history.tar history.frame cases.lines cases.frame private.tar private.frame media.tar media.frame
                      parts manifest manifest.text manifest.sig members tar
"""
import base64
import copy
import functools
import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile

ABSENT, NULL = (0, None), (5, None)
INSERT, UPDATE, DELETE = 18, 23, 9


def integer(n):
    return (1, n)


def real(x):
    return (2, x)


def text(s):
    return (3, s if isinstance(s, bytes) else s.encode())


def blob(b):
    return (4, b)


def run(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def blake(data):
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def derive(kind, *parts):
    """The id of what has a derived one: sync/history.md, Words."""
    return hashlib.blake2b(b"".join(struct.pack(">Q", len(p)) + p for p in (kind.encode(), *parts)), digest_size=32).digest()[:16]


def oid_of(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def canonical(value):
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


# ---- tar and zstd ------------------------------------------------------------------------------

def checksum(header):
    h = bytearray(header)
    h[148:156] = b" " * 8
    h[148:156] = f"{sum(h):06o}\0 ".encode()
    return bytes(h)


def header(name, size, mtime, kind=b"0", link=b""):
    """A ustar header as formats/bundle.md gives it, byte by byte."""
    h = bytearray(512)
    for at, field in ((0, name if isinstance(name, bytes) else name.encode()), (100, b"000644 "), (108, b"000000 "),
                      (116, b"000000 "), (124, b"%011o " % size), (136, b"%011o " % mtime), (156, kind), (157, link),
                      (257, b"ustar\0" b"00"), (329, b"000000 "), (337, b"000000 ")):
        h[at:at + len(field)] = field
    return checksum(h)


def member(name, data, mtime=0, **other):
    return header(name, len(data), mtime, **other) + data + bytes(-len(data) % 512)


def tar(members, mtime=0):
    return b"".join(member(name, data, mtime) for name, data in members) + bytes(1024)


def untar(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        return [(m.name, t.extractfile(m).read()) for m in t]


@functools.lru_cache(maxsize=None)
def frame(data, *how):
    return run("zstd", *(how or ("-19", "--check", f"--stream-size={len(data)}")), "-cq", data=data)


def unframe(data):
    return run("zstd", "-dcq", data=data)


# ---- signatures --------------------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def sign(data, key, namespace, *how):
    return run("ssh-keygen", "-q", "-Y", "sign", *how, "-f", key, "-n", namespace, "-", data=data)


def unarmor(armor):
    return base64.b64decode(b"".join(armor.split(b"\n")[1:-2 if armor.endswith(b"\n") else -1]))


def armored(raw):
    lines = base64.b64encode(raw)
    lines = [lines[i:i + 70] for i in range(0, len(lines), 70)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])


def string(b):
    return struct.pack(">I", len(b)) + b


# ---- changesets --------------------------------------------------------------------------------

def varint(n):
    out = bytes([n & 127])
    while n > 127:
        n >>= 7
        out = bytes([n & 127 | 128]) + out
    return out


def slot(value):
    kind, v = value
    if kind == 1:
        return b"\1" + struct.pack(">q", v)
    if kind == 2:
        return b"\2" + struct.pack(">d", v)
    return bytes([kind]) + (varint(len(v)) + v if kind in (3, 4) else b"")


class Change:
    """One row: where it is an update, `was` holds what it replaced."""

    def __init__(self, op, was, now, indirect=0):
        self.op, self.was, self.now, self.indirect = op, was, now, indirect

    def encode(self):
        records = {INSERT: [self.now], DELETE: [self.was]}.get(self.op, [self.was, self.now])
        return bytes([self.op, self.indirect]) + b"".join(slot(v) for r in records for v in r)


class Table:
    """A header with the changes under it."""

    def __init__(self, name, columns, key, changes):
        self.name, self.columns, self.key, self.changes = name, columns, key, changes

    def encode(self):
        head = b"T" + varint(self.columns) + bytes(self.key) + self.name.encode() + b"\0"
        return head + b"".join(c.encode() for c in self.changes)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        n = 0
        while True:
            b = self.byte()
            n = n << 7 | b & 127
            if b < 128:
                return n

    def slot(self):
        kind = self.byte()
        if kind in (1, 2):
            return (kind, struct.unpack(">q" if kind == 1 else ">d", self.take(8))[0])
        return (kind, self.take(self.varint()) if kind in (3, 4) else None)


def read_changeset(data):
    r, tables = Reader(data), []
    while r.at < len(data):
        mark = r.byte()
        if mark == ord("T"):
            columns = r.varint()
            key = list(r.take(columns))
            end = data.index(b"\0", r.at)
            tables.append(Table(r.take(end - r.at).decode(), columns, key, []))
            r.at += 1
            continue
        indirect, n = r.byte(), tables[-1].columns
        was = [r.slot() for _ in range(n)] if mark == UPDATE else [ABSENT] * n
        tables[-1].changes.append(Change(mark, was, [r.slot() for _ in range(n)], indirect))
    return tables


# ---- what can be changed on the way ---------------------------------------------------------------

class Built:
    def __init__(self):
        self.steps = {}

    def on(self, step, change):
        self.steps[step] = change
        return self

    def step(self, name, value):
        return self.steps[name](value) if name in self.steps else value


def unsigned(commit):
    head, body = commit.split(b"\n\n", 1)
    kept, inside = [], False
    for line in head.split(b"\n"):
        inside = line.startswith(b"gpgsig ") or (inside and line.startswith(b" "))
        if not inside:
            kept.append(line)
    return b"\n".join(kept), body


def with_signature(plain, armor):
    head, body = plain.split(b"\n\n", 1)
    return head + b"\ngpgsig " + b"\n ".join(armor.rstrip(b"\n").split(b"\n")) + b"\n\n" + body


class Commit(Built):
    """A change commit: rows, words, trailers, who and when, and the key that signs it."""

    def __init__(self, commit, changeset, key_of):
        super().__init__()
        head, body = unsigned(commit)
        self.oid = oid_of("commit", commit)
        self.head = [line.split(b" ", 1) for line in head.split(b"\n")]
        self.words, trailers = body.rsplit(b"\n\n", 1)
        self.trailers = [tuple(line.split(b": ", 1)) for line in trailers.rstrip(b"\n").split(b"\n")]
        self.tables = read_changeset(changeset)
        self.key = key_of(self.get("author").split(b"<")[1][:32].decode())
        self.namespace = "git"

    def get(self, name):
        return next((value for n, value in self.head if n == name.encode()), None)

    def set(self, name, value):
        self.head = [[n, value if n == name.encode() else v] for n, v in self.head]

    def who(self, old, new):
        """Author and committer, changed alike."""
        for name in ("author", "committer"):
            self.set(name, self.get(name).replace(old.encode(), new.encode()))

    def table(self, name):
        return next(t for t in self.tables if t.name == name)

    def trailer(self, name, value):
        self.trailers = [(n, str(value).encode() if n == b"Casepack-" + name.encode() else v) for n, v in self.trailers]

    def build(self):
        changeset = self.step("changeset", b"".join(t.encode() for t in self.tables))
        tree = self.step("tree", b"100644 changeset\0" + bytes.fromhex(oid_of("blob", changeset)))
        self.trailer("Changeset", blake(changeset))
        self.trailer("Edits", sum(len(t.changes) for t in self.tables if t.name != "ratings"))
        trailers = self.step("trailers", list(self.trailers))
        self.set("tree", oid_of("tree", tree).encode())
        head = b"\n".join(b" ".join(line) for line in self.head)
        body = self.words + b"\n\n" + b"".join(b": ".join(line) + b"\n" for line in trailers)
        plain = self.step("text", head + b"\n\n" + body)
        armor = self.step("armor", sign(plain, self.key, self.namespace))
        commit = self.step("commit", with_signature(plain, armor) if armor else plain)
        self.made = [["commit", commit], ["tree", tree], ["blob", changeset]]
        return [(f"objects/{oid_of(kind, data)}.{kind}", data) for kind, data in self.made]


def split_name(name):
    return os.path.basename(name).split(".")


class Bundle(Built):
    def __init__(self, path, key_of):
        super().__init__()
        with open(path, "rb") as f:
            members = dict(untar(f.read()))
        self.manifest = json.loads(members["manifest.json"])
        self.key = key_of(self.manifest["sender"])
        self.key_of = key_of
        self.commits, self.objects = self.read_history(members, "history.tar.zst", self.manifest["kind"] != "hub")
        self.private, _ = self.read_history(members, "private.tar.zst", True)
        self.cases = unframe(members["cases.jsonl.zst"]).splitlines() if "cases.jsonl.zst" in members else []
        self.media = []

    def read_history(self, members, part, is_chain):
        objects = untar(unframe(members[part])) if part in members else []
        if not is_chain:
            return [], objects
        chain = []
        for i, (name, data) in enumerate(objects):
            if name.endswith(".commit"): # its tree may have come with an earlier one: then it is not repeated
                assert objects[i + 1][0].endswith(".tree"), name
                chain.append(Commit(data, objects[i + 2][1], self.key_of))
        return chain, []

    @property
    def commit(self):
        return self.commits[-1]

    def chain(self, commits):
        """The objects of a chain; what stands behind a changed commit is made anew on it, and tips follow."""
        out, renamed = [], {}
        for c in commits:
            parent = c.get("parent")
            if parent is not None and parent.decode() in renamed:
                c.set("parent", renamed[parent.decode()].encode())
            objects = c.build()
            renamed[c.oid] = split_name(objects[0][0])[0]
            out += [o for o in objects if o not in out]
        self.manifest["tips"] = {name: renamed.get(oid, oid) for name, oid in self.manifest["tips"].items()}
        return out

    def tar_part(self, kind, members):
        if not members and kind + ".tar" not in self.steps:
            return []
        raw = self.step(kind + ".tar", tar(members))
        return [(kind + ".tar.zst", len(raw), self.step(kind + ".frame", frame(raw)))]

    def cases_part(self):
        if not self.cases:
            return []
        raw = self.step("cases.lines", b"".join(line + b"\n" for line in self.cases))
        return [("cases.jsonl.zst", len(raw), self.step("cases.frame", frame(raw)))]

    def build(self):
        objects = self.taken = self.step("objects", self.objects or self.chain(self.commits))
        private = self.step("private", self.chain(self.private))
        parts = self.tar_part("history", objects) + self.cases_part() + self.tar_part("media", self.media)
        parts = self.step("parts", parts + self.tar_part("private", private))
        self.manifest["parts"] = [{"name": name, "size": len(data), "expanded": expanded, "blake2b": blake(data)}
                                  for name, expanded, data in parts]
        manifest = self.step("manifest", copy.deepcopy(self.manifest))
        words = self.step("manifest.text", canonical(manifest))
        signature = self.step("manifest.sig", sign(words, self.key, "casepack-bundle"))
        members = [("manifest.json", words), ("manifest.json.sig", signature)] + [(name, data) for name, _, data in parts]
        return self.step("tar", tar(self.step("members", members), manifest["created_us"] // 1000000))
