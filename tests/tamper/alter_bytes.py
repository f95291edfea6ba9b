"""Single bits flipped, in every region of every file; places are drawn from a seed, in proportion to nothing but the regions."""
import random
import struct

from table import add

DATABASE_BITS, CONTENT_BITS, PACK_BITS, INDEX_BITS, SMALL_BITS = 240, 48, 96, 48, 12


def flips(name, count, pick, at="hub", wants="either", prepare=None):
    """pick(workspace, chance, n) gives a file, a byte of it, and the places of which one must be named."""
    for n in range(count):
        def make(ws, n=n):
            if prepare:
                prepare(ws)
            chance = random.Random(f"{name} {n}")
            file, byte, places = pick(ws, chance, n)
            ws.flip(file, byte * 8 + chance.randrange(8))
            return [set(places)]
        add(f"bit-{name}-{n:03}", wants, [], make, at)


# ---- databases: formats of SQLite's pages ------------------------------------------------------------------

def page_regions(data, size, number):
    """(from, to) of the regions of a page: header of the file, of the page, pointers to cells, free space, cells."""
    at = (number - 1) * size
    start = at + (100 if number == 1 else 0)
    regions = [(at, start)] if number == 1 else []
    kind = data[start]
    if kind not in (2, 5, 10, 13):
        return regions + [(at, at + size)]
    header = 12 if kind in (2, 5) else 8
    cells, content = struct.unpack(">HH", data[start + 3:start + 7])
    pointers = start + header + 2 * cells
    regions += [(start, start + header), (start + header, pointers), (pointers, at + (content or 65536)), (at + (content or 65536), at + size)]
    return [r for r in regions if r[0] < r[1]]


def of_database(name, at="hub"):
    def pick(ws, chance, n):
        data = ws.read(name)
        size = struct.unpack(">H", data[16:18])[0]
        size = 65536 if size == 1 else size
        regions = page_regions(data, size, n % (len(data) // size) + 1)
        kept = regions[n // (len(data) // size) % len(regions)]
        return name, chance.randrange(*kept), [name, *TABLES]
    return pick


from alter_rows import TABLES

flips("casepack.db", DATABASE_BITS, of_database("casepack.db"))
flips("content.db", CONTENT_BITS, of_database("content.db"))
flips("rater-casepack.db", DATABASE_BITS // 3, of_database("casepack.db"), at="anna")


# ---- packs, their indices, loose objects ---------------------------------------------------------------------

def of_pack(repo, ending):
    def pick(ws, chance, n):
        r = getattr(ws, repo)
        packs = r.packs(ending)
        path = packs[chance.randrange(len(packs))]
        pack = path[:-len(ending)] + ".pack"
        with open(path, "rb") as f:
            size = len(f.read())
        regions = [(0, 12), (12, size - 20), (size - 20, size)] if ending == ".pack" else \
            [(0, 8), (8, 1032), (1032, size - 40), (size - 40, size - 20), (size - 20, size)]
        places = [pack.rsplit("/", 1)[1][:17], *(o[:12] for o in r.objects(pack))]
        return path[len(ws.path) + 1:], chance.randrange(*regions[n % len(regions)]), places
    return pick


for repository in ("history", "private"):
    flips(f"{repository}.git-pack", PACK_BITS, of_pack(repository, ".pack"))
    flips(f"{repository}.git-idx", INDEX_BITS, of_pack(repository, ".idx"))


def loose(ws, chance, n):
    all_of = ws.history.say("rev-list", "--all", "--objects", "--no-object-names").split()
    oid = chance.choice(all_of)
    name = f"history.git/objects/{oid[:2]}/{oid[2:]}"
    return name, chance.randrange(len(ws.read(name))), [oid[:12]]


flips("loose-object", SMALL_BITS * 2, loose, prepare=lambda ws: ws.history.loose())


# ---- small files ----------------------------------------------------------------------------------------------

def of_ref(ws, chance, n):
    branches = ws.history.branches()
    branch = branches[n % len(branches)]
    name = f"history.git/refs/heads/{branch}"
    return name, chance.randrange(len(ws.read(name))), [branch]


def of_file(name, *places):
    return lambda ws, chance, n: (name, chance.randrange(len(ws.read(name))), places)


flips("ref", SMALL_BITS * 3, of_ref)
flips("packed-refs", SMALL_BITS * 2, of_file("history.git/packed-refs", "packed-refs", "refs/", "replica/", "outbound/", "hub/", "main"),
      prepare=lambda ws: ws.history.git("pack-refs", "--all"))
flips("HEAD", SMALL_BITS, of_file("history.git/HEAD", "HEAD", "history.git"))
flips("config", SMALL_BITS, of_file("history.git/config", "config", "history.git"))
flips("private-refused", SMALL_BITS, of_file("private.git/refs/heads/refused", "refused"))


def of_media(ws, chance, n):
    import os
    for at, _, names in os.walk(ws.file("media")):
        for name in names:
            path = f"{at}/{name}"
            return path[len(ws.path) + 1:], chance.randrange(os.path.getsize(path)), [name[:12]]


flips("media", SMALL_BITS, of_media, wants="found")
