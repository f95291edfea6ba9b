"""Encrypted bundles, made by the real `age` of honest ones and then changed."""
import re
import subprocess

from table import add, attack


def age(w, *words, data):
    return subprocess.run(["age", *words], input=data, check=True, capture_output=True).stdout


def sealed(w, b, who="lead", more=b""):
    """To that key; more: bytes behind the bundle, so that it has several chunks."""
    return age(w, "-R", w.key(who) + ".pub", data=b.build() + more)


def parts(data):
    """Header with its last line, what follows."""
    end = data.index(b"\n", data.index(b"\n--- ") + 1) + 1
    return data[:end], data[end:]


@attack("return", 0, "1 commit", "taken")
def honest_and_encrypted(w, b):
    return sealed(w, b)


@attack("return", 1, "not to this workspace's key")
def age_to_another_key(w, b):
    return sealed(w, b, "mallory")


@attack("return", 4, "armou?r")
def age_in_armor(w, b):
    return age(w, "-a", "-R", w.key("lead") + ".pub", data=b.build())


@attack("return", 4, "not a bundle, or damaged")
def age_within_age(w, b):
    return age(w, "-R", w.key("lead") + ".pub", data=sealed(w, b))


@attack("return", 4, "not a bundle, or damaged")
def age_of_nothing(w, b):
    return age(w, "-R", w.key("lead") + ".pub", data=b"")


CHUNK = 65536 + 16 # with its tag
for name, change in [
    ("last-chunk-missing", lambda h, p: h + p[:16 + 2 * CHUNK]), ("chunk-gone-from-the-middle", lambda h, p: h + p[:16 + CHUNK] + p[16 + 2 * CHUNK:]),
    ("chunks-in-another-order", lambda h, p: h + p[:16] + p[16 + CHUNK:16 + 2 * CHUNK] + p[16:16 + CHUNK] + p[16 + 2 * CHUNK:]),
    ("first-chunk-twice", lambda h, p: h + p[:16 + CHUNK] + p[16:]), ("bytes-behind-the-end", lambda h, p: h + p + b"more"),
    ("last-chunk-twice", lambda h, p: h + p + p[16 + 3 * CHUNK:]), ("cut-within-a-tag", lambda h, p: h + p[:-3]), ("no-payload", lambda h, p: h),
    ("nonce-alone", lambda h, p: h + p[:16]), ("tag-altered", lambda h, p: h + p[:-1] + bytes([p[-1] ^ 1])),
    ("no-mac", lambda h, p: re.sub(rb"\n--- [^\n]*\n", b"\n---\n", h) + p), ("another-mac", lambda h, p: re.sub(rb"\n--- .", b"\n--- " + (b"A" if b"\n--- A" not in h else b"B"), h) + p),
    ("another-version", lambda h, p: h.replace(b"/v1", b"/v2") + p), ("carriage-returns", lambda h, p: h.replace(b"\n", b"\r\n") + p),
    ("thousands-of-stanzas", lambda h, p: h.replace(b"\n--- ", b"\n" + b"-> other recipient\n\n" * 5000 + b"--- ", 1) + p),
    ("a-stanza-without-end", lambda h, p: h.replace(b"\n--- ", b"\n-> other\n" + (b"A" * 64 + b"\n") * 40000 + b"--- ", 1) + p),
    ("a-stanza-more", lambda h, p: h.replace(b"\n--- ", b"\n-> other recipient\n\n--- ", 1) + p),
    ("the-same-stanza-twice", lambda h, p: h.replace(b"\n--- ", h[h.index(b"\n->"):h.index(b"\n--- ")] + b"\n--- ", 1) + p),
    ("escapes-in-a-stanza", lambda h, p: h.replace(b"\n--- ", b"\n-> \x1b[2J\n\n--- ", 1) + p), ("header-alone", lambda h, p: h[:40]),
]:
    add("age-" + name, "return", 4, "age header|chunk|cut short|encrypted", lambda w, b, change=change: change(*parts(sealed(w, b, more=bytes(3 * 65536)))))
