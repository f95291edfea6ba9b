#!/usr/bin/env python3
"""Take a bundle apart and put one together again, by formats/bundle.md and with tools that are not casepack.

    bundle.py unpack FILE FOLDER            manifest.json, the parts, and history/objects/... in FOLDER
    bundle.py pack FOLDER FILE KEY          the other way, signed with the OpenSSH key KEY: sizes and hashes of the
                                            manifest follow the parts, history.tar.zst follows history/ where
                                            history/ was changed (a file `changed` in FOLDER says so);
                                            KEY `old`: the signature that was unpacked, whatever it signed
    bundle.py set FOLDER FIELD JSON         change one field of the manifest
    bundle.py resign FOLDER KEY [OLD NEW]   every change commit of history/ signed anew with KEY and named anew, OLD
                                            replaced by NEW in its text; tips follow
    bundle.py alter FOLDER KEY OLD NEW      the only change commit of history/ with OLD, of as many bytes as NEW, replaced in its
                                            changeset, and all that follows made anew and signed with KEY
    bundle.py forge REPO BRANCH KEY MAIN [OLD NEW]   the commit that BRANCH ends in, which the last one of main took in, signed
                                            anew with KEY, and that of main with MAIN, OLD replaced by NEW in both
    bundle.py flip FILE SEED COUNT FOLDER   COUNT copies of FILE, each with one bit flipped, at seeded places
    bundle.py cut FILE SEED COUNT FOLDER    COUNT copies of FILE, each cut at a seeded place

Unchanged, `unpack` and `pack` give the same bytes.
"""
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile


def run(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def write(data, *path):
    with open(os.path.join(*path), "wb") as f:
        f.write(data)


def header(name, size, mtime):
    """A ustar header as formats/bundle.md gives it, byte by byte."""
    h = bytearray(512)
    for at, text in ((0, name), (100, "000644 "), (108, "000000 "), (116, "000000 "), (124, f"{size:011o} "),
                     (136, f"{mtime:011o} "), (148, " " * 8), (156, "0"), (257, "ustar\0" "00"),
                     (329, "000000 "), (337, "000000 ")):
        h[at:at + len(text)] = text.encode()
    h[148:156] = f"{sum(h):06o}\0 ".encode()
    return bytes(h)


def tar(members, mtime):
    out = b"".join(header(name, len(data), mtime) + data + bytes(-len(data) % 512) for name, data in members)
    return out + bytes(1024)


def untar(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        return [(m.name, t.extractfile(m).read()) for m in t]


def sign(data, key, namespace):
    return run("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", namespace, "-", data=data)


def canonical(value):
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def manifest_of(folder):
    return json.loads(read(folder, "manifest.json"))


def unpack(path, folder):
    os.makedirs(os.path.join(folder, "history"))
    for name, data in untar(read(path)):
        write(data, folder, name)
        if name == "history.tar.zst":
            keep_history(folder, untar(run("zstd", "-dcq", data=data)))


def keep_history(folder, members):
    os.makedirs(os.path.join(folder, "history", "objects"), exist_ok=True)
    write("".join(name + "\n" for name, _ in members).encode(), folder, "order")
    for name, data in members:
        write(data, folder, "history", name)


def history_of(folder):
    return [(name, read(folder, "history", name)) for name in read(folder, "order").decode().split()]


def refresh(folder, part):
    """Bring one part of the manifest in line with the file that lies there now."""
    if part["name"] == "history.tar.zst" and os.path.exists(os.path.join(folder, "changed")):
        raw = tar(history_of(folder), 0)
        write(run("zstd", "-19", "--check", "-cq", data=raw), folder, part["name"])
        part["expanded"] = len(raw)
    data = read(folder, part["name"])
    part["size"] = len(data)
    part["blake2b"] = hashlib.blake2b(data, digest_size=32).hexdigest()
    return part["name"], data


def pack(folder, path, key):
    manifest = manifest_of(folder)
    parts = [refresh(folder, part) for part in manifest["parts"]]
    text = canonical(manifest)
    signature = read(folder, "manifest.json.sig") if key == "old" else sign(text, key, "casepack-bundle")
    members = [("manifest.json", text), ("manifest.json.sig", signature)]
    write(tar(members + parts, manifest["created_us"] // 1000000), path)


def change(folder, field, value):
    manifest = manifest_of(folder)
    manifest[field] = json.loads(value)
    write(canonical(manifest), folder, "manifest.json")


def unsigned(commit):
    head, body = commit.split(b"\n\n", 1)
    lines, kept, inside = head.split(b"\n"), [], False
    for line in lines:
        inside = line.startswith(b"gpgsig ") or (inside and line.startswith(b" "))
        if not inside:
            kept.append(line)
    return b"\n".join(kept), body


def signed(head, body, key):
    lines = sign(head + b"\n\n" + body, key, "git").rstrip(b"\n").split(b"\n")
    return head + b"\ngpgsig " + b"\n ".join(lines) + b"\n\n" + body


def resign(folder, key, old="", new=""):
    renamed, out = {}, []
    for name, data in history_of(folder):
        oid, kind = os.path.basename(name).split(".")
        if kind == "commit":
            head, body = unsigned(data)
            for before, after in renamed.items():
                head = head.replace(before.encode(), after.encode())
            head, body = (text.replace(old.encode(), new.encode()) if old else text for text in (head, body))
            data = signed(head, body, key)
            renamed[oid] = hashlib.sha1(b"commit %d\0" % len(data) + data).hexdigest()
            oid = renamed[oid]
        out.append((f"objects/{oid}.{kind}", data))
    keep_history(folder, out)
    write(b"", folder, "changed")
    manifest = manifest_of(folder)
    manifest["tips"] = {name.replace(old, new) if old else name: renamed.get(oid, oid)
                        for name, oid in manifest["tips"].items()}
    write(canonical(manifest), folder, "manifest.json")


def oid_of(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def alter(folder, key, old, new):
    (commit_name, commit), (tree_name, tree), (blob_name, blob) = history_of(folder)
    assert len(old) == len(new) and old.encode() in blob, (old, blob)
    oid = lambda name: os.path.basename(name).split(".")[0]
    changed = blob.replace(old.encode(), new.encode())
    made_tree = tree.replace(bytes.fromhex(oid(blob_name)), bytes.fromhex(oid_of("blob", changed)))
    head, body = unsigned(commit)
    head = head.replace(oid(tree_name).encode(), oid_of("tree", made_tree).encode())
    before, after = (hashlib.blake2b(data, digest_size=32).hexdigest().encode() for data in (blob, changed))
    made = signed(head, body.replace(before, after), key)
    keep_history(folder, [(f"objects/{oid_of(kind, data)}.{kind}", data)
                          for kind, data in (("commit", made), ("tree", made_tree), ("blob", changed))])
    write(b"", folder, "changed")
    tips = manifest_of(folder)["tips"]
    change(folder, "tips", json.dumps({name: oid_of("commit", made) for name in tips}))


def forge(repo, branch, key, main_key, old="", new="", was="", who=""):
    def git(*words, data=None):
        return run("git", "-C", repo, *words, data=data).strip()

    def again(data, key):
        parts = (text.replace(old.encode(), new.encode()).replace(f"{was} <".encode(), f"{who} <".encode()) if old else text
                 for text in unsigned(data))
        return git("hash-object", "-t", "commit", "-w", "--stdin", data=signed(*parts, key)).decode()

    tip = git("rev-parse", branch).decode()
    made = again(run("git", "-C", repo, "cat-file", "commit", branch), key)
    if old:
        git("update-ref", "-d", f"refs/heads/{branch}")
    git("update-ref", "refs/heads/" + (branch.replace(old, new) if old else branch), made)
    main = run("git", "-C", repo, "cat-file", "commit", "main").replace(tip.encode(), made.encode())
    git("update-ref", "refs/heads/main", again(main, main_key))


def damage(path, seed, count, folder, how):
    data, dice = read(path), random.Random(int(seed))
    os.makedirs(folder, exist_ok=True)
    for i in range(int(count)):
        at = dice.randrange(len(data))
        if how == "flip":
            bad = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]
        else:
            bad = data[:at]
        write(bad, folder, f"{how}-{i:03}-at-{at}.casepack")


def main(verb, *words):
    if verb in ("flip", "cut"):
        damage(*words, verb)
    else:
        {"unpack": unpack, "pack": pack, "set": change, "resign": resign, "forge": forge, "alter": alter}[verb](*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
