#!/usr/bin/env python3
"""Bundles that are rightly signed and cost a careless reader dearly.

    bombs.py KIND FOLDER FILE KEY [N]   from a bundle that bundle.py unpacked into FOLDER makes FILE, signed with KEY:

    nested        the history is a frame in a frame in a frame
    window N      the history's frame asks for a window of 2^N bytes
    skippable     a skippable frame stands before the history's
    frames        the history is two frames, one behind the other
    members N     the history has N objects of one byte
    depth N       a field of the manifest is N lists within each other
    zeros N       the history has an object of N MiB of zeros
    lines N       case documents of N MiB in all, 300 to 1 compressed
    deep N        a case document of N lists within each other
    line N        a case document of N bytes
    tiny N        N case documents of two bytes
    text N        a case document with a text of N bytes
    figures       prints what the bundle of FOLDER measures, as NAME=VALUE lines; FILE and KEY are not used
"""
import os
import subprocess
import sys

import bundle as b


def frame(data, *options):
    return b.run("zstd", "-1", "--check", "-cq", *options, data=data)


def put(folder, name, data, expanded):
    """Replace a part, and promise in the manifest what it expands to; hashes and sizes follow when it is packed."""
    b.write(data, folder, name)
    manifest = b.manifest_of(folder)
    parts = [p for p in manifest["parts"] if p["name"] != name] + [{"name": name, "expanded": expanded}]
    order = ["history.tar.zst", "cases.jsonl.zst", "media.tar.zst", "private.tar.zst"]
    manifest["parts"] = sorted(parts, key=lambda p: order.index(p["name"]))
    b.write(b.canonical(manifest), folder, "manifest.json")


def history(folder):
    return b.run("zstd", "-dcq", data=b.read(folder, "history.tar.zst"))


def put_history(folder, raw, *options):
    put(folder, "history.tar.zst", frame(raw, *options), len(raw))


def objects(n, size):
    return b.tar(((f"objects/{i:040x}.blob", bytes(size)) for i in range(n)), 0)


def nested(folder, n):
    raw = history(folder)
    put(folder, "history.tar.zst", frame(frame(frame(raw))), len(frame(frame(raw))))


def window(folder, n):
    raw = history(folder)
    put(folder, "history.tar.zst", frame(raw, "--ultra", f"--long={n}"), len(raw))


def skippable(folder, n):
    raw = history(folder)
    put(folder, "history.tar.zst", b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"junk" + frame(raw), len(raw))


def frames(folder, n):
    raw = history(folder)
    put(folder, "history.tar.zst", frame(raw) + frame(raw), 2 * len(raw))


def members(folder, n):
    put_history(folder, objects(n, 1))


def zeros(folder, n):
    put_history(folder, objects(1, n << 20))


def documents(folder, lines):
    """Through a pipe: all of them need not fit into memory."""
    path, expanded = os.path.join(folder, "packed"), 0
    with open(path, "wb") as out:
        zstd = subprocess.Popen(["zstd", "-1", "--check", "-cq"], stdin=subprocess.PIPE, stdout=out)
        for document in lines:
            expanded += zstd.stdin.write(document + b"\n")
        zstd.stdin.close()
        zstd.wait()
    put(folder, "cases.jsonl.zst", b.read(path), expanded)


def lines(folder, n):
    document = b'{"a":"' + b"x" * 900000 + b'","b":"' + os.urandom(1500).hex().encode() + b'"}'
    documents(folder, (document for _ in range(n * 1048576 // len(document))))


def deep(folder, n):
    documents(folder, [b"[" * n + b"]" * n])


def line(folder, n):
    documents(folder, [b"[" + os.urandom(n // 2 - 1).hex().encode() + b"]"])


def tiny(folder, n):
    documents(folder, [b"{}"] * n)


def text(folder, n):
    documents(folder, [b'{"a":"' + b"x" * n + b'"}'])


def depth(folder, n):
    manifest = b.read(folder, "manifest.json")
    b.write(manifest.replace(b'"format":1', b'"format":' + b"[" * n + b"1" + b"]" * n), folder, "manifest.json")


def figures(folder):
    manifest = b.manifest_of(folder)
    found = {"expanded": sum(p["expanded"] for p in manifest["parts"]),
             "ratio": max(-(-p["expanded"] // p["size"]) for p in manifest["parts"])}
    if os.path.exists(os.path.join(folder, "order")):
        sizes = [(len(data), name) for name, data in b.history_of(folder)]
        found |= {"members": len(sizes), "object": max(sizes)[0],
                  "changeset": max(size for size, name in sizes if name.endswith(".blob"))}
    if os.path.exists(os.path.join(folder, "cases.jsonl.zst")):
        documents = b.run("zstd", "-dcq", data=b.read(folder, "cases.jsonl.zst")).splitlines()
        found["document"] = max(map(len, documents))
        found["members"] = max(found["members"], len(documents))
    for name, value in found.items():
        print(f"{name}={value}")


def pack(folder, path, key):
    """As bundle.py packs, but a manifest that is nested stays as it is, and alone."""
    text = b.read(folder, "manifest.json")
    if b'"format":1,' in text:
        return b.pack(folder, path, key)
    b.write(b.tar([("manifest.json", text), ("manifest.json.sig", b.sign(text, key, "casepack-bundle"))], 0), path)


if __name__ == "__main__":
    kind, folder, *rest = sys.argv[1:]
    if kind == "figures":
        figures(folder)
    else:
        globals()[kind](folder, int(rest[2]) if len(rest) > 2 else 0)
        pack(folder, rest[0], rest[1])
