"""What a rater can sign that she may not write: changesets that are none, and rows that are not hers."""
import copy
import struct

from kit import *
from table import add, attack

REFUSED = "1 commit refused.*"


def raw(change):
    return lambda w, b: b.commit.on("changeset", change) and None


# ---- bytes that are no changeset --------------------------------------------------------------------------------


for name, change, says in [
    ("one-byte-T", lambda c: b"T", "byte"), ("header-without-an-end", lambda c: b"T\x05\1\2\3\0\0ratings", "byte"),
    ("header-without-a-change", lambda c: b"T\x05\1\2\3\0\0ratings\0", "byte"), ("header-behind-a-header", lambda c: b"T\x05\1\2\3\0\0ratings\0" + c, "byte"),
    ("a-patchset", lambda c: b"P" + c[1:], "byte"), ("bytes-behind", lambda c: c + b"\0", "byte"), ("text", lambda c: b"hello", "byte"),
    ("noise", lambda c: bytes(range(256)) * 4, "byte"), ("cut-in-a-value", lambda c: c[:-1], "byte"), ("cut-in-a-header", lambda c: c[:5], "byte"),
    ("a-zstd-frame", lambda c: frame(c), "byte"), ("in-sql", lambda c: b"INSERT INTO persons VALUES(1);", "byte"),
    ("a-database", lambda c: b"SQLite format 3\0" + bytes(4096), "byte"),
    ("length-in-a-longer-form", lambda c: c.replace(b"\4\x10", b"\4\x80\x10", 1), "byte"), ("length-beyond-the-end", lambda c: c.replace(b"\4\x10", b"\4\xbf\xff\xff\xff\x7f", 1), "byte"),
    ("length-of-2-to-the-63", lambda c: c.replace(b"\4\x10", b"\4" + b"\xff" * 9, 1), "byte"), ("6657-columns", lambda c: c.replace(b"T\x0c", b"T\xb4\x01", 1), "byte|column"),
    ("32768-columns", lambda c: b"T\x82\x80\x00" + b"\1" * 32768 + b"judgments\0" + c[30:], "byte|column"), ("no-columns", lambda c: b"T\0judgments\0\x12\0", "byte|column"),
    ("an-unknown-slot", lambda c: c.replace(b"\4\x10", b"\6\x10", 1), "byte"), ("an-unknown-operation", lambda c: c.replace(b"\x12\0", b"\x13\0", 1), "byte"),
    ("the-published-19-bytes", lambda c: bytes.fromhex("5401017400170001000000000000000000000000"), "byte"),
]:
    add("changeset-" + name, "return", 4, REFUSED + "(" + says + ")", raw(change), "refused")


@attack("return", 4, "edits were signed|changeset", "refused")
def changeset_empty(w, b):
    b.commit.on("changeset", lambda c: b"")


# ---- changes that no device records ---------------------------------------------------------------------------------


def changed(change, says, name, base="return", status=4, leaves="refused"):
    add(name, base, status, (REFUSED if status == 4 else "") + "(" + says + ")", change, leaves)


def of(table, change):
    """Of the first row of a table; the old values of an update are looked up by column."""
    def make(w, b):
        t = b.commit.table(table)
        change(w, t, t.changes[0])
    return make


def cell(table, column, value):
    def make(w, b):
        b.commit.table(table).changes[0].now[w.column(table, column)] = value(w) if callable(value) else value
    return make


for name, change, says in [
    ("rows-deleted", of("ratings", lambda w, t, c: (setattr(c, "op", DELETE), setattr(c, "was", c.now))), "byte"),
    ("rows-changed-indirectly", of("ratings", lambda w, t, c: setattr(c, "indirect", 1)), "byte"),
    ("rows-of-another-number-of-columns", of("ratings", lambda w, t, c: (setattr(t, "columns", 6), t.key.append(0), [x.now.append(NULL) for x in t.changes])), "byte|column"),
    ("rows-of-fewer-columns", of("ratings", lambda w, t, c: (setattr(t, "columns", 4), t.key.pop(), [x.now.pop() for x in t.changes])), "byte|column"),
    ("rows-of-another-key", of("ratings", lambda w, t, c: t.key.__setitem__(3, 4)), "byte"),
    ("rows-without-a-key", of("ratings", lambda w, t, c: setattr(t, "key", [0] * 5)), "byte"),
    ("rows-with-the-key-in-another-order", of("ratings", lambda w, t, c: setattr(t, "key", [2, 1, 3, 0, 0])), "byte"),
    ("rows-with-columns-in-another-order", of("ratings", lambda w, t, c: [x.now.reverse() for x in t.changes]), "wrong type|byte|rating|NULL"),
    ("rows-of-a-table-in-upper-case", of("ratings", lambda w, t, c: setattr(t, "name", "RATINGS")), "byte"),
    ("row-with-a-null-key", cell("ratings", "judgment", NULL), "byte"), ("row-with-an-absent-value", cell("ratings", "value", ABSENT), "byte"),
    ("row-with-a-short-key", cell("judgments", "id", blob(b"\1" * 15)), "wrong type or length"), ("row-with-a-long-key", cell("judgments", "id", blob(b"\1" * 17)), "wrong type or length"),
    ("row-with-an-empty-key", cell("judgments", "id", blob(b"")), "wrong type or length"), ("row-with-a-text-as-key", cell("judgments", "id", text("x" * 16)), "wrong type or length"),
    ("row-with-a-number-as-key", cell("judgments", "id", integer(7)), "wrong type or length"), ("answer-with-a-short-key", cell("ratings", "judgment", blob(b"\1")), "wrong type or length"),
    ("row-without-a-rev", cell("judgments", "rev", NULL), "wrong type or length"), ("row-with-an-empty-rev", cell("judgments", "rev", blob(b"")), "wrong type or length"),
    ("row-with-a-joined-rev", cell("judgments", "rev", blob(b"\1" * 16)), "wrong type or length"), ("row-with-a-rev-of-7-bytes", cell("judgments", "rev", blob(b"\1" * 7)), "wrong type or length"),
    ("row-with-a-huge-rev", cell("judgments", "rev", blob(b"\1" * 1000000)), "wrong type or length"), ("row-with-a-text-as-rev", cell("judgments", "rev", text("12345678")), "wrong type or length"),
    ("row-with-a-text-as-clock", cell("judgments", "clock", text("now")), "wrong type or length"), ("row-with-a-real-clock", cell("judgments", "clock", real(1.5)), "wrong type or length"),
    ("row-with-a-negative-clock", cell("judgments", "clock", integer(-1)), "wrong type or length"), ("row-with-a-null-clock", cell("judgments", "clock", NULL), "wrong type or length"),
    ("row-with-nan", cell("judgments", "clock", real(float("nan"))), "byte"), ("row-with-bad-utf8", cell("judgments", "note", text(b"\xff")), "byte"),
    ("row-with-overlong-utf8", cell("judgments", "note", text(b"\xc0\xaf")), "byte"), ("row-with-a-surrogate", cell("judgments", "note", text(b"\xed\xa0\x80")), "byte"),
    ("row-with-a-nul-in-a-text", cell("judgments", "note", text(b"a\0b")), "byte"), ("row-with-a-blob-as-note", cell("judgments", "note", blob(b"x")), "wrong type or length"),
    ("row-with-a-number-as-note", cell("judgments", "note", integer(3)), "wrong type or length"), ("row-with-a-null-note", cell("judgments", "note", NULL), "wrong type or length"),
    ("row-with-a-text-as-time", cell("judgments", "active_ms", text("1")), "wrong type or length"),
    ("judgment-of-negative-time", cell("judgments", "active_ms", integer(-5)), "took -5 ms"), ("judgment-of-more-time-than-there-is", cell("judgments", "wall_ms", integer(2**63 - 1)), "took 9223372036854775807 ms"),
    ("answer-as-a-number", cell("ratings", "value", integer(3)), "wrong type or length"), ("answer-as-a-blob", cell("ratings", "value", blob(b"3")), "wrong type or length"),
    ("answer-with-a-joined-rev", cell("ratings", "rev", blob(b"\1" * 16)), "wrong type or length"),
    # ---- judgments
    ("judgment-in-an-unknown-state", cell("judgments", "state", text("perfect")), "unknown state"), ("judgment-in-no-state", cell("judgments", "state", text("")), "unknown state"),
    ("judgment-of-another-rater", lambda w, b: rekey(w, b, w.assignment("ben", "q3")["id"]), "another person's"),
    ("judgment-of-another-rater-who-has-judged", lambda w, b: rekey(w, b, w.assignment("ben", "q1")["id"]), "another person's"),
    ("judgment-of-a-relays-rater", lambda w, b: rekey(w, b, w.assignment("cem", "q3")["id"]), "another person's"),
    ("judgment-of-another-case", cell("judgments", "content", lambda w: blob(w.case("q5")["content"])), "another case's"),
    ("judgment-on-a-short-guideline", cell("judgments", "guideline_revision", blob(b"\1" * 15)), "guideline revision of 15 bytes"),
    ("answer-off-the-scale", cell("ratings", "value", text("7")), "not a value"), ("answer-as-a-label", cell("ratings", "value", text("Perfect")), "not a value"),
    ("answer-spelt-otherwise", cell("ratings", "value", text("2.0")), "not a value"), ("answer-with-an-escape", cell("ratings", "value", text("\x1b[2J\ncasepack: all is well")), "not a value"),
    ("answer-of-a-megabyte", cell("ratings", "value", text("2" * 1000000)), "not a value"), ("answer-empty", cell("ratings", "value", text("")), "not a value"),
    ("answer-for-an-unknown-field", cell("ratings", "field", text("gold")), "no field"), ("answer-for-a-field-with-a-nul-like-name", cell("ratings", "field", text("grade\n\x1b[2J")), "no field"),
    ("answer-for-a-field-of-a-megabyte", cell("ratings", "field", text("g" * 1000000)), "no field"),
    ("answer-for-a-result-that-is-not-there", cell("ratings", "result", text("d7")), "does not have"), ("answer-for-the-page", cell("ratings", "result", text("")), "asked of each result"),
    ("answer-for-a-result-with-an-escape", cell("ratings", "result", text("\x1b]0;x\a\n")), "does not have"),
    ("answer-without-its-judgment", lambda w, b: b.commit.tables.remove(b.commit.table("judgments")), "not written with it"),
    ("answer-of-another-edit", cell("ratings", "rev", blob(b"\1" * 8)), "not written with it"), ("answer-of-another-judgment", cell("ratings", "judgment", lambda w: blob(w.assignment("anna", "q5")["id"])), "not written with it"),
    ("answer-of-another-raters-judgment", cell("ratings", "judgment", lambda w: blob(w.assignment("ben", "q1")["id"])), "not written with it"),
]:
    changed(change, says, name)


def rekey(w, b, id):
    b.commit.table("judgments").changes[0].now[0] = blob(id)
    for c in b.commit.table("ratings").changes:
        c.now[0] = blob(id)


for name, change, says in [
    ("judgment-of-an-unknown-assignment", lambda w, b: rekey(w, b, b"\7" * 16), "assignment 0707070707070707 is not known here yet"),
    ("judgment-under-an-unknown-form", cell("judgments", "form_version", blob(b"\7" * 16)), "form version 0707070707070707 is not known here yet"),
    ("judgment-under-no-form", cell("judgments", "form_version", blob(b"")), "form version"),
    ("judgment-under-an-unknown-guideline", cell("judgments", "guideline_revision", blob(b"\7" * 16)), "guideline revision 0707070707070707 is not known"),
    ("judgment-of-unknown-content", cell("judgments", "content", blob(b"\7" * 32)), "content 0707070707070707 is not known"),
    ("judgment-of-no-content", cell("judgments", "content", blob(b"")), "content"),
]:
    changed(change, says, name, status=3, leaves="waits")


# ---- tables that are not a rater's ---------------------------------------------------------------------------------------


def extra(w, b, table, values, op=INSERT, columns=None, key=None):
    names = w.columns(table)
    row = w.defaults(table)
    row.update(values)
    b.commit.tables.append(Table(table, columns or len(names), key or w.key_flags(table), [Change(op, [ABSENT] * len(names), [row[n] for n in names])]))


REV, CLOCK = blob(b"revision"), integer(1700000000000000)


def inserted(table, **values):
    return lambda w, b: extra(w, b, table, {"rev": REV, "clock": CLOCK, "id": blob(b"\7" * 16), **{k: v(w) if callable(v) else v for k, v in values.items()}})


def updated(table, row, **values):
    """An update of a row as the hub holds it."""
    def make(w, b):
        names, held = w.columns(table), row(w)
        new = {"rev": REV, "clock": CLOCK, **values}
        was = [w.value(table, n, held[n]) if n in new or n == names[0] else ABSENT for n in names]
        b.commit.tables.append(Table(table, len(names), w.key_flags(table), [Change(UPDATE, was, [new.get(n, ABSENT) for n in names])]))
    return make


LEADS = "only a lead may write"
for name, change in [
    ("a-person", inserted("persons", pseudonym=text("mallory"), role=text("lead"))),
    ("a-device", inserted("replicas", person=lambda w: blob(w.person("anna")), public_key=lambda w: blob(w.public("mallory")), is_hub=integer(1))),
    ("herself-as-a-lead", updated("persons", lambda w: w.row("persons", w.person("anna")), role=text("lead"))),
    ("her-device-as-a-hub", updated("replicas", lambda w: w.row("replicas", bytes.fromhex(w.id("anna"))), is_hub=integer(1))),
    ("her-key-for-the-leads-device", updated("replicas", lambda w: w.row("replicas", bytes.fromhex(w.id("lead"))), public_key=blob(b"\1" * 32))),
    ("another-rater-as-left", updated("persons", lambda w: w.row("persons", w.person("ben")), state=text("left"))),
    ("the-lead-as-left", updated("persons", lambda w: w.row("persons", w.person("lead")), state=text("left"))),
    ("the-leads-device-as-revoked", updated("replicas", lambda w: w.row("replicas", bytes.fromhex(w.id("lead"))), state=text("revoked"))),
    ("the-project", updated("project", lambda w: w.rows("project")[0], policies=text('{"judgments":"latest"}'))),
    ("a-case", inserted("cases", name=text("x"))), ("an-assignment", inserted("assignments", person=lambda w: blob(w.person("anna")))),
    ("an-assignment-of-hers-as-another-case", updated("assignments", lambda w: w.assignment("anna", "q4"), case_id=blob(b"\7" * 16))),
    ("a-withdrawal-of-her-assignment", updated("assignments", lambda w: w.assignment("anna", "q4"), state=text("withdrawn"))),
    ("an-assignment-of-another-rater-as-hers", updated("assignments", lambda w: w.assignment("ben", "q4"), person=blob(b"\7" * 16))),
    ("a-guideline", inserted("guidelines", name=text("easy"))), ("a-revision", inserted("guideline_revisions", body=text("# All is good\n"))),
    ("a-form", inserted("forms", name=text("easy"))), ("a-form-version", inserted("form_versions", body=text("{}"))),
    ("a-final-answer", inserted("adjudications", case_id=lambda w: blob(w.case("q1")["id"]), field=text("grade"), result=text("d1"), value=text("0"))),
    ("a-settlement", inserted("settlements", id=lambda w: blob(w.assignment("anna", "q1")["id"]), stands=blob(b"\1" * 8), weighed=blob(b"\1" * 8), person=lambda w: blob(w.person("anna")))),
    ("a-settlement-in-the-leads-name", inserted("settlements", stands=blob(b"\1" * 8), weighed=blob(b"\1" * 8), person=lambda w: blob(w.person("lead")))),
    ("a-resolution", inserted("resolutions", tbl=text("cases"), doc=blob(b"\1" * 16), edit=REV)), ("a-stale-settlement", inserted("stale_settlements", decision=text("keep"))),
]:
    changed(change, LEADS, "writes-" + name)


def alien(name, columns):
    """A row of a table that never travels."""
    return lambda w, b: b.commit.tables.append(Table(name, columns, [1] + [0] * (columns - 1), [Change(INSERT, [], [blob(b"\1" * 16)] + [text("x")] * (columns - 1))]))


for name, columns in [("sqlite_master", 5), ("sqlite_sequence", 2), ("sqlite_stat1", 3), ("meta", 2), ("commits", 12), ("verdicts", 6), ("waiting", 8), ("peers", 8), ("outbox", 7),
                      ("drafts", 8), ("edits", 5), ("conflicts", 8), ("given", 4), ("names", 5), ("secrets", 4), ("side_keys", 5), ("contents", 3), ("", 5), ("x; DROP TABLE ratings", 2)]:
    changed(alien(name, columns), "byte", "writes-the-table-" + (name.replace("; ", "-").replace(" ", "-").replace("_", "-").lower() or "without-a-name"))


# ---- chains of edits -------------------------------------------------------------------------------------------------------


def rejudged(*steps):
    """More edits of her judgment of q1, which the hub holds: each (new rev, rev it replaces or None for the one that is held)."""
    def make(w, b):
        held = w.row("judgments", w.assignment("anna", "q1")["id"])
        names = w.columns("judgments")
        b.commit.tables = [Table("judgments", len(names), w.key_flags("judgments"), [])]
        for new, old in steps:
            change = {"rev": blob(new), "clock": CLOCK, "note": text("note " + new.decode())}
            was = {"id": blob(held["id"]), "rev": blob(old or held["rev"]), "clock": integer(held["clock"]), "note": text(held["note"])}
            b.commit.tables[0].changes.append(Change(UPDATE, [was.get(n, ABSENT) for n in names], [change.get(n, ABSENT) for n in names]))
    return make


for name, steps in [("builds-on-an-edit-that-nobody-has", [(b"revision", b"\7" * 8)]), ("ring-of-two", [(b"one-----", b"two-----"), (b"two-----", b"one-----")]),
                    ("broken-chain", [(b"one-----", None), (b"three---", b"two-----")])]:
    changed(rejudged(*steps), "builds on an edit that has not come yet", "edits-" + name, status=3, leaves="waits")

for name, steps in [("ring-of-one", [(b"one-----", b"one-----")]), ("its-own-parent-behind-a-good-one", [(b"one-----", None), (b"one-----", b"one-----")])]:
    changed(rejudged(*steps), "leaves the value as it was", "edits-" + name)


@attack("return", 3, "fork", "taken")
def edits_of_one_judgment_inserted_twice(w, b):
    """Two beginnings of one document: a fork, which waits for a person."""
    t, r = b.commit.table("judgments"), b.commit.table("ratings")
    second = copy.deepcopy(t.changes[0])
    second.now[1] = REV
    t.changes.append(second)
    for c in [copy.deepcopy(c) for c in r.changes]:
        c.now[w.column("ratings", "rev")], c.now[w.column("ratings", "value")] = REV, text("0")
        r.changes.append(c)


@attack("return", 3, "open", "taken")
def edits_that_reuse_a_rev(w, b):
    """Two different edits under one rev: a forgery, which waits for a person."""
    held = w.row("judgments", w.assignment("anna", "q1")["id"])
    rekey(w, b, held["id"])
    b.commit.table("judgments").changes[0].now[1] = blob(held["rev"])
    b.commit.table("judgments").changes[0].now[w.column("judgments", "content")] = blob(held["content"])
    for c in b.commit.table("ratings").changes:
        c.now[w.column("ratings", "rev")], c.now[w.column("ratings", "value")] = blob(held["rev"]), text("0")


@attack("return", 0, "taken", "taken")
def edits_far_in_the_future(w, b):
    """Taken, but its clock wins nothing: it counts as far."""
    b.commit.trailer("Clock", 4102444800000000)
    b.commit.table("judgments").changes[0].now[2] = integer(4102444800000000)


def many(n):
    def make(w, b):
        rejudged(*[(b"%08d" % i, b"%08d" % (i - 1) if i else None) for i in range(n)])(w, b)
    return make


add("edits-20000-of-one-judgment", "return", 0, "taken", many(20000), "taken")
