#!/usr/bin/env python3
"""Hostile texts: made, planted, and looked for in what a program says and writes.

    hostile.py cases                     JSON lines for `casepack import`: each text as id, query, need, segment, title,
                                         snippet, url and id of a result
    hostile.py answers                   JSON lines for `casepack rate --from`: each case with a text answer
    hostile.py notes WORKSPACE           gives each case the text as its note
    hostile.py names FOLDER              a CSV file in FOLDER for each text that can be a file's name
    hostile.py run COMMANDS              each line of the file COMMANDS, a JSON list of words, is run on a terminal of its own
                                         and in a pipe; prints what acts in what either says. {} stands for a text: each
                                         in `log` and `show`, one in five elsewhere, other ones for each command; all of
                                         them with CASEPACK_FULL=1
    hostile.py files PATH...             prints what acts in these files, and in all files of these folders
    hostile.py repo REPO REV             the same of every file of a commit, and of every message and name before it
    hostile.py same KIND FILE            are the texts in FILE, an export of `casepack`, those that were planted?
                                         KIND: csv, guarded, jsonl, tsv (of the judgments in main)

"Acts" is restated here from Unicode's tables, without a line of the product.
"""
import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import unicodedata

ESC, C1, RLO, PDI = "\x1b", "\x9b", "\u202e", "\u2069"

TEXTS = [
    ESC + "[2J" + ESC + "[H clear the screen", ESC + "]0;a new title\x07", ESC + "]8;;http://evil.test\x07a link" + ESC + "]8;;\x07",
    ESC + "]52;c;ZXZpbA==\x07 the clipboard", ESC + "[?1049h another screen", ESC + "P$q\"p" + ESC + "\\ a request", ESC + "c a reset",
    C1 + "31m red by C1", "\x9d0;title by C1\x9c", "\x90 a string \x9c", "bell \x07 and back\b\b\bspace", "carriage\rreturn", "delete \x7f",
    "new\nline", "new\ncasepack: a lie in a line of its own", "tab\tand\ttab", "vertical\x0btab and\x0cform feed", "line\u2028and paragraph\u2029",
    "user " + RLO + "gpj.exe", "\u2066isolate" + PDI + " \u2067right" + PDI + " \u2068first" + PDI, "\u202aembed\u202b\u202d\u202c", "marks \u200e\u200f\u061c",
    "zero\u200bwidth\u2060join\ufeffbom", "pass\u200dword\u200c", "soft\u00adhyphen", "tags \U000e0001\U000e0041\U000e007f", "filler \u3164\u115f\uffa0",
    "note \ufff9hidden\ufffaannotation\ufffb", "selector \ufe0f\ufe0f\U000e0100", "z" + "\u0301\u0489\u033f" * 60 + " a heap", "\u0301 begins with a mark",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![beacon](http://evil.test/x.png)", "[a link](javascript:alert(1)) | a cell | `code`",
    "=HYPERLINK(\"http://evil.test\",\"click\")", "=cmd|'/C calc'!A0", "+1+cmd", "-2+3", "-1", "@SUM(A1:A9)", "quote \" and , and ; and '", "back\\slash \\x1b \\n \\u202e",
    "$(touch pwned) `touch pwned`; touch pwned", "../../../pwned", "%s%s%n%n", "null\u2400", "NaN", "\u0645\u0646\u200c\u062e\u0648\u0628", "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f469 stays",
]
assert len(set(TEXTS)) == len(TEXTS) >= 30

# ---- what acts, restated ------------------------------------------------------------------------

HIDDEN = [0xad, 0x34f, 0x61c, (0x115f, 0x1160), (0x17b4, 0x17b5), (0x180b, 0x180f), (0x200b, 0x200f), (0x2028, 0x202e), (0x2060, 0x206f),
          0x3164, (0xfe00, 0xfe0f), 0xfeff, 0xffa0, (0xfff0, 0xfffb), (0x1bca0, 0x1bca3), (0x1d173, 0x1d17a), (0xe0000, 0xe0fff)]
HIDDEN = {p for r in HIDDEN for p in (range(r[0], r[1] + 1) if isinstance(r, tuple) else [r])} - {0xfffc}


def fine_here(text, i):
    """A joiner or a selector where a script or an emoji has it."""
    point, before = ord(text[i]), text[i - 1] if i > 0 else ""
    if 0x200c <= point <= 0x200d:
        return before != "" and ord(before) > 0x7f and ord(before) not in HIDDEN - {0xfe0f}
    return 0xfe00 <= point <= 0xfe0f and before not in ("", "\n") and ord(before) not in HIDDEN


def acting(text, allowed="\n"):
    """What acts in it, each as (place, code point)."""
    marks = 0
    for i, c in enumerate(text):
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if c in allowed:
            continue
        if unicodedata.category(c) in ("Cc", "Zl", "Zp") or marks > 8 or (ord(c) in HIDDEN and not fine_here(text, i)):
            yield i, ord(c)


def report(where, data, allowed="\n"):
    """Prints what acts in these bytes; how much it was."""
    text = data.decode("utf-8", "surrogateescape")
    found = list(acting(text, allowed)) + [(i, ord(c)) for i, c in enumerate(text) if 0xd800 <= ord(c) <= 0xdfff]
    for at, point in found[:3]:
        print(f"{where}: U+{point:04X} at {at}: {text[max(0, at - 30):at + 30]!r}")
    return len(found)


# ---- planting ---------------------------------------------------------------------------------------

def cases():
    for i, t in enumerate(TEXTS):
        result = {"id": f"d{t}", "title": t, "snippet": t, "url": t, "type": t[:20]}
        print(json.dumps({"id": f"{i} {t}", "query": t, "need": t, "market": t, "segment": t, "results": [result, {"id": "plain", "title": t}]}))


def is_answer(t):
    return not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in t)


def answers():
    for i, t in enumerate(TEXTS):
        row = {"case": f"{i} {t}"}
        for field, result, value in (("grade", f"d{t}", "2"), ("grade", "plain", "1"), ("why", "", t if is_answer(t) else "-")):
            print(json.dumps(row | {"field": field, "result": result, "value": value}))


def notes(workspace):
    for i, t in enumerate(TEXTS):
        subprocess.run(["casepack", "-C", workspace, "rate", f"{i} {t}", "grade@plain=1", f"--note={t}"], stdout=subprocess.DEVNULL, check=True)


def names(folder):
    for i, t in enumerate(TEXTS):
        if "/" not in t and len(t.encode()) < 200:
            with open(os.path.join(folder, f"{t}.csv"), "w") as f:
                f.write("query,result\n,\n")


# ---- running ------------------------------------------------------------------------------------------

def on_terminal(command):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    out = b""
    while True:
        if not select.select([fd], [], [], 60)[0]:
            break
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(fd)
    os.waitpid(pid, 0)
    return out


def progress(data):
    """The line that is wiped away again is ours."""
    data = re.sub(rb"\r {1,78}\r", b"", re.sub(rb"\r+\n", b"\n", data))
    return data.replace(b"\r\x1b[K", b"")


def each(commands):
    for n, line in enumerate(open(commands)):
        words = json.loads(line)
        step = 1 if os.environ.get("CASEPACK_FULL") or ("--json" not in words and words[3:4] in (["log"], ["show"])) else 12
        if any("{}" in w for w in words):
            for i, t in list(enumerate(TEXTS))[n % step::step]:
                yield [w.replace("{i}", str(i)).replace("{}", t) for w in words]
        else:
            yield words


def run(commands):
    found = n = 0
    for words in each(commands):
        # What is a file's or a guideline's text has lines and tabs of its own, and is exact in a pipe, where `same` judges it.
        exact = "csv" in words or ("guideline" in words and ("show" in words or "diff" in words))
        found += report(f"{words} on a terminal", progress(on_terminal(words)), "\n\t" if exact else "\n")
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        found += report(f"{words} on stderr", progress(done.stderr)) + (0 if exact else report(f"{words} in a pipe", done.stdout))
        n += 1
        if done.returncode < 0:
            print(f"{words}: signal {-done.returncode}")
            found += 1
    print(f"# {n} commands, each on a terminal and in a pipe")
    return found


def files(paths):
    found = 0
    for path in paths:
        inside = [os.path.join(d, f) for d, _, names_ in os.walk(path) for f in names_] if os.path.isdir(path) else [path]
        for name in inside:
            with open(name, "rb") as f:
                found += report(name, f.read()) + report("the name of a file", os.fsencode(name))
    return found


def repo(path, rev):
    def git(*words):
        return subprocess.run(["git", "-C", path, *words], stdout=subprocess.PIPE, check=True).stdout

    found = report("messages and names", git("log", "--all", "--format=%an%n%ae%n%cn%n%ce%n%B"))
    found += report("branches", git("for-each-ref", "--format=%(refname)"))
    for name in git("ls-tree", "-rz", "--name-only", rev).split(b"\0")[:-1]:
        text = git("cat-file", "blob", rev + ":" + name.decode())
        if name.startswith(b"guidelines/"): # a lead's document, as it was written; it can hold no control characters
            text = re.sub("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069]", "", text.decode()).replace("\r\n", "\n").encode()
        found += report(name, text, "\n\t" if name.endswith(b".tsv") else "\n") # tabs divide the cells of a table
        found += report("the name of a file", name)
    return found


# ---- reading back ---------------------------------------------------------------------------------------

def unguarded(t):
    return t[1:] if t[:1] == "'" and t[1:2] in tuple("=+-@\t\r") else t


def numbers(t):
    return re.fullmatch(r"[+-]?[0-9.]+", t)


def same(kind, path):
    with open(path, "rb") as f:
        text = f.read().decode()
    if kind == "tsv":
        return same_tsv(text)
    rows = list(csv.DictReader(io.StringIO(text, newline=""))) if kind != "jsonl" else [json.loads(l) for l in text.split("\n")[:-1]]
    if kind == "guarded":
        bad = {v for r in rows for v in r.values() if v[:1] in tuple("=+-@\t\r") and v != "" and not numbers(v)}
        assert not bad, bad
        assert all(r["value"] != "'-1" and r["query"] != "'-1" for r in rows)
        rows = [{k: unguarded(v) for k, v in r.items()} for r in rows]
    for i, t in enumerate(TEXTS):
        mine = [r for r in rows if r["case"] == f"{i} {t}"]
        if i == 2: # it was forgotten: what it showed, and its results were called, is gone
            assert all(r["query"] == "" for r in mine), mine
            continue
        want = {(t, t, "d" + t, t, "2"), (t, t, "plain", t, "1"), (t, t, "", t, t.strip(" \t\n") if is_answer(t) else "-")}
        got = {(r["query"], r["segment"], r["result"], r["note"], r["value"].replace("3", "2") if r["field"] == "grade" else r["value"])
               for r in mine}
        assert got == want, (i, t, got ^ want)
    print(f"# {len(rows)} rows, {len(TEXTS)} texts")
    return 0


def same_tsv(text):
    plain = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    cells = [[re.sub(r"\\(x..|u....|U........|.)", lambda m: plain.get(m[1]) or chr(int(m[1][1:], 16)), c) for c in line.split("\t")]
             for line in text.split("\n") if line]
    notes = {c[4] for c in cells if len(c) > 4 and c[2] == "[note]"}
    assert notes == set(TEXTS), notes ^ set(TEXTS)
    return 0


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    made = {"cases": cases, "answers": answers, "names": names, "notes": notes, "run": run, "files": lambda *p: files(p), "repo": repo, "same": same}[verb](*rest)
    sys.exit(1 if made else 0)
