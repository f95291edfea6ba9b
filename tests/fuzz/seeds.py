#!/usr/bin/env python3
"""First inputs for the fuzz targets, from real runs of the product and of the tools whose formats it reads.

    seeds.py FOLDER      writes FOLDER/<target>/<name>; CASEPACK names the program

`make corpus` makes them small and keeps what reaches something new in tests/fuzz/corpus.
"""
import base64
import glob
import os
import struct
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SCENE = """
. "%s/tests/cli/lib.sh"
. "$root/tests/tools/scene.sh"
scene
judge anna q1 && judge anna q2 1 && judge ben q1 0
casepack -C anna return -o in && casepack -C ben return -o in
for f in out/* in/*; do python3 "$root/tests/tools/bundle.py" unpack "$f" "unpacked/$(basename "$f")"; done
python3 "$root/tests/fuzz/seeds.py" --here "$1"
""" % ROOT


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


class Seeds:
    def __init__(self, folder):
        self.folder, self.n = folder, 0

    def add(self, target, data):
        self.n += 1
        os.makedirs(os.path.join(self.folder, target), exist_ok=True)
        with open(os.path.join(self.folder, target, f"seed-{self.n:03}"), "wb") as f:
            f.write(data)


def bundles(seeds):
    names = ["history.tar.zst", "cases.jsonl.zst", "media.tar.zst"]
    for path in sorted(glob.glob("out/*") + glob.glob("in/*")):
        seeds.add("bundle", b"\0" + read(path))
    for folder in sorted(glob.glob("unpacked/*")):
        seeds.add("manifest", read(folder + "/manifest.json"))
        for i, name in enumerate(names):
            if not os.path.exists(f"{folder}/{name}"):
                continue
            packed = read(f"{folder}/{name}")
            plain = run("zstd", "-dcq", data=packed)
            seeds.add("bundle", struct.pack(">BH", 1 + i, min(len(plain) // 64 - 1, 65535)) + packed)
            seeds.add("bundle", bytes([4 + i]) + plain)


def objects(seeds):
    kinds = ["commit", "tree", "blob"]
    for folder in sorted(glob.glob("unpacked/*")):
        stream = b""
        for name in read(folder + "/order").decode().split() if os.path.exists(folder + "/order") else []:
            data, kind = read(f"{folder}/history/{name}"), name.split(".")[1]
            stream += struct.pack(">BH", kinds.index(kind), min(len(data), 65535)) + data[:65535]
            if kind != "blob":
                seeds.add("gitobject", data)
            else:
                seeds.add("roster", b"\0" + data)
                seeds.add("merge", b"\0\0\0\2" + struct.pack(">H", min(len(data), 65535)) + data)
        seeds.add("triple", stream)


def changesets(seeds):
    text = lambda s: b"\3" + bytes([len(s)]) + s
    blob = lambda s: b"\4" + bytes([len(s)]) + s
    whole, real = b"\1" + struct.pack(">q", 7), b"\2" + struct.pack(">d", 0.5)
    t, plain, pair = b"T\2\1\0t\0", b"T\5\1\0\0\0\0plain\0", b"T\5\0\3\2\0\1pair\0"
    rows = [t + b"\x12\0" + blob(b"bb") + whole, t + b"\x17\0" + blob(b"\xaa") + b"\5\0" + text(b"new"),
            plain + b"\x12\0" + blob(b"xyz") + whole + real + text("déjà".encode()) + b"\5",
            plain + b"\x17\0" + blob(b"\1\2") + whole + b"\0\0\0\0" + b"\1" + struct.pack(">q", 8) + b"\0\0\0",
            pair + b"\x12\0" + whole + text(b"k2") + blob(b"") + b"\5" + whole]
    for row in rows + ["".encode(), b"".join(rows)]:
        seeds.add("changeset", row)
    for path in sorted(glob.glob(ROOT + "/tests/damage/killers/*")):
        seeds.add("changeset", read(path))


def keys(seeds):
    for i, lock in enumerate([[], ["-Z", "aes256-ctr"], ["-Z", "aes128-cbc"], ["-Z", "aes256-gcm@openssh.com"],
                              ["-Z", "chacha20-poly1305@openssh.com"]]):
        path = f"key{i}"
        run("ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-C", "somebody", "-N", "p" if lock else "", "-f", path, *lock)
        seeds.add("sshkey", b"f" + read(path))
        seeds.add("sshkey", b"k" + base64.b64decode(b"".join(read(path).splitlines()[1:-1])))
    run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", "ecdsa")
    for path in ["key0", "ecdsa"]:
        seeds.add("sshkey", b"f" + read(path))
        seeds.add("pubkey", read(path + ".pub"))
        signature = run("ssh-keygen", "-q", "-Y", "sign", "-f", path, "-n", "git", "-", data=b"m")
        seeds.add("sshsig", b"a" + signature)
        seeds.add("sshsig", b"b" + base64.b64decode(b"".join(signature.splitlines()[1:-1])))
    seeds.add("pubkey", read("key0.pub").split(b" somebody")[0])


def tables(seeds):
    run(os.environ["CASEPACK"], "-C", "hub", "export", "-o", "all.csv")
    header = {".csv": 4, ".tsv": 5, ".jsonl": 2}
    for path in sorted(glob.glob(ROOT + "/samples/**/*", recursive=True)) + ["all.csv", "hub.csv"]:
        kind = header.get(os.path.splitext(path)[1])
        if kind is not None:
            seeds.add("rows", bytes([kind]) + b"".join(read(path).splitlines(True)[:6]))
    for text in [b'a,"b ""c""\nd",\r\n1,2,3\r\n', b"\xef\xbb\xbfa\tb\n1\t2\n", b'{"a":1,"b":[null,true],"c":"\\u00e9"}\n']:
        for kind in range(8):
            seeds.add("rows", bytes([kind]) + text)


def forms(seeds):
    for name in ["relevance-0-3", "relevance-0-4", "needs-met", "page-quality", "sxs-7", "violation"]:
        run(os.environ["CASEPACK"], "-C", "hub", "form", "add", name, "--preset", name)
    for path in run("git", "-C", "hub/history.git", "ls-tree", "-r", "--name-only", "main", "forms/").decode().split():
        body = run("git", "-C", "hub/history.git", "cat-file", "blob", "main:" + path)
        for answer in [b"", b"\x003", b"\0 TRUE ", b"\x001,2", b"\0-1.50"]:
            seeds.add("form", body + answer)


def here(folder):
    seeds = Seeds(folder)
    for part in bundles, objects, changesets, keys, tables, forms:
        part(seeds)
    seeds.add("merge", b"")
    print(f"{seeds.n} seeds in {folder}")


if sys.argv[1] == "--here":
    here(sys.argv[2])
else:
    run("bash", "-c", SCENE, os.path.join(ROOT, "tests/cli/seeds"), os.path.abspath(sys.argv[1]))
