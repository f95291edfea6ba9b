"""Who is no longer trusted, and who says that he goes on for somebody who is: revoked devices, copies, other keys."""
from kit import *
from table import add, attack

REVOKED = "1 commit refused.*anna's device is no longer trusted"

add("revoked-device", "return", 4, REVOKED, lambda w, b: None, "refused", at="revoked")
add("revoked-device-dated-back", "return", 4, REVOKED, lambda w, b: dated_back(w, b), "refused", at="revoked")
add("revoked-device-beside-one-that-is-not", "other", 0, "taken, 1 edit in 1 commit from ben", lambda w, b: None, "taken", at="revoked")
add("revoked-device-known-already", "known", 0, "known already", lambda w, b: None, "known", at="revoked")


def dated_back(w, b):
    """As if it had been made long before: the place on main counts, not the clock."""
    seconds = b.commit.get("author").split(b"> ")[1].split(b" ")[0].decode()
    b.commit.who(f"> {seconds} ", "> 1000000000 ")
    b.commit.trailer("Clock", 1000000000000000)
    b.manifest["created_us"] = 1000000000000000


def beginning(w, b, new, trailer):
    """Its commit as the first of another device's line."""
    b.commit.who(w.id("anna"), new)
    b.commit.head = [h for h in b.commit.head if h[0] != b"parent"]
    b.commit.trailers.insert(0, trailer)
    b.manifest.update(sender=new, tips={"replica/" + new: b.commit.oid}, needs={})


def copied(w, b, key="anna", of="anna", nonce=b"\7" * 16):
    new = derive("replica", bytes.fromhex(w.project), w.public(key), nonce).hex()
    beginning(w, b, new, (b"Casepack-Copy-Of", f"{w.id(of)} {nonce.hex()}".encode()))


add("honest-copy", "return", 0, "taken, 1 edit in 1 commit from anna", copied, "taken")
add("copy-of-a-revoked-device", "return", 4, "not on the roster", copied, at="revoked")


@attack("returns", 4, "says it is by ben, but another key signed it")
def copy_that_brings_a_forged_commit(w, b):
    """The copy is what it says, what comes with it is not: then the roster must not know the copy either."""
    first, forged = b.commits
    b.commits = [first]
    copied(w, b)
    forged.who(w.id("anna"), w.id("ben"))
    forged.who("anna <", "ben <")
    forged.head = [h for h in forged.head if h[0] != b"parent"]
    b.commits = [first, forged]


@attack("return", 4, "not on the roster|another key")
def copy_in_a_strangers_bundle(w, b):
    copied(w, b)
    b.key, b.manifest["sender"] = w.key("mallory"), derive("replica", bytes.fromhex(w.project), w.public("mallory")).hex()


def succeeds(old, key, signer):
    """A device with the key `key` that says it goes on for old's, on the word of signer."""
    def make(w, b):
        new, public = w.id(key), string(b"ssh-ed25519") + string(w.public(key))
        words = f"device {w.id(old)} of project {w.project} goes on with ssh-ed25519 {base64.b64encode(public).decode()}\n"
        proof = "" if signer is None else " " + base64.b64encode(unarmor(sign(words.encode(), w.key(signer), "casepack-successor"))).decode()
        b.key = b.commit.key = w.key(key)
        b.commit.who("anna <", old + " <")
        beginning(w, b, new, (b"Casepack-Successor-Of", f"{w.id(old)}{proof}".encode()))
    return make


add("honest-successor", "return", 0, "taken, 1 edit in 1 commit from anna", succeeds("anna", "mallory", "anna"), "taken")
for name, make, at in [("without-a-proof", succeeds("anna", "mallory", None), "hub"), ("on-its-own-word", succeeds("anna", "mallory", "mallory"), "hub"),
                       ("on-another-raters-word", succeeds("anna", "mallory", "ben"), "hub"), ("of-another-rater", succeeds("ben", "mallory", "anna"), "hub"),
                       ("of-a-revoked-device", succeeds("anna", "mallory", "anna"), "revoked")]:
    add("successor-" + name, "return", 3, "1 commit waiting", make, "stranger", at=at)
add("successor-of-the-hub", "return", 4, "not on the roster", succeeds("lead", "mallory", "lead"))


@attack("return", 4, "not on the roster")
def successor_in_a_strangers_bundle(w, b):
    """Its proof is genuine, but who brings it holds another key, and its own signature would carry the device in."""
    succeeds("anna", "mallory", "anna")(w, b)
    b.key = w.key_of_kind("ed25519")
    with open(b.key + ".pub") as f:
        b.manifest["sender"] = derive("replica", bytes.fromhex(w.project), base64.b64decode(f.read().split()[1])[-32:]).hex()
