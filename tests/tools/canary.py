#!/usr/bin/env python3
"""Look for texts in everything below some paths, whatever they are wrapped in.

    canary.py LIST PATH...

LIST has one text a line: a name, a tab, the text, or hex: and bytes. Every file is searched byte by byte, so are SQLite's free pages,
journals and what temporary files left behind; then what is wrapped in it: every zstd frame that begins at any offset
(and what is in that), every object of every git repository, reachable or not, every cell of every SQLite database.
Each text is looked for as it is in either letter case, in UTF-16, in hex, in base64 wherever it begins, and by its
SHA-1, SHA-256 and BLAKE2b-256, as bytes, hex and base64.

Prints "NAME FORM PLACE" for each that was found, once for each place; exit 0 whatever it finds.
"""
import base64
import ctypes
import ctypes.util
import hashlib
import os
import sqlite3
import subprocess
import sys

MAGIC = b"\x28\xb5\x2f\xfd"
MOST = 1 << 28
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
zstd.ZSTD_createDStream.restype = ctypes.c_void_p
zstd.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]


class Buffer(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


zstd.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(Buffer), ctypes.POINTER(Buffer)]
zstd.ZSTD_decompressStream.restype = ctypes.c_size_t


def expand(data):
    """What the frame at the beginning of data holds, as far as it is whole."""
    stream = zstd.ZSTD_createDStream()
    held = ctypes.create_string_buffer(data, len(data))
    piece = ctypes.create_string_buffer(1 << 17)
    given = Buffer(ctypes.addressof(held), len(data), 0)
    out = bytearray()
    while len(out) < MOST:
        taken = Buffer(ctypes.addressof(piece), len(piece), 0)
        left = zstd.ZSTD_decompressStream(stream, taken, given)
        out += piece.raw[:taken.pos]
        if left == 0 or zstd.ZSTD_isError(ctypes.c_size_t(left)) or (taken.pos == 0 and given.pos == given.size):
            break
    zstd.ZSTD_freeDStream(stream)
    return bytes(out)


def faces(data):
    """Base64 of data as it looks inside a longer text: it may begin at any of three places."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data)
        cut = (before * 8 + 5) // 6
        yield whole[cut:(before + len(data)) * 8 // 6]


def forms(text):
    raw = bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()
    if text.startswith("hex:"):
        yield "bytes", raw
    else:
        yield "raw", raw
        yield "utf16le", text.encode("utf-16-le")
        yield "utf16be", text.encode("utf-16-be")
    wrapped = {"": raw}
    for name, hashed in (("sha1", hashlib.sha1(raw)), ("sha256", hashlib.sha256(raw)), ("blake2b", hashlib.blake2b(raw, digest_size=32))):
        wrapped["-" + name] = hashed.digest()
        yield "bytes-" + name, hashed.digest()
    for name, data in wrapped.items():
        yield "hex" + name, data.hex().encode()
        for face in faces(data):
            yield "base64" + name, face


class Search:
    def __init__(self, path):
        self.needles = []
        for line in open(path, encoding="utf-8"):
            name, _, text = line.rstrip("\n").partition("\t")
            for form, needle in forms(text):
                assert len(needle) >= 8, f"{name}: too short to mean anything"
                folds = form in ("raw", "utf16le", "utf16be") or form.startswith("hex")
                self.needles.append((name, form, needle.lower() if folds else needle, folds))
        self.found = set()

    def data(self, data, place, depth=0):
        lower = data.lower()
        for name, form, needle, folds in self.needles:
            if needle in (lower if folds else data):
                self.found.add((name, form, place))
        at = data.find(MAGIC) if depth < 4 else -1
        while at >= 0:
            inner = expand(data[at:])
            if inner:
                self.data(inner, place + " (zstd)", depth + 1)
            at = data.find(MAGIC, at + 1)

    def database(self, path):
        """Cells, since a long one lies in pieces. A copy is read: even reading would write beside it."""
        db = sqlite3.connect(f"file:{path}?immutable=1" if not os.path.exists(path + "-wal") else f"file:{path}?mode=ro", uri=True)
        db.text_factory = bytes
        try:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in db.execute(f'SELECT * FROM "{table.decode()}"'):
                    for cell in row:
                        if isinstance(cell, bytes):
                            self.data(cell, f"{path} {table.decode()}")
        finally:
            db.close()

    def repository(self, path):
        listed = subprocess.run(["git", "-C", path, "cat-file", "--batch-all-objects", "--batch"], stdout=subprocess.PIPE, check=True)
        self.data(listed.stdout, path + " (objects)")

    def walk(self, path):
        if os.path.isfile(path):
            self.file(path)
        for folder, folders, files in os.walk(path):
            if "HEAD" in files and "objects" in folders:
                self.repository(folder)
            for name in files:
                self.file(os.path.join(folder, name))

    def file(self, path):
        self.data(os.path.basename(path).encode(), path + " (its name)")
        data = open(path, "rb").read()
        self.data(data, path)
        if data.startswith(b"SQLite format 3\0"):
            self.database(path)


def main():
    search = Search(sys.argv[1])
    for path in sys.argv[2:]:
        search.walk(path)
    for found in sorted(search.found):
        print(*found)


main()
