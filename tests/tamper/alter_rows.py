"""Rows, by whoever has sqlite3: each column of each table changed in one row, a row put in, a row taken out; then the schema."""
import os
import sqlite3

from table import add, alter

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sync", "schema")

# Tables whose rows are no edits: history does not tell all of their columns, and nobody reads all of them.
LOCAL = {"meta", "outbox", "drafts", "draft_ratings", "commits", "edits", "tricky", "conflicts", "candidates", "waiting", "peers",
         "given", "verdicts", "strangers", "erased", "commit_objects", "written"}
# What nobody has signed yet: on anna's device. It is told, since who has the device could have written anything else.
UNSIGNED = {"outbox", "drafts", "draft_ratings"}
# Another value that could stand there.
OTHERS = {"role": ["auditor", "rater"], "state": ["retired", "revoked", "left", "skipped", "submitted", "withdrawn", "given"],
          "kind": ["sop", "editorial", "item"], "value": ["2", "1", "3"], "decision": ["void", "keep", "accept"],
          "verdict": ["accepted", "refused"], "encryption": ["required"], "policies": ['{"judgments":"review"}'],
          "results": ['["d2","d1"]'], "settles": ['{"vendor":"north"}'], "locales": ["fr"], "locale": ["fr"], "due": ["2031-01-01"],
          "policy": ["severest"], "class": ["hard", "fork"], "branch": ["replica/00000000000000000000000000000000"],
          "tbl": ["cases", 3, 4], "name": ["another"], "pseudonym": ["eve"], "parent": ["0" * 40], "oid": ["0" * 40]}


def described():
    """Tables of the newest schema: columns with type and place in the key."""
    c = sqlite3.connect(":memory:")
    for name in sorted(os.listdir(SCHEMA)):
        with open(f"{SCHEMA}/{name}") as f:
            c.executescript("INSERT INTO meta VALUES('replica', x'00') ON CONFLICT DO NOTHING;" * (name > "0001-z") + f.read())
    tables = [r[0] for r in c.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]
    return {t: [(r[1], r[2], r[5]) for r in c.execute(f"PRAGMA table_info({t})")] for t in tables}


TABLES = described()


def keys(table):
    return [c for c, _, pk in sorted(TABLES[table], key=lambda c: c[2]) if pk]


def others(column, kind, value):
    """Values to try, the likeliest first."""
    if kind == "INTEGER":
        tried = [value + 1, 1 - value, 0]
    elif kind == "BLOB" or isinstance(value, bytes):
        tried = [value[:-1] + bytes([value[-1] ^ 1])] if value else [bytes(16), bytes(8)]
    else:
        tried = OTHERS.get(column, []) + [(value or "") + "x", ""]
    return [v for v in (OTHERS.get(column, []) if kind == "INTEGER" and column != "tbl" else []) + tried if v != value]


def named(table, row):
    """How a line names the row: the table, and the first of its key in hex or words."""
    first = row[keys(table)[0]]
    key = first.hex()[:8] if isinstance(first, bytes) else str(first)[:12]
    if table == "commits":
        return [{table, "edits", "not open"}, row["oid"][:8]] # a number that edits name no more, or one too many
    if table in UNSIGNED:
        return ["signed by nobody"]
    return [table, key] if key and table not in ("meta", "commit_objects", "written") else [table]


def where(table):
    return " AND ".join(f"{k} IS ?" for k in keys(table))


def put(ws, table, row, column, value, forced=False):
    ws.sql("PRAGMA ignore_check_constraints = ON" if forced else "SELECT 1",
           (f"UPDATE {table} SET {column} = ? WHERE {where(table)}", (value, *(row[k] for k in keys(table)))))


def change(table, column, kind):
    def make(ws):
        rows = ws.ask(f"SELECT * FROM {table} ORDER BY {', '.join(keys(table))}")
        # the row that says most in that column
        row = max(rows, key=lambda r: (r[column] not in (None, "", b"", 0), len(r[column]) if isinstance(r[column], (str, bytes)) else 0))
        values = others(column, kind, row[column])
        for value in values:
            try:
                put(ws, table, row, column, value)
            except sqlite3.IntegrityError:
                continue
            return [table] if (table, ws.at) == ("peers", "anna") else named(table, row) # her branch bears her own name
        put(ws, table, row, column, values[0], forced=True) # nothing else may stand there: SQLite says so itself
        return [table]
    return make


def insert(table):
    def make(ws):
        rows = ws.ask(f"SELECT * FROM {table} ORDER BY {', '.join(keys(table))}")
        columns = [c for c, _, _ in TABLES[table]]
        row = dict(rows[0]) if rows else {"id": bytes(range(16)), "rev": bytes(8), "clock": 1, "side_a": "ours", "side_b": "theirs"}
        for k in keys(table)[:1]:
            row[k] = {bytes: lambda v: v[:-1] + bytes([v[-1] ^ 1]), str: lambda v: "f" + v[:-1] if v[0] != "f" else "e" + v[:-1],
                      int: lambda v: ws.one(f"SELECT max({k}) + 1 FROM {table}")}[type(row[k])](row[k])
        if table == "commits":
            row["oid"] = "f" * 40
        columns = [c for c in columns if c in row]
        ws.sql((f"INSERT INTO {table}({', '.join(columns)}) VALUES({', '.join('?' * len(columns))})", [row[c] for c in columns]))
        return named(table, row)
    return make


def delete(table):
    def make(ws):
        row = ws.ask(f"SELECT * FROM {table} ORDER BY {', '.join(keys(table))} LIMIT 1")[0]
        ws.sql((f"DELETE FROM {table} WHERE {where(table)}", [row[k] for k in keys(table)]))
        return named(table, row)
    return make


# None: the row
NOTES = {("waiting", c) for c in ("why", "since_us", None)} | {("peers", c) for c in ("replica", "sent_us", "received_us",
                                                                                      "outbound_acked", "acked", None)}
EMPTY = {"side_keys", "strangers"} # of which an honest hub has no row

for t in TABLES:
    place = "told" if t in UNSIGNED else "either" if t in LOCAL else "found"
    at = "anna" if t in UNSIGNED else "hub"
    if t not in EMPTY:
        for column_name, type_of, _ in TABLES[t]:
            add(f"{t}-{column_name}-changed", "noted" if (t, column_name) in NOTES else place, [], change(t, column_name, type_of), at)
        add(f"{t}-row-deleted", "noted" if (t, None) in NOTES else place, [], delete(t), at)
    if t != "strangers":
        add(f"{t}-row-inserted", place, [], insert(t), at)


# ---- of a rater's device, which holds other rows for other reasons ----------------------------------

for t, c in (("judgments", "state"), ("judgments", "note"), ("ratings", "value"), ("assignments", "state"), ("cases", "content"),
             ("guideline_revisions", "body"), ("replicas", "public_key"), ("commits", "verdict"), ("commits", "acked_us"),
             ("peers", "outbound"), ("peers", "acked"), ("conflicts", "class"), ("project", "name")):
    if t != "conflicts":
        add(f"rater-{t}-{c}-changed", "noted" if (t, c) in NOTES else "either" if t in LOCAL else "found", [],
            change(t, c, dict((n, k) for n, k, _ in TABLES[t])[c]), "anna")
for t in ("judgments", "ratings", "assignments", "commits", "persons"):
    add(f"rater-{t}-row-deleted", "either" if t in LOCAL else "found", [], delete(t), "anna")


# ---- more than a cell ---------------------------------------------------------------------------------

@alter("found", "ratings")
def two_answers_swapped(ws):
    a, b = ws.ask("SELECT judgment, field, result, value FROM ratings WHERE value IS NOT NULL AND judgment IN"
                  " (SELECT judgment FROM ratings GROUP BY judgment HAVING count(DISTINCT value) = 2) ORDER BY judgment, result")[:2]
    for x, y in ((a, b), (b, a)):
        ws.sql(("UPDATE ratings SET value = ? WHERE judgment = ? AND field = ? AND result = ?", (y[3], x[0], x[1], x[2])))
    return [a[0].hex()[:8]]


@alter("found", "judgments")
def a_judgment_without_its_edits(ws):
    """Gone from everywhere in the database."""
    doc = ws.one("SELECT id FROM judgments ORDER BY id DESC LIMIT 1")
    for table, column in (("ratings", "judgment"), ("judgments", "id"), ("edits", "doc"), ("conflicts", "doc"), ("candidates", "doc")):
        ws.sql((f"DELETE FROM {table} WHERE {column} = ?", (doc,)))
    return [doc.hex()[:8]]


@alter("found", "persons")
def two_people_exchange_names_in_history(ws):
    a, b = ws.ask("SELECT id, pseudonym FROM persons WHERE role = 'rater' ORDER BY pseudonym LIMIT 2")
    for x, y in ((a, b), (b, a)):
        ws.sql(("UPDATE persons SET pseudonym = ? WHERE id = ?", (y[1], x[0])))


@alter("found", "replicas")
def a_device_with_another_key_and_its_id(ws):
    ws.sql("UPDATE replicas SET public_key = (SELECT public_key FROM replicas WHERE is_hub = 0 ORDER BY id DESC LIMIT 1)"
           " WHERE id = (SELECT id FROM replicas WHERE is_hub = 0 ORDER BY id LIMIT 1)")


@alter("found", "guideline_revisions")
def a_guideline_back_dated(ws):
    ws.sql("UPDATE guideline_revisions SET clock = clock - 86400000000 WHERE number = 4")


@alter("either")
def a_commit_received_another_day(ws):
    ws.sql("UPDATE commits SET received_us = received_us - 86400000000 WHERE is_private = 0")
    ws.sql("UPDATE verdicts SET received_us = received_us - 86400000000")
    return [{"commits", "verdicts"}]


@alter("found", "ratings")
def a_value_changed_and_left_in_the_log(ws):
    """In casepack.db-wal alone, as after a crash."""
    ws.sql("PRAGMA journal_mode = WAL")
    c = sqlite3.connect(ws.file("casepack.db"), isolation_level=None)
    c.execute("PRAGMA wal_autocheckpoint = 0")
    c.execute("UPDATE ratings SET value = '2' WHERE value = '3'")
    kept = {n: ws.read(n) for n in ("casepack.db", "casepack.db-wal")}
    c.close()
    for n, data in kept.items():
        ws.write(n, data)
    if os.path.exists(ws.file("casepack.db-shm")):
        os.remove(ws.file("casepack.db-shm"))
    ws.may_write = {"casepack.db", "casepack.db-wal"} # SQLite's own way to close such a log


# ---- the schema ---------------------------------------------------------------------------------------

def schema(name, wants, places, *statements):
    def make(ws):
        ws.sql(*statements)
        if "journal_mode" in statements[0]:
            ws.may_write = {"casepack.db"} # two bytes of its header, as SQLite puts the log into use again
    add(name, wants, places, make)


LIE = "CREATE TRIGGER lie AFTER INSERT ON outbox BEGIN DELETE FROM ratings; END"
schema("a-trigger-added", "found", ["lie"], LIE)
schema("a-view-added", "either", ["lie"], "CREATE VIEW lie AS SELECT * FROM ratings")
schema("a-table-added", "either", ["lie"], "CREATE TABLE lie(x)")
schema("an-index-added", "either", ["lie"], "CREATE INDEX lie ON ratings(value)")
schema("a-unique-index-added", "either", ["lie"], "CREATE UNIQUE INDEX lie ON judgments(rev)")
schema("an-index-dropped", "either", ["assignments_of"], "DROP INDEX assignments_of")
schema("a-table-dropped", "found", ["gold"], "DROP TABLE gold")
schema("a-table-renamed-and-a-view-in-its-place", "found", ["ratings"], "ALTER TABLE ratings RENAME TO said",
       "CREATE VIEW ratings AS SELECT judgment, field, result, rev, CASE value WHEN '1' THEN '3' ELSE value END AS value FROM said")
schema("a-column-added", "either", ["ratings"], "ALTER TABLE ratings ADD COLUMN lie TEXT")
schema("a-default-changed", "either", ["cases"], "PRAGMA writable_schema = ON",
       "UPDATE sqlite_schema SET sql = replace(sql, 'DEFAULT ''active''', 'DEFAULT ''retired''') WHERE name = 'cases'")
schema("a-check-taken-away", "either", ["persons"], "PRAGMA writable_schema = ON",
       "UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (role IN (''lead'', ''relay'', ''rater'', ''auditor''))', '') WHERE name = 'persons'")
schema("an-index-of-another-column", "found", [{"casepack.db", "commits_children"}], "PRAGMA writable_schema = ON",
       "UPDATE sqlite_schema SET sql = replace(sql, '(parent)', '(branch)') WHERE name = 'commits_children'")
schema("an-older-version", "found", [{"casepack.db", "version"}], "PRAGMA user_version = 2")
schema("a-newer-version", "found", [{"casepack.db", "newer"}], "PRAGMA user_version = 99")
schema("another-application", "either", ["casepack.db"], "PRAGMA application_id = 7")
schema("written-anew", "honest", [], "VACUUM")
schema("with-statistics", "honest", [], "ANALYZE")
schema("another-page-size", "honest", [], "PRAGMA journal_mode = DELETE", "PRAGMA page_size = 8192", "VACUUM")
schema("without-a-log", "honest", [], "PRAGMA journal_mode = DELETE")


# ---- what cases show ------------------------------------------------------------------------------------

@alter("found", "content.db")
def a_content_replaced_under_its_hash(ws):
    """By another one's, which reads well."""
    a, b = ws.ask("SELECT * FROM contents ORDER BY hash LIMIT 2", db="content.db")
    ws.sql(("UPDATE contents SET size = ?, frame = ? WHERE hash = ?", (b["size"], b["frame"], a["hash"])), db="content.db")
    return [a["hash"].hex()[:12]]


@alter("told")
def a_content_deleted(ws):
    hash = ws.one("SELECT content FROM cases WHERE name = 'q1'")
    ws.sql(("DELETE FROM contents WHERE hash = ?", (hash,)), db="content.db")
    return [{hash.hex()[:12], "q1"}]


@alter("either", "content.db")
def a_content_inserted(ws):
    ws.sql("INSERT INTO contents SELECT zeroblob(32), size, frame FROM contents LIMIT 1", db="content.db")
    return ["0" * 12]


@alter("found", "content.db", "lie")
def a_trigger_added_to_contents(ws):
    ws.sql("CREATE TRIGGER lie AFTER INSERT ON contents BEGIN DELETE FROM contents; END", db="content.db")


@alter("found", "content.db", at="anna")
def a_rater_content_replaced(ws):
    hash = ws.one("SELECT content FROM cases WHERE name = 'q2'")
    ws.sql(("UPDATE contents SET (size, frame) = (SELECT size, frame FROM contents WHERE hash <> ?1 LIMIT 1) WHERE hash = ?1", (hash,)),
           db="content.db")
    return [hash.hex()[:12]]
