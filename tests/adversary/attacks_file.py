"""What can be done to the file: its tar, its frames, its manifest and the signature over that."""
import functools
import gzip
import json
import random
import re
import struct
import zlib

from kit import *
from table import add, attack

# ---- the signature of the manifest --------------------------------------------------------------------

SIGNATURE = r"manifest\.json\.sig: "


def altered(old, new):
    return lambda armor: armored(unarmor(armor).replace(old, new, 1))


def resigned(*how):
    return lambda w, b: b.on("manifest.sig", lambda _: sign(canonical(b.manifest), b.key, "casepack-bundle", *how)) and None


@attack("return", 4, SIGNATURE + ".*git")
def signed_for_another_purpose(w, b):
    b.on("manifest.text", lambda t: b.on("manifest.sig", lambda _: sign(t, b.key, "git")) and t)


@attack("return", 4, SIGNATURE)
def signature_of_another_bundle(w, b):
    b.on("manifest.sig", lambda _: dict(untar(w.bytes("returns")))["manifest.json.sig"])


@attack("return", 4, "hash|makes it")
def manifest_of_another_bundle(w, b):
    theirs = dict(untar(w.bytes("returns")))
    b.on("members", lambda m: [(n, theirs[n] if n.startswith("manifest") else d) for n, d in m])


@attack("return", 4, "manifest.json.sig is not where it must be")
def signature_stripped(w, b):
    b.on("members", lambda m: [x for x in m if x[0] != "manifest.json.sig"])


@attack("return", 4, SIGNATURE)
def signature_empty(w, b):
    b.on("manifest.sig", lambda _: b"")


@attack("return", 4, SIGNATURE)
def signature_doubled(w, b):
    b.on("manifest.sig", lambda s: s + s)


@attack("return", 4, "makes it|not what its manifest")
def signature_member_twice(w, b):
    b.on("members", lambda m: m[:2] + m[1:])


@attack("return", 4, "says it is from anna, but another key signed it")
def signed_by_a_stranger(w, b):
    b.key = w.key("mallory")


@attack("return", 4, "says it is from anna, but another key signed it")
def signed_by_another_rater(w, b):
    b.key = w.key("ben")


@attack("return", 4, SIGNATURE + ".*sha256")
def signed_with_sha256(w, b):
    b.on("manifest.text", lambda t: b.on("manifest.sig", lambda _: sign(t, b.key, "casepack-bundle", "-O", "hashalg=sha256")) and t)


for kind in ("rsa", "ecdsa"):
    add(f"signed-with-an-{kind}-key", "return", 4, SIGNATURE + f".*{kind}", lambda w, b, kind=kind:
        b.__setattr__("key", w.key_of_kind(kind)))


@attack("return", 4, SIGNATURE + ".*sk-ssh-ed25519")
def signed_with_a_hardware_key(w, b):
    name = b"sk-ssh-ed25519@openssh.com"
    raw = (b"SSHSIG" + struct.pack(">I", 1) + string(string(name) + string(bytes(32)) + string(b"ssh:")) + string(b"casepack-bundle") +
           string(b"") + string(b"sha512") + string(string(name) + string(bytes(64)) + b"\1" + bytes(4)))
    b.on("manifest.sig", lambda _: armored(raw))


@attack("return", 4, SIGNATURE + ".*version")
def signature_of_version_2(w, b):
    b.on("manifest.sig", altered(b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2"))


@attack("return", 4, SIGNATURE)
def signature_with_bytes_behind(w, b):
    b.on("manifest.sig", lambda s: armored(unarmor(s) + b"\0"))


@attack("return", 4, SIGNATURE)
def signature_with_a_reserved_field(w, b):
    b.on("manifest.sig", altered(b"casepack-bundle\0\0\0\0", b"casepack-bundle\0\0\0\1x"))


@attack("return", 4, SIGNATURE)
def signature_with_another_magic(w, b):
    b.on("manifest.sig", altered(b"SSHSIG", b"SSHSIX"))


@attack("return", 4, SIGNATURE)
def signature_in_one_line(w, b):
    b.on("manifest.sig", lambda s: s.split(b"\n")[0] + b"\n" + base64.b64encode(unarmor(s)) + b"\n" + s.split(b"\n")[-2] + b"\n")


@attack("return", 4, SIGNATURE)
def signature_with_crlf(w, b):
    b.on("manifest.sig", lambda s: s.replace(b"\n", b"\r\n"))


@attack("return", 4, SIGNATURE + ".*4096")
def signature_too_long(w, b):
    b.on("manifest.sig", lambda s: s + b"x" * 5000)


@attack("return", 4, SIGNATURE)
def signature_whose_length_lies(w, b):
    b.on("manifest.sig", altered(string(b"sha512"), struct.pack(">I", 0xffffffff) + b"sha512"))


@attack("return", 4, SIGNATURE)
def signature_with_s_not_reduced(w, b):
    order = 2**252 + 27742317777372353535851937790883648493

    def add_order(armor):
        raw = unarmor(armor)
        return armored(raw[:-32] + (int.from_bytes(raw[-32:], "little") + order).to_bytes(32, "little"))
    b.on("manifest.sig", add_order)


@attack("return", 4, SIGNATURE)
def signature_by_a_key_of_small_order(w, b):
    point = b"\1" + bytes(31) # the neutral element: its equation holds for any message
    raw = (b"SSHSIG" + struct.pack(">I", 1) + string(string(b"ssh-ed25519") + string(point)) + string(b"casepack-bundle") +
           string(b"") + string(b"sha512") + string(string(b"ssh-ed25519") + string(point + bytes(32))))
    b.on("manifest.sig", lambda _: armored(raw))


# ---- who, for whom, when ---------------------------------------------------------------------------------


def fields(**values):
    return lambda w, b: b.manifest.update({k: v(w) if callable(v) else v for k, v in values.items()})


add("of-another-project", "far", 4, "another project \\(Other\\)", lambda w, b: None)
add("of-another-project-under-this-ones-name", "far", 4, "not on the roster", fields(project=lambda w: w.project))
add("sender-forged", "return", 4, "says it is from ben, but another key signed it", fields(sender=lambda w: w.id("ben")))
add("sender-is-the-hub-itself", "return", 4, "says it is from lead, but another key signed it", fields(sender=lambda w: w.id("lead")))
add("sender-unknown", "return", 4, "not on the roster", fields(sender="0" * 32))
add("sender-is-another-projects-device", "return", 4, "not on the roster", fields(sender=lambda w: w.far_id("anna")))
add("a-rater-as-relay", "return", 4, "no relay", fields(kind="relay"))
add("a-rater-as-hub", "return", 4, "not signed by a lead's hub", fields(kind="hub"))
add("a-rater-as-giver", "return", 1, "cases bundle", fields(kind="cases"))
add("for-another-hub", "return", 0, "taken", fields(recipients=lambda w: [w.id("bea")]), "taken")
add("for-nobody", "return", 0, "taken", fields(recipients=[]), "taken")
add("from-the-future", "return", 0, "taken", fields(created_us=8589934591999999), "taken")
add("from-the-beginning-of-time", "return", 0, "taken", fields(created_us=0), "taken")
add("expired", "return", 0, "taken", fields(expires_us=1), "taken")
add("older-one-opened-late", "older", 0, "known already", lambda w, b: None, "known")
add("older-one-given-a-high-number", "older", 0, "known already", fields(number=9007199254740991), "known")


# ---- the manifest --------------------------------------------------------------------------------------------

MANIFEST = r"manifest\.json: "

for name, field, value, says in [
    ("number-zero", "number", 0, "number"), ("number-negative", "number", -1, "number"),
    ("number-2-to-the-53", "number", 2**53, "number"), ("number-2-to-the-64", "number", 2**64, "JSON|number"),
    ("number-with-a-fraction", "number", 1.5, "number: not a whole number"), ("number-as-text", "number", "7", "number: not a whole number"),
    ("number-null", "number", None, "number: not a whole number"), ("number-true", "number", True, "number: not a whole number"),
    ("format-newer", "format", 2, "format 2.*newer casepack"), ("format-zero", "format", 0, "format"),
    ("format-text", "format", "1", "format"), ("reader-newer", "reader", 2, "reader"),
    ("schema-zero", "schema", 0, "schema"), ("schema-2-to-the-31", "schema", 2**31, "schema"),
    ("kind-unknown", "kind", "present", "kind"), ("kind-number", "kind", 7, "kind"), ("kind-long", "kind", "r" * 99, "kind"),
    ("project-upper-case", "project", "A" * 32, "project"), ("project-short", "project", "a" * 31, "project"),
    ("project-name-escape", "project_name", "a\x1b[2Jb", "project_name|spelling"), ("project-name-long", "project_name", "x" * 128, "project_name"),
    ("project-name-newline", "project_name", "a\nb", "project_name|spelling"),
    ("sender-missing-digit", "sender", "a" * 33, "sender"),
    ("recipients-object", "recipients", {}, "recipients: not an array"), ("recipients-numbers", "recipients", [1], "recipients"),
    ("recipients-unsorted", "recipients", ["b" * 32, "a" * 32], "spelling"), ("recipients-twice", "recipients", ["a" * 32] * 2, "recipients"),
    ("recipients-too-many", "recipients", [f"{i:032x}" for i in range(1025)], "recipients"),
    ("created-too-late", "created_us", 8589934592000000, "created_us"),
    ("expires-too-late", "expires_us", 2**53, "expires_us"),
    ("volume-zero", "volume", 0, "volume"), ("volume-beyond-the-last", "volume", 2, "volume"), ("volumes-too-many", "volumes", 65536, "volumes"),
    ("tips-array", "tips", [], "tips: not an object"), ("tips-number", "tips", {"main": 1}, "tips"),
    ("tips-outside", "tips", {"../main": "a" * 40}, "tips"), ("tips-dots", "tips", {"a..b": "a" * 40}, "tips"),
    ("tips-lock", "tips", {"main.lock": "a" * 40}, "tips"), ("tips-absolute", "tips", {"/main": "a" * 40}, "tips"),
    ("tips-newline", "tips", {"main\nx": "a" * 40}, "tips"), ("tips-option", "tips", {"-f": "a" * 40}, "tips"),
    ("tips-long-name", "tips", {"a" * 80: "a" * 40}, "tips"), ("tips-oid-upper-case", "tips", {"main": "A" * 40}, "tips"),
    ("tips-oid-short", "tips", {"main": "a" * 39}, "tips"), ("tips-empty-name", "tips", {"": "a" * 40}, "tips"),
    ("tips-too-many", "tips", {f"t{i}": "a" * 40 for i in range(8193)}, "tips"),
    ("have-number", "have", {"main": 7}, "have"), ("needs-outside", "needs", {"refs/../x": "a" * 40}, "needs"),
    ("parts-object", "parts", {}, "parts: not an array"), ("parts-numbers", "parts", [1], "name|parts"),
    ("unknown-field", "more", 1, "unknown field"), ("unknown-field-nested", "tipz", {"a": {"b": []}}, "unknown field"),
]:
    def set_field(w, b, field=field, value=value):
        b.on("manifest", lambda m: {**m, field: value})
    add("manifest-" + name, "return", 4, MANIFEST + ".*(" + says + ")", set_field)


def part_field(**values):
    return lambda w, b: b.on("manifest", lambda m: {**m, "parts": [{**m["parts"][0], **values}, *m["parts"][1:]]}) and None


for name, values, says in [
    ("size-zero", {"size": 0}, "history.tar.zst: a size"), ("size-lies", {"size": 999}, "makes it|hash"),
    ("size-beyond-the-file", {"size": 2**52}, "promised"), ("size-negative", {"size": -1}, "size"),
    ("size-overflows", {"size": 2**53 - 1}, "promised"), ("hash-lies", {"blake2b": "0" * 64}, "hash"),
    ("hash-upper-case", {"blake2b": "A" * 64}, "blake2b"), ("hash-short", {"blake2b": "0" * 40}, "blake2b"),
    ("expanded-zero", {"expanded": 0}, "a size"), ("expanded-one-less", {"expanded": 4607}, "4607|expand"),
    ("expanded-one-more", {"expanded": 4609}, "4609|expand"), ("expanded-65-gib", {"expanded": 65 << 30}, "expand.*limit"),
    ("name-unknown", {"name": "secret.tar.zst"}, "parts"), ("name-outside", {"name": "../x"}, "parts"),
    ("name-absolute", {"name": "/etc/passwd"}, "parts"), ("unknown-field", {"more": 1}, "unknown field"),
]:
    add("part-" + name, "return", 4, says, part_field(**values))


@attack("return", 4, "parts: number 2")
def part_listed_twice(w, b):
    b.on("parts", lambda p: p + p)


@attack("material", 4, "parts: number 2")
def parts_out_of_order(w, b):
    b.on("parts", lambda p: p[::-1])


@attack("material", 4, "parts")
def five_parts(w, b):
    b.on("parts", lambda p: (p * 5)[:5])


@attack("material", 4, "hash")
def parts_exchanged_under_their_names(w, b):
    b.on("members", lambda m: m[:2] + [(m[2][0], m[3][1]), (m[3][0], m[2][1])])
    b.on("manifest", lambda m: {**m, "parts": [{**m["parts"][0], "size": m["parts"][1]["size"]}, {**m["parts"][1], "size": m["parts"][0]["size"]}]})


@attack("return", 4, "makes it")
def part_not_listed(w, b):
    b.on("manifest", lambda m: {**m, "parts": []})


def worded(change):
    return lambda w, b: b.on("manifest.text", lambda t: change(t)) and None


for name, change, says in [
    ("with-spaces", lambda t: t.replace(b":", b": "), "spelling"), ("without-a-newline", lambda t: t[:-1], "spelling"),
    ("with-two-newlines", lambda t: t + b"\n", "spelling"), ("with-crlf", lambda t: t[:-1] + b"\r\n", "spelling"),
    ("with-a-bom", lambda t: b"\xef\xbb\xbf" + t, "JSON"), ("unsorted", lambda t: b'{"volumes":1,' + t[1:].replace(b',"volumes":1', b""), "spelling"),
    ("with-a-key-twice", lambda t: b'{"volumes":1,' + t[1:], "twice"), ("with-a-number-as-1e0", lambda t: t.replace(b'"volumes":1', b'"volumes":1e0'), "volumes"),
    ("with-a-leading-zero", lambda t: t.replace(b'"volumes":1', b'"volumes":01'), "JSON"), ("with-plus", lambda t: t.replace(b'"volumes":1', b'"volumes":+1'), "JSON"),
    ("with-minus-zero", lambda t: t.replace(b'"expires_us":0', b'"expires_us":-0'), "spelling|expires"),
    ("with-nan", lambda t: t.replace(b'"volumes":1', b'"volumes":NaN'), "JSON"),
    ("with-a-comment", lambda t: b"/* x */" + t, "JSON"), ("with-an-escaped-letter", lambda t: t.replace(b'"Chorus"', b'"\\u0043horus"'), "spelling"),
    ("created-before-time", lambda t: re.sub(rb'"created_us":\d+', b'"created_us":-1', t), "created_us"), ("with-a-raw-nul", lambda t: t.replace(b'"Chorus"', b'"Cho\0us"'), "JSON"), ("with-an-escaped-nul", lambda t: t.replace(b'"Chorus"', b'"Cho\\u0000us"'), "JSON|project_name"),
    ("with-bad-utf8", lambda t: t.replace(b'"Chorus"', b'"Chor\xffs"'), "JSON"), ("with-overlong-utf8", lambda t: t.replace(b'"Chorus"', b'"Chor\xc0\xafs"'), "JSON"),
    ("with-a-lone-surrogate", lambda t: t.replace(b'"Chorus"', b'"Cho\\ud800us"'), "JSON"), ("with-words-behind", lambda t: t + b"{}", "JSON"),
    ("nested-deep", lambda t: b"[" * 200000, "JSON"), ("nested-deep-in-a-field", lambda t: t.replace(b'"expires_us":0', b'"expires_us":' + b'{"a":' * 5000 + b"1" + b"}" * 5000), "JSON"),
    ("with-a-huge-number", lambda t: t.replace(b'"volumes":1', b'"volumes":' + b"9" * 100000), "JSON|volumes"),
    ("with-1e400", lambda t: t.replace(b'"volumes":1', b'"volumes":1e400'), "JSON|volumes"),
    ("null", lambda t: b"null\n", "JSON"), ("a-list", lambda t: b"[]\n", "object"), ("an-empty-object", lambda t: b"{}\n", "format: missing"),
    ("a-newline", lambda t: b"\n", "JSON"), ("cut-short", lambda t: t[:len(t) // 2], "JSON"),
    ("newer-and-otherwise-unknown", lambda t: b'{"format":7,"things":[]}\n', "newer casepack"),
    ("too-long", lambda t: t + b" " * (2 << 20), "limit"),
]:
    add("manifest-" + name, "return", 4, r"manifest\.json: .*(" + says + ")", worded(change))

for gone in ("created_us", "expires_us", "format", "have", "kind", "needs", "number", "parts", "project", "project_name", "reader", "recipients",
             "schema", "sender", "tips", "volume", "volumes"):
    add(f"manifest-without-{gone}", "return", 4, MANIFEST + f"{gone}: missing", lambda w, b, gone=gone:
        b.on("manifest.text", lambda t: canonical({k: v for k, v in json.loads(t).items() if k != gone})) and None)


# ---- the tar ------------------------------------------------------------------------------------------------------

NOT = "not a bundle, or damaged"
BYTES = "not what its manifest makes it|makes it \\d+ bytes"


def membered(change):
    return lambda w, b: b.on("members", change) and None


def barred(change):
    """change: of the list of members as they stand in the tar, header and content apart."""
    def make(w, b):
        mtime = b.manifest["created_us"] // 1000000
        b.on("members", lambda m: b.on("tar", lambda _: change([member(n, d, mtime) for n, d in m], mtime) + bytes(1024)) and m)
    return make


def patched(which, at, field):
    """One field of one header, with the checksum that it then has."""
    def change(blocks, mtime):
        h = bytearray(blocks[which][:512])
        h[at:at + len(field)] = field
        return b"".join(blocks[:which]) + checksum(h) + blocks[which][512:] + b"".join(blocks[which + 1:])
    return barred(change)


def special(which, kind, link=b""):
    """A member of another kind, without content."""
    def change(blocks, mtime):
        name = blocks[which][:100].rstrip(b"\0")
        return b"".join(blocks[:which]) + header(name, 0, mtime, kind=kind, link=link) + b"".join(blocks[which + 1:])
    return barred(change)


def pax(*records):
    body = b""
    for key, value in records:
        line = b" " + key + b"=" + value + b"\n"
        n = len(line) + len(str(len(line) + 2))
        body += str(n).encode() + line
    return body


def before(which, kind, body, name=b"PaxHeaders/x"):
    """An extension header in front of a member."""
    return barred(lambda blocks, mtime: b"".join(blocks[:which]) + member(name, body, mtime, kind=kind) + b"".join(blocks[which:]))


for name, make, says in [
    ("members-in-another-order", membered(lambda m: [m[1], m[0], m[2]]), NOT),
    ("history-before-the-signature", membered(lambda m: [m[0], m[2], m[1]]), NOT),
    ("member-twice", membered(lambda m: m + m[2:]), BYTES),
    ("manifest-twice", membered(lambda m: m[:1] + m), NOT),
    ("member-unknown", membered(lambda m: m + [("notes.txt", b"hello")]), BYTES),
    ("member-with-a-case-twin", membered(lambda m: m + [("History.tar.zst", m[2][1])]), BYTES),
    ("member-in-upper-case", membered(lambda m: m[:2] + [("HISTORY.TAR.ZST", m[2][1])]), BYTES),
    ("member-absolute", membered(lambda m: m[:2] + [("/history.tar.zst", m[2][1])]), BYTES),
    ("member-dotted", membered(lambda m: m[:2] + [("./history.tar.zst", m[2][1])]), BYTES),
    ("member-outside", membered(lambda m: m[:2] + [("../history.tar.zst", m[2][1])]), BYTES),
    ("manifest-absolute", membered(lambda m: [("/manifest.json", m[0][1])] + m[1:]), NOT),
    ("manifest-dotted", membered(lambda m: [("./manifest.json", m[0][1])] + m[1:]), NOT),
    ("member-with-a-newline", membered(lambda m: m + [("a\ncasepack: all is well\n", b"")]), BYTES),
    ("member-with-an-escape", membered(lambda m: m + [("\x1b[2J\x1b]0;x\a", b"")]), BYTES),
    ("member-with-bad-utf8", membered(lambda m: m + [(b"\xff\xfe", b"")]), BYTES),
    ("first-member-with-an-escape", membered(lambda m: [("\x1b[2J", b"x")] + m), NOT),
    ("first-member-with-bad-utf8", membered(lambda m: [(b"\xff\xfe\n", b"x")] + m), NOT),
    ("member-with-a-nul-in-its-name", patched(2, 0, b"history.tar.zst\0x"), BYTES),
    ("manifest-with-a-nul-in-its-name", patched(0, 0, b"manifest.json\0x"), BYTES),
    ("member-in-a-prefix", patched(2, 345, b"objects"), BYTES),
    ("member-with-another-mode", patched(2, 100, b"004755 "), BYTES),
    ("member-with-an-owner", patched(2, 108, b"001750 "), BYTES),
    ("member-with-an-owners-name", patched(2, 265, b"root"), BYTES),
    ("member-with-another-time", patched(2, 136, b"00000000001 "), BYTES),
    ("member-with-padding-used", patched(2, 500, b"hello"), BYTES),
    ("member-with-a-link-name", patched(2, 157, b"/etc/passwd"), BYTES),
    ("member-of-old-tar", patched(2, 257, bytes(8)), BYTES),
    ("manifest-of-old-tar", patched(0, 257, bytes(8)), NOT),
    ("manifest-of-gnu-tar", patched(0, 257, b"ustar  \0"), NOT),
    ("member-contiguous", patched(2, 156, b"7"), BYTES),
    ("member-symlink", patched(2, 156, b"2/etc/passwd"), BYTES), ("member-hardlink", patched(2, 156, b"1manifest.json"), BYTES),
    ("member-device", patched(2, 156, b"3"), BYTES), ("member-block-device", patched(2, 156, b"4"), BYTES),
    ("member-fifo", patched(2, 156, b"6"), BYTES), ("member-folder", patched(2, 156, b"5"), BYTES),
    ("member-symlink-without-content", special(2, b"2", b"/etc/passwd"), BYTES), ("member-hardlink-without-content", special(2, b"1", b"manifest.json"), BYTES),
    ("manifest-symlink", special(0, b"2", b"/etc/passwd"), NOT), ("manifest-hardlink", special(0, b"1", b"manifest.json"), NOT),
    ("manifest-device", special(0, b"3"), NOT), ("manifest-fifo", special(0, b"6"), NOT), ("manifest-folder", special(0, b"5"), NOT),
    ("signature-symlink", special(1, b"2", b"manifest.json"), NOT), ("signature-hardlink", special(1, b"1", b"manifest.json"), NOT),
    ("pax-path", before(0, b"x", pax((b"path", b"manifest.json"))), NOT),
    ("pax-path-outside", before(2, b"x", pax((b"path", b"../../x"))), BYTES),
    ("pax-size", before(0, b"x", pax((b"size", b"5"))), NOT), ("pax-size-huge", before(0, b"x", pax((b"size", b"9" * 30))), NOT),
    ("pax-global", before(0, b"g", pax((b"comment", b"x"))), NOT), ("pax-length-lies", before(0, b"x", b"99999 path=x\n"), NOT),
    ("pax-length-negative", before(0, b"x", b"-1 path=x\n"), NOT), ("pax-huge", before(0, b"x", pax((b"comment", b"x" * 3000000))), NOT),
    ("gnu-long-name", before(0, b"L", b"manifest.json\0", b"././@LongLink"), BYTES),
    ("gnu-long-link", before(0, b"K", b"/etc/passwd\0", b"././@LongLink"), BYTES),
    ("gnu-sparse", patched(0, 156, b"S"), BYTES), ("gnu-volume-label", before(0, b"V", b"", b"label"), BYTES),
    ("solaris-acl", before(0, b"A", b"acl", b"x"), NOT),
    ("size-negative", patched(0, 124, b"\xff" * 12), NOT), ("size-base-256-huge", patched(0, 124, b"\x80" + b"\x7f" * 11), NOT),
    ("size-base-256", barred(lambda blocks, mtime: patched_size(blocks)), BYTES),
    ("size-octal-huge", patched(0, 124, b"77777777777 "), "manifest.json: 8589934591 bytes"), ("size-not-octal", patched(0, 124, b"hello world "), NOT),
    ("size-of-the-signature-huge", patched(1, 124, b"77777777777 "), "manifest.json.sig"),
    ("size-of-a-part-lies", patched(2, 124, b"00000000001 "), BYTES),
]:
    add("tar-" + name, "return", 4, says, make)


def patched_size(blocks):
    h = bytearray(blocks[2][:512])
    size = int(bytes(h[124:135]), 8)
    h[124:136] = b"\x80" + bytes(7) + struct.pack(">I", size)
    return b"".join(blocks[:2]) + checksum(h) + blocks[2][512:]


def tarred(change):
    return lambda w, b: b.on("tar", change) and None


for name, change, says in [
    ("checksum-wrong", lambda t: t[:148] + b"000001\0 " + t[156:], NOT),
    ("checksum-of-a-part-wrong", lambda t: t[:-1024 - 512 * 3] + t[-1024 - 512 * 3:].replace(b"ustar", b"ustaR"), BYTES),
    ("without-an-end", lambda t: t[:-1024], "makes it"), ("with-one-end-block", lambda t: t[:-512], "makes it"),
    ("with-a-byte-behind", lambda t: t + b"\0", "makes it"), ("with-a-blocked-end", lambda t: t + bytes(-len(t) % 10240), "makes it"),
    ("with-a-second-tar-behind", lambda t: t + t, "makes it"), ("with-words-behind", lambda t: t + b"x" * 512, "makes it"),
    ("inside-a-tar", lambda t: tar([("x.casepack", t)]), NOT), ("with-something-before", lambda t: member("x", b"y") + t, NOT),
    ("with-zeros-before", lambda t: bytes(512) + t, NOT), ("with-1024-zeros-before", lambda t: bytes(1024) + t, NOT),
    ("cut-in-the-header", lambda t: t[:100], NOT), ("cut-in-the-manifest", lambda t: t[:700], "cut short"), ("cut-at-a-block", lambda t: t[:512], "cut short"),
    ("cut-in-a-part", lambda t: t[:-1500], "makes it"), ("empty", lambda t: b"", NOT), ("one-byte", lambda t: b"T", NOT),
    ("zeros", lambda t: bytes(10240), NOT), ("noise", lambda t: random.Random(1).randbytes(9999), NOT), ("text", lambda t: b"hello\n" * 99, NOT),
    ("gzipped", lambda t: gzip.compress(t, mtime=0), NOT), ("in-a-zstd-frame", lambda t: frame(t), NOT), ("a-zip", lambda t: b"PK\3\4" + t, NOT),
    ("a-cpio", lambda t: b"070701" + b"0" * 104 + t, NOT), ("an-ar", lambda t: b"!<arch>\n" + t, NOT),
    ("an-mtree", lambda t: b"#mtree\n./manifest.json type=file\n", NOT), ("html", lambda t: b"<!DOCTYPE html><title>404</title>", NOT),
    ("an-age-file-of-nothing", lambda t: b"age-encryption.org/v1\n", "age header"), ("padding-not-zero", lambda t: t[:-1025] + bytes([t[-1025] ^ 1]) + t[-1024:], BYTES + "|hash"),
]:
    add("file-" + name, "return", 4, says, tarred(change))


# ---- the frame of a part ---------------------------------------------------------------------------------------------

def framed(change):
    return lambda w, b: b.on("history.frame", change) and None


def refit(*how):
    return lambda f: frame(unframe(f), *how)


SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"skip"


def zeros(n):
    """n zero bytes as one frame."""
    return frame_of_zeros(n)


@functools.lru_cache(maxsize=None)
def frame_of_zeros(n):
    return run("bash", "-c", f"head -c {n} /dev/zero | zstd -3 --check --stream-size={n} -cq")


def bomb(n, promised):
    def make(w, b):
        b.on("parts", lambda p: [(p[0][0], promised, frame_of_zeros(n))])
    return make


HISTORY = r"history\.tar\.zst: "
for name, change, says in [
    ("without-a-checksum", refit("-19", "--no-check"), "checksum"), ("with-a-wrong-checksum", lambda f: f[:-1] + bytes([f[-1] ^ 1]), "hecksum"),
    ("with-a-skippable-frame-before", lambda f: SKIPPABLE + f, "frame"), ("with-a-skippable-frame-behind", lambda f: f + SKIPPABLE, "behind|frame|follow"),
    ("of-two-frames", lambda f: frame(unframe(f)[:512]) + frame(unframe(f)[512:]), "expand|size|frame|behind"), ("with-an-empty-frame-behind", lambda f: f + frame(b""), "behind|frame|follow"),
    ("with-an-empty-frame-before", lambda f: frame(b"") + f, ""), ("with-a-byte-behind", lambda f: f + b"\0", "behind|frame|follow"),
    ("with-a-wrong-content-size", lambda f: frame(unframe(f), "-19", "--check", "--stream-size=" + str(len(unframe(f))))[:6] + b"\xff" + f[7:], ""),
    ("with-a-window-of-2-to-the-31", lambda f: f[:4] + b"\x04\xa8" + f[7:], ""), ("with-a-window-of-2-to-the-28", refit("--ultra", "-20", "--long=28", "--check"), None),
    ("with-a-dictionary", lambda f: f[:4] + bytes([f[4] | 1, f[5], 7]) + f[6:], ""), ("with-a-reserved-bit", lambda f: f[:4] + bytes([f[4] | 8]) + f[5:], ""),
    ("with-an-unused-bit", lambda f: f[:4] + bytes([f[4] | 16]) + f[5:], ""),
    ("that-is-no-frame", lambda f: unframe(f), ""), ("that-is-gzip", lambda f: gzip.compress(unframe(f), mtime=0), ""), ("that-is-old-zstd", lambda f: b"\x27\xb5\x2f\xfd" + f[4:], ""),
    ("cut-short", lambda f: f[:len(f) // 2], ""), ("cut-before-the-checksum", lambda f: f[:-4], ""), ("of-4-bytes", lambda f: f[:4], ""),
    ("in-a-frame", lambda f: frame(f), ""),
]:
    if says is not None:
        add("frame-" + name, "return", 4, HISTORY + ".*(" + says + ")", framed(change))


@attack("return", 4, HISTORY)
def frame_empty(w, b):
    b.on("history.tar", lambda _: b"")
    b.on("parts", lambda p: [(p[0][0], 1, frame(b""))])


@attack("return", 4, HISTORY + ".*window|memory")
def frame_with_a_real_window_of_2_to_the_31(w, b):
    b.on("history.frame", lambda f: run("zstd", "-3", "--ultra", "--long=31", "--check", "-cq", data=unframe(f)))


add("bomb-of-2-gib-that-says-so", "return", 4, HISTORY, bomb(2 << 30, 2 << 30))
add("bomb-of-2-gib-that-promises-4608-bytes", "return", 4, HISTORY, bomb(2 << 30, 4608))


@attack("return", 4, HISTORY)
def bomb_three_deep(w, b):
    b.on("parts", lambda p: [(p[0][0], len(frame(frame_of_zeros(2 << 30))), frame(frame(frame_of_zeros(2 << 30))))])


@attack("return", 4, HISTORY + ".*limit")
def bomb_of_one_object(w, b):
    """A header that promises an object of 2 GiB, and the beginning of as many zero bytes."""
    head = header(f"objects/{'a' * 40}.blob", 2 << 30, 0)
    whole = run("zstd", "-19", "--check", "-cq", data=head + bytes(4096))
    b.on("parts", lambda p: [(p[0][0], len(head) + (2 << 30) + 1024, whole)])


# ---- the tar inside a part ------------------------------------------------------------------------------------------------

INNER = "not the tar that a bundle has|member \\d+: "


def inner(change):
    return lambda w, b: b.on("history.tar", lambda t: change(untar(t))) and None


def raw_inner(change):
    return lambda w, b: b.on("history.tar", change) and None


def inner_first(field, at):
    return raw_inner(lambda t: checksum(t[:at] + field + t[at + len(field):512]) + t[512:])


def objects_named(change):
    return inner(lambda m: tar([(change(i, n), d) for i, (n, d) in enumerate(m)]))


OID = "a" * 40
for name, make, says in [
    ("member-twice", inner(lambda m: tar(m + m[:1])), "its name was there before"),
    ("member-with-a-case-twin", inner(lambda m: tar(m + [(m[0][0].upper(), m[0][1])])), "not named objects/OID.TYPE"),
    ("member-outside", objects_named(lambda i, n: "objects/../../x.commit" if i == 0 else n), "not named"),
    ("member-absolute", objects_named(lambda i, n: "/" + n if i == 0 else n), "not named"),
    ("member-dotted", objects_named(lambda i, n: "./" + n if i == 0 else n), "not named"),
    ("member-of-type-tag", objects_named(lambda i, n: n.replace("commit", "tag") if i == 0 else n), "not named"),
    ("member-of-no-type", objects_named(lambda i, n: n.split(".")[0] if i == 0 else n), "not named"),
    ("member-with-an-upper-case-name", objects_named(lambda i, n: "objects/" + n[8:48].upper() + n[48:]), "not named"),
    ("member-with-a-newline", objects_named(lambda i, n: "objects/\nx" if i == 0 else n), "not named"),
    ("member-with-bad-utf8", inner(lambda m: tar([(b"objects/\xff", b"x")] + m)), "member"),
    ("member-with-a-nul", inner_first(b"\0x", 98), INNER), ("member-symlink", inner_first(b"2", 156), "member"),
    ("member-hardlink", inner_first(b"1" + b"objects/x", 156), "member"), ("member-device", inner_first(b"3", 156), "member"),
    ("member-fifo", inner_first(b"6", 156), "member"), ("member-folder", inner_first(b"5", 156), "member"),
    ("member-sparse", inner_first(b"S", 156), "member"), ("member-suid", inner_first(b"004755 ", 100), INNER),
    ("member-with-a-time", inner_first(b"00000000001 ", 136), INNER),
    ("pax", raw_inner(lambda t: member("x", pax((b"path", b"objects/x")), kind=b"x") + t), "member"),
    ("gnu-long-name", raw_inner(lambda t: member("././@LongLink", b"x\0", kind=b"L") + t), "member"),
    ("size-negative", inner_first(b"\xff" * 12, 124), "member"), ("size-huge", inner_first(b"\x80" + b"\x7f" * 11, 124), "member"),
    ("checksum-wrong", raw_inner(lambda t: t[:148] + b"000000\0 " + t[156:]), "member"),
    ("without-an-end", raw_inner(lambda t: t[:-1024]), INNER), ("with-one-end-block", raw_inner(lambda t: t[:-512]), INNER),
    ("with-bytes-behind", raw_inner(lambda t: t + b"hidden" + bytes(506)), INNER), ("with-a-blocked-end", raw_inner(lambda t: t + bytes(10240)), INNER),
    ("without-members", raw_inner(lambda t: bytes(1024)), INNER), ("that-is-text", raw_inner(lambda t: b"hello\n"), "member"),
    ("with-padding-used", raw_inner(lambda t: t[:-1025] + b"x" + t[-1024:]), INNER),
    ("in-a-tar", raw_inner(lambda t: tar([("history.tar", t)])), "not named"),
]:
    add("inner-" + name, "return", 4, HISTORY + ".*(" + says + ")", make)

# ---- the control: an honest bundle, taken apart and put together, is the same and is taken in ------------------------------------


def honest(base):
    def make(w, b):
        if b.build() != w.bytes(base):
            raise ValueError("taken apart and put together it is not the same")
    return make


for base in ("return", "returns", "other", "relay", "hub", "material", "relayed"):
    add("honest-" + base, base, 0, "", honest(base), "taken")
