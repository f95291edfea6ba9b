#!/usr/bin/env python3
"""Alters a history as somebody could who holds the keys, by git's plumbing and ssh-keygen.

    forge.py REPO KEY DEED [ARGUMENT...]

REPO is a bare repository with branches main and replica/<id>. What is made anew on main is signed with KEY. Numbers
count main's commits from 0, the root; a negative one counts from the end.

    page N PATH OLD NEW      in that commit, and all behind it where the file is the same
    without N PATH           in that commit, and all behind it, the file is not there
    tip PATH OLD NEW         in one more commit behind the last, which names no change commit
    drop N                   that commit is not there; the trees behind it stay
    swap N M                 two commits change places, trees stay where they are
    author N FROM TO         its author is another one; FROM and TO are lines of trust/allowed_signers by pseudonym
    say N OLD NEW            words or a trailer of its message
    late N SECONDS           its committer's time
    sign N                   as it is, signed with KEY
    accept BRANCH OID EDITS  one more commit that accepts that change commit, with the tree of the last
    change BRANCH NAME HEX   one more change commit on a branch, in the name of a pseudonym's device, signed with KEY, with
                             that changeset; prints its id
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

repo, key, deed, *args = sys.argv[1:]


def git(*words, data=None, env=None):
    return subprocess.run(["git", "-C", repo, *words], input=data, stdout=subprocess.PIPE, check=True,
                          env={**os.environ, **(env or {})}).stdout


def put(kind, data):
    return git("hash-object", "-t", kind, "-w", "--stdin", data=data).decode().strip()


def signed(c, message):
    head = b"tree %s\n" % c["tree"] + b"".join(b"parent %s\n" % p for p in c["parents"]) + \
        b"author %s\ncommitter %s\n" % (c["author"], c["committer"])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "commit")
        with open(path, "wb") as f:
            f.write(head + b"\n" + message)
        subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "git", path], check=True, capture_output=True)
        with open(path + ".sig", "rb") as f:
            armour = f.read().rstrip(b"\n")
    return put("commit", head + b"gpgsig " + armour.replace(b"\n", b"\n ") + b"\n\n" + message)


def read(oid):
    head, _, message = git("cat-file", "commit", oid).partition(b"\n\n")
    one = lambda name: re.search(rb"^%s (.*)$" % name, head, re.M)[1]
    return dict(oid=oid, tree=one(b"tree"), parents=re.findall(rb"^parent (.*)$", head, re.M), author=one(b"author"),
                committer=one(b"committer"), message=message)


def replaced(tree, path, blob):
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        git("read-tree", tree.decode(), env=env)
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
        return git("write-tree", env=env).strip()


def edited(tree, path, old, new):
    text = git("cat-file", "blob", f"{tree.decode()}:{path}")
    assert old.encode() in text, f"{path} does not say {old}"
    return replaced(tree, path, put("blob", text.replace(old.encode(), new.encode(), 1)))


def bare(tree, path):
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        git("read-tree", tree.decode(), env=env)
        git("update-index", "--index-info", data=f"0 {'0' * 40}\t{path}\n".encode(), env=env)
        return git("write-tree", env=env).strip()


def ident(pseudonym):
    for line in git("cat-file", "blob", "main:trust/allowed_signers").decode().splitlines():
        if line.endswith(" " + pseudonym):
            return f"{pseudonym} <{line.split(' ')[0]}>".encode()
    raise SystemExit(f"nobody is called {pseudonym}")


chain = [read(oid) for oid in git("rev-list", "--first-parent", "--reverse", "main").decode().split()]
at = lambda n: int(n) % len(chain)
if deed == "page":
    n, (path, old, new) = at(args[0]), args[1:]
    before = git("rev-parse", f"{chain[n]['oid']}:{path}")
    for c in chain[n:]:
        if git("rev-parse", f"{c['oid']}:{path}") == before:
            c["tree"] = edited(c["tree"], path, old, new)
elif deed == "without":
    for c in chain[at(args[0]):]:
        c["tree"] = bare(c["tree"], args[1])
elif deed == "tip":
    chain.append(dict(chain[-1], tree=edited(chain[-1]["tree"], *args), message=b"nothing to see here\n", oid=None))
elif deed == "drop":
    del chain[at(args[0])]
elif deed == "swap":
    n, m = map(at, args)
    trees = [c["tree"] for c in chain]
    chain[n], chain[m] = chain[m], chain[n]
    for c, tree in zip(chain, trees):
        c["tree"] = tree
elif deed == "author":
    c = chain[at(args[0])]
    c["author"] = c["author"].replace(ident(args[1]), ident(args[2]))
elif deed == "say":
    c = chain[at(args[0])]
    assert args[1].encode() in c["message"], f"it does not say {args[1]}"
    c["message"] = c["message"].replace(args[1].encode(), args[2].encode())
elif deed == "late":
    c = chain[at(args[0])]
    c["committer"] = re.sub(rb"> (\d+)", lambda m: b"> %d" % (int(m[1]) + int(args[1])), c["committer"])
elif deed == "sign":
    chain[at(args[0])]["oid"] = None
elif deed == "accept":
    branch, oid, edits = args
    c = dict(chain[-1], author=read(oid)["author"], oid=None)
    c["message"] = f"one more\n\nBranch: {branch}\nChange-commit: {oid} accepted {edits}\n".encode()
    chain.append(c)
elif deed == "change":
    branch, name, changeset = args[0], ident(args[1]), bytes.fromhex(args[2])
    before = read(git("rev-parse", branch).decode().strip())
    blob = put("blob", changeset)
    tree = git("mktree", data=f"100644 blob {blob}\tchangeset\n".encode()).strip()
    who = name + before["committer"][before["committer"].index(b"> ") + 1:]
    message = re.sub(rb"Casepack-Changeset: .*", b"Casepack-Changeset: " + hashlib.blake2b(changeset, digest_size=32).hexdigest().encode(),
                     before["message"])
    message = re.sub(rb"Casepack-Edits: .*", b"Casepack-Edits: 1", message)
    parents = [before["oid"].encode()] if name.split(b"@")[0].endswith(branch.split("/")[1].encode()) else []
    made = signed(dict(tree=tree, parents=parents, author=who, committer=who), message)
    git("update-ref", f"refs/heads/{branch}", made)
    print(made)
    sys.exit(0)
else:
    sys.exit(__doc__)

parent = None
for c in chain:                             # only what differs is made anew
    old = c["oid"] and read(c["oid"])
    c["parents"] = [parent] + c["parents"][1:] if parent else []
    if old != c:
        c["oid"] = signed(c, c["message"])
    parent = c["oid"].encode()
git("update-ref", "refs/heads/main", parent.decode())
