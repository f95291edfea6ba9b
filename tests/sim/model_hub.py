"""Who holds what, in the naive model: workspaces of devices, and leads' hubs."""
import copy
import json

from model_decide import policy_of_column
from model_rules import Commit, Document, Edit, body_with, content_of, judge_document, key_of, number_of, rules_of, shown_of

DAY_US = 86400 * 10**6
REFUSED = "refused"     # a word on a change commit; the others say whether its clock was far ahead


class Place:
    """A workspace: its edits by document, and what its person can see."""
    far, waiting, refused = frozenset(), (), ()  # edits whose clock was far ahead of their receipt, commits that wait, or were refused
    succeeds, former_lines = None, []      # the device that it goes on for, with another key; (id, chain) of each former key

    def __init__(self, name, person, replica):
        self.name, self.person, self.replica = name, person, replica
        self.clock, self.counter = 0, 0
        self.docs = {}              # doc -> its edits, in the order they came here
        self.outbox, self.chain = [], []
        self.material, self.applied, self.exists = {}, 0, False
        self.acked, self.told = None, None
        self.drafts = {}
        self.former, self.is_copy = [], False   # chains under ids that it had before
        self.life, self.must_renew = object(), False

    def tip(self):
        return self.chain[-1] if self.chain else None

    def sealed(self):
        return len(self.chain) + sum(map(len, self.former))

    def folder(self):
        """The same once more."""
        new = copy.copy(self)
        new.docs = {d: list(e) for d, e in self.docs.items()}
        new.outbox, new.chain, new.material = list(self.outbox), list(self.chain), dict(self.material)
        new.drafts = copy.deepcopy(self.drafts)
        return new

    def add(self, edit):
        self.docs.setdefault(edit.doc, []).append(edit)

    def tick(self, now):
        self.clock = max(now, self.clock + 1)

    def settlement(self, doc):
        """What a lead said of that judgment, as far as it is told here."""
        return self.material.get(("settlement",) + doc[1:], (None,))[0]

    def policies(self):
        return json.loads(self.material["project",][0].get("policies", "{}"))

    def judge(self, doc, forms):
        return judge_document(self.docs[doc], forms, self.far, self.settlement(doc), self.policies())

    def name_edit(self):
        self.counter += 1
        return self.name, self.counter

    def seal(self, now=0):
        if self.is_copy and not self.chain and not self.outbox:     # a copy introduces itself
            self.tick(now)
        if self.outbox or self.is_copy and not self.chain:
            self.chain.append(Commit(self.tip(), self.outbox, self.replica, self.applied, self.clock))
            self.outbox = []


# What a column of a lead's document holds before anybody writes it.
DEFAULTS = {
    "person": dict(role="rater"), "replica": dict(is_hub=0, home="", state="active", copy_of=""),
    "guideline": dict(kind="guideline"), "form": dict(kind="form"),
    "guideline_revision": dict(kind="clarifying", parents=()), "form_version": dict(kind="clarifying", parents=()),
    "assignment": dict({"pass": 1}, due="", guideline="", state=("given",)),
    "adjudication": dict(result=""), "project": dict(policies="{}"),
}
# Columns that say who wrote the others and why.
ACCOUNTS = {"guideline_revision": {"number", "person"}, "form_version": {"number", "person"},
            "adjudication": {"cause", "reason", "person"}, "ruling": {"reason", "person"}}
WHOLE = "settlement", "stale"       # what leads write that is taken whole, like a judgment


class Hub(Place):
    """A lead's. verdicts: commit -> {hub that gave one: was the clock far ahead, or REFUSED}."""
    def __init__(self, world, name, person, replica):
        super().__init__(name, person, replica)
        self.world, self.exists = world, True
        self.commits, self.lines, self.verdicts, self.waiting = [], {}, {}, []
        self.refused, self.kept = [], set()     # kept: those that it refused itself, whose bytes it has
        self.strangers = {}         # devices that say for whom they go on -> (that one, can they prove it, since when)
        self.given, self.steps, self.confirmed = {}, {}, {}
        self.known, self.known_far = {}, (0, set())     # rows already told from that many edits; far from so many verdicts
        self.written = {}           # in the open transaction: doc -> its edit
        self.contents = set()       # what it can show
        self.contents_at, self.theirs = None, {}    # commits up to which no content is missing, here and at others
        self.seen = {}              # guideline -> heads that the lead was shown as one

    # what it writes

    def begin(self, clock):
        self.tick(clock)
        self.written = {}

    def tell(self, doc):
        """(row, revs, columns, overruled); of what is taken whole there is one column without a name."""
        policies = self.policies() if doc != ("project",) else {}
        state = len(self.docs[doc]), repr(sorted(policies.items()))
        if self.known.get(doc, (None,))[0] != state:
            row, *rest = self.tell_whole(doc) if doc[0] in WHOLE else Document(self.docs[doc]).as_columns(
                lambda c: policy_of_column(policies, doc, c))
            if doc[0] == "case":
                row.update(shown_of(row["content"]))
            self.known[doc] = state, {**DEFAULTS.get(doc[0], {}), **row}, *rest
        return self.known[doc][1:]

    def tell_whole(self, doc):
        row, revs, (stands, open_, heads), _ = Document(self.docs[doc]).as_whole("latest", frozenset(), lambda n: 0)
        return row, revs, {"": (stands, heads, bool(open_), revs[0])}, set()

    def row(self, doc):
        """(row, revs); an empty row where there is none."""
        return self.tell(doc)[:2] if doc in self.docs else ({}, ())

    def conflicts(self, doc):
        """column -> candidates, of what is open."""
        return {c: heads for c, (_, heads, is_open, _) in self.tell(doc)[2].items() if is_open and c not in ACCOUNTS.get(doc[0], ())}

    def resolved(self, doc):
        """column -> candidates, of what a resolve has decided; behind a resolve of a resolve what that did."""
        out, document = {}, Document(self.docs[doc])
        policies = self.policies() if doc != ("project",) else {}
        for column, (_, heads, _, shown) in self.tell(doc)[2].items():
            known, more = [], len(heads) == 1 and column not in ACCOUNTS.get(doc[0], ()) and document.edits[shown].resolve
            while more:
                known.append(shown)
                before = document.as_columns(lambda c: policy_of_column(policies, doc, c), until=document.past[shown])[2].get(column)
                known += before[1] if before and len(before[1]) > 1 else []
                more = before and len(before[1]) == 1 and document.edits[before[3]].resolve
                shown = before[3] if before else None
            if len(known) > 1:
                out[column] = set(known)
        return out

    def settlement(self, doc):
        return self.row(("settlement",) + doc[1:])[0] or None

    def policies(self):
        return json.loads(self.row(("project",))[0].get("policies", "{}"))

    def content(self, doc, name):
        """The cells of a document as the author of that edit left it."""
        return content_of(Document(self.docs[doc]).edits, name)

    def who_wrote(self, doc, name):
        e = Document(self.docs[doc]).edits[name]
        return e.replica, e.clock

    def rows(self, table):
        return {d: self.row(d)[0] for d in self.docs if d[0] == table}

    def write(self, doc, derived=False, forced=False, resolve=False, **wanted):
        """True when it is an edit. A resolve writes all that it names, changed or not."""
        row, revs = self.row(doc)
        row = row or DEFAULTS.get(doc[0], {})
        writes = {c: v for c, v in wanted.items() if resolve or row.get(c) != v}
        if doc in self.written:     # a second time in one transaction: one edit
            self.written[doc].writes.update(writes)
            self.known.pop(doc, None)
            return bool(writes)
        if not writes and revs and not forced:
            return False
        name = ("import", doc, revs, repr(wanted)) if derived else self.name_edit()
        clock = (row.get("~clock", 0) + 1) if derived else self.clock
        self.written[doc] = Edit(name, doc, revs, writes, clock, self.replica, resolve)
        self.add(self.written[doc])
        self.outbox.append(self.written[doc])
        return True

    def seal(self, now=0):
        before = self.tip()
        super().seal()
        if self.tip() is not before:
            self.put(self.tip())
            self.verdicts[self.tip()] = {self.name: False}

    # texts: a revision is (table, text, label)

    def revisions(self, table, text):
        return [d for d in self.docs if d[0] == table and d[1] == text]

    def newest(self, table, text):
        """The one that raters work under."""
        return max(self.revisions(table, text), key=lambda d: number_of(self.row(d)[0]), default=None)

    def heads(self, table, text):
        all_, parents = self.revisions(table, text), self.world.parents
        return frozenset(all_) - {p for d in all_ for p in parents[d]}

    def past(self, revision):
        parents = self.world.parents[revision]
        return set(parents).union(*(self.past(p) for p in parents))

    def merges(self, heads):
        """What the heads of a guideline may merge to: texts, None where they overlap. From the nearest of their common ancestors;
        where there are several, by a name that nobody outside knows."""
        common = set.intersection(*(self.past(h) for h in heads))
        bases = common - {p for c in common for p in self.world.parents[c]}
        bodies = [rules_of(self.row(h)[0]["body"]) for h in heads]
        if not bases:       # from an empty text: only what all say can be told
            texts = {self.row(h)[0]["body"] for h in heads}
            return texts if len(texts) == 1 else {None}
        out = set()
        for base in bases:
            before = rules_of(self.row(base)[0]["body"])
            sides = [{b[i] for b in bodies} - {before[i]} for i in range(len(before))]
            out.add(None if any(len(s) > 1 for s in sides) else body_with(
                self.row(base)[0]["body"], [s.pop() if s else before[i] for i, s in enumerate(sides)]))
        return out

    # what it takes in

    def put(self, commit):
        """A commit whose parent has a child already begins another line of its replica."""
        siblings = [c for c in self.commits if c.replica == commit.replica and c.parent == commit.parent]
        line = self.lines.get(commit.parent, 1)
        if siblings:
            line = len({self.lines[c] for c in self.commits if c.replica == commit.replica}) + 1
        self.lines[commit] = line
        self.commits.append(commit)
        self.forget(commit)
        for e in commit.edits:
            if not any(e is o for o in self.docs.get(e.doc, [])):  # a copy of the folder may have sent it too
                self.add(e)

    def forget(self, commit):
        """It waits no more, nor is it refused any longer."""
        self.waiting, self.refused = ([c for c in some if c != commit] for some in (self.waiting, self.refused))

    def knows(self, replica):
        return ("replica", replica) in self.docs

    def trusts(self, replica):
        return self.row(("replica", replica))[0]["state"] in ("active", "retired")

    def to_review(self):
        """Taken in from devices that were revoked since, or that go on for such a one by its word, since some hub had not heard of it."""
        said = {d[1]: r["decision"] for d, r in self.rows("ruling").items()}
        rows = {d[1]: r for d, r in self.rows("replica").items()}
        gone = {replica for replica, decision in said.items() if decision == "revoke"}
        more = gone
        while more:
            more = {d for d, r in rows.items() if r.get("copy_of") in gone and said.get(d) != "trust"} - gone
            gone = gone | more
        return [c for c in self.commits if c.replica in gone or rows.get(c.replica, {}).get("state") == "revoked"]

    def must_wait(self, commit):
        """What it builds on, or names, has not been heard of here."""
        if commit.parent is not None and commit.parent not in self.lines:
            return True
        edits = {e.name: e for e in commit.edits}
        for e in commit.edits:
            cells = content_of({**{o.name: o for o in self.docs.get(e.doc, [])}, **edits}, e.name)
            guideline = e.writes.get("guideline_revision")
            if (("assignment",) + e.doc[1:] not in self.docs or ("form_version",) + cells["form_version"] not in self.docs
                    or guideline and ("guideline_revision",) + guideline not in self.docs
                    or cells["content"] not in self.contents and cells["content"] not in self.shown()):
                return True
        return False

    def shown(self):
        return {r["content"] for r in self.rows("case").values()}

    def decide(self, commit, at_us):
        """Its own verdict, if it can give one now. Of a device that is not trusted it refuses what would have its place."""
        has_place = self.knows(commit.replica) and (commit.parent is None or commit.parent in self.lines)
        if not has_place or self.trusts(commit.replica) and self.must_wait(commit):
            if commit not in self.waiting:
                self.waiting.append(commit)
            return None
        if self.trusts(commit.replica):
            return self.take(commit, at_us)
        self.forget(commit)
        self.refused.append(commit)
        self.kept.add(commit)
        self.verdicts[commit] = {self.name: REFUSED}
        return REFUSED

    def take(self, commit, at_us):
        self.put(commit)
        self.verdicts.setdefault(commit, {})[self.name] = commit.clock > at_us + DAY_US
        return "accepted"

    def retry(self, clock):
        """How many of those that waited are taken in now."""
        n, more = 0, True
        while more:
            more = [word for word in [self.decide(c, clock // 10**6 * 10**6) for c in list(self.waiting)] if word]
            n += more.count("accepted")
        return n

    def unite(self, commits, verdicts):
        """Another hub's word is enough. A refusal may be followed by an acceptance, never the reverse."""
        new = [c for c in commits if c not in self.lines]
        for c in new:
            self.put(c)
        for c in verdicts:
            if c not in self.lines and c not in self.refused:
                self.forget(c)
                self.refused.append(c)
            mine = self.verdicts.setdefault(c, {})
            for hub, word in verdicts[c].items():
                mine[hub] = word if mine.get(hub, REFUSED) == REFUSED else mine[hub]
        return len(new)

    @property
    def far(self):
        state = sum(word != REFUSED for words in self.verdicts.values() for word in words.values())
        if self.known_far[0] != state:
            self.known_far = state, {e.name for c, words in self.verdicts.items() if True in words.values() for e in c.edits}
        return self.known_far[1]

    def held_of(self, replica):
        """The tip of each of its lines, the first line first."""
        tips = {self.lines[c]: c for c in self.commits if c.replica == replica}
        return [tips[line] for line in sorted(tips)]

    # contents, which no git remote carries

    def named(self, since):
        return {e.writes["content"] for c in self.commits if since is None or c not in since for e in c.edits
                if e.doc[0] == "case" and "content" in e.writes}

    def bundle(self, to):
        """For another hub: all that it lacks, and what this one can show."""
        if not (self.named(self.contents_at) & self.shown()) - self.contents:
            self.contents_at = set(self.commits)
        return dict(hub=to.name, giver=self, commits=list(self.commits), verdicts={c: dict(v) for c, v in self.verdicts.items()},
                    contents=self.named(self.theirs.get(to)) & self.contents, contents_at=self.contents_at)

    def take_bundle(self, b, clock):
        self.unite(b["commits"], b["verdicts"])
        judged = {row.get("content") for row, *_ in self.judgments(self.world.forms).values()}
        self.contents |= b["contents"] & (self.shown() | judged)
        self.theirs[b["giver"]] = b["contents_at"]
        self.retry(clock)

    def judgments(self, forms):
        return {d: self.judge(d, forms) for d in self.docs if d[0] == "judgment"}

    def is_late(self, doc, shown, stands):
        """Taken back by somebody who did not know what stands, or anything it grew from."""
        state = self.row(("assignment",) + doc[1:])[0]["state"]
        known = Document(self.docs[doc]).past[shown] | {shown}
        return state != ("given",) and stands is not None and not known & set(state[1:])

    def breaking(self, row):
        """(text, label) of each breaking revision that the judgment's own does not descend from; a side branch counts too."""
        for table in "form_version", "guideline_revision":
            if row.get(table):
                named = (table,) + row[table]
                seen = self.past(named) | {named}
                for d in self.revisions(table, named[1]):
                    if d not in seen and self.row(d)[0]["kind"] == "breaking":
                        yield d[1:]

    def lapses(self, judged):
        """What is kept, but counted apart: [judgment, class, is it open, decision, revision]."""
        for doc, (row, revs, (stands, *_), *_) in judged.items():
            if self.is_late(doc, revs[0], stands):
                yield [key_of(doc), "late", 0, "", ""]
            for revision in self.breaking(row):
                decision = self.decision(doc, revision, revs[0])
                yield [key_of(doc), "stale", int(decision == ""), decision, revision]

    def decision(self, doc, revision, shown):
        """A lead's, about the edit that stood then."""
        row = self.row(("stale",) + doc[1:] + revision)[0]
        return row["decision"] if row.get("weighed") == shown else ""
