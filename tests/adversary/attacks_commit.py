"""What a rater can sign that is no change commit of hers: objects, headers, words, trailers, chains."""
import struct

from kit import *
from table import add, attack

# ---- the commit, which its bundle's signer answers for ---------------------------------------------------------


def on(step, change):
    return lambda w, b: b.commit.on(step, change) and None


def text(change):
    return on("text", change)


def line(old, new):
    return text(lambda t: t.replace(old, new, 1))


@attack("return", 4, "is not signed")
def commit_not_signed(w, b):
    b.commit.on("armor", lambda _: b"")


@attack("return", 4, "says it is by anna, but another key signed it")
def commit_signed_by_another_rater(w, b):
    b.commit.key = w.key("ben")


@attack("return", 4, "says it is by anna, but another key signed it")
def commit_signed_by_a_stranger(w, b):
    b.commit.key = w.key("mallory")


@attack("return", 4, "signature|namespace")
def commit_signed_for_bundles(w, b):
    b.commit.namespace = "casepack-bundle"


@attack("return", 4, "match")
def commit_with_the_signature_of_another(w, b):
    b.commit.on("armor", lambda _: sign(b"something else", b.commit.key, "git"))


@attack("return", 4, "sha256")
def commit_signed_with_sha256(w, b):
    b.commit.on("text", lambda t: b.commit.on("armor", lambda _: sign(t, b.commit.key, "git", "-O", "hashalg=sha256")) and t)


@attack("return", 4, "rsa")
def commit_signed_with_an_rsa_key(w, b):
    b.commit.key = w.key_of_kind("rsa")


@attack("return", 4, "says it is by ben, but another key signed it")
def commit_in_another_raters_name(w, b):
    b.commit.who(w.id("anna"), w.id("ben"))
    b.commit.who("anna", "ben")


@attack("return", 4, "says it is by lead, but another key signed it")
def commit_in_the_hubs_name(w, b):
    b.commit.who(w.id("anna"), w.id("lead"))


@attack("return", 4, "is by anna, but calls its author lead")
def commit_under_the_leads_pseudonym(w, b):
    """The address is her own device's, but who reads `git log main` sees the name."""
    b.commit.who("anna <", "lead <")


@attack("return", 4, "not on the roster")
def commit_by_an_unknown_device(w, b):
    b.commit.who(w.id("anna"), "0" * 32)


@attack("return", 4, "another project")
def commit_of_another_project(w, b):
    b.commit.who(w.project, w.far_project)


@attack("return", 4, "another project")
def commit_taken_over_from_another_project(w, b):
    b.commits = w.bundle("far").commits


for name, make, says in [
    ("with-two-parents", lambda w, b: b.commit.head.insert(1, [b"parent", b"a" * 40]), "two parents"),
    ("with-three-parents", lambda w, b: [b.commit.head.insert(1, [b"parent", c * 40]) for c in (b"a", b"b")] and None, "this order"),
    ("without-a-tree", text(lambda t: t.split(b"\n", 1)[1]), "begins with its tree"),
    ("with-two-trees", text(lambda t: t[:46] + t), "this order"),
    ("without-an-author", text(lambda t: b"\n".join(x for x in t.split(b"\n") if not x.startswith(b"author"))), "this order"),
    ("with-two-authors", text(lambda t: t.replace(b"\ncommitter", b"\nauthor a <a@b> 1 +0000\ncommitter", 1)), "this order"),
    ("by-somebody-else-than-its-committer", line(b"author anna", b"author anja"), "whose author is not its committer"),
    ("of-another-time-than-its-committer", text(lambda t: t.replace(b" +0000\ncommitter", b"0 +0000\ncommitter", 1)), "author is not its committer"),
    ("with-an-extra-header", line(b"\n\n", b"\nx-note hello\n\n"), "header that casepack does not write"),
    ("with-an-encoding", line(b"\n\n", b"\nencoding ISO-8859-1\n\n"), "header that casepack does not write"),
    ("with-a-mergetag", line(b"\n\n", b"\nmergetag object " + b"a" * 40 + b"\n type commit\n\n"), "header that casepack does not write"),
    ("with-two-signatures", on("commit", lambda c: c.replace(b"\n\n", b"\n" + c[c.index(b"gpgsig"):c.index(b"\n\n")] + b"\n\n", 1)), "header that casepack does not write"),
    ("with-a-pgp-signature", on("armor", lambda a: b"-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----"), "not an SSH signature"),
    ("with-a-sha256-signature-header", on("commit", lambda c: c.replace(b"gpgsig ", b"gpgsig-sha256 ", 1)), "header that casepack does not write"),
    ("in-another-time-zone", text(lambda t: t.replace(b"+0000", b"+0530")), "zone"),
    ("of-negative-time", text(lambda t: t.replace(b"> 1", b"> -1")), "time"),
    ("of-time-with-a-leading-zero", text(lambda t: t.replace(b"> 1", b"> 01")), "time"),
    ("of-the-year-60000", text(lambda t: t.replace(b"> 1", b"> 999")), "time"),
    ("with-an-upper-case-parent", text(lambda t: t.replace(t.split(b"\n")[1], t.split(b"\n")[1][:7] + t.split(b"\n")[1][7:].upper())), "lower-case hex"),
    ("with-an-escape-in-its-name", text(lambda t: t.replace(b"anna <", b"\x1b[2Janna <")), "not a name"),
    ("with-angle-brackets-in-its-name", text(lambda t: t.replace(b"anna <", b"anna<x> <")), "not a name|address"),
    ("with-bad-utf8-in-its-name", text(lambda t: t.replace(b"anna <", b"ann\xff <")), "not a name"),
    ("without-a-name", text(lambda t: t.replace(b"anna <", b"<")), "not a name"),
    ("with-a-plain-address", text(lambda t: t.replace(b".invalid>", b".example>")), "no device"),
    ("with-a-longer-address", text(lambda t: t.replace(b".invalid>", b".invalid.invalid>")), "no device"),
    ("with-an-upper-case-address", lambda w, b: b.commit.who(w.id("anna"), w.id("anna").upper()), "no device"),
    ("without-words", text(lambda t: t[:t.index(b"\n\n")] + b"\n\n"), "message"),
    ("with-an-escape-in-its-words", text(lambda t: t.replace(b"\n\n", b"\n\n\x1b[2J", 1)), "message"),
    ("with-a-nul-in-its-words", text(lambda t: t.replace(b"\n\n", b"\n\nx\0", 1)), "message"),
    ("with-bad-utf8-in-its-words", text(lambda t: t.replace(b"\n\n", b"\n\n\xff", 1)), "message"),
    ("without-a-final-newline", text(lambda t: t[:-1]), "message"),
    ("with-crlf", on("commit", lambda c: c.replace(b"\n", b"\r\n")), "lower-case hex"),
    ("too-long", lambda w, b: setattr(b.commit, "words", b"x" * (2 << 20)), "the limit is 1048576"),
    ("empty", on("commit", lambda c: b""), "limits"),
    ("of-noise", on("commit", lambda c: bytes(range(256))), "begins with its tree"),
    ("that-is-a-tag", on("commit", lambda c: b"object " + b"a" * 40 + b"\ntype commit\ntag x\n\nx\n"), "begins with its tree"),
]:
    add("commit-" + name, "return", 4, says, make)

# ---- trailers ------------------------------------------------------------------------------------------------------


def trailers(change):
    return on("trailers", change)


TRAILERS = ("Schema", "Edits", "Outbox", "Clock")
for name in TRAILERS:
    add(f"trailer-{name.lower()}-missing", "return", 4, f"Casepack-{name}", trailers(lambda t, name=name: [x for x in t if x[0] != b"Casepack-" + name.encode()]))
    add(f"trailer-{name.lower()}-doubled", "return", 4, f"Casepack-{name}", trailers(lambda t, name=name: t + [(n, b"7") for n, v in t if n == b"Casepack-" + name.encode()]))


def trailer(name, value):
    return trailers(lambda t: [(n, value if n == b"Casepack-" + name else v) for n, v in t])


for name, make, says in [
    ("schema-of-letters", trailer(b"Schema", b"two"), "Casepack-Schema"), ("schema-with-a-leading-zero", trailer(b"Schema", b"02"), "Casepack-Schema"),
    ("schema-with-a-sign", trailer(b"Schema", b"+2"), "Casepack-Schema"), ("edits-negative", trailer(b"Edits", b"-1"), "Casepack-Edits"),
    ("edits-with-a-space-behind", trailer(b"Edits", b"1 "), "Casepack-Edits"), ("clock-beyond-63-bits", trailer(b"Clock", b"9999999999999999999"), "Casepack-Clock"),
    ("clock-of-20-digits", trailer(b"Clock", b"1" * 20), "Casepack-Clock"), ("clock-empty", trailer(b"Clock", b""), "Casepack-Clock"),
    ("out-of-order", trailers(lambda t: t[::-1]), "trailer"),
    ("in-an-earlier-paragraph", text(lambda t: t.replace(b"\nCasepack-Changeset", b"\n\nCasepack-Changeset")), "Casepack-"),
]:
    add("trailer-" + name, "return", 4, says, make)

for name, make, says in [
    ("changeset-missing", trailers(lambda t: [x for x in t if x[0] != b"Casepack-Changeset"]), "trailer|changeset is not the one"),
    ("changeset-wrong", trailer(b"Changeset", b"0" * 64), "not the one that was signed"),
    ("changeset-upper-case", trailers(lambda t: [(n, v.upper() if n == b"Casepack-Changeset" else v) for n, v in t]), "not the one that was signed"),
    ("edits-too-many", trailer(b"Edits", b"2"), "2 edits were signed, 1 found"), ("edits-none", trailer(b"Edits", b"0"), "0 edits were signed"),
    ("schema-newer", trailer(b"Schema", b"99"), "newer casepack"), ("schema-zero", trailer(b"Schema", b"0"), "schema"),
]:
    add("trailer-" + name, "return", 4, "refused.*" + says, make, "refused")

# ---- objects ----------------------------------------------------------------------------------------------------------


def objects(change):
    return lambda w, b: b.on("objects", change) and None


for name, change, says in [
    ("misnamed", lambda o: [o[0], o[1], ("objects/" + "a" * 40 + ".blob", o[2][1])], "does not hash to its name"),
    ("commit-misnamed", lambda o: [("objects/" + "a" * 40 + ".commit", o[0][1])] + o[1:], "does not hash to its name"),
    ("tree-misnamed", lambda o: [o[0], ("objects/" + "a" * 40 + ".tree", o[1][1]), o[2]], "does not hash to its name"),
    ("of-another-type", lambda o: [(o[0][0].replace("commit", "blob"), o[0][1])] + o[1:], "where a commit must come"),
    ("tree-missing", lambda o: [o[0], o[2]], "where a tree must come"), ("blob-missing", lambda o: o[:2], "ends within a change commit"),
    ("commit-alone", lambda o: o[:1], "without its tree"), ("tree-alone", lambda o: o[1:2], "where a commit must come"),
    ("tree-before-its-commit", lambda o: [o[1], o[0], o[2]], "where a commit must come"), ("blob-added", lambda o: o + [(f"objects/{oid_of('blob', b'x')}.blob", b"x")], "where a commit must come"),
    ("tree-of-another-commit", lambda o: [o[0], (f"objects/{oid_of('tree', o[1][1] * 2)}.tree", o[1][1] * 2), o[2]], "followed by another tree"),
]:
    add("object-" + name, "return", 4, says, objects(change))


@attack("return", 4, "refused.*tree names another changeset", "refused")
def object_blob_of_another_commit(w, b):
    b.on("objects", lambda o: o[:2] + [(f"objects/{oid_of('blob', b'other')}.blob", b"other")])


# ---- trees -------------------------------------------------------------------------------------------------------------

SINGLE = "refused.*tree object"


def entry(mode, name, oid):
    return mode + b" " + name + b"\0" + oid


for name, change in [
    ("a-git-folder", lambda t: entry(b"40000", b".git", t[-20:])), ("a-git-file", lambda t: entry(b"100644", b".git", t[-20:])),
    ("an-upper-case-git-folder", lambda t: entry(b"40000", b".GIT", t[-20:])), ("git-tilde-1", lambda t: entry(b"40000", b"git~1", t[-20:])),
    ("a-git-folder-spelt-invisibly", lambda t: entry(b"40000", b".g\xe2\x80\x8cit", t[-20:])), ("gitmodules", lambda t: entry(b"100644", b".gitmodules", t[-20:])),
    ("dot-dot", lambda t: entry(b"40000", b"..", t[-20:])), ("a-dot", lambda t: entry(b"40000", b".", t[-20:])),
    ("a-path", lambda t: entry(b"100644", b"../changeset", t[-20:])), ("an-absolute-path", lambda t: entry(b"100644", b"/etc/passwd", t[-20:])),
    ("a-backslash", lambda t: entry(b"100644", b"..\\changeset", t[-20:])), ("a-submodule", lambda t: entry(b"160000", b"changeset", t[-20:])),
    ("a-symlink", lambda t: entry(b"120000", b"changeset", t[-20:])), ("a-program", lambda t: entry(b"100755", b"changeset", t[-20:])),
    ("a-folder", lambda t: entry(b"40000", b"changeset", t[-20:])), ("an-odd-mode", lambda t: entry(b"0100644", b"changeset", t[-20:])),
    ("a-mode-of-66", lambda t: entry(b"100666", b"changeset", t[-20:])), ("two-files", lambda t: t + entry(b"100644", b"notes", t[-20:])),
    ("the-same-file-twice", lambda t: t + t), ("files-out-of-order", lambda t: t + entry(b"100644", b"a", t[-20:])), ("another-name", lambda t: entry(b"100644", b"Changeset", t[-20:])),
    ("nothing", lambda t: b""), ("no-name", lambda t: entry(b"100644", b"", t[-20:])), ("half-an-object-name", lambda t: t[:-10]),
    ("zeros-as-an-object-name", lambda t: t[:-20] + bytes(20)), ("a-byte-behind", lambda t: t + b"\0"), ("noise", lambda t: b"\xff" * 99),
    ("an-escape", lambda t: entry(b"100644", b"\x1b[2J", t[-20:])), ("bad-utf8", lambda t: entry(b"100644", b"\xff\xfe", t[-20:])),
]:
    add("tree-of-" + name, "return", 4, SINGLE, on("tree", change), "refused")


@attack("return", 4, "refused.*names another changeset", "refused")
def tree_of_a_blob_that_did_not_come(w, b):
    b.commit.on("tree", lambda t: t[:-20] + b"\1" * 20)


# ---- chains ------------------------------------------------------------------------------------------------------------

def parent(oid):
    return lambda w, b: b.commit.set("parent", (oid(w) if callable(oid) else oid).encode())


@attack("returns", 3, "waits: its forerunner .* has not come", "waits")
def chain_with_a_gap(w, b):
    """The last of two: the first stays at home."""
    b.commits = b.commits[-1:]


add("chain-on-a-commit-that-nobody-has", "return", 3, "waits: its forerunner aaaaaaaaaaaa has not come", parent("a" * 40), "waits")
add("chain-on-another-raters-branch", "return", 4, "refused.*another device", parent(lambda w: w.tip("replica/" + w.id("ben"))), "refused")
add("chain-on-the-hubs-branch", "return", 4, "refused.*another device", parent(lambda w: w.tip("replica/" + w.id("lead"))), "refused")
add("chain-on-main", "return", 3, "waits: its forerunner", parent(lambda w: w.tip("main")), "waits")
add("chain-on-its-own-tree", "return", 3, "waits: its forerunner", lambda w, b: b.commit.set("parent", b.commit.get("tree")), "waits")


@attack("return", 0, "taken", "taken")
def trailer_unknown(w, b):
    """A newer casepack may have more to say; what it says is signed."""
    b.commit.trailers.append((b"Casepack-More", b"1"))


@attack("return", 0, "taken", "taken")
def chain_with_a_second_beginning(w, b):
    """As a cloned disk has it: kept as a line of its own."""
    b.commit.head = [h for h in b.commit.head if h[0] != b"parent"]


@attack("returns", 4, "1 commit refused; 1 commit waiting.*5 edits were signed", "refused")
def chain_behind_a_refused_one(w, b):
    b.commits[0].on("trailers", lambda t: [(n, b"5" if n == b"Casepack-Edits" else v) for n, v in t])

# ---- copies and proofs -----------------------------------------------------------------------------------------------------


@attack("return", 4, "says that a hub gave it, but its bundle does not")
def work_that_says_it_was_given(w, b):
    """Work with the line of material in its words: it must not be passed over in silence."""
    b.commit.words += b"\n\nCasepack-Outbound: " + w.id("anna").encode()


@attack("return", 4, "says that a hub gave it, but no hub of this project signed it")
def material_forged_by_a_rater(w, b):
    b.commit.words += b"\n\nCasepack-Outbound: " + w.id("anna").encode()
    b.manifest["tips"]["outbound/" + w.id("anna")] = b.commit.oid


@attack("return", 4, "says that a hub gave it, but its bundle does not")
def noise_that_says_it_was_given(w, b):
    b.commit.on("commit", lambda c: b"tree x\nCasepack-Outbound: x\n")


@attack("return", 4, "says that a hub gave it, but no hub of this project signed it")
def material_of_another_project(w, b):
    b.commits = w.bundle("far-material").commits
    b.manifest["tips"]["outbound/" + w.id("anna")] = b.commit.oid


@attack("return", 4, "")
def copy_of_another_raters_device(w, b):
    """A device that says it is a copy of ben's, with anna's key."""
    nonce = b"\7" * 16
    new = derive("replica", bytes.fromhex(w.project), w.public("anna"), nonce).hex()
    b.commit.who(w.id("anna"), new)
    b.commit.head = [h for h in b.commit.head if h[0] != b"parent"]
    b.commit.trailers.insert(0, (b"Casepack-Copy-Of", f"{w.id('ben')} {nonce.hex()}".encode()))
    b.manifest["sender"] = new


@attack("return", 4, "not on the roster")
def copy_by_a_stranger(w, b):
    nonce = b"\7" * 16
    new = derive("replica", bytes.fromhex(w.project), w.public("mallory"), nonce).hex()
    b.key = b.commit.key = w.key("mallory")
    b.commit.who(w.id("anna"), new)
    b.commit.head = [h for h in b.commit.head if h[0] != b"parent"]
    b.commit.trailers.insert(0, (b"Casepack-Copy-Of", f"{w.id('anna')} {nonce.hex()}".encode()))
    b.manifest["sender"] = new


@attack("return", 4, "")
def copy_whose_nonce_does_not_make_its_id(w, b):
    new = "7" * 32
    b.commit.who(w.id("anna"), new)
    b.commit.head = [h for h in b.commit.head if h[0] != b"parent"]
    b.commit.trailers.insert(0, (b"Casepack-Copy-Of", f"{w.id('anna')} {'7' * 32}".encode()))
    b.manifest["sender"] = new
