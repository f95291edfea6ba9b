"""What a relay, a hub, or whoever has stolen a hub's bundle could try: material, relays' bundles, and hubs' bundles."""
import hashlib
import json
import struct

from kit import *
from attacks_commit import on
from table import add, attack

# ---- material, opened by a rater ------------------------------------------------------------------------------------


def given(change):
    """In the last commit of material."""
    return lambda w, b: change(w, b.commit)


@attack("material", 4, "somebody else")
def material_for_another_person(w, b):
    b.manifest["recipients"] = [w.id("ben")]


@attack("material", 4, "another project")
def material_of_a_project_renamed(w, b):
    b.manifest["project"] = w.far_project


add("material-out-of-another-project", "far-material", 4, "another project", lambda w, b: None)


@attack("material", 4, "manifest.json.sig")
def material_with_the_recipient_swapped_on_the_way(w, b):
    signature = sign(canonical(json.loads(dict(untar(w.bytes("material")))["manifest.json"])), b.key, "casepack-bundle")
    b.manifest["recipients"] = [w.id("ben")]
    b.on("manifest.sig", lambda _: signature)


for who in ("mallory", "ben", "anna", "acme", "bea"):
    add(f"material-signed-by-{who}", "material", 4, "not signed by the hub that this workspace trusts", lambda w, b, who=who: setattr(b, "key", w.key(who)))
    add(f"material-commit-signed-by-{who}", "material", 4, "its hub did not sign", lambda w, b, who=who: setattr(b.commit, "key", w.key(who)))


@attack("material", 4, "tree names another changeset")
def material_whose_rows_were_taken_out(w, b):
    b.on("objects", lambda o: o[:-1] + [(f"objects/{oid_of('blob', b'')}.blob", b"")])


@attack("material", 4, "not signed by the hub|hub did not sign")
def material_from_a_relay_that_is_not_the_home(w, b):
    b.manifest["sender"] = w.id("acme")
    b.key = b.commit.key = w.key("acme")


@attack("material", 4, "not signed by the hub|hub did not sign")
def material_from_a_lead_whose_key_is_no_hub(w, b):
    b.manifest["sender"] = w.id("lou")
    b.commit.who(w.id("lead"), w.id("lou"))
    b.key = b.commit.key = w.key("lou")


@attack("material", 1, "builds on an earlier bundle")
def material_from_the_other_leads_hub_behind_what_the_first_gave(w, b):
    b.manifest["sender"] = w.id("bea")
    b.commit.who(w.id("lead"), w.id("bea"))
    b.key = b.commit.key = w.key("bea")


@attack("material", 1, "return bundle")
def material_that_says_it_is_a_return(w, b):
    b.manifest["kind"] = "return"


@attack("material", 1, "hub to hub")
def material_that_says_it_is_from_hub_to_hub(w, b):
    b.manifest["kind"] = "hub"


@attack("material", 1, "builds on an earlier bundle")
def material_behind_a_gap(w, b):
    b.commit.set("parent", b"a" * 40)


@attack("material", 4, "given to another device")
def material_of_another_devices_chain(w, b):
    """The hub's own commit, signed by the hub, but out of what it gave to ben."""
    b.commit.words, b.commit.trailers = b.commit.words, [(n, w.id("ben").encode() if n == b"Casepack-Outbound" else v) for n, v in b.commit.trailers]


@attack("material", 4, "given to another device")
def material_that_was_given_to_nobody(w, b):
    b.commit.trailers = [x for x in b.commit.trailers if x[0] != b"Casepack-Outbound"]


@attack("material", 4, "another project")
def material_commit_of_another_project(w, b):
    b.commit.who(w.project, w.far_project)


@attack("material", 4, "by a hub that the roster does not name")
def material_commit_in_a_raters_name(w, b):
    b.commit.who(w.id("lead"), w.id("ben"))


def given_row(table, column, value):
    return lambda w, b: b.commit.table(table).changes[0].now.__setitem__(w.column(table, column), value(w) if callable(value) else value)


for name, make, says in [
    ("with-a-judgment", lambda w, b: b.commit.tables.append(w.bundle("return").commit.table("judgments")), "material with a row of judgments"),
    ("with-a-final-answer", lambda w, b: b.commit.tables.append(table_of(w, "adjudications")), "material with a row of adjudications"),
    ("with-real-names", lambda w, b: b.commit.tables.append(table_of(w, "names")), "byte"),
    ("with-a-table-of-sqlite", lambda w, b: b.commit.tables.append(Table("sqlite_master", 5, [1, 0, 0, 0, 0], [Change(INSERT, [], [text("x")] * 5)])), "byte"),
    ("with-a-deletion", lambda w, b: (setattr(b.commit.tables[0].changes[0], "op", DELETE), setattr(b.commit.tables[0].changes[0], "was", b.commit.tables[0].changes[0].now)) and None, "byte"),
    ("with-a-short-key", given_row("assignments", "id", blob(b"\1" * 8)), "wrong type"),
    ("with-a-text-as-key", given_row("assignments", "id", text("x" * 16)), "wrong type|no document"),
    ("with-an-unknown-state-of-a-case", given_row("cases", "state", text("lost")), "rule|material"),
    ("with-an-unknown-kind-of-a-case", given_row("cases", "kind", text("film")), "rule|material"),
    ("with-a-number-as-name", given_row("cases", "name", integer(7)), "wrong type|rule"),
    ("with-a-rev-of-3-bytes", given_row("cases", "rev", blob(b"abc")), "wrong type|rule"),
    ("with-a-text-as-clock", given_row("cases", "clock", text("now")), "wrong type|rule"),
    ("with-a-content-of-5-bytes", given_row("cases", "content", blob(b"12345")), "wrong type"),
    ("with-results-that-are-no-json", given_row("cases", "results", text("[")), "wrong type"),
    ("with-results-that-are-numbers", given_row("cases", "results", text("[1,2]")), "wrong type"),
    ("with-bad-utf8", given_row("cases", "name", text(b"\xff")), "byte"),
]:
    add("material-" + name, "material", 4, says, make)


def table_of(w, table):
    names, row = w.columns(table), w.defaults(table)
    row.update(id=blob(b"\7" * 16), rev=blob(b"revision"), clock=integer(1))
    return Table(table, len(names), w.key_flags(table), [Change(INSERT, [], [row[n] for n in names])])


for name, change in [
    ("that-no-case-names", lambda lines: lines + [b'{"id":"stray","kind":"serp","results":[]}']), ("that-was-altered", lambda lines: [lines[0].replace(b"First", b"Last")]),
    ("that-is-not-json", lambda lines: lines + [b"hello"]), ("with-a-key-twice", lambda lines: lines + [lines[0][:-1] + b',"query":"x"}']),
    ("with-an-escape", lambda lines: lines + [b"\x1b[2J"]), ("with-bad-utf8", lambda lines: lines + [b"\xff\xfe"]), ("twice", lambda lines: lines + lines),
]:
    add("content-" + name, "material", 0, "assignment", lambda w, b, change=change: setattr(b, "cases", change(b.cases)), "taken")

def noise(size):
    """That many hexadecimal digits, which shrink to half of it and no further."""
    return hashlib.shake_256(b"noise").hexdigest(size // 2).encode()


for name, change, says in [
    ("with-an-empty-line", lambda t: b"\n" + t, "line 1: empty"), ("without-a-final-newline", lambda t: t[:-1], "has no end"), ("empty-but-for-a-newline", lambda t: b"\n", "line 1: empty"),
    ("of-17-mib", lambda t: noise(17 << 20) + b"\n", "over the limit \"document\""),
]:
    add("content-" + name, "material", 4, r"cases\.jsonl\.zst: .*" + says, lambda w, b, change=change: b.on("cases.lines", change) and None)


def named_content(line):
    """A document that is none, under a case whose row names it."""
    def make(w, b):
        b.cases = [line]
        b.commit.table("cases").changes[0].now[w.column("cases", "content")] = blob(bytes.fromhex(blake(line)))
    return make


for name, line in [("is-not-json", b"hello"), ("is-not-canonical", b'{ "id": "q9" }'), ("has-a-key-twice", b'{"id":"q9","id":"q9"}'), ("is-a-list", b"[]"), ("is-bad-utf8", b'{"id":"\xff"}')]:
    add("content-named-by-its-case-" + name, "material", 4, "content", named_content(line))

# ---- media ---------------------------------------------------------------------------------------------------------------


def media(name, data):
    return lambda w, b: setattr(b, "media", [(name, data)])


for base in ("return", "material"):
    for name, make in [("misnamed", media("media/" + "a" * 64, b"x")), ("named-otherwise", media("media/x.jpg", b"x")), ("outside", media("media/../../x", b"x")),
                       ("without-members", lambda w, b: b.on("media.tar", lambda _: bytes(1024)) and None), ("that-are-no-tar", lambda w, b: b.on("media.tar", lambda _: b"hello") and None),
                       ("whose-frame-is-cut", lambda w, b: setattr(b, "media", [("media/" + blake(b"x"), b"x")]) or b.on("media.frame", lambda f: f[:-2]) and None)]:
        add(f"media-{name}-in-{'a-return' if base == 'return' else base}", base, 4, r"media\.tar\.zst: ", make)

# ---- a relay's bundles ------------------------------------------------------------------------------------------------------


@attack("relay", 4, "says it is by cem, but another key signed it")
def relay_that_answers_for_its_rater(w, b):
    b.commit.key = w.key("acme")


@attack("relay", 4, "says it is from acme, but another key signed it")
def relay_bundle_signed_by_its_rater(w, b):
    b.key = w.key("cem")


@attack("relay", 4, "1 commit refused.*only a lead may write", "refused")
def relay_with_an_assignment_of_its_own(w, b):
    b.commit.key = w.key("acme")
    b.commit.who(w.id("cem"), w.id("acme"))
    b.commit.who("cem <", "acme <")
    b.commit.tables = [w.bundle("relayed").commit.table("assignments")]


@attack("relay", 4, "1 commit refused.*another person's", "refused")
def relay_that_judges_for_its_rater_itself(w, b):
    b.commit.key = w.key("acme")
    b.commit.who(w.id("cem"), w.id("acme"))
    b.commit.who("cem <", "acme <")


@attack("relay", 4, "1 commit refused.*not a value", "refused")
def relay_with_a_bad_commit_of_its_rater(w, b):
    t = b.commit.table("ratings")
    t.changes[0].now[w.column("ratings", "value")] = text("9")


@attack("relay", 0, "taken", "taken")
def relay_that_says_it_is_a_return(w, b):
    b.manifest["kind"] = "return"


@attack("relay", 4, "not signed by a lead's hub")
def relay_that_says_it_is_a_hub(w, b):
    b.manifest["kind"] = "hub"


@attack("relay", 4, "not on the roster")
def relay_with_a_strangers_commit(w, b):
    b.commit.key = w.key("mallory")
    b.commit.who(w.id("cem"), derive("replica", bytes.fromhex(w.project), w.public("mallory")).hex())


@attack("relayed", 4, "not signed by the hub")
def relayed_and_signed_by_a_stranger(w, b):
    b.key = b.commit.key = w.key("mallory")


@attack("relayed", 4, "its hub did not sign")
def relayed_with_a_commit_by_another_rater(w, b):
    b.commit.key = w.key("ben")


@attack("relayed", 4, "another device")
def relayed_out_of_another_devices_chain(w, b):
    b.commit.trailers = [(n, w.id("anna").encode() if n == b"Casepack-Outbound" else v) for n, v in b.commit.trailers]


# ---- a first bundle: nobody is trusted yet ------------------------------------------------------------------------------------


@attack("first", 4, "not for the holder")
def first_for_somebody_else(w, b):
    b.manifest["recipients"] = [w.id("ben")]


@attack("first", 4, "hub did not sign|trusts")
def first_whose_signer_is_not_its_hub(w, b):
    b.key = w.key("mallory")


@attack("first", 4, "hub did not sign|trusts")
def first_whose_commit_another_signed(w, b):
    b.commit.key = w.key("mallory")


@attack("first", 4, "trusts|roster")
def first_whose_roster_names_no_hub(w, b):
    for c in b.commit.table("replicas").changes:
        c.now[w.column("replicas", "is_hub")] = integer(0)


@attack("first", 4, "roster entry")
def first_without_an_entry_for_its_receiver(w, b):
    t = b.commit.table("replicas")
    t.changes = [c for c in t.changes if c.now[0][1].hex() != w.id("dan")]


@attack("first", 4, "trusts|roster|hub")
def first_without_a_roster(w, b):
    b.commit.tables = [t for t in b.commit.tables if t.name != "replicas"]


@attack("first", 4, "trusts|roster|hub")
def first_without_history(w, b):
    b.on("objects", lambda o: [])
    b.on("parts", lambda p: [x for x in p if x[0] != "history.tar.zst"])


@attack("first", 4, "byte")
def first_with_a_bad_changeset(w, b):
    b.commit.on("changeset", lambda c: b"T")


# ---- from hub to hub -------------------------------------------------------------------------------------------------------------


def rewritten(w, b, oid, change, key=None):
    """A commit of a hub's history, changed in its text, and all that stands on it: each signed anew by whoever it names, or by key."""
    renamed, out = {}, []
    for name, data in b.objects:
        this, kind = split_name(name)
        if kind == "commit":
            head, body = unsigned(data)
            plain = head + b"\n\n" + body
            for old, new in renamed.items():
                plain = plain.replace(old.encode(), new.encode())
            if this == oid:
                plain = change(plain)
            if plain != head + b"\n\n" + body or this == oid:
                by = re_committer(plain)
                data = with_signature(plain, sign(plain, key if key and this == oid else w.key_of_id(by), "git"))
                renamed[this] = oid_of("commit", data)
        out.append((f"objects/{oid_of(kind, data)}.{kind}", data))
    b.objects = out
    for field in ("tips", "have"):
        b.manifest[field] = {n: renamed.get(o, o) for n, o in b.manifest[field].items()}


def re_committer(plain):
    return plain.split(b"\ncommitter ", 1)[1].split(b"<", 1)[1][:32].decode()


def tip_of(w, b):
    return b.manifest["tips"]["hub/" + w.id("bea")]


def change_commit(w, b, who):
    """The last change commit of somebody's in it."""
    return [split_name(n)[0] for n, d in b.objects if n.endswith(".commit") and b"\nauthor %s <%s@" % (who.encode(), w.id(who).encode()) in d
            and b"Casepack-Changeset" in d][-1]


def main_rewritten(change, key=None):
    return lambda w, b: rewritten(w, b, tip_of(w, b), change, w.key(key) if key else None)


@attack("hub", 4, "another key signed it")
def hub_main_by_a_rater(w, b):
    rewritten(w, b, tip_of(w, b), lambda t: t, w.key("anna"))


@attack("hub", 4, "no lead's hub|another key")
def hub_main_in_a_raters_name(w, b):
    rewritten(w, b, tip_of(w, b), lambda t: t.replace(b"committer " + t.split(b"\ncommitter ")[1].split(b"<")[0] + b"<" + w.id("bea").encode(), b"committer anna <" + w.id("anna").encode()))


@attack("hub", 4, "no lead's hub|another key")
def hub_main_in_a_relays_name(w, b):
    rewritten(w, b, tip_of(w, b), lambda t: t.replace(b"committer " + t.split(b"\ncommitter ")[1].split(b"<")[0] + b"<" + w.id("bea").encode(), b"committer acme <" + w.id("acme").encode()))


@attack("hub", 4, "not on the roster")
def hub_main_by_a_hub_that_nobody_knows(w, b):
    rewritten(w, b, tip_of(w, b), lambda t: t.replace(w.id("bea").encode(), derive("replica", bytes.fromhex(w.project), w.public("mallory")).hex().encode()), w.key("mallory"))


@attack("hub", 4, "not of this project|another project")
def hub_main_of_another_project(w, b):
    rewritten(w, b, tip_of(w, b), lambda t: t.replace(w.project.encode(), w.far_project.encode()))


for name, change, says in [
    ("hub-verdict-unknown", lambda t: t.replace(b" accepted ", b" admired "), "no verdict"), ("hub-verdict-without-a-number", lambda t: t.replace(b" accepted ", b" accepted x"), "trailer cannot be read"),
    ("hub-verdict-on-a-short-name", lambda t: t.replace(b"Change-commit: ", b"Change-commit: a "), "trailer cannot be read"),
    ("hub-verdict-on-a-commit-that-did-not-come", lambda t: t.replace(t.split(b"Change-commit: ")[1][:40], b"a" * 40), "did not come along"),
    ("hub-refusal-without-a-branch", lambda t: t.replace(b"Branch: replica/", b"Branch: x/").replace(t.split(b"Change-commit: ")[1][:40] + b" accepted", b"a" * 40 + b" refused"), "no replica"),
]:
    add(name, "hub", 4, says, lambda w, b, change=change: rewritten(w, b, judged(w, b), change))


def judged(w, b):
    """The commit of main that takes in ben's last change commit."""
    return [split_name(n)[0] for n, d in b.objects if n.endswith(".commit") and b"Change-commit: " + change_commit(w, b, "ben").encode() in d][-1]


@attack("hub", 4, "says it is by ben, but another key signed it")
def hub_with_a_raters_commit_of_its_own(w, b):
    """The other lead answers in ben's name."""
    rewritten(w, b, change_commit(w, b, "ben"), lambda t: t, w.key("bea"))


@attack("hub", 4, "another project")
def hub_with_a_change_commit_of_another_project(w, b):
    rewritten(w, b, change_commit(w, b, "ben"), lambda t: t.replace(w.project.encode(), w.far_project.encode()))


@attack("hub", 4, "author is not its committer")
def hub_with_a_change_commit_of_two_names(w, b):
    rewritten(w, b, change_commit(w, b, "ben"), lambda t: t.replace(b"author ben", b"author benny"))


@attack("hub", 4, "not signed by a lead's hub")
def hub_signed_by_a_stranger(w, b):
    b.key = w.key("mallory")


@attack("hub", 4, "not signed by a lead's hub")
def hub_signed_by_a_rater(w, b):
    b.key = w.key("anna")


@attack("hub", 4, "not signed by a lead's hub")
def hub_sent_by_a_rater(w, b):
    b.key, b.manifest["sender"] = w.key("anna"), w.id("anna")


@attack("hub", 4, "not signed by a lead's hub")
def hub_sent_by_a_lead_whose_device_is_no_hub(w, b):
    b.key, b.manifest["sender"] = w.key("lou"), w.id("lou")


@attack("hub", 4, "another project")
def hub_of_another_project(w, b):
    b.manifest["project"] = w.far_project


@attack("hub", 4, "newer casepack")
def hub_of_a_newer_schema(w, b):
    b.manifest["schema"] = 99


@attack("return", 4, "newer casepack")
def return_of_a_newer_schema(w, b):
    b.manifest["schema"] = 99


@attack("material", 4, "newer casepack")
def material_of_a_newer_schema(w, b):
    b.manifest["schema"] = 99


@attack("hub", 1, "which is not here")
def hub_that_needs_what_nobody_has(w, b):
    b.manifest["needs"] = {"main": "a" * 40}


@attack("hub", 4, "ends in commit aaaaaaaaaaaa, which did not come along")
def hub_whose_tip_did_not_come(w, b):
    b.manifest["tips"] = {**b.manifest["tips"], "hub/" + w.id("bea"): "a" * 40}


@attack("hub", 4, "does not hash|name")
def hub_with_an_object_misnamed(w, b):
    b.objects = [("objects/" + "a" * 40 + ".blob", d) if i == 0 else (n, d) for i, (n, d) in enumerate(b.objects)]


@attack("hub", 4, "does not bring all")
def hub_without_one_of_its_objects(w, b):
    b.objects = b.objects[1:]


def with_tree(entries):
    """The last main's tree is another one."""
    def make(w, b):
        tree = entries(b)
        b.objects.insert(0, (f"objects/{oid_of('tree', tree)}.tree", tree))
        rewritten(w, b, tip_of(w, b), lambda t: b"tree " + oid_of("tree", tree).encode() + t[45:])
    return make


def some_blob(b):
    return bytes.fromhex(next(split_name(n)[0] for n, _ in b.objects if n.endswith(".blob")))


for name, entries in [
    ("a-git-folder", lambda b: b"40000 .git\0" + bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")), ("a-submodule", lambda b: b"160000 x\0" + b"\1" * 20),
    ("a-symlink", lambda b: b"120000 x\0" + some_blob(b)), ("dot-dot", lambda b: b"100644 ..\0" + some_blob(b)), ("gitmodules", lambda b: b"100644 .gitmodules\0" + some_blob(b)),
    ("files-out-of-order", lambda b: b"100644 b\0" + some_blob(b) + b"100644 a\0" + some_blob(b)), ("a-missing-file", lambda b: b"100644 a\0" + b"\7" * 20), ("noise", lambda b: b"\xff" * 50),
]:
    add("hub-main-with-a-tree-of-" + name, "hub", 4, "", with_tree(entries))

# ---- what only leads may read ---------------------------------------------------------------------------------------------------------


@attack("return", 4, "private.tar.zst, which only a hub bundle has")
def private_part_from_a_rater(w, b):
    """Named as a return may not name it."""
    b.private = w.bundle("hub").private


@attack("hub", 4, "another key signed it")
def private_commit_by_a_rater(w, b):
    b.private[-1].key = w.key("anna")


@attack("hub", 4, "is by no lead")
def private_commit_in_a_raters_name(w, b):
    b.private[-1].who(w.id("bea"), w.id("anna"))
    b.private[-1].who("bea <", "anna <")
    b.private[-1].key = w.key("anna")


@attack("hub", 4, "byte")
def private_commit_with_public_rows(w, b):
    b.private[-1].tables.append(w.bundle("return").commit.table("judgments"))


@attack("hub", 4, "wrong type or length")
def private_commit_with_a_text_as_key(w, b):
    b.private[-1].tables[0].changes[0].now[0] = text("x" * 16)


@attack("hub", 4, "forerunner did not come along")
def private_chain_with_a_gap(w, b):
    c = b.private[-1]
    if c.get("parent") is None:
        c.head.insert(1, [b"parent", b"a" * 40])
    else:
        c.set("parent", b"a" * 40)


@attack("hub", 4, "")
def private_rows_in_the_history_part(w, b):
    """A change commit with a private table, in what everybody may read."""
    c = next(x for x in w.bundle("hub").private if x.tables)
    objects = c.build()
    b.objects = objects + b.objects
    rewritten(w, b, judged(w, b), lambda t: t + b"Change-commit: " + split_name(objects[0][0])[0].encode() + b" accepted 1\n")
