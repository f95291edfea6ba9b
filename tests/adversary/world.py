"""What an attack may know of the world of fixture.sh: keys, ids, rows, branches, honest bundles."""
import base64
import functools
import json
import os
import sqlite3

from kit import *


class World:
    def __init__(self, folder):
        self.folder = folder
        self.keys = os.path.join(folder, "config", "casepack", "keys")
        self.by_id = {}
        self.project, self.far_project = (json.loads(untar(self.bytes(b))[0][1])["project"] for b in ("return", "far"))
        self.names = [n[:-4] for n in os.listdir(self.keys) if n.endswith(".pub")]
        for project in (self.project, self.far_project):
            for name in self.names:
                self.by_id[derive("replica", bytes.fromhex(project), self.public(name)).hex()] = self.key(name)

    def bytes(self, bundle):
        with open(os.path.join(self.folder, "honest", bundle + ".casepack"), "rb") as f:
            return f.read()

    def bundle(self, name):
        return Bundle(os.path.join(self.folder, "honest", name + ".casepack"), self.key_of_id)

    # ---- keys and ids ----

    def key(self, name):
        return os.path.join(self.keys, name)

    def key_of_id(self, replica):
        return self.by_id[replica]

    @functools.lru_cache(maxsize=None)
    def key_of_kind(self, kind):
        path = os.path.join(self.folder, "key-" + kind)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path)
        return path

    def public(self, name):
        with open(self.key(name) + ".pub") as f:
            return base64.b64decode(f.read().split()[1])[-32:]

    def id(self, name):
        return derive("replica", bytes.fromhex(self.project), self.public(name)).hex()

    def far_id(self, name):
        return derive("replica", bytes.fromhex(self.far_project), self.public(name)).hex()

    def person(self, name):
        return derive("person", bytes.fromhex(self.project), name.encode())

    # ---- what the hub holds ----

    @functools.lru_cache(maxsize=None)
    def ask(self, sql):
        db = sqlite3.connect(f"file:{self.folder}/hub/casepack.db?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        try:
            return [dict(r) for r in db.execute(sql)]
        finally:
            db.close()

    def rows(self, table):
        return self.ask(f"SELECT * FROM {table}")

    def row(self, table, id):
        return next(r for r in self.rows(table) if r["id"] == id)

    def columns(self, table):
        return [r["name"] for r in self.ask(f"PRAGMA table_info({table})")]

    def column(self, table, name):
        return self.columns(table).index(name)

    def key_flags(self, table):
        return [r["pk"] for r in self.ask(f"PRAGMA table_info({table})")]

    def value(self, table, column, v):
        kind = next(r["type"] for r in self.ask(f"PRAGMA table_info({table})") if r["name"] == column)
        return NULL if v is None else integer(v) if kind == "INTEGER" else blob(v) if kind == "BLOB" else text(v)

    def defaults(self, table):
        return {r["name"]: self.value(table, r["name"], self.ask(f"SELECT {r['dflt_value'] or 'NULL'} AS v")[0]["v"]) for r in self.ask(f"PRAGMA table_info({table})")}

    def case(self, name):
        return next(r for r in self.rows("cases") if r["name"] == name)

    def assignment(self, who, case):
        return next(r for r in self.rows("assignments") if r["person"] == self.person(who) and r["case_id"] == self.case(case)["id"])

    def tip(self, branch):
        return run("git", "-C", os.path.join(self.folder, "hub", "history.git"), "rev-parse", branch).decode().strip()
