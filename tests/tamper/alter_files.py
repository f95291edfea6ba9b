"""Files beside the databases and repositories: media, strays, links; and bundles at rest in post/."""
import os
import random

from kit import tar, untar
from rewrite import backdate
from table import add, alter


def media(ws):
    """The one media file."""
    for at, _, names in os.walk(ws.file("media")):
        for name in names:
            return f"{at}/{name}"[len(ws.path) + 1:], name


@alter("found", "media")
def a_media_file_replaced(ws):
    file, name = media(ws)
    ws.write(file, "What another page looked like..")
    return [name[:12]]


@alter("found", "media")
def a_media_file_cut(ws):
    file, name = media(ws)
    ws.write(file, ws.read(file)[:-1])
    return [name[:12]]


@alter("found", "media")
def a_media_file_emptied(ws):
    file, name = media(ws)
    ws.write(file, "")
    return [name[:12]]


@alter("told")
def a_media_file_removed(ws):
    file, name = media(ws)
    os.remove(ws.file(file))
    return [name[:12]]


@alter("found", "media")
def a_media_file_that_is_a_link(ws):
    file, name = media(ws)
    os.rename(ws.file(file), ws.path + ".picture")
    os.symlink(ws.path + ".picture", ws.file(file))
    return [name[:12]]


@alter("found", "media")
def a_media_file_under_another_name(ws):
    file, name = media(ws)
    ws.write("media/00/" + "0" * 64, ws.read(file))
    return ["0" * 12]


@alter("either", "media")
def a_media_file_that_nothing_names(ws):
    import hashlib
    name = hashlib.blake2b(b"more", digest_size=32).hexdigest()
    ws.write(f"media/{name[:2]}/{name}", "more")
    return [name[:12]]


add("a-stray-file-in-media", "either", ["media", "lie"], lambda ws: ws.write("media/lie", "lie"))
add("a-stray-file-in-the-workspace", "either", ["lie"], lambda ws: ws.write("lie", "lie"))
add("an-old-database-beside-it", "either", ["casepack.db.old"], lambda ws: ws.write("casepack.db.old", ws.read("casepack.db")))



add("a-database-of-another-workspace", "found", ["casepack.db"],
    lambda ws: ws.sql("VACUUM INTO '" + ws.path + ".other'") or os.remove(ws.file("casepack.db")) or
    os.system(f"cp {ws.folder}/bea/casepack.db {ws.file('casepack.db')}; rm {ws.path}.other") and None)
add("the-contents-of-another-workspace", "told", [{"content.db", "content"}],
    lambda ws: os.system(f"cp {ws.folder}/earlier/content.db {ws.file('content.db')}; sqlite3 {ws.file('content.db')} 'DELETE FROM contents'") and None)
add("an-earlier-database", "found", ["casepack.db"], lambda ws: os.system(f"cp {ws.folder}/earlier/casepack.db {ws.path}/casepack.db") and None)
add("an-earlier-history", "found", [{"history.git", "main"}],
    lambda ws: os.system(f"rm -rf {ws.path}/history.git; cp -a {ws.folder}/earlier/history.git {ws.path}/history.git") and None)


# ---- bundles at rest: what `inspect` says, and who takes it in -----------------------------------------------------

def of(kind):
    """The last bundle of that kind: file, and the words of the command that takes it in."""
    def find(ws):
        names = sorted(n for n in os.listdir(f"{ws.folder}/post") if kind in n)
        return f"{ws.folder}/post/{names[-1]}"
    return find


def bundle(name, kind, taker, change, at):
    """A copy of it, altered; a bundle that was taken in once is refused as well when it comes altered."""
    def make(ws):
        with open(of(kind)(ws), "rb") as f:
            data = f.read()
        path = ws.path + ".bundle.casepack"
        with open(path, "wb") as f:
            f.write(change(data))
        ws.asks = [["inspect", path], ["-C", ws.path, taker, path]]
        return [path]
    add(f"bundle-{name}", "found", [], make, at)


def flipped(seed, region):
    def change(data):
        chance = random.Random(seed)
        at = chance.randrange(*region(data))
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:]
    return change


def member(n):
    """Where the data of the n-th member stands in the tar."""
    def region(data):
        import io
        import tarfile
        with tarfile.open(fileobj=io.BytesIO(data)) as t:
            m = t.getmembers()[n]
            return m.offset_data, m.offset_data + m.size
    return region


def swapped(data):
    members = untar(data)
    members[-1], members[-2] = members[-2], members[-1]
    return tar(members)


for kind_of, by, side in (("-from-anna-", "merge", "hub"), ("-to-anna-", "open", "anna"), ("-to-lead-", "merge", "hub"), ("-from-acme-", "merge", "hub")):
    short = kind_of.strip("-")
    for n in range(8):
        bundle(f"{short}-bit-{n}", kind_of, by, flipped(f"{short} {n}", lambda data: (0, len(data) - 1024)), side)
    for n, of_what in enumerate(("manifest", "signature", "history")):
        bundle(f"{short}-{of_what}-bit", kind_of, by, flipped(short + of_what, member(n)), side)
    bundle(f"{short}-cut", kind_of, by, lambda data: data[:len(data) // 2], side)
    bundle(f"{short}-added-to", kind_of, by, lambda data: data + b"lie", side)
    bundle(f"{short}-members-swapped", kind_of, by, swapped, side)


# ---- what was all signed by the lead's own key ----------------------------------------------------------------------

# A hub put back to before its last decisions, where other ones were taken: every signature is right.
add("other-decisions-by-the-lead", "unknowable", [{"main", "replica/", "checkpoint"}], lambda ws: None, at="forged")
add("the-hub-of-before", "unknowable", [{"main", "replica/", "checkpoint"}], lambda ws: None, at="earlier")


def written_anew(ws):
    """Each commit that the lead's key signed, a day earlier from that revision on, and the database made of it."""
    backdate(ws, b"the whole page")
    status, said = ws.casepack("-C", ws.path, "rebuild", "--key", ws.key("lead"))
    assert status == 0, said
    ws.casepack("-C", ws.path, "status") # which erases what is due once more


@alter("found", "main", "hub/")
def a_guideline_back_dated_in_all_of_history(ws):
    """But for what another hub holds of it, signed by its own lead."""
    written_anew(ws)


@alter("unknowable", {"main", "replica/", "checkpoint"})
def a_guideline_back_dated_and_the_other_hub_put_back(ws):
    bea = ws.replica("bea")
    ws.history.move(f"hub/{bea}", ws.history.say("rev-list", "-1", f"--committer={bea}", "main"))
    written_anew(ws)
