#!/usr/bin/env python3
"""Checks a clone of a casepack history, without casepack.

    python3 verify.py CLONE [--against CHECKPOINT]

CLONE is what `git clone FILE` made of the file that an auditor is given, or any other
repository of that history. CHECKPOINT is an older commit of main that somebody kept: its
id, or the manifest.json of a bundle that names it.

It needs git, ssh-keygen and Python's standard library, and was written from the pages on
the formats (sync/history.md, sync/tables.md, sync/pages.md, formats/changeset.md,
formats/sshsig.md, formats/form.md); it shares no code with casepack. Every commit of main
is walked in order. What its hub accepted is taken in by the rules of "From edits to state",
and the files that follow from that must be the files of that commit, byte for byte.

Exit status: 0 all is as it should be, 4 something is not, 1 it cannot be checked, 2 usage.
"""
import argparse
import base64
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata

DAY_US = 86400 * 1000000

# ---- the tables that travel ---------------------------------------------------------------
# A line a table, in the order of sync/tables.md: columns behind id, rev and clock, each with
# its default: text "", blob b, integer 0, null -. "|" ends the columns of its first version.

TABLES = {name: columns.split() for name, columns in (line.split(":", 1) for line in """\
project: name shows_queries=0 policies={} | encryption keep_days=0
persons: pseudonym role=rater locales vendor state=active
replicas: person=b public_key=b is_hub=0 state=active | copy_of=b home=b
cases: name kind=serp locale segment content=b results=[] state=active | reason
guidelines: name kind=guideline title
guideline_revisions: parent_doc=b parents=b number=0 kind=clarifying note person=b body
forms: name kind=form title
form_versions: parent_doc=b parents=b number=0 kind=clarifying note person=b body
assignments: case_id=b person=b pass=1 position=0 due form=b guideline=b state=given
adjudications: case_id=b field result value=- cause reason person=b
settlements: stands=b weighed=b reason person=b | policy
judgments: assignment_rev=b content=b form_version=b guideline_revision=b state note active_ms=0 idle_ms=0 wall_ms=0
ratings:
resolutions: tbl doc=b edit=b settles={} policy reason person=b
stale_settlements: judgment=b cause=b weighed=b decision reason person=b
rulings: about decision reason person=b
exports: person=b format scope={} file=b labels=0 main""".splitlines())}
PRIVATE = {"names", "secrets", "side_keys", "gold", "metrics"}
WORDS = {("persons", "role"): "lead relay rater auditor", ("persons", "state"): "active left",
         ("replicas", "state"): "invited active retired revoked", ("cases", "kind"): "item serp sxs",
         ("cases", "state"): "active retired forgotten", ("guidelines", "kind"): "guideline sop", ("forms", "kind"): "form",
         ("guideline_revisions", "kind"): "editorial clarifying breaking",
         ("form_versions", "kind"): "editorial clarifying breaking",
         ("judgments", "state"): "submitted skipped escalated withdrawn"}


def default_of(spec):
    text = spec.partition("=")[2]
    return b"" if text == "b" else None if text == "-" else int(text) if text.isdigit() else text


class Table:
    def __init__(self, name, specs):
        self.name, at = name, specs.index("|") if "|" in specs else len(specs)
        specs = [s for s in specs if s != "|"]
        self.columns = ["id", "rev", "clock"] + [s.partition("=")[0] for s in specs]
        self.defaults = dict(zip(self.columns, [None, None, None] + [default_of(s) for s in specs]))
        self.fewest, self.keys = 3 + at, [1] + [0] * (len(self.columns) - 1)
        if name == "ratings":
            self.columns, self.keys, self.fewest = ["judgment", "field", "result", "rev", "value"], [1, 2, 3, 0, 0], 5


TABLES = {name: Table(name, specs) for name, specs in TABLES.items()}
ORDER = list(TABLES)
WHOLE = ("judgments", "settlements", "stale_settlements")
NAMED = ("guideline_revision", "form_version")             # the texts that a judgment was made under
FOLLOW = ("kind", "locale", "segment", "results")          # columns of a case that are its content's
# What is weighed where edits disagree; of all other tables every column behind the clock.
SAID = {"cases": [c for c in TABLES["cases"].columns[3:] if c not in FOLLOW], "settlements": ["stands", "weighed"],
        "judgments": TABLES["judgments"].columns[3:9], "stale_settlements": TABLES["stale_settlements"].columns[3:7]}
SAID = {t: frozenset(SAID.get(t, TABLES[t].columns[3:])) for t in TABLES}
SHOWN = {t: frozenset(TABLES[t].columns[3:]) if t in ("cases", "settlements", "stale_settlements") else SAID[t] for t in TABLES}
ACCOUNT = {("adjudications", "cause"), ("adjudications", "reason"), ("adjudications", "person"), ("cases", "reason"),
           ("guideline_revisions", "number"), ("guideline_revisions", "person"), ("form_versions", "number"),
           ("form_versions", "person"), ("rulings", "reason"), ("rulings", "person")}


class Wrong(Exception):
    """What was read is not as the pages say."""


def need(holds, what):
    if not holds:
        raise Wrong(what)


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def part(data):
    return struct.pack(">Q", len(data)) + data


def derive(kind, *parts):
    return blake(b"".join(part(p) for p in (kind.encode(), *parts)))[:16]


def revs_of(blob):
    return tuple(blob[i:i + 8] for i in range(0, len(blob), 8))


# ---- git ------------------------------------------------------------------------------------

class Git:
    def __init__(self, path):
        self.path = path
        self.cat = subprocess.Popen(["git", "-C", path, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, *args, ok=(0,), text=True):
        done = subprocess.run(["git", "-C", self.path, *args], capture_output=True, text=text)
        if done.returncode not in ok:
            raise OSError(f"git {args[0]}: {done.stderr if text else done.stderr.decode()}".strip())
        return done

    def read(self, oid, kind):
        self.cat.stdin.write(oid.encode() + b"\n")
        self.cat.stdin.flush()
        head = self.cat.stdout.readline().split()
        need(len(head) == 3, f"object {oid} is not here")
        data = self.cat.stdout.read(int(head[2]) + 1)[:-1]
        need(head[1].decode() == kind, f"object {oid} is a {head[1].decode()}, not a {kind}")
        need(hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest() == oid, f"object {oid} has other bytes")
        return data

    def branches(self):
        """Branch -> tip: a bare repository's own, of a clone those of where it came from."""
        refs = dict(reversed(line.split(" ")) for line in
                    self.run("for-each-ref", "--format=%(objectname) %(refname)").stdout.splitlines())
        far = {r[len("refs/remotes/origin/"):]: o for r, o in refs.items() if r.startswith("refs/remotes/origin/")}
        far.pop("HEAD", None)
        here = {r[len("refs/heads/"):]: o for r, o in refs.items() if r.startswith("refs/heads/")}
        return {**here, **far}


IDENT = re.compile(rb"([^<>\n]*) <([0-9a-f]{32})@([0-9a-f]{32})\.invalid> (\d+) \+0000")


class Commit:
    """A commit object, read strictly: tree, parents, author, committer, gpgsig, and nothing else in the header."""

    def __init__(self, oid, data):
        head, blank, message = data.partition(b"\n\n")
        found = re.fullmatch(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author ([^\n]*)\ncommitter ([^\n]*)\n"
                             rb"gpgsig ([^\n]*(?:\n [^\n]*)*)", head)
        need(blank and found, "its header is not tree, parents, author, committer, signature")
        self.oid, self.tree = oid, found[1].decode()
        self.parents = [p.decode() for p in re.findall(rb"parent ([0-9a-f]{40})\n", found[2])]
        self.author, self.committer = (IDENT.fullmatch(found[i]) for i in (3, 4))
        need(self.author and self.committer, "author or committer are no device of a project")
        self.name, self.device, self.project = self.committer[1].decode(), self.committer[2].decode(), self.committer[3].decode()
        self.seconds = int(self.committer[4])
        self.message = message.decode("utf-8", "replace")
        self.signature = re.sub(rb"\n ", b"\n", found[5])
        self.signed = head[:found.start(5) - len(b"gpgsig ")] + b"\n" + message
        self.key = key_of(self.signature, b"git")
        self.trailers = [tuple(line.split(": ", 1)) for line in self.message.rstrip("\n").rpartition("\n\n")[2].split("\n")
                         if ": " in line]

    def trailer(self, name):
        found = [v for k, v in self.trailers if k == name]
        need(len(found) < 2, f"{name} stands twice")
        return found[0] if found else None


# ---- signatures: SSHSIG is taken apart here, the arithmetic is ssh-keygen's ---------------------

def key_of(armour, namespace):
    """The signer's 32 bytes; every field is the one that formats/sshsig.md has."""
    lines = armour.rstrip(b"\n").split(b"\n")
    need(lines[0] == b"-----BEGIN SSH SIGNATURE-----" and lines[-1] == b"-----END SSH SIGNATURE-----", "its signature is no SSHSIG")
    try:
        blob = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except ValueError:
        raise Wrong("its signature is no base64")
    text = base64.b64encode(blob)
    need(lines[1:-1] == [text[i:i + 70] for i in range(0, len(text), 70)], "its signature has another spelling")

    def string(data):
        return struct.pack(">I", len(data)) + data
    front = b"SSHSIG" + struct.pack(">II", 1, 51) + string(b"ssh-ed25519") + struct.pack(">I", 32)
    behind = string(namespace) + string(b"") + string(b"sha512") + struct.pack(">I", 83) + string(b"ssh-ed25519") + struct.pack(">I", 64)
    key = blob[len(front):len(front) + 32]
    need(blob.startswith(front + key + behind) and len(blob) == len(front) + 32 + len(behind) + 64,
         f"its signature is not one of ed25519 and SHA-512 for {namespace.decode()}")
    return key


class Signatures:
    """Signatures are checked beside the walk, one ssh-keygen each; each is asked once."""

    def __init__(self, faults):
        self.faults, self.folder = faults, tempfile.TemporaryDirectory()
        self.pool, self.asked = concurrent.futures.ThreadPoolExecutor(os.cpu_count()), {}

    def ask(self, place, armour, signed, namespace="git"):
        if (armour, namespace) not in self.asked:
            self.asked[armour, namespace] = self.pool.submit(self.check, place, armour, signed, namespace, len(self.asked))

    def check(self, place, armour, signed, namespace, number):
        path = os.path.join(self.folder.name, f"{number}.sig")
        with open(path, "wb") as f:
            f.write(armour.rstrip(b"\n") + b"\n")
        done = subprocess.run(["ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", path], input=signed, capture_output=True)
        os.unlink(path)
        return None if done.returncode == 0 else place

    def finish(self):
        for job in self.asked.values():
            if job.result():
                self.faults.say(job.result(), "its signature does not match its bytes")
        return len(self.asked)


# ---- changesets, as formats/changeset.md has them ------------------------------------------------

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), f"the changeset ends in the middle of something, at byte {self.at}")
        self.at += n
        return self.data[self.at - n:self.at]

    def length(self):
        value, first = 0, self.at
        while True:
            byte = self.take(1)[0]
            need(not (self.at == first + 1 and byte == 0x80) and self.at - first <= 5, f"a length at byte {first} is spelt too long")
            value = value << 7 | byte & 0x7f
            if byte < 0x80:
                need(value <= 1000000000, f"a length at byte {first} is too large")
                return value

    def slot(self):
        kind, at = self.take(1)[0], self.at
        if kind == 0:
            return ABSENT
        if kind == 1:
            return struct.unpack(">q", self.take(8))[0]
        if kind == 5:
            return None
        need(kind in (3, 4), f"a value of type {kind} at byte {at - 1}; no column has that")
        data = self.take(self.length())
        if kind == 4:
            return data
        try:
            need(b"\0" not in data, f"a text with a zero byte at byte {at}")
            return sys.intern(data.decode()) if len(data) < 64 else data.decode()
        except UnicodeDecodeError:
            raise Wrong(f"a text at byte {at} is no UTF-8")


ABSENT = type("Absent", (), {})()
Row = collections.namedtuple("Row", "table insert old new")     # of a change: column -> value, those that are present


def header_of(r, before):
    at = r.at
    need(r.take(1) == b"T", f"no header at byte {at}")
    columns = r.length()
    need(1 <= columns <= 32, f"{columns} columns at byte {at}")
    keys = list(r.take(columns))
    end = r.data.find(b"\0", r.at)
    need(end > 0, f"a header without an end at byte {at}")
    name = r.take(end + 1 - r.at)[:-1].decode("utf-8", "replace")
    need(name not in PRIVATE, f"rows of the private table {name}, which only leads may have")
    table = TABLES.get(name)
    need(table, f"rows of an unknown table {name[:40]!r}")
    need(table.fewest <= columns <= len(table.columns) and keys == table.keys[:columns], f"{name} has another shape at byte {at}")
    need(before is None or before[0] is not table or before[1] == columns, f"{name} changes its shape at byte {at}")
    return table, columns


def rows_of(data):
    r, header, fresh = Reader(data), None, False
    rows = []
    while r.at < len(data):
        at = r.at
        if data[at] == 0x54:
            need(not fresh, f"a header without a change at byte {at}")
            header, fresh = header_of(r, header), True
            continue
        need(header, f"no header at byte {at}")
        op, fresh = r.take(2), False
        need(op in (b"\x12\0", b"\x17\0"), f"neither a direct insert nor a direct update at byte {at}")
        rows.append(change_of(r, *header, op == b"\x12\0", at))
    need(not fresh, "a header without a change at the end")
    return rows


def change_of(r, table, n, insert, at):
    columns, keys = table.columns[:n], table.keys
    old = [] if insert else [r.slot() for _ in range(n)]
    new = [r.slot() for _ in range(n)]
    where = f"a row of {table.name} at byte {at}"
    for i in range(n):
        if insert:
            need(new[i] is not ABSENT and not (keys[i] and new[i] is None), f"{where}: {columns[i]} is missing")
        elif keys[i]:
            need(old[i] is not ABSENT and old[i] is not None and new[i] is ABSENT, f"{where}: its key changes")
        else:
            need((old[i] is ABSENT) == (new[i] is ABSENT), f"{where}: {columns[i]} has one value of two")
            need(old[i] is ABSENT or type(old[i]) is not type(new[i]) or old[i] != new[i], f"{where}: {columns[i]} does not change")
    need(insert or any(v is not ABSENT for v in new), f"{where}: nothing changes")
    row = Row(table, insert, {c: v for c, v in zip(columns, old) if v is not ABSENT},
              {c: v for c, v in zip(columns, new) if v is not ABSENT})
    check_types(row, where)
    return row


def check_types(row, where):
    table, key, rev = row.table, (row.new if row.insert else row.old), row.new.get("rev")
    need(type(key[table.columns[0]]) is bytes and len(key[table.columns[0]]) == 16, f"{where}: no key of 16 bytes")
    need(type(rev) is bytes and len(rev) % 8 == 0 and 8 <= len(rev) <= 512, f"{where}: no rev")
    if not row.insert:
        before = row.old.get("rev")
        need(type(before) is bytes and len(before) % 8 == 0 and 8 <= len(before) <= 512, f"{where}: does not name what it replaces")
    if table.name == "ratings":
        need(type(key["field"]) is type(key["result"]) is str, f"{where}: field or result are no texts")
        need(type(row.new.get("value", "")) in (str, type(None)), f"{where}: its value is no text")
        return
    need(type(row.new.get("clock")) is int and row.new["clock"] >= 0, f"{where}: no clock")
    for c, v in row.new.items():
        if c not in ("id", "rev", "clock"):
            like = table.defaults[c]
            need(type(v) is type(like) or (like is None and type(v) is str), f"{where}: {c} is of the wrong type")
            need((table.name, c) not in WORDS or v in WORDS[table.name, c].split(), f"{where}: {c} is {v!r}")


# ---- change commits ------------------------------------------------------------------------------

class Edit:
    """One edit of one document. cells: column, or (field, result) of an answer -> value."""
    __slots__ = ("table", "doc", "rev", "parents", "cells", "clock", "resolve", "change", "hash")

    def __init__(self, table, doc, rev, change):
        self.table, self.doc, self.rev, self.change = table, doc, rev, change
        self.parents, self.cells, self.clock, self.resolve, self.hash = (), {}, 0, False, None

    def named(self):
        """By the hash of all that it says, so that edits which are equal are one, and forged ones are told apart."""
        if self.hash is None:
            data = part(self.rev) + part(b"".join(self.parents))
            for name, v in sorted((cell_name(c).encode(), v) for c, v in self.cells.items()):
                data += part(name) + typed(v)
            self.hash = blake(data)
        return self.rev, self.hash


def cell_name(c):
    return c if type(c) is str else "@".join(c)


def typed(v):
    if type(v) is int:
        return b"\1" + struct.pack(">q", v)
    return b"\5" if v is None else b"\3" + part(v.encode()) if type(v) is str else b"\4" + part(v)


HEAD = ["Casepack-Copy-Of", "Casepack-Successor-Of", "Casepack-Outbound", "Casepack-Instead-Of"]
TAIL = ["Casepack-Schema", "Casepack-Edits", "Casepack-Outbox", "Casepack-Clock", "Casepack-Applied", "Casepack-Changeset"]


class Change:
    """A change commit with its changeset: everything that can be said of it alone."""

    def __init__(self, git, oid, outbound=False):
        c = self.commit = Commit(oid, git.read(oid, "commit"))
        self.oid, self.far = oid, False
        need(c.author[0] == c.committer[0], "its author is not its committer")
        need(len(c.parents) <= 1, "it has two parents")
        tree = git.read(c.tree, "tree")
        need(len(tree) == 17 + 20 and tree.startswith(b"100644 changeset\0"), "its tree is not one file, changeset")
        data = git.read(tree[17:].hex(), "blob")
        names = [k for k, _ in c.trailers if k.startswith("Casepack-") and (k not in HEAD or not outbound)]
        at = next((i for i, k in enumerate(names) if k not in HEAD), 0)
        wanted = [k for k in TAIL if k != "Casepack-Applied" or k in names]
        need(names[at:] == wanted and at <= 1, "its trailers are not the ones of a change commit, in order")
        need(c.trailer("Casepack-Changeset") == blake(data).hex(), "its changeset is not the one that it names")
        self.clock = int(c.trailer("Casepack-Clock"))
        self.rows = rows_of(data)
        need(int(c.trailer("Casepack-Edits")) == sum(r.table.name != "ratings" for r in self.rows), "it has another number of edits")
        self.edits = int(c.trailer("Casepack-Edits"))
        if not outbound:
            self.group()

    def group(self):
        """Its rows as edits of documents."""
        edits, seen, resolving = {}, set(), []
        for row in self.rows:
            t, key = row.table.name, row.new if row.insert else row.old
            rev, doc = row.new["rev"], key[row.table.columns[0]]
            need(len(rev) == 8, "an edit with several revs")
            once = (t, rev, doc, key.get("field"), key.get("result"))
            need(once not in seen, "one edit writes a row twice")
            seen.add(once)
            table = "judgments" if t == "ratings" else t
            e = edits.get((table, doc, rev)) or edits.setdefault((table, doc, rev), Edit(table, doc, rev, self))
            if t == "ratings":
                if "value" in row.new and not (row.insert and row.new["value"] is None):
                    e.cells[sys.intern(key["field"]), sys.intern(key["result"])] = row.new["value"]
                continue
            e.clock, e.parents = row.new["clock"], () if row.insert else revs_of(row.old["rev"])
            for c, v in row.new.items():
                if c == "clock" or (c not in ("id", "rev") and not (row.insert and v == row.table.defaults[c])):
                    e.cells[c] = v
            if t == "resolutions":
                resolving.append(row)
        self.list = list(edits.values())
        for row in resolving:
            self.resolve(row, edits)

    @staticmethod
    def resolve(row, edits):
        new = row.new
        need(row.insert, "a resolution was changed")
        e = edits.get((new["tbl"], new["doc"], new["edit"]))
        need(e and e.parents and new["tbl"] not in WHOLE + ("resolutions", "ratings"), "a resolution without its edit")
        need(new["id"] == derive("resolution", new["tbl"].encode(), new["doc"], new["edit"]), "a resolution under another id")
        settles = json.loads(new["settles"])
        need(type(settles) is dict and settles, "a resolution that settles nothing")
        for c, v in settles.items():
            need(c in TABLES[new["tbl"]].columns[3:], f"a resolution of a column {c!r}")
            if type(TABLES[new["tbl"]].defaults[c]) is bytes:
                v = bytes.fromhex(v)
            need(c not in e.cells or e.cells[c] == v, f"a resolution whose {c} is not what its edit says")
            e.cells[c] = v
        e.resolve, e.hash = True, None


# ---- from edits to state: the revision tree of one document -------------------------------------------

class Tree:
    """Places 0..n-1 are the edits that count, each behind its parents. Sets of places are bits of an integer."""

    def __init__(self, edits):
        copies = collections.defaultdict(list)
        for e in edits:
            copies[e.named()].append(e)
        waiting = {k: min(c, key=lambda e: (e.change.commit.device, e.clock)) for k, c in copies.items()}
        named = collections.defaultdict(list)
        for k in sorted(waiting):
            named[k[0]].append(k)
        place, self.edits, self.above = {}, [], []
        ready = True
        while ready:
            ready = [k for k in sorted(waiting) if all(named[r] and all(t in place for t in named[r]) for r in waiting[k].parents)]
            for k in ready:
                above = 0
                for t in {t for r in waiting[k].parents for t in named[r]}:
                    above |= self.above[place[t]] | 1 << place[t]
                place[k] = len(self.edits)
                self.edits.append(waiting.pop(k))
                self.above.append(above)
        self.key = sorted(place, key=place.get)
        self.copies = [copies[k] for k in self.key]
        self.place = {r: [place[t] for t in twins] for r, twins in named.items() if all(t in place for t in twins)}
        self.far = [any(e.change.far for e in c) for c in self.copies]
        self.resolve = [any(e.resolve for e in c) for c in self.copies]
        self.rank = [(min(e.clock for e in self.copies[i]), self.edits[i].change.commit.device, k) for i, k in enumerate(self.key)]
        self.all = (1 << len(self.edits)) - 1
        self.leaves = self.all
        for above in self.above:
            self.leaves &= ~above

    def places(self, mask):
        return [i for i in range(len(self.edits)) if mask >> i & 1]

    def content(self, i):
        """All cells as the author of i left them, of a document that is taken whole."""
        chain = [i]
        while self.edits[chain[-1]].parents:
            chain.append(self.place[self.edits[chain[-1]].parents[0]][0])
        cells = {}
        for i in reversed(chain):
            cells.update(self.edits[i].cells)
        return cells

    def heads(self, says, policy, resolve):
        """Of the places that say something (place -> what): those which no later one replaced."""
        writers = sum(1 << i for i in says)
        beaten, gone = {}, 0
        for i in sorted(says):
            known = self.above[i] & writers
            for k in self.places(known):
                known &= ~beaten[k]
            if policy != "latest" and not (resolve and self.resolve[i]) and len({says[k] for k in self.places(known)}) > 1:
                known = sum(1 << k for k in self.places(known) if self.edits[i].parents == (self.key[k][0],))
            beaten[i] = known
            gone |= known
        return self.places(writers & ~gone)

    def choose(self, heads, says, policy, severity):
        """(shown, stands or None, is it open)"""
        shown = max(heads, key=lambda i: self.rank[i])
        if len({says[i] for i in heads}) == 1:
            return shown, shown, False
        if policy == "severest":
            shown = max(heads, key=lambda i: (severity(i), self.rank[i]))
        nothing = policy == "review" or policy == "latest" and any(self.far[i] for i in heads)
        return shown, None if nothing else shown, True

    def base(self, of):
        """The nearest that all of these grew from, of several the one with the lowest rev; None: they share nothing."""
        shared = self.all
        for i in of:
            shared &= self.above[i]
        for i in self.places(shared):
            shared &= ~self.above[i]
        return min(self.places(shared), key=lambda i: self.key[i], default=None)


Finding = collections.namedtuple("Finding", "column kind open policy stands candidates base says")


class Columns:
    """Every document but the three that are taken whole."""

    def __init__(self, table, edits, policy_of):
        t = self.tree = Tree(edits)
        self.table, self.policy_of, self.edits = table, policy_of, edits
        self.columns = {}                                  # column -> (value, shown, stands, open, heads)
        for c in sorted({c for e in t.edits for c in e.cells if c in SAID[table]}):
            says = {i: e.cells[c] for i, e in enumerate(t.edits) if c in e.cells}
            heads = t.heads(says, policy_of(c), True)
            shown, stands, is_open = t.choose(heads, says, policy_of(c), lambda i: 0)
            self.columns[c] = says[shown], shown, stands, is_open, heads
        self.revs = tuple(sorted({t.key[i][0] for i in t.places(t.leaves)}))

    def row(self):
        t = self.tree
        if not t.edits:
            return None
        row = dict(TABLES[self.table].defaults, rev=self.revs, clock=max(e.clock for e in t.edits))
        row.update((c, v[0]) for c, v in self.columns.items())
        if self.table == "cases":
            row.update(self.follow(t.all, row["content"]))
        return row

    def known(self, mask):
        """The same document as somebody knew it who held only these edits."""
        return Columns(self.table, [e for i in self.tree.places(mask) for e in self.tree.copies[i]], self.policy_of)

    def follow(self, among, content):
        """Kind, locale, segment and results, as the importer of that content had them."""
        t = self.tree
        i = min((i for i in t.places(among) if t.edits[i].cells.get("content") == content),
                key=lambda i: (t.resolve[i], t.key[i][0]), default=None)
        if i is None:
            return {}
        before = self.known(t.above[i]).columns.get("content", (None,))[0]
        return {**self.follow(t.above[i], before), **{c: v for c, v in t.edits[i].cells.items() if c in FOLLOW}}

    def findings(self):
        t, identical, parallel = self.tree, False, not any(c[3] for c in self.columns.values())
        for c, (_, shown, stands, is_open, heads) in self.columns.items():
            if (self.table, c) in ACCOUNT:
                continue
            if len(heads) < 2:
                heads = self.resolved(c, shown) if t.resolve[shown] else []
                kind = "hard"
            else:
                kind = "hard" if is_open else "identical"
                identical |= not is_open
            if len(heads) > 1:
                yield Finding(c, kind, is_open, self.policy_of(c), stands, heads, self.base_of(c, heads),
                              lambda i, c=c: {c: t.edits[i].cells[c]} if c in t.edits[i].cells else {})
        if len(self.revs) > 1 and parallel and not identical:
            leaves = [t.place[r][0] for r in self.revs]
            base = t.base(leaves)
            yield Finding("", "parallel", False, self.policy_of(""), None, leaves,
                          None if base is None else self.shown(base), self.shown)

    def shown(self, i):
        return {c: v for c, v in self.tree.edits[i].cells.items() if c in SHOWN[self.table]}

    def resolved(self, c, resolve):
        """The resolve, and what it decided between; behind a resolve of a resolve what that did."""
        t, out = self.tree, []
        while True:
            out.append(resolve)
            k = self.known(t.above[resolve])
            if c not in k.columns:
                return out
            here = [t.key.index(k.tree.key[i]) for i in k.columns[c][4]]
            if len(here) > 1:
                return out + here
            if not t.resolve[here[0]]:
                return out
            resolve = here[0]

    def base_of(self, c, heads):
        base = self.tree.base(heads)
        if base is None:
            return None
        k = self.known(self.tree.above[base] | 1 << base)
        return {c: k.columns[c][0] if c in k.columns else TABLES[self.table].defaults[c]}


class Whole:
    """A judgment, a settlement or one of a stale judgment: one edit's content stands."""

    def __init__(self, table, edits, policy, severity=None, settlement=None):
        t = self.tree = Tree(edits)
        self.table, self.policy, self.settled, self.kind = table, policy, None, "fork" if table == "judgments" else "hard"
        if not t.edits:
            return
        self.cells = [t.content(i) for i in range(len(t.edits))]
        says = {i: tuple(sorted((cell_name(c), typed(v)) for c, v in self.cells[i].items() if self.is_said(c)))
                for i in range(len(t.edits))}

        def worst(i):
            return max([0] + [severity(t.edits[i], c, v) for c, v in self.cells[i].items() if type(c) is tuple]) if severity else 0
        heads = t.heads(says, policy, False)
        if settlement:
            self.settled = heads, t.choose(heads, says, policy, worst)
            weighed = {i for r in revs_of(settlement["weighed"]) for i in t.place.get(r, [])}
            chosen = sum(1 << i for i in weighed if t.key[i][0] == settlement["stands"])
            if chosen:
                seen = sum(1 << i for i in weighed)
                for i in weighed:
                    seen |= t.above[i]
                new = [i for i in heads if not seen >> i & 1]
                if policy != "latest" or not any(t.above[i] & chosen for i in new):
                    new = sorted(set(new) | set(t.places(chosen)))
                heads = new
        self.heads = heads
        self.shown, self.stands, self.open = t.choose(heads, says, policy, worst)
        rev = t.key[self.shown][0]
        self.revs = (rev, *sorted({t.key[i][0] for i in t.places(t.leaves)} - {rev}))

    def is_said(self, c):
        return type(c) is tuple or c in SAID[self.table]

    def row(self):
        return TABLES[self.table].defaults | self.cells[self.shown] | {"rev": self.revs} if self.tree.edits else None

    def says(self, i):
        return {cell_name(c): v for c, v in self.cells[i].items() if type(c) is tuple or c in SHOWN[self.table]}

    def findings(self):
        if not self.tree.edits:
            return
        heads, kind = self.heads, self.kind if self.open else "identical"
        if not self.open and self.settled:
            if not self.settled[1][2]:
                return
            heads, kind = self.settled[0], "fork"
        if len(heads) > 1:
            base = self.tree.base(heads)
            yield Finding("", kind, self.open, self.policy, self.stands, heads, None if base is None else self.says(base), self.says)


# ---- the state of a hub: every document's row, and what disagrees ------------------------------------------

def at_time(us):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us // 1000000))


class State:
    def __init__(self):
        self.rows = {t: {} for t in TABLES}                # row: column, or (field, result) of an answer -> value
        self.edits, self.tricky, self.trees = collections.defaultdict(list), set(), {}
        self.by_case, self.by_person, self.final, self.resolved, self.naming, self.revisions = (
            collections.defaultdict(set) for _ in range(6))
        self.verdicts = collections.defaultdict(dict)      # device -> (change commit, hub) -> line of its page
        self.accepted = {}                                 # change commit -> Change
        self.forms, self.policies, self.dirty = {}, {}, set()

    # -- policies

    def policy_of(self, table, name, otherwise="latest"):
        found = [p for p in (self.policies.get(f"{table}.{name}"), self.policies.get(table)) if p in ("latest", "severest", "review")]
        return found[0] if found else otherwise

    def field_of(self, e, name):
        """The field as it stood in the form that an edit was made under: the one that it, or a first parent, names."""
        by_rev = {x.rev: x for x in reversed(self.edits["judgments", e.doc])}
        steps = 0
        while not e.cells.get("form_version") and e.parents and e.parents[0] in by_rev and steps < len(by_rev):
            e, steps = by_rev[e.parents[0]], steps + 1
        return self.form(e.cells.get("form_version", b"")).get(name, {})

    def form(self, version):
        if version not in self.forms and version in self.rows["form_versions"]:
            body = json.loads(self.rows["form_versions"][version]["body"])
            self.forms[version] = {f["name"]: f for f in body["fields"]}
        return self.forms.get(version, {})

    def policy_of_answer(self, e, name):
        return self.policy_of("judgments", name, self.field_of(e, name).get("policy", "latest"))

    def severity(self, e, cell, value):
        if value is None or self.policy_of_answer(e, cell[0]) != "severest":
            return 0
        field = self.field_of(e, cell[0])
        if field.get("type") == "bool":
            return int(value == "true")
        return max([0] + [c["severity"] for c in field.get("choices", []) if c["value"] in value.split(",")])

    def policy_of_judgment(self, edits):
        answered = {self.policy_of_answer(e, c[0]) for e in edits for c in e.cells if type(c) is tuple}
        return next((p for p in ("review", "severest", "latest") if p in answered), self.policy_of("judgments", ""))

    # -- taking in

    def take(self, change):
        again = set()
        for e in change.list:
            key, row = (e.table, e.doc), self.rows[e.table].get(e.doc)
            self.edits[key].append(e)
            if key in self.tricky or e.resolve or e.parents != (row["rev"] if row else ()) or (
                    e.table == "judgments" and e.doc in self.rows["settlements"]):
                self.tricky.add(key)
            else:                                          # it was written on what the row shows: no tree is needed
                self.put(e.table, e.doc, (row or TABLES[e.table].defaults) | e.cells | {"rev": (e.rev,)})
            again.add(key)
        self.weigh(again)

    def weigh(self, keys):
        """Whatever disagrees in these documents is decided anew; the policies and settlements among them come first."""
        old = self.policies
        for t in ("project", "form_versions", *ORDER):
            for table, doc in sorted(k for k in keys if k[0] == t):
                if (table, doc) in self.tricky:
                    self.evaluate(table, doc)
                if table == "project":
                    self.policies = json.loads(self.rows["project"].get(doc, {}).get("policies", "{}"))
                if table == "settlements" and ("judgments", doc) in self.edits:
                    self.tricky.add(("judgments", doc))
                    self.evaluate("judgments", doc)
                    self.touch("judgments", doc)
                self.touch(table, doc)
        if self.policies != old:
            for table, doc in sorted(self.tricky):
                self.evaluate(table, doc)
                self.touch(table, doc)

    def evaluate(self, table, doc):
        edits = self.edits[table, doc]
        if table == "judgments":
            settlement = self.rows["settlements"].get(doc)
            settlement = settlement if settlement and len(settlement["stands"]) == 8 else None
            tree = Whole(table, edits, self.policy_of_judgment(edits), self.severity, settlement)
        elif table in WHOLE:
            tree = Whole(table, edits, "latest")
        else:
            tree = Columns(table, edits, lambda c: self.policy_of(table, c))
        self.trees[table, doc] = tree
        self.put(table, doc, tree.row())

    def put(self, table, doc, row):
        if table == "judgments":
            for named in NAMED:
                for r, to in ((self.rows[table].get(doc), False), (row, True)):
                    if r and len(r[named]) == 16:
                        (self.naming[r[named]].add if to else self.naming[r[named]].discard)(doc)
        if row is None:
            self.rows[table].pop(doc, None)
            return
        self.rows[table][doc] = row
        for t, index, column in (("assignments", self.by_case, "case_id"), ("assignments", self.by_person, "person"),
                                 ("adjudications", self.final, "case_id"), ("resolutions", self.resolved, "doc"),
                                 ("guideline_revisions", self.revisions, "parent_doc"), ("form_versions", self.revisions, "parent_doc")):
            if table == t:
                index[row[column]].add(doc)

    # -- which pages that concerns

    def touch(self, table, doc):
        row = self.rows[table].get(doc, {})
        if (table, doc) in self.tricky:
            self.dirty.add(("conflict", doc))
        if table in ("project", "persons", "replicas", "rulings"):
            self.dirty.add(("project" if table == "project" else "trust", b""))
        elif table == "exports":
            self.dirty.add((table, b""))
        elif table in ("cases", "guidelines", "forms"):
            self.dirty.add((table, doc))
        elif table in ("guideline_revisions", "form_versions"):
            text = row.get("parent_doc", b"")
            self.dirty |= {("guidelines" if table[0] == "g" else "forms", text), ("conflict", text)}
            self.touch_under(text)
        elif table == "assignments":
            self.dirty |= {("assignments", row.get("person", b"")), ("judgments", row.get("case_id", b""))}
        elif table == "adjudications":
            self.dirty.add((table, row.get("case_id", b"")))
        elif table in ("judgments", "settlements"):
            self.dirty.add(("judgments", self.rows["assignments"].get(doc, {}).get("case_id", b"")))
        if table in ("settlements", "resolutions"):
            self.dirty.add(("settled", row.get("doc", doc)))
        if table == "stale_settlements":
            self.dirty.add(("judgments", self.rows["assignments"].get(row.get("judgment", b""), {}).get("case_id", b"")))

    def touch_under(self, text):
        """Judgments under any revision of the text, which may be stale now, or no longer."""
        self.dirty |= {("judgments", self.rows["assignments"].get(j, {}).get("case_id", b"")) for r in self.revisions[text] for j in self.naming[r]}

    # -- late and stale

    def is_late(self, doc):
        state = self.rows["assignments"].get(doc, {}).get("state", "given")
        tree = self.trees.get(("judgments", doc))
        if state == "given" or (tree and tree.open and tree.stands is None):
            return False
        stands, knew = self.rows["judgments"][doc]["rev"][0], {bytes.fromhex(r) for r in state.split(" ")[1:]}
        if stands in knew or not knew:
            return not knew
        tree = (tree or Whole("judgments", self.edits["judgments", doc], "latest")).tree
        return not any(tree.key[k][0] in knew for i in tree.place[stands] for k in tree.places(tree.above[i]))

    def breaking_beside(self, named):
        """The breaking revisions of a text that are not above the one named, which is not theirs either."""
        row = self.revision(named)
        if not row:
            return []
        above, todo = {named}, [named]
        while todo:
            todo = [p for q in todo for p in ids_of(self.revision(q)["parents"]) if self.revision(p) and p not in above]
            above.update(todo)
        return [r for r in self.revisions[row["parent_doc"]] if r not in above and self.revision(r)["kind"] == "breaking"]

    def revision(self, id):
        return self.rows["guideline_revisions"].get(id) or self.rows["form_versions"].get(id)


def ids_of(blob):
    return [blob[i:i + 16] for i in range(0, len(blob), 16)]


# ---- texts as they are shown -------------------------------------------------------------------------------

IGNORABLE = [tuple(int(x, 16) for x in r.split("-")) for r in """ad-ad 34f-34f 61c-61c 115f-1160 17b4-17b5 180b-180f 200b-200f 2028-202e
2060-206f 3164-3164 fe00-fe0f feff-feff ffa0-ffa0 fff0-fffb 1bca0-1bca3 1d173-1d17a e0000-e0fff""".split()]


def acting(text):
    """Of each character whether it would act where the text is shown, or hide in it (sync/pages.md)."""
    marks, joins, varies = 8, False, False
    for ch in text:
        c = ord(ch)
        if c < 0x20 or 0x7f <= c < 0xa0:
            marks, joins, varies = 8, False, False
            yield True
            continue
        if c < 0x7f:
            marks, joins, varies = 0, False, True
            yield False
            continue
        mark, hidden = unicodedata.category(ch) in ("Mn", "Me"), any(a <= c <= b for a, b in IGNORABLE)
        selector, joiner = 0xfe00 <= c <= 0xfe0f or 0xe0100 <= c <= 0xe01ef, c in (0x200c, 0x200d)
        if mark and selector:
            hidden = not varies
        elif mark and not hidden:
            hidden, marks = marks >= 8, marks + 1
        elif joiner:
            hidden = not joins
        if joiner or selector or hidden:
            varies, joins = False, joins and selector and not hidden
        else:
            marks, joins, varies = marks if mark else 0, True, True
        yield hidden


def spelled(c):
    return f"\\x{c:02x}" if c < 0xa0 else f"\\u{c:04x}" if c < 0x10000 else f"\\U{c:08x}"


def tsv(*cells):
    out = []
    for text in map(str, cells):
        if text.isascii() and text.isprintable() and "\\" not in text:
            out.append(text)
        else:
            out.append("".join({"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}.get(c) or (spelled(ord(c)) if a else c)
                               for c, a in zip(text, acting(text))))
    return "\t".join(out) + "\n"


def json_page(value):
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    if not text.isascii() or "\x7f" in text:
        text = "".join(json.dumps(c)[1:-1] if a and ord(c) > 0x7e else c for c, a in zip(text, acting(text)))
    return upper(text) + "\n"


def json_cells(cells):
    cells = {c: v.hex() if type(v) is bytes else v for c, v in cells.items()}
    return upper(json.dumps(cells, separators=(",", ":"), sort_keys=True, ensure_ascii=False))


def upper(text):
    """\\u001f with its letters as the writer has them, in capitals."""
    return re.sub(r"\\\\|\\u00[01][0-9a-f]", lambda m: m[0] if m[0] == "\\\\" else "\\u" + m[0][2:].upper(), text)


# ---- the files of main, as sync/pages.md has them ------------------------------------------------------------

class Pages:
    def __init__(self, state):
        self.s, self.rows = state, state.rows

    def who(self, person, otherwise=""):
        return self.rows["persons"][person]["pseudonym"] if person in self.rows["persons"] else otherwise

    def by(self, change):
        """The pseudonym of a change commit's person."""
        return self.who(self.rows["replicas"].get(bytes.fromhex(change.commit.device), {}).get("person"))

    def case(self, id):
        return self.rows["cases"].get(id, {}).get("name", id.hex())

    def case_path(self, folder, id, ending):
        name = self.rows["cases"].get(id, {}).get("name", "")
        plain = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) and not name.endswith(".")
        return f"{folder}/{id.hex()[:2]}/{name if plain else id.hex()}{ending}"

    def render(self, page):
        """(path, text) of each file of a page; no text, no file."""
        kind, id = page
        made = getattr(self, kind)(id)
        return [(p, t.encode()) for p, t in (made if type(made) is list else [made])]

    def every(self):
        r, s = self.rows, self.s
        yield from {("project", b""), ("trust", b""), ("exports", b""), *((t, i) for t in ("cases", "guidelines", "forms") for i in r[t]),
                    *(("assignments", i) for i in s.by_person),
                    *(("judgments", i) for i in s.by_case), *(("adjudications", i) for i in s.final),
                    *(("settled", i) for i in (*r["settlements"], *s.resolved)), *(("verdicts", bytes.fromhex(d)) for d in s.verdicts),
                    *(("conflict", i) for _, i in s.tricky), *(("conflict", i) for t in ("guidelines", "forms") for i in r[t])}

    def project(self, _):
        out = [(".gitattributes", "changeset diff=casepack\n")]
        for id, p in self.rows["project"].items():
            o = {"id": id.hex(), "name": p["name"], "shows_queries": bool(p["shows_queries"]), "policies": json.loads(p["policies"])}
            o.update({c: p[c] for c in ("encryption", "keep_days") if p[c]})
            out.append(("project.json", json_page(o)))
        return out

    def trust(self, _):
        devices, project = sorted(self.rows["replicas"].items()), next(iter(self.rows["project"]), b"").hex()
        signers = "".join(
            f'{id.hex()}@{project}.invalid namespaces="git,casepack-bundle,casepack-successor" ssh-ed25519 '
            + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + d["public_key"]).decode() + f" {self.who(d['person'])}\n" for id, d in devices)
        people = tsv("person", "role", "state", "vendor", "locales", "device", "device_state")
        for id, p in sorted(self.rows["persons"].items(), key=lambda x: x[1]["pseudonym"].encode()):
            of = [(d.hex(), r["state"]) for d, r in devices if r["person"] == id] or [("", "")]
            people += "".join(tsv(*(p[c] for c in ("pseudonym", "role", "state", "vendor", "locales")), *d) for d in of)
        rulings = sorted(self.rows["rulings"].values(), key=lambda r: r["about"])
        rulings = "".join(tsv(r["about"], r["decision"], self.who(r["person"], r["person"].hex()), at_time(r["clock"]), r["reason"])
                          for r in rulings)
        return [("trust/allowed_signers", signers), ("trust/persons.tsv", people),
                ("trust/rulings.tsv", rulings and "about\tdecision\twho\twhen\treason\n" + rulings)]

    def exports(self, _):
        rows = sorted(self.rows["exports"].items(), key=lambda x: (x[1]["clock"], x[0]))
        lines = "".join(tsv(at_time(r["clock"]), self.who(r["person"], r["person"].hex()), r["format"], r["scope"], r["labels"], r["file"].hex(),
                            r["main"]) for _, r in rows)
        return "exports.tsv", lines and "when\twho\tformat\tscope\tlabels\tfile\tmain\n" + lines

    def cases(self, id):
        c = self.rows["cases"].get(id)
        o = c and {"id": id.hex(), "content": c["content"].hex(), "results": json.loads(c["results"]),
                   **{k: c[k] for k in ("name", "kind", "locale", "segment", "state")}, **({"reason": c["reason"]} if c["reason"] else {})}
        return self.case_path("cases", id, ".json"), o and json_page(o) or ""

    def assignments(self, person):
        lines = []
        for id in self.s.by_person[person]:
            a = self.rows["assignments"][id]
            form, guideline = (self.rows[t].get(a[c], {}).get("name", "") for t, c in (("forms", "form"), ("guidelines", "guideline")))
            lines.append((a["position"], id, tsv(a["position"], self.case(a["case_id"]), a["pass"], form, guideline, a["due"], a["state"])))
        return f"assignments/{self.who(person, 'unknown')}.tsv", "position\tcase\tpass\tform\tguideline\tdue\tstate\n" + "".join(
            line for _, _, line in sorted(lines))

    def named(self, revision, word):
        r = self.s.revision(revision)
        text = r and (self.rows["guidelines"].get(r["parent_doc"]) or self.rows["forms"].get(r["parent_doc"]))
        return f"{text['name']} {word} {r['number']}" if text else ""

    def judgments(self, case):
        out = []
        for id in self.s.by_case[case]:
            a, j = self.rows["assignments"][id], self.rows["judgments"].get(id)
            if j is None:
                continue
            rater = self.who(a["person"], a["person"].hex())
            facts = [("[state]", j["state"]), ("[guideline]", self.named(j["guideline_revision"], "revision")),
                     ("[form]", self.named(j["form_version"], "version")), ("[content]", j["content"].hex()), ("[note]", j["note"]),
                     ("[late]", a["state"].split(" ")[0] if self.s.is_late(id) else "")]
            lines = [tsv(rater, a["pass"], f, "", v) for f, v in facts if v]
            lines += [tsv(rater, a["pass"], "[stale]", *cells) for cells in self.stale(id, j)]
            lines += [tsv(rater, a["pass"], *c, j[c]) for c in sorted((c for c in j if type(c) is tuple), key=lambda c: (c[0].encode(), c[1].encode()))
                      if j[c] is not None]
            out.append((rater.encode(), a["pass"], id, "".join(lines)))
        return self.case_path("judgments", case, ".tsv"), "".join(text for *_, text in sorted(out))

    def stale(self, judgment, j):
        """Each breaking revision that has overtaken it: what it is called, the decision, why and whose."""
        for broken in sorted(b for named in NAMED for b in self.s.breaking_beside(j[named])):
            w = self.rows["stale_settlements"].get(derive("stale", judgment, broken), {})
            w = w if w.get("weighed") == j["rev"][0] and w.get("decision") else {}
            called = self.named(broken, "revision" if broken in self.rows["guideline_revisions"] else "version")
            yield called, w.get("decision", "open"), w.get("reason", ""), self.who(w.get("person"))

    def adjudications(self, case):
        rows = sorted((self.rows["adjudications"][i] for i in self.s.final[case]), key=lambda a: (a["field"].encode(), a["result"].encode()))
        return self.case_path("adjudications", case, ".tsv"), "".join(
            tsv(a["field"], a["result"], a["value"] if a["value"] is not None else "", a["cause"], a["reason"], self.who(a["person"])) for a in rows)

    def guidelines(self, id):
        name, heads = self.rows["guidelines"].get(id, {}).get("name", ""), self.heads(id)
        return f"guidelines/{name}.md", self.merged(id, heads)[0] if heads else ""

    def forms(self, id):
        current = self.current(id)
        return f"forms/{self.rows['forms'].get(id, {}).get('name', '')}.json", json_page(json.loads(current["body"])) if current else ""

    def current(self, text):
        return max((self.s.revision(i) | {"id": i} for i in self.s.revisions[text] if self.s.revision(i)),
                   key=lambda r: (r["number"], r["clock"], r["id"]), default=None)

    def heads(self, text):
        rows = {i: self.s.revision(i) for i in self.s.revisions[text] if self.s.revision(i)}
        parents = {p for r in rows.values() for p in ids_of(r["parents"])}
        return sorted((i for i in rows if i not in parents), key=lambda i: (rows[i]["rev"][0], i))

    def base(self, text, heads):
        """The nearest revision that all heads grew from, of several the one with the lowest rev."""
        rows = {i: self.s.revision(i) for i in self.s.revisions[text]}

        def above(i):
            seen, todo = set(), [i]
            while todo:
                todo = [p for q in todo for p in ids_of(rows[q]["parents"]) if p in rows and p not in seen]
                seen.update(todo)
            return seen
        shared = set.intersection(*(above(h) for h in heads))
        shared -= set().union(*(above(i) for i in shared))
        return min(shared, key=lambda i: rows[i]["rev"][0], default=None)

    def merged(self, text, heads):
        """What `git merge-file` makes of the heads of a guideline, and whether places overlap."""
        if len(heads) == 1:
            return self.current(text)["body"], False
        base, overlaps = self.base(text, heads), False
        before = self.s.revision(base)["body"] if base else ""
        ours = self.s.revision(heads[0])["body"]
        label = "revision {number} ({id})".format(**self.s.revision(heads[0]) | {"id": heads[0].hex()[:12]})
        for h in heads[1:]:
            theirs = self.s.revision(h)["body"]
            marks = [len(m) for t in (before, ours, theirs) for m in re.findall(r"^(?:<+|>+)", t, re.M)]
            size = min(max([7] + [m + 1 for m in marks]), 200)
            with tempfile.TemporaryDirectory() as folder:
                for name, t in (("ours", ours), ("before", before), ("theirs", theirs)):
                    with open(os.path.join(folder, name), "w", newline="") as f:
                        f.write(t)
                done = subprocess.run(["git", "merge-file", "-p", "-q", f"--marker-size={size}", "-L", label, "-L", "before", "-L",
                                       "revision {number} ({id})".format(**self.s.revision(h) | {"id": h.hex()[:12]}),
                                       "ours", "before", "theirs"], cwd=folder, capture_output=True)
            ours, label, overlaps = done.stdout.decode(), "those before it, merged", overlaps or done.returncode != 0
        return ours, overlaps

    def conflict(self, doc):
        lines = []                                         # (table's place, column, class, rev, change commit, line)
        for n, t in enumerate(ORDER):
            tree = self.s.trees.get((t, doc))
            for f in tree.findings() if tree else ():
                state = "open" if f.open else "settled" if f.kind in ("fork", "hard") else ""
                base, key = "" if f.base is None else json_cells(f.base), tree.tree.key
                for i in f.candidates:
                    e = tree.tree.edits[i]
                    stands = "stands" if f.stands is not None and key[f.stands][0] == e.rev else ""
                    lines.append((n, f.column, f.kind, e.rev, e.change.oid, tsv(
                        t, f.column, f.kind, state, f.policy, base, stands, e.rev.hex(), self.by(e.change), at_time(e.clock),
                        e.change.oid, json_cells(f.says(i)))))
            if t in ("guidelines", "forms") and doc in self.rows[t] and len(self.heads(doc)) > 1:
                lines += [(n, "text", "text", *line) for line in self.several(t, doc)]
        header = "table\tcolumn\tclass\topen\tpolicy\tbase\tstands\trev\twho\twhen\tchange_commit\tsays\n"
        return f"conflicts/{doc.hex()[:2]}/{doc.hex()}.tsv", header + "".join(line[-1] for line in sorted(lines)) if lines else ""

    def several(self, table, doc):
        """Several heads of one text."""
        of, word = ("form_versions", "version") if table == "forms" else ("guideline_revisions", "revision")

        def says(i):
            r = self.rows[of][i]
            return json_cells({word: str(r["number"]), "kind": r["kind"], "id": i.hex(), "note": r["note"]})
        heads = self.heads(doc)
        base, policy = self.base(doc, heads), "overlaps" if table == "forms" or self.merged(doc, heads)[1] else "merges"
        current, lines = self.current(doc)["rev"][0], []
        for i in heads:
            rev = self.rows[of][i]["rev"][0]
            for e in self.s.edits[of, i]:
                if e.rev == rev:
                    lines.append((rev, e.change.oid, tsv(table, "text", "text", "open", policy, says(base) if base else "",
                                  "stands" if rev == current else "", rev.hex(), self.by(e.change), at_time(self.rows[of][i]["clock"]), e.change.oid, says(i))))
        return lines

    def settled(self, doc):
        lines = []
        s = self.rows["settlements"].get(doc)
        if s:
            lines.append(tsv("settlement", "judgments", s["stands"].hex(), s["weighed"].hex(), s["policy"], self.who(s["person"]), at_time(s["clock"]), s["reason"]))
        for r in sorted((self.rows["resolutions"][i] for i in self.s.resolved[doc]), key=lambda r: (r["tbl"], r["clock"], r["edit"])):
            lines.append(tsv("resolution", r["tbl"], r["edit"].hex(), r["settles"], r["policy"], self.who(r["person"]), at_time(r["clock"]), r["reason"]))
        header = "kind\ttable\tstands\tweighed_or_settles\tpolicy\twho\twhen\treason\n"
        return f"settlements/{doc.hex()[:2]}/{doc.hex()}.tsv", header + "".join(lines) if lines else ""

    def verdicts(self, device):
        lines = [tsv(oid, *line[:1], at_time(line[1] * 1000000), *line[2:4], hub, line[4])
                 for (oid, hub), line in sorted(self.s.verdicts[device.hex()].items(), key=lambda x: (x[1][1], x[0]))]
        return f"verdicts/{device.hex()}.tsv", "change_commit\tverdict\treceived\tclock\tedits\thub\treason\n" + "".join(lines)


# ---- who may write what -----------------------------------------------------------------------------------------

def decimal(text):
    return bool(re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)) and text != "-0"


def answers(field, value):
    """Is that a canonical answer to the field? (formats/form.md)"""
    kind, choices = field["type"], [c["value"] for c in field.get("choices", [])]
    if kind == "multi":
        return value != "" and value == ",".join(c for c in choices if c in value.split(","))
    if kind == "bool":
        return value in ("true", "false")
    if kind == "text":
        return len(value.encode()) <= field["max_length"] and value.strip(" \t\r\n") == value != "" and not any(
            unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value)
    if kind == "number":
        return decimal(value) and field["min"] <= float(value) <= field["max"]
    return value in choices


class Rights:
    """Rows of one change commit, held against the state that the hub had which accepted it."""

    def __init__(self, state, person, role):
        self.s, self.person, self.role = state, person, role

    def check(self, change):
        need(self.role != "auditor" or not change.list, "by an auditor, who writes nothing")
        for e in change.list:
            if e.table == "judgments":
                self.judgment(e, change)
            else:
                need(self.role == "lead", f"a row of {e.table}, which only a lead may write")
                if e.table in ("settlements", "stale_settlements", "resolutions", "rulings", "exports") and e.table != "stale_settlements":
                    need(e.cells.get("person", self.person) == self.person, f"a row of {e.table} in another person's name")
                if e.table == "settlements":
                    need(len(e.cells.get("stands", bytes(8))) == 8 and len(e.cells.get("weighed", bytes(8))) % 8 == 0, "a settlement that names no edits")
                if e.table in ("guideline_revisions", "form_versions"):
                    self.revision(e, change)

    def judgment(self, e, change):
        a = self.s.rows["assignments"].get(e.doc)
        need(a, f"judgment {e.doc.hex()} has no assignment")
        need(a["person"] == self.person, f"judgment {e.doc.hex()} is another person's")
        need("clock" in e.cells, "an answer whose judgment was not written with it")
        need(all(0 <= e.cells.get(c, 0) <= 1 << 53 for c in ("active_ms", "idle_ms", "wall_ms")), "a judgment that took no time that can be")
        form, content = self.named(e, "form_version", change), self.named(e, "content", change)
        need(form in self.s.rows["form_versions"], "a judgment under a form that is not here")
        g = e.cells.get("guideline_revision", b"")
        need(g == b"" or g in self.s.rows["guideline_revisions"], "a judgment under a guideline revision that is not here")
        case = a["case_id"]
        imports = [x.cells for x in self.s.edits["cases", case]]
        need(self.s.rows["cases"].get(case, {}).get("state") == "forgotten" or any(c.get("content") == content for c in imports),
             "a judgment of content that its case never had")
        results = {r for c in imports for r in json.loads(c.get("results", "[]"))}
        fields = self.s.form(form)
        for c, v in e.cells.items():
            if type(c) is tuple:
                field = fields.get(c[0])
                need(field, f"the form has no field {c[0]!r}")
                need((field["scope"] == "page") == (c[1] == ""), f"{c[0]} is asked of {'the page' if c[1] else 'each result'}")
                need(v is None or answers(field, v), f"{c[0]}: {str(v)[:64]!r} is no value of this field")
                need(c[1] == "" or c[1] in results, f"an answer for result {c[1][:64]!r}, which the case does not have")

    def named(self, e, column, change):
        """What the edit says, or the one that it grew from."""
        by_rev = {x.rev: x for x in [*self.s.edits["judgments", e.doc], *(x for x in change.list if x.doc == e.doc and x.table == "judgments")]}
        for _ in range(len(by_rev) + 1):
            if column in e.cells or not e.parents:
                return e.cells.get(column, b"")
            need(e.parents[0] in by_rev, "a judgment that builds on an edit which is not here")
            e = by_rev[e.parents[0]]

    def revision(self, e, change):
        fixed = ("parent_doc", "parents", "number", "body")
        if e.parents:
            need(not any(c in e.cells for c in fixed), "a revision that was changed")
            return
        text, parents, body = e.cells.get("parent_doc", b""), e.cells.get("parents", b""), e.cells.get("body", "")
        need(e.doc == derive("revision", text, body.encode(), parents), "a revision whose id is not the hash of its text and parents")
        of = {x.doc: x.cells for x in change.list if x.table == e.table and not x.parents} | {i: self.s.revision(i) for i in ids_of(parents) if self.s.revision(i)}
        need(ids_of(parents) == sorted(set(ids_of(parents))) and all(p in of and of[p].get("parent_doc") == text for p in ids_of(parents)),
             "a revision on what is no revision of its text")
        number = 1 + max([0] + [of[p].get("number", 0) for p in ids_of(parents)])
        need(e.cells.get("number", 0) == number, f"a revision numbered {e.cells.get('number', 0)} where {number} is next")


# ---- the walk along main ---------------------------------------------------------------------------------------

class Faults:
    def __init__(self):
        self.list = []

    def say(self, place, what):
        if (place, what) not in self.list:
            self.list.append((place, what))


WORD = re.compile(r"([0-9a-f]{40}) (accepted|accepted-far|refused) (\d+)(?: (.*))?")
Word = collections.namedtuple("Word", "main branch hub oid verdict edits reason")


class Audit:
    def __init__(self, git):
        self.git, self.faults, self.project = git, Faults(), None
        self.signatures, self.changes, self.mains = Signatures(self.faults), {}, {}
        self.count = collections.Counter()

    def guarded(self, place, f, *args):
        try:
            return f(*args)
        except Wrong as why:
            self.faults.say(place, str(why))
        except OSError:
            raise
        except Exception as why:                           # hostile bytes reach every line above
            self.faults.say(place, f"cannot be read: {why!r}")

    # -- main

    def read_mains(self, tip):
        for oid in self.git.run("rev-list", "--topo-order", "--reverse", tip).stdout.split():
            c = self.guarded(f"main commit {oid}", self.read_main, oid)
            if c is None:
                return False                               # nothing behind it can be believed
            self.mains[oid] = c
        return True

    def read_main(self, oid):
        c = Commit(oid, self.git.read(oid, "commit"))
        self.project = self.project or c.project
        need(c.project == self.project, "it is of another project")
        branch, c.words = c.trailer("Branch"), []
        for name, value in c.trailers:
            if name == "Change-commit":
                found = WORD.fullmatch(value)
                need(found and branch, f"a trailer cannot be read: {value[:80]}")
                c.words.append(Word(c, branch, c.device, *found.groups()))
        need(len(c.parents) < 2 or (len(c.parents) == 2 and not c.words), "it has two parents and yet is no joining")
        need(c.words or len(c.parents) == 2, "it names no change commit")
        self.signatures.ask(f"main commit {oid}", c.signature, c.signed)
        return c

    def chains(self, tip):
        """Each hub's line by first parents, the tip's own first; what they share is in each."""
        done, out = set(), []
        for start in [tip] + list(reversed(self.mains)):
            if start in done:
                continue
            chain = [start]
            while self.mains[chain[-1]].parents:
                chain.append(self.mains[chain[-1]].parents[0])
            done.update(chain)
            out.append(chain[::-1])
        return out

    def walk(self, tip):
        if not self.read_mains(tip):
            return
        checked = set()
        for chain in self.chains(tip):
            for change in self.changes.values():
                change.far = False
            Line(self, chain, checked).walk()
            checked.update(chain)


class Line:
    """One hub's main by first parents, from the root to its end."""

    def __init__(self, audit, chain, checked):
        self.a, self.chain, self.checked = audit, chain, checked
        self.state, self.seen = State(), set()
        self.pages, self.have, self.made, self.wrong = Pages(self.state), {}, {}, {}    # path -> blob: on main, as it should be
        self.due, self.shown, self.texts, self.last = {}, {}, {}, None
        self.order = {oid: i for i, oid in enumerate(audit.mains)}

    def walk(self):
        diffs = self.diffs()
        for i, oid in enumerate(self.chain):
            c = self.a.mains[oid]
            for m in self.news(oid):
                self.a.guarded(f"main commit {m.oid}", self.speak, m)
            after = self.a.mains[self.chain[i + 1]] if i + 1 < len(self.chain) else None
            if after is None and oid == next(reversed(self.a.mains)):
                self.state.dirty.update(self.pages.every())
                self.a.final = self
            self.a.guarded(f"main commit {oid}", self.step, c, next(diffs))
            if after is None or (after.device, after.seconds) != (c.device, c.seconds):
                self.a.guarded(f"main commit {oid}", self.compare)

    def news(self, oid):
        """That commit, and before it what it joined."""
        todo, new = [oid], []
        while todo:
            at = todo.pop()
            if at not in self.seen:
                self.seen.add(at)
                new.append(at)
                todo += self.a.mains[at].parents
        return [self.a.mains[o] for o in sorted(new, key=self.order.get)]

    # -- what a commit of main says

    def speak(self, m):
        ours = m.oid in self.chain and m.oid not in self.checked
        if ours:
            self.check_hub(m)
        accepted = [w for w in m.words if w.verdict != "refused"]
        for w in m.words:
            self.a.guarded(f"change commit {w.oid}, named by main commit {m.oid}", self.hear, w, ours)
        if ours and accepted:
            last = self.a.changes.get(accepted[-1].oid)
            need(last is None or m.author[0] == last.commit.author[0], f"its author is not that of change commit {accepted[-1].oid}")

    def check_hub(self, m):
        device = self.state.rows["replicas"].get(bytes.fromhex(m.device))
        if not self.state.rows["replicas"]:
            need(bytes.fromhex(m.device) == derive("replica", bytes.fromhex(m.project), m.key), "the root's signer is not the device that it names")
            return
        if device is None:                                 # a hub that was copied or put back goes on before it is entered
            like = [r for r in self.state.rows["replicas"].values() if r["public_key"] == m.key]
            need(any(self.is_lead_hub(r) for r in like), "it is by a device that is not on the roster")
            return
        need(device["public_key"] == m.key, "another key than that of its committer signed it")
        need(self.pages.who(device["person"]) == m.name, f"its committer is not called {m.name}")
        need(self.is_lead_hub(device), "it is by a device that is no lead's hub")

    def is_lead_hub(self, device):
        return device["is_hub"] and self.state.rows["persons"].get(device["person"], {}).get("role") == "lead"

    # -- what it says of one change commit

    def hear(self, w, ours):
        far, device = w.verdict == "accepted-far", re.match(r"replica/([0-9a-f]{32})(\.\d+)?$", w.branch)
        need(device, f"no branch of a replica: {w.branch[:60]}")
        lines, key = self.state.verdicts[device[1]], (w.oid, w.hub)
        known = self.state.accepted.get(w.oid)
        if key not in lines or (lines[key][0] == "refused" and w.verdict != "refused"):
            lines[key] = (w.verdict.partition("-")[0], w.main.seconds, "far" if far else "near", w.edits, w.reason or "")
        self.state.dirty.add(("verdicts", bytes.fromhex(device[1])))
        if w.verdict == "refused":
            self.a.count["refusals"] += ours
            return
        change = self.a.changes.get(w.oid)
        if change is None:
            change = self.a.changes[w.oid] = Change(self.a.git, w.oid)
            self.a.signatures.ask(f"change commit {w.oid}", change.commit.signature, change.commit.signed)
        if ours:
            self.check_receipt(w, change, device[1], far)
        if known:
            if far and not known.far:
                known.far = True
                self.state.weigh({(e.table, e.doc) for e in known.list})
            return
        if ours:
            self.a.guarded(f"change commit {w.oid}, accepted by main commit {w.main.oid}", self.check_author, w, change)
        self.state.accepted[w.oid] = change
        change.far = far
        self.state.take(change)

    def check_receipt(self, w, change, device, far):
        need(change.commit.device == device, f"it is of {change.commit.device}, and not of {w.branch}")
        need(change.edits == int(w.edits), f"it has {change.edits} edits, and not {w.edits}")
        ahead = max([change.clock] + [e.clock for e in change.list]) - w.main.seconds * 1000000
        need(not far or ahead > DAY_US, "its clock is not far from its receipt")
        need(far or ahead <= DAY_US + 1000000, "its clock is far from its receipt, which main does not say")

    def check_author(self, w, change):
        """Is it by whom it says, did that device's line stand there, was it trusted then, and may it write this?"""
        c, rows = change.commit, self.state.rows
        need(c.project == self.a.project, "it is of another project")
        if c.parents:
            parent = self.state.accepted.get(c.parents[0])
            need(parent, f"its parent {c.parents[0]} was not accepted before it")
            need(parent.commit.device == c.device, "its parent is another device's")
        id = bytes.fromhex(c.device)
        founds = not rows["replicas"]
        device = rows["replicas"].get(id)
        self.check_claims(change, id)
        if device is None:
            own = next((e.cells for e in change.list if e.table == "replicas" and e.doc == id), None)
            if not founds:
                of = c.trailer("Casepack-Copy-Of")
                root = of and rows["replicas"].get(bytes.fromhex(of.split(" ")[0]))
                need(own and root and root["public_key"] == c.key and root["state"] != "revoked", "its device is not on the roster")
            device = dict(TABLES["replicas"].defaults, **(own or {}))
        need(device["public_key"] == c.key, "another key than that of its committer signed it")
        person = rows["persons"].get(device["person"])
        if person is None and founds:
            person = dict(TABLES["persons"].defaults, **next(e.cells for e in change.list if e.table == "persons"))
        need(person and person["pseudonym"] == c.name, f"its committer is not called {c.name}")
        ruled = any(r["about"] == w.oid and r["decision"] == "accept" for r in rows["rulings"].values())
        need(ruled or device["state"] in ("active", "retired"), f"its device is {device['state']}, as main says before")
        need(ruled or person["state"] == "active", "its person had left, as main says before")
        self.a.count["edits"] += change.edits
        if not founds:
            Rights(self.state, device["person"], person["role"]).check(change)

    def check_claims(self, change, id):
        c = change.commit
        of = c.trailer("Casepack-Copy-Of")
        if of:
            need(not c.parents and id == derive("replica", bytes.fromhex(c.project), c.key, bytes.fromhex(of.split(" ")[1])), "it is no copy of what it says")
            return
        need(c.parents or id == derive("replica", bytes.fromhex(c.project), c.key), "its device's id is not the hash of its key")
        old, _, proof = (c.trailer("Casepack-Successor-Of") or "").partition(" ")
        device = self.state.rows["replicas"].get(bytes.fromhex(old))
        if proof and device: # by one that was never let in it proves nothing: a lead has trusted the new key
            armour = "\n".join(["-----BEGIN SSH SIGNATURE-----", *(proof[i:i + 70] for i in range(0, len(proof), 70)),
                                "-----END SSH SIGNATURE-----", ""]).encode()
            need(key_of(armour, b"casepack-successor") == device["public_key"], "the proof that it succeeds is by another key")
            new = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + c.key).decode()
            self.a.signatures.ask(f"change commit {change.oid}, its proof", armour,
                                  f"device {old} of project {c.project} goes on with ssh-ed25519 {new}\n".encode(), "casepack-successor")

    # -- main's files

    def diffs(self):
        """For each commit of the chain what changed since the one before it: path -> blob, or None."""
        trees = [git_empty_tree()] + [self.a.mains[oid].tree for oid in self.chain]
        with tempfile.TemporaryFile() as pairs:
            pairs.write("".join(f"{a} {b}\n" for a, b in zip(trees, trees[1:])).encode())
            pairs.seek(0)
            p = subprocess.Popen(["git", "-C", self.a.git.path, "-c", "core.quotePath=false", "diff-tree", "-r", "--no-renames", "--stdin"],
                                 stdin=pairs, stdout=subprocess.PIPE, text=True)
            found = None
            for line in p.stdout:
                if not line.startswith(":"):
                    if found is not None:
                        yield found
                    found = {}
                    continue
                facts, path = line.rstrip("\n").split("\t", 1)
                mode, blob = facts.split(" ")[1], facts.split(" ")[3]
                found[path] = None if set(blob) == {"0"} else blob if mode == "100644" else f"mode {mode}"
            yield found

    def step(self, c, diff):
        """What one commit's files are, and what they should be. One merge makes a commit for each branch, all at one time,
        and each may show already what the merge led to; so they are judged when it is at its end."""
        for path, blob in diff.items():
            self.shown.setdefault(path, []).append((c.oid, blob))
            self.have[path] = blob
        wanted, self.state.dirty = self.state.dirty, set()
        for page in sorted(wanted):
            for path, text in self.a.guarded(f"main commit {c.oid}: {page[0]} {page[1].hex()}", self.pages.render, page) or ():
                self.due.setdefault(path, [self.made.get(path)])
                self.made[path] = hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest() if text else None
                self.due[path].append(self.made[path])
                self.texts[path] = text
        self.last = c.oid

    def compare(self):
        for path in sorted({*self.due, *self.shown}):
            steps = self.due.get(path, [self.made.get(path)])
            odd = next(((oid, blob) for oid, blob in self.shown.get(path, []) if blob not in steps), None)
            if odd is None and self.have.get(path) != self.made.get(path) and self.have.get(path) != self.wrong.get(path, "nothing yet"):
                odd = self.last, self.have.get(path)
            if odd:
                self.wrong[path] = odd[1]
                self.a.faults.say(f"main commit {odd[0]}: {path}", self.differs(path, odd[1], self.texts.get(path)))
        self.a.count["pages"] += len(self.due)
        self.due, self.shown, self.texts = {}, {}, {}

    def differs(self, path, blob, text):
        if blob is None:
            return "is not there, and should be"
        if self.made.get(path) is None:
            return "is there, and follows from nothing"
        if text is None or len(blob) != 40:
            return "changed, though nothing that was taken in changes it"
        is_, wanted = self.a.git.read(blob, "blob").split(b"\n"), text.split(b"\n")
        n = next((i for i, (a, b) in enumerate(zip(is_ + [b"(end)"], wanted + [b"(end)"])) if a != b), 0)
        here, there = ((x + [b"(end)"])[n][:200].decode("utf-8", "replace") for x in (is_, wanted))
        return f"is not what follows from the accepted edits; line {n + 1} says {here!r}, should say {there!r}"


def git_empty_tree():
    return hashlib.sha1(b"tree 0\0").hexdigest()


# ---- branches, and nothing private in any of them ------------------------------------------------------------------

def check_branches(a, branches, mains):
    """Every commit of every branch: of main, a change commit, or material; returns how many wait for a hub."""
    waiting, on_branch = 0, set()
    for name, tip in sorted(branches.items()):
        kind = name.partition("/")[0]
        if kind == "replica":
            for oid in a.git.run("rev-list", tip).stdout.split():
                on_branch.add(oid)
                if oid not in a.changes:
                    change = a.guarded(f"change commit {oid} on {name}", Change, a.git, oid)
                    if change:
                        a.changes[oid] = change
                        a.signatures.ask(f"change commit {oid} on {name}", change.commit.signature, change.commit.signed)
                        a.guarded(f"change commit {oid} on {name}", check_giver, a, change)
                        waiting += 1
        elif kind == "outbound":
            for oid in a.git.run("rev-list", tip).stdout.split():
                given = a.guarded(f"material {oid} on {name}", Change, a.git, oid, True)
                if given:
                    a.signatures.ask(f"material {oid} on {name}", given.commit.signature, given.commit.signed)
                    a.guarded(f"material {oid} on {name}", check_giver, a, given)
                    a.guarded(f"material {oid} on {name}", check_receiver, a, given, name)
                    a.count["material"] += 1
        elif kind == "hub" and tip not in mains and a.git.run("merge-base", "--is-ancestor", tip, branches["main"], ok=(0, 1)).returncode:
            print(f"note: {name} is ahead of main; what it says besides was not looked at")
    for oid in getattr(a, "final").state.accepted if hasattr(a, "final") else ():
        if oid not in on_branch:
            a.faults.say(f"change commit {oid}", "main accepts it, and no replica's branch holds it")
    return waiting


def check_strays(a):
    """Objects that main does not reach: no byte of a private table is among them, whatever names or forgets them."""
    every = {line.split(" ")[0] for line in a.git.run("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)").stdout.splitlines()
             if line.endswith(" blob")}
    for line in a.git.run("rev-list", "--objects", next(reversed(a.mains))).stdout.splitlines() if a.mains else ():
        every.discard(line[:40])
    for oid in sorted(every):
        data = a.git.read(oid, "blob")
        for name in PRIVATE if data.startswith(b"T") else ():
            if re.search(rb"T.[\1\2\3\0]+" + name.encode() + rb"\0", data, re.S):
                a.faults.say(f"object {oid}", f"rows of the private table {name}, which only leads may have")
    a.count["strays"] = len(every)


def check_giver(a, given):
    device = a.final.state.rows["replicas"].get(bytes.fromhex(given.commit.device)) if hasattr(a, "final") else None
    need(device is None or device["public_key"] == given.commit.key, "another key than that of its committer signed it")


def check_receiver(a, given, branch):
    line = f"\nCasepack-Outbound: {branch.partition('/')[2][:32]}\n".encode()
    need(line in a.git.read(given.oid, "commit") + b"\n", "it was given to another device")


def check_refs(a):
    """Names by which git shows something, and that casepack gives to nothing. What somebody has in a clone beside what came is theirs."""
    refs = a.git.run("for-each-ref", "--format=%(refname)").stdout.split()
    is_clone = any(r.startswith("refs/remotes/") for r in refs)
    ours = "main|(replica|outbound|hub)/[0-9a-f]{32}(\\.[0-9]+)?"
    for r in refs:
        if not re.fullmatch("refs/heads/" + (".*" if is_clone else f"({ours})") + "|refs/remotes/.*", r):
            a.faults.say(f"ref {r}", "casepack makes no such ref; git shows what it names")


# ---- the whole -----------------------------------------------------------------------------------------------------

def checkpoint_of(text):
    """A commit id, a git bundle, or a file of JSON, such as a bundle's manifest, in which one stands under the name main."""
    if re.fullmatch(r"[0-9a-f]{40}", text):
        return text
    with open(text, "rb") as f:
        head = f.read(1 << 20)
    if re.match(rb"# v[23] git bundle\n", head):
        found = re.findall(rb"^([0-9a-f]{40}) refs/heads/main$", head.split(b"\n\n")[0], re.M)
        found = [x.decode() for x in found]
    else:
        found = named_in(text, head)
    if not found:
        raise OSError(f"{text}: no commit of main is named in it")
    return found[0]


def named_in(path, text):
    try:
        m = json.loads(text.decode())
        found = [m.get("checkpoint")] + [m.get(k, {}).get("main") for k in ("tips", "have", "needs")]
        return [x for x in found if re.fullmatch(r"[0-9a-f]{40}", x or "")]
    except (ValueError, AttributeError, TypeError):
        raise OSError(f"{path}: is neither a git bundle nor JSON that names a commit, as the manifest.json inside a bundle does") from None


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("clone", help="a clone, or any repository of the history")
    p.add_argument("--against", metavar="CHECKPOINT", help="an older commit of main that somebody kept, or a file that names it: "
                   "a git bundle, or a bundle's manifest")
    args = p.parse_args()
    try:
        sys.exit(verify(args))
    except OSError as why:
        print(f"verify.py: {why}", file=sys.stderr)
        sys.exit(1)


def verify(args):
    git = Git(args.clone)
    branches = git.branches()
    if "main" not in branches:
        raise OSError(f"{args.clone}: no branch main; is it a clone of a casepack history?")
    if git.run("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise OSError(f"{args.clone}: a shallow clone; clone it whole")
    a, tip, kept = Audit(git), branches["main"], args.against and checkpoint_of(args.against)
    fsck = git.run("fsck", "--full", "--strict", "--no-dangling", "--no-progress", ok=range(256))
    for line in (fsck.stdout + fsck.stderr).splitlines():
        a.faults.say("git fsck", line)
    a.walk(tip)
    waiting = check_branches(a, branches, a.mains)
    a.guarded("objects", check_strays, a)
    a.guarded("refs", check_refs, a)
    if kept:
        against(a, tip, kept)
    signed = a.signatures.finish()
    return tell(a, signed, waiting, kept)


def against(a, tip, checkpoint):
    known = a.git.run("merge-base", "--is-ancestor", checkpoint, tip, ok=range(256)).returncode
    if known != 0:
        a.faults.say(f"checkpoint {checkpoint}", "main does not go on from it: what it stood for was rewritten")


def tell(a, signed, waiting, checkpoint):
    s = a.final.state if hasattr(a, "final") else State()
    for place, what in a.faults.list:
        print(f"{place}: {what}")
    print(f"objects: git fsck --strict; signatures: {signed}, by ssh-keygen")
    print(f"main: {len(a.mains)} commits; {len(s.accepted)} change commits accepted, {a.count['refusals']} refused, "
          f"{a.count['edits']} edits, each held against the roster and the rights at its place")
    print(f"on replicas' branches and on no main: {waiting}; commits of material: {a.count['material']}")
    print(f"files of main: {a.count['pages']} made again from the accepted edits and compared, along the whole of main")
    if a.faults.list:
        print(f"NOT AS IT SHOULD BE: {len(a.faults.list)} places, named above")
        return 4
    if checkpoint:
        print(f"GOOD, and history was only added to since the checkpoint {checkpoint}")
    else:
        print("GOOD. Without a checkpoint this cannot exclude that holders of leads' keys rewrote the whole of it, or left work out:")
        print("compare with a commit of main that somebody kept (--against)")
    return 0


if __name__ == "__main__":
    main()
