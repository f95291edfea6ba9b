"""All that a key signed, written anew by who holds that key: an earlier date for what one commit did, every name that follows
from it put in its place, in messages and pages, and every such commit signed again."""
import re
from datetime import datetime, timedelta

from workspace import parts, signed

DAY = 86400


class Rewriter:
    def __init__(self, ws, key, address, page):
        self.page = page # what else becomes of a page's line
        self.ws, self.repo, self.key, self.address = ws, ws.history, ws.key(key), address.encode()
        self.now = {} # old name: new name

    def named_anew(self, data):
        """Names of commits that are others now, whole or as a page shortens none of them."""
        return re.sub(rb"[0-9a-f]{40}", lambda m: self.now.get(m[0].decode(), m[0].decode()).encode(), data)

    @staticmethod
    def in_order(was, now):
        """A page of verdicts, whose lines stand in order of receipt, then of their names."""
        received = lambda line: (line.split(b"\t")[2], line)
        head, *lines = now.split(b"\n")[:-1] or [b""]
        return b"\n".join([head, *sorted(lines, key=received), b""]) if was.startswith(b"change_commit\t") else now

    def tree(self, oid):
        """The same tree with pages that name what is named otherwise now."""
        lines = []
        for entry in self.repo.git("ls-tree", oid).splitlines():
            mode, kind, rest = entry.split(b" ", 2)
            name, path = rest.split(b"\t")
            name = name.decode()
            if kind == b"tree":
                name = self.tree(name)
            else:
                data = self.repo.read(name, "blob")
                text = self.in_order(data, b"\n".join(map(self.page, self.named_anew(data).split(b"\n"))))
                name = name if text == data else self.repo.write(text, "blob")
            lines.append(b"%s %s %s\t%s\n" % (mode, kind, name.encode(), path))
        return self.repo.say_with(b"".join(lines), "mktree")

    def commit(self, oid, change):
        lines, body = parts(self.repo.read(oid))
        mine = any(x.startswith(b"committer ") and self.address in x for x in lines)
        new_lines = [b"tree " + self.tree(x[5:].decode()).encode() if x.startswith(b"tree ") and b"changeset" not in
                     self.repo.git("ls-tree", "--name-only", x[5:].decode()) else self.named_anew(x) for x in lines]
        new_lines, new_body = change(oid, new_lines, self.named_anew(body))
        if not mine or (new_lines, new_body) == (lines, body):
            return
        self.now[oid] = self.repo.write(signed(new_lines, new_body, self.key))

    def all(self, change):
        order = self.repo.say("rev-list", "--topo-order", "--reverse", "--date-order", "--branches").split()
        # change commits before main, which names them
        branches = self.repo.branches()
        first = set(self.repo.say("rev-list", *[b for b in branches if b.startswith("replica/")]).split())
        for oid in [o for o in order if o in first] + [o for o in order if o not in first]:
            self.commit(oid, change)
        for b in branches:
            tip = self.repo.tip(b)
            if tip in self.now:
                self.repo.move(b, self.now[tip])


def backdate(ws, words):
    replica = ws.replica("lead")
    r = ws.history
    chain = r.chain("replica/" + replica)
    from_here = next(i for i, c in enumerate(chain) if words in parts(r.read(c))[1])
    late = set(chain[from_here:])

    def is_late(oid, body):
        return oid in late or any(("Change-commit: " + rewriter.now.get(c, c)).encode() in body for c in late)

    def change(oid, lines, body):
        if not is_late(oid, body):
            return lines, body
        earlier = lambda m: m[1] + str(int(m[2]) - DAY).encode() + m[3]
        return ([re.sub(rb"^((?:author|committer) .* )(\d+)( \+0000)$", earlier, x) for x in lines],
                re.sub(rb"^(Casepack-Clock: )(\d+)$", lambda m: m[1] + str(int(m[2]) - DAY * 10**6).encode(), body, flags=re.M))

    def page(line):
        """What a hub writes itself it receives when it writes it."""
        if line[:40].decode("latin-1") not in {rewriter.now.get(c) for c in late}:
            return line
        at = re.search(rb"\t(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\t", line)
        then = datetime.fromisoformat(at[1].decode()) - timedelta(days=1)
        return line.replace(at[1], then.isoformat().encode())

    rewriter = Rewriter(ws, "lead", replica, page)
    rewriter.all(change)
